"""What the history takes of the storage of a workspace, and what maintenance removes of it."""

import random
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from tests.features.api_harness import ApiHarness, open_api, refused
from tests.peers import Peer
from tests.people import Person, fetch, people, run

FULL = (413, "quota_exceeded")
BOUND = 3_000
AGE = """
UPDATE history_segments SET first_at = first_at - interval '2 days', last_at = last_at - interval '2 days'
WHERE document_id = $1
"""
SEGMENTS = """
SELECT last_seq, is_collapsed, octet_length(payload) AS bytes FROM history_segments
WHERE document_id = $1 ORDER BY last_seq
"""
COUNTED = """
SELECT u.history_bytes AS kept, coalesce(sum(h.bytes), 0)::bigint AS counted, u.storage_used_bytes AS documents
FROM workspace_usage u LEFT JOIN (
  SELECT d.workspace_id, octet_length(s.payload) AS bytes
  FROM history_segments s JOIN documents d ON d.id = s.document_id
  UNION ALL
  SELECT d.workspace_id,
    octet_length(v.content) + octet_length(v.yjs_snapshot) + coalesce(octet_length(v.diff_patch), 0)
  FROM document_versions v JOIN documents d ON d.id = v.document_id) h USING (workspace_id)
WHERE workspace_id = $1 GROUP BY u.workspace_id, u.history_bytes
"""
LIMIT = "UPDATE workspaces SET storage_limit_bytes = $2 WHERE id = $1"


@pytest.fixture(scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiHarness]:
    directory = tmp_path_factory.mktemp("history_storage")
    async with open_api(directory, history_document_bytes=BOUND, version_interval=0) as running:
        yield running


@pytest.fixture
async def ann(api: ApiHarness) -> Person:
    """Somebody whose workspace is empty."""
    [person] = await people(api.server, "ann")
    return person


def noise(size: int) -> str:
    """Text that cannot be compressed below half of its size."""
    return random.Random(size).randbytes(size // 2).hex()


async def typed(api: ApiHarness, who: Person, document: dict[str, Any], text: str) -> int:
    """Type a text at the end, and make its segment two days old. Return its row."""
    peer = await Peer(api.server, "yws", document["id"], token=who.token).sync()
    peer.insert(text)
    await peer.saved()
    await peer.close()
    answer = await who.get(f"/documents/{document['id']}/at", params={"seq": 10**9})
    assert answer.status_code == 200, answer.text
    await run(api.server, AGE, [(UUID(document["id"]),)])
    return int(answer.headers["x-document-seq"])


async def text_at(who: Person, document: dict[str, Any], seq: int) -> str:
    answer = await who.get(f"/documents/{document['id']}/at", params={"seq": seq})
    assert answer.status_code == 200, answer.text
    return answer.text


async def make_version(who: Person, document: dict[str, Any], **fields: object) -> int:
    answer = await who.post(f"/documents/{document['id']}/versions", json=fields)
    assert answer.status_code == 201, answer.text
    return int(answer.json()["number"])


async def counted(api: ApiHarness, workspace: str) -> tuple[int, int]:
    """The bytes of the history, which are counted right, and of the documents."""
    [row] = await fetch(api.server, COUNTED, UUID(workspace))
    assert row["kept"] == row["counted"]
    return row["kept"], row["documents"]


async def test_folds_versions_moves_and_deletions_are_counted(api: ApiHarness, ann: Person) -> None:
    made = await api.make(ann, ann.personal, content="x" * 500)
    assert (await counted(api, ann.personal))[0] == 0, "the first content is the snapshot"
    await typed(api, ann, made, noise(1_000))
    folded, documents = await counted(api, ann.personal)
    assert folded > 400
    usage = (await ann.get(f"/workspaces/{ann.personal}/usage")).json()
    assert (usage["history_bytes"], usage["storage_used_bytes"]) == (folded, folded + documents)
    shown = (await ann.get(f"/workspaces/{ann.personal}")).json()
    assert shown["storage_used_bytes"] == folded + documents
    number = await make_version(ann, made)
    assert (await counted(api, ann.personal))[0] > folded + 1_500
    await make_version(ann, made, label="Second")
    assert (await ann.delete(f"/documents/{made['id']}/versions/{number}")).status_code == 204
    kept = (await counted(api, ann.personal))[0]
    [bob] = await people(api.server, "bob")
    join = "INSERT INTO workspace_members (workspace_id, user_id, role) VALUES ($1, $2, 'owner')"
    await run(api.server, join, [(UUID(bob.personal), UUID(ann.id))])
    moved = await ann.post(f"/documents/{made['id']}/move", json={"workspace_id": bob.personal})
    assert moved.status_code == 200, moved.text
    assert [(await counted(api, person.personal))[0] for person in (ann, bob)] == [0, kept]
    wrong = "UPDATE workspace_usage SET history_bytes = 7, counted_at = NULL WHERE workspace_id = $1"
    await run(api.server, wrong, [(UUID(bob.personal),)])
    await run(api.server, "SELECT app.recount_storage(1000)")
    assert (await counted(api, bob.personal))[0] == kept
    await ann.delete(f"/documents/{made['id']}")
    assert (await ann.delete(f"/documents/{made['id']}/permanently")).status_code == 204
    assert await counted(api, bob.personal) == (0, 0)


async def test_thinning_and_purges_are_counted(api: ApiHarness, ann: Person) -> None:
    made, other = [await api.make(ann, ann.personal, content="x" * 500) for _ in range(2)]
    for document in (made, other):
        await typed(api, ann, document, noise(1_000))
    for number in range(3):
        await make_version(ann, made, change_description=f"version {number}")
    before = (await counted(api, ann.personal))[0]
    old = "UPDATE document_versions SET created_at = now() - interval '40 days' WHERE document_id = $1"
    await run(api.server, old, [(UUID(made["id"]),)])
    await ann.delete(f"/documents/{other['id']}")
    await run(
        api.server, "UPDATE documents SET deleted_at = now() - interval '99 days' WHERE id = $1", [(UUID(other["id"]),)]
    )
    done = await api.server.maintain()
    assert done["versions"] == 2 and done["documents"] == 1
    assert 0 < (await counted(api, ann.personal))[0] < before - 2 * 1_500


async def test_the_oldest_edits_beyond_the_size_of_a_history_collapse(api: ApiHarness) -> None:
    made = await api.make(content="start ")
    seqs = [await typed(api, api.other, made, noise(2_000 + number)) for number in range(5)]
    texts = {seq: await text_at(api.viewer, made, seq) for seq in seqs}
    before = await fetch(api.server, SEGMENTS, UUID(made["id"]))
    assert len(before) == 5 and sum(one["bytes"] for one in before) > BOUND
    assert (await api.server.maintain())["large histories"] == 1
    after = await fetch(api.server, SEGMENTS, UUID(made["id"]))
    assert [one["is_collapsed"] for one in after] == [True] + [False] * (len(after) - 1)
    kept = [one for one in after if not one["is_collapsed"]]
    assert 1 <= len(kept) < 5 and sum(one["bytes"] for one in kept) <= BOUND
    assert sum(one["bytes"] for one in before[-len(kept) - 1 :]) > BOUND, "no more than needed"
    for seq in (one["last_seq"] for one in after):
        assert await text_at(api.viewer, made, seq) == texts[seq]
    assert await text_at(api.viewer, made, seqs[0]) == texts[after[0]["last_seq"]]
    runs = (await api.viewer.get(f"/documents/{made['id']}/blame")).json()["runs"]
    assert [run["author"]["kind"] for run in runs] == ["unknown", "api_client"]
    assert (await api.server.maintain())["large histories"] == 0
    await counted(api, api.team)


async def test_one_large_edit_stays_until_there_is_a_later_one(api: ApiHarness) -> None:
    made = await api.make(content="x")
    await typed(api, api.other, made, noise(4 * BOUND))
    assert (await api.server.maintain())["large histories"] == 0
    await typed(api, api.other, made, "later")
    assert (await api.server.maintain())["large histories"] == 1
    assert [one["is_collapsed"] for one in await fetch(api.server, SEGMENTS, UUID(made["id"]))] == [True, False]


async def test_a_full_workspace_loses_its_oldest_history_and_takes_edits(api: ApiHarness, ann: Person) -> None:
    first, second = [await api.make(ann, ann.personal, content="start ") for _ in range(2)]
    old = [await typed(api, ann, first, noise(900))]
    numbers = [await make_version(ann, first), await make_version(ann, first, label="Kept")]
    await run(api.server, "UPDATE document_versions SET created_at = now() - interval '3 days'")
    old.append(await typed(api, ann, first, noise(902)))
    new = [await typed(api, ann, second, noise(size)) for size in (904, 906)]
    history, documents = await counted(api, ann.personal)
    # the version, which is the oldest, and a little more
    versions = "SELECT stored_bytes AS bytes FROM document_versions WHERE document_id = $1 AND version_number = $2"
    size = (await fetch(api.server, versions, UUID(first["id"]), numbers[0]))[0]["bytes"]
    await run(api.server, LIMIT, [(UUID(ann.personal), documents + history - size - 1)])
    assert (await api.server.maintain())["full workspaces"] == 2
    left = (await counted(api, ann.personal))[0]
    assert left < history - size
    listed = (await ann.get(f"/documents/{first['id']}/versions")).json()["items"]
    assert [one["number"] for one in listed] == [numbers[1]]
    [one, *_] = await fetch(api.server, SEGMENTS, UUID(first["id"]))
    assert one["is_collapsed"] is True and one["last_seq"] == old[0]
    assert not any(one["is_collapsed"] for one in await fetch(api.server, SEGMENTS, UUID(second["id"])))
    assert (await api.server.maintain())["full workspaces"] == 0
    # the history does not keep people from writing
    last = await typed(api, ann, second, "more")
    texts = [await text_at(ann, second, seq) for seq in (*new, last)]
    # documents take all
    await run(api.server, LIMIT, [(UUID(ann.personal), (await counted(api, ann.personal))[1])])
    assert (await api.server.maintain())["full workspaces"] == 2
    for document, seqs in ((first, old), (second, [*new, last])):
        [one] = await fetch(api.server, SEGMENTS, UUID(document["id"]))
        assert one["is_collapsed"] is True and one["last_seq"] == seqs[-1]
    assert await text_at(ann, second, last) == texts[-1]
    listed = (await ann.get(f"/documents/{first['id']}/versions")).json()["items"]
    assert [one["number"] for one in listed] == [numbers[1]]
    assert (await api.server.maintain())["full workspaces"] == 0


async def test_a_damaged_history_does_not_stop_the_others_of_a_full_workspace(api: ApiHarness, ann: Person) -> None:
    broken, healthy = [await api.make(ann, ann.personal, content="start ") for _ in range(2)]
    for document in (broken, healthy):
        await typed(api, ann, document, noise(900))
    await run(api.server, "UPDATE history_segments SET payload = 'no' WHERE document_id = $1", [(UUID(broken["id"]),)])
    await run(api.server, LIMIT, [(UUID(ann.personal), 0)])
    assert (await api.server.maintain())["full workspaces"] == 1
    for document, is_collapsed in ((broken, False), (healthy, True)):
        assert (await fetch(api.server, SEGMENTS, UUID(document["id"])))[0]["is_collapsed"] is is_collapsed


async def test_versions_that_stay_need_space(api: ApiHarness, ann: Person) -> None:
    made = await api.make(ann, ann.personal, content="x" * 500)
    await typed(api, ann, made, noise(1_000))
    plain = await make_version(ann, made)
    path = f"/documents/{made['id']}/versions"
    history, documents = await counted(api, ann.personal)
    await run(api.server, LIMIT, [(UUID(ann.personal), documents + history // 2)])
    named = await make_version(ann, made, label="There is space without what may go")
    await run(api.server, LIMIT, [(UUID(ann.personal), documents)])
    assert refused(await ann.post(path, json={})) == FULL
    assert refused(await ann.patch(f"{path}/{plain}", json={"pinned": True})) == FULL
    assert refused(await ann.patch(f"{path}/{plain}", json={"label": "Named"})) == FULL
    assert (await ann.patch(f"{path}/{plain}", json={"change_description": "x"})).status_code == 200
    assert (await ann.patch(f"{path}/{named}", json={"label": "Renamed", "pinned": True})).status_code == 200
    assert (await ann.delete(f"{path}/{named}")).status_code == 204

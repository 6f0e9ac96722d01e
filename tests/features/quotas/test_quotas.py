"""What a workspace may hold, and how many documents somebody may make in a minute."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from pycrdt import Doc, Text

from collab_server.errors import TooMany
from collab_server.features.quotas.quotas import Quotas
from collab_server.settings import Settings
from tests.features.api_harness import PLAYGROUND, ApiHarness, open_api, refused
from tests.peers import Peer
from tests.people import Person, fetch, nobody, people, run

COUNTED = """
SELECT count(*) AS documents, coalesce(sum(coalesce(octet_length(yjs_state), 0) + content_bytes
  + coalesce(octet_length(content_encrypted), 0)), 0)::bigint AS bytes
FROM documents WHERE workspace_id = $1
"""
KEPT = "SELECT document_count AS documents, storage_used_bytes AS bytes FROM workspace_usage WHERE workspace_id = $1"
KEPT_AND_WAITING = """
SELECT u.document_count + coalesce(sum(c.documents), 0) AS documents,
  u.storage_used_bytes + coalesce(sum(c.bytes), 0) AS bytes
FROM workspace_usage u LEFT JOIN storage_changes c USING (workspace_id) WHERE workspace_id = $1
GROUP BY u.document_count, u.storage_used_bytes
"""
"""A change that met a locked row waits in storage_changes for the next one."""
FULL = (413, "quota_exceeded")


@pytest.fixture(scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiHarness]:
    async with open_api(
        tmp_path_factory.mktemp("quotas"),
        max_documents_per_workspace=12,
        creations_per_minute=0.01,
        creation_burst=15,
        guest_creations_per_minute=0.01,
        guest_creation_burst=4,
    ) as running:
        yield running


@pytest.fixture
async def ann(api: ApiHarness) -> Person:
    """Somebody who has made nothing yet."""
    [person] = await people(api.server, "ann")
    return person


async def limit(api: ApiHarness, workspace: str, spare: int) -> None:
    """Leave the workspace so many bytes."""
    statement = (
        "UPDATE workspaces w SET storage_limit_bytes = u.storage_used_bytes + $2 FROM workspace_usage u "
        "WHERE u.workspace_id = w.id AND w.id = $1"
    )
    await run(api.server, statement, [(UUID(workspace), spare)])


async def figures(api: ApiHarness, query: str, workspace: str) -> tuple[int, int]:
    [row] = await fetch(api.server, query, UUID(workspace))
    return row["documents"], row["bytes"]


async def test_what_documents_take_is_counted(api: ApiHarness, ann: Person) -> None:
    [bob] = await people(api.server, "bob")
    made = [await api.make(ann, ann.personal, content="x" * size) for size in (1000, 5000)]
    secret = {"content_encrypted": base64.b64encode(bytes(900)).decode(), "encryption": {"alg": "x"}}
    await api.make(ann, ann.personal, type="password", **secret)
    before = (await ann.get(f"/workspaces/{ann.personal}/usage")).json()["storage_used_bytes"]
    assert 2 * 6000 + 900 < before < 2 * 6000 + 900 + 500
    peer = await Peer(api.server, "yws", made[0]["id"], token=ann.token).sync()
    peer.insert("y" * 2000)
    await peer.saved()
    await peer.close()
    await ann.get(f"/documents/{made[0]['id']}/content")  # folds
    after = (await ann.get(f"/workspaces/{ann.personal}/usage")).json()["storage_used_bytes"]
    assert 4000 <= after - before < 4400
    await run(
        api.server,
        "INSERT INTO workspace_members (workspace_id, user_id, role) VALUES ($1, $2, 'owner')",
        [(UUID(bob.personal), UUID(ann.id))],
    )
    moved = await ann.post(f"/documents/{made[1]['id']}/move", json={"workspace_id": bob.personal})
    assert moved.status_code == 200, moved.text
    await ann.delete(f"/documents/{made[0]['id']}")
    for workspace, documents in ((ann.personal, 2), (bob.personal, 1)):
        kept = await figures(api, KEPT, workspace)
        assert kept == await figures(api, COUNTED, workspace)
        assert kept[0] == documents
    assert (await ann.delete(f"/documents/{made[0]['id']}/permanently")).status_code == 204
    assert await figures(api, KEPT, ann.personal) == (1, 900)


async def test_counting_anew_beside_writers_is_exact(api: ApiHarness, ann: Person) -> None:
    again = "UPDATE workspace_usage SET counted_at = NULL WHERE workspace_id = $1"
    wrong = "UPDATE workspace_usage SET storage_used_bytes = 99999, document_count = 7 WHERE workspace_id = $1"
    await run(api.server, wrong, [(UUID(ann.personal),)])

    async def write(number: int) -> None:
        made = await api.make(ann, ann.personal, content="x" * 100 * number)
        if number % 2:
            await ann.delete(f"/documents/{made['id']}")
            await ann.delete(f"/documents/{made['id']}/permanently")

    async def count() -> None:
        for _ in range(5):
            await run(api.server, again, [(UUID(ann.personal),)])
            await run(api.server, "SELECT app.recount_storage(1000)")

    await asyncio.gather(count(), *(write(number) for number in range(6)))
    kept = await figures(api, KEPT_AND_WAITING, ann.personal)
    assert kept == await figures(api, COUNTED, ann.personal)
    assert kept[0] == 3


def _update(text: str) -> bytes:
    doc: Doc[Any] = Doc()
    doc.get("content", type=Text).insert(0, text)
    return doc.get_update()


async def test_a_full_workspace_takes_no_new_document(api: ApiHarness, ann: Person) -> None:
    made = await api.make(ann, ann.personal, content="x" * 1000)
    [bob] = await people(api.server, "bob")
    await run(
        api.server,
        "INSERT INTO workspace_members (workspace_id, user_id, role) VALUES ($1, $2, 'owner')",
        [(UUID(bob.personal), UUID(ann.id))],
    )
    elsewhere = await api.make(ann, bob.personal, content="x" * 1000)
    await limit(api, ann.personal, 500)
    path = f"/workspaces/{ann.personal}"
    assert (await ann.post(f"{path}/documents", json={"title": "Fits"})).status_code == 201
    assert refused(await ann.post(f"{path}/documents", json={"title": "x", "content": "x" * 600})) == FULL
    assert refused(await ann.post(f"/documents/{made['id']}/duplicate", json={})) == FULL
    assert refused(await ann.post(f"{path}/import", content=b"x" * 600, params={"name": "a.md"})) == FULL
    move = {"workspace_id": ann.personal}
    assert refused(await ann.post(f"/documents/{elsewhere['id']}/move", json=move)) == FULL
    await limit(api, ann.personal, 0)
    assert refused(await ann.post(f"{path}/documents", json={"title": "Empty"})) == FULL
    create = {"kind": "create", "key": "k", "document_id": str(uuid4()), "workspace_id": ann.personal}
    push = {"device_id": "d", "operations": [{**create, "fields": {"title": "x"}}]}
    assert (await ann.post("/sync/push", json=push)).json()["results"][0]["code"] == "quota_exceeded"
    slug = ann.email.partition("@")[0]
    by_name = Peer(api.server, "yws", f"{slug}/new", token=ann.token)
    await by_name.connect()
    assert by_name.socket is not None
    assert (await by_name.socket.end()).reason.startswith("quota_exceeded")


async def test_in_a_full_workspace_nothing_grows_and_things_can_be_deleted(api: ApiHarness, ann: Person) -> None:
    made = await api.make(ann, ann.personal, content="x" * 1000)
    path = f"/documents/{made['id']}"
    await limit(api, ann.personal, 100)
    one = await Peer(api.server, "hocus", made["id"], token=ann.token).sync()
    other = await Peer(api.server, "yws", made["id"], token=ann.token).sync()
    one.insert("fits")
    await one.saved()
    await other.until(lambda: "fits" in other.content, "what fits")
    one.insert("y" * 3000)
    await one.until(lambda: one.status[-1:] == [0], "a refusal")
    assert "y" not in (await ann.get(f"{path}/content")).text
    update, headers = _update("z" * 3000), {"content-type": "application/octet-stream"}
    ways: list[Callable[[], Any]] = [
        lambda: ann.put(f"{path}/content", content="x" * 5000, headers={"content-type": "text/plain"}),
        lambda: ann.post(f"{path}/content/append", json={"content": "z" * 3000}),
        lambda: ann.post(f"{path}/updates", content=update, headers=headers),
    ]
    for way in ways:
        answer: httpx.Response = await way()
        assert refused(answer) == FULL, answer.text
    edit = {"kind": "update", "document_id": made["id"], "update": base64.b64encode(_update("z" * 3000)).decode()}
    push = {"device_id": "d", "operations": [edit]}
    assert (await ann.post("/sync/push", json=push)).json()["results"][0]["code"] == "quota_exceeded"
    other.insert("w" * 3000)
    await other.until(lambda: other.denied, "a refusal")
    assert other.denied[0].startswith("quota_exceeded")
    # what was acknowledged is there, and can be deleted
    third = await Peer(api.server, "yws", made["id"], token=ann.token).sync()
    assert third.content == "x" * 1000 + "fits"
    del third.text[0:1000]
    await third.saved()
    assert (await ann.get(f"{path}/content")).text == "fits"
    # once there is room, the clients are asked for what was refused
    await limit(api, ann.personal, 1_000_000)
    await third.until(lambda: "y" * 3000 in third.content and "w" * 3000 in third.content, "what was refused")
    for peer in (one, other, third):
        # Also what was refused is acknowledged now.
        await peer.saved()
        assert peer.connected
        await peer.close()


async def test_encrypted_content_does_not_grow_in_a_full_workspace(api: ApiHarness, ann: Person) -> None:
    def secret(size: int) -> dict[str, object]:
        return {"content_encrypted": base64.b64encode(bytes(size)).decode(), "encryption": {"alg": "x"}}

    made = await api.make(ann, ann.personal, type="password", **secret(500))
    await limit(api, ann.personal, 100)
    for size, status in ((700, 413), (400, 200), (599, 200)):
        assert (await ann.patch(f"/documents/{made['id']}", json=secret(size))).status_code == status
    fields = {"kind": "patch", "key": "k", "document_id": made["id"], "fields": secret(900)}
    push = {"device_id": "d", "operations": [fields]}
    assert (await ann.post("/sync/push", json=push)).json()["results"][0]["code"] == "quota_exceeded"


async def test_a_workspace_has_a_greatest_number_of_documents(api: ApiHarness, ann: Person) -> None:
    path = f"/workspaces/{ann.personal}/documents"
    rows = [(UUID(ann.personal), f"d{number}") for number in range(11)]
    await run(api.server, "INSERT INTO documents (workspace_id, title) VALUES ($1, $2)", rows)
    last = await api.make(ann, ann.personal)
    assert refused(await ann.post(path, json={"title": "x"})) == (409, "limit_reached")
    slug = ann.email.partition("@")[0]
    peer = Peer(api.server, "hocus", f"{slug}/one-more", token=ann.token)
    await peer.connect()
    await peer.until(lambda: peer.denied, "a refusal")
    assert peer.denied[0].startswith("limit_reached")
    await peer.close()
    # the trash counts until it is emptied
    await ann.delete(f"/documents/{last['id']}")
    assert refused(await ann.post(path, json={"title": "x"})) == (409, "limit_reached")
    await ann.delete(f"/documents/{last['id']}/permanently")
    assert (await ann.post(path, json={"title": "x"})).status_code == 201


async def test_who_makes_too_many_documents_in_a_minute_waits_and_others_do_not(api: ApiHarness, ann: Person) -> None:
    path = f"/workspaces/{api.team}/documents"
    [bob] = await people(api.server, "bob")
    for person in (ann, bob):
        add = "INSERT INTO workspace_members (workspace_id, user_id, role) VALUES ($1, $2, 'editor')"
        await run(api.server, add, [(UUID(api.team), UUID(person.id))])
    source = (await api.make(ann, ann.personal))["id"]
    answers = await asyncio.gather(
        *(ann.post(f"/workspaces/{ann.personal}/documents", json={"title": ""}) for _ in range(3))
    )
    assert {answer.status_code for answer in answers} == {422}  # what is not made does not count
    made = 1
    while (answer := await ann.post(path, json={"title": f"n{made}"})).status_code == 201:
        made += 1
        await run(api.server, "DELETE FROM documents WHERE id = $1", [(UUID(answer.json()["id"]),)])
    assert (made, refused(answer)) == (15, (429, "too_many"))
    assert int(answer.headers["retry-after"]) > 60
    token = await ann.with_scope("write")  # another token is the same person
    for way in (
        token.post(path, json={"title": "x"}),
        ann.post(f"/documents/{source}/duplicate", json={}),
        ann.post(f"/workspaces/{api.team}/import", content=b"x", params={"name": "a.md"}),
    ):
        assert refused(await way) == (429, "too_many")
    create = {"kind": "create", "key": "k", "document_id": str(uuid4()), "workspace_id": ann.personal}
    push = {"device_id": "d", "operations": [{**create, "fields": {"title": "x"}}]}
    assert (await ann.post("/sync/push", json=push)).json()["results"][0]["code"] == "too_many"
    assert (await bob.post(path, json={"title": "Bob's"})).status_code == 201


async def test_guests_of_one_address_share_a_smaller_number(api: ApiHarness) -> None:
    path = f"/workspaces/{PLAYGROUND}/documents"
    for number in range(2):
        assert (await api.guest.post(path, json={"title": f"n{number}"})).status_code == 201
    first = await Peer(api.server, "yws", f"quota-{uuid4().hex[:8]}").sync()
    many = [Peer(api.server, "hocus", f"quota-{uuid4().hex[:8]}") for _ in range(3)]
    await asyncio.gather(*(peer.connect() for peer in many))
    for peer in many:
        await _answered(peer)
    assert sum(bool(peer.denied) for peer in many) == 2
    assert {peer.denied[0].partition(":")[0] for peer in many if peer.denied} == {"too_many"}
    late = Peer(api.server, "yws", f"quota-{uuid4().hex[:8]}")
    await late.connect()
    assert late.socket is not None
    end = await late.socket.end()
    assert (end.code, end.reason.partition(":")[0]) == (4529, "too_many")
    assert refused(await nobody(api.server).post(path, json={"title": "x"})) == (429, "too_many")
    # what exists is opened as before, and people who are signed in make documents
    again = await Peer(api.server, "hocus", first.name).sync()
    assert (await api.admin.post(path, json={"title": "x"})).status_code == 201
    for peer in (first, again, *many):
        await peer.close()


async def _answered(peer: Peer) -> None:
    await peer.until(lambda: peer.denied or peer.synced, "an answer")


def test_documents_of_each_person_are_counted_by_themselves() -> None:
    quotas = Quotas(Settings(secret_key="x" * 40))  # type: ignore[arg-type]
    quotas.check_pace("ann", 0.001, 1)
    with pytest.raises(TooMany) as caught:
        quotas.check_pace("ann", 0.001, 1)
    assert caught.value.retry_after is not None
    assert caught.value.retry_after > 1000
    quotas.check_pace("bob", 0.001, 1)

"""The end of a history after COLLAB_HISTORY_DAYS: what is later stays as it was."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from collab_server.core.documents.compression import decompress
from collab_server.core.history.segment import MAX_SEGMENT_BYTES
from tests.features.api_harness import ApiHarness, open_api
from tests.features.history.test_generations import YJS, compact, content, overwritten
from tests.peers import Peer
from tests.people import Person, fetch, run
from tests.waiting import until

AGE = """
UPDATE history_segments SET first_at = first_at - interval '31 days', last_at = last_at - interval '31 days'
WHERE document_id = $1
"""
GENERATIONS = "SELECT generation FROM history_segments WHERE document_id = $1"
SEGMENTS = """
SELECT first_seq, last_seq, row_count, is_collapsed, payload IS NULL AS is_snapshot, author FROM history_segments
WHERE document_id = $1 ORDER BY last_seq
"""


@pytest.fixture(scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiHarness]:
    async with open_api(tmp_path_factory.mktemp("retention"), history_days=30, version_interval=0) as running:
        yield running


async def typed(api: ApiHarness, who: Person, document: dict[str, Any], *texts: str) -> int:
    """Type at the end of a document, one row of the log for each text. Return the last row."""
    peer = await Peer(api.server, "yws", document["id"], token=who.token).sync()
    for text in texts:
        peer.insert(text, len(peer.content))
        await peer.saved()
    await peer.close()
    return await at(api, document)


async def at(api: ApiHarness, document: dict[str, Any]) -> int:
    """Fold what was typed, and return the last row."""
    answer = await api.viewer.get(f"/documents/{document['id']}/at", params={"seq": 10**9})
    assert answer.status_code == 200, answer.text
    return int(answer.headers["x-document-seq"])


async def text_at(api: ApiHarness, document: dict[str, Any], **params: object) -> str:
    answer = await api.viewer.get(f"/documents/{document['id']}/at", params=params)  # type: ignore[arg-type]
    assert answer.status_code == 200, answer.text
    return answer.text


async def blame(api: ApiHarness, document: dict[str, Any], seq: int) -> list[tuple[str, str, str | None]]:
    answer = await api.viewer.get(f"/documents/{document['id']}/blame", params={"seq": seq})
    assert answer.status_code == 200, answer.text
    return [(run["text"], run["author"]["kind"], run["author"]["id"]) for run in answer.json()["runs"]]


async def segments(api: ApiHarness, document: dict[str, Any]) -> list[asyncpg.Record]:
    return await fetch(api.server, SEGMENTS, UUID(document["id"]))


async def maintain_until_collapsed(api: ApiHarness, document: dict[str, Any]) -> None:
    async def is_collapsed() -> bool:
        await api.server.maintain()
        return (await segments(api, document))[0]["is_collapsed"] is True

    await until(is_collapsed, "the collapsed segment")


async def test_later_moments_stay_and_earlier_ones_answer_the_oldest_state(api: ApiHarness) -> None:
    made = await api.make(content="old")
    await typed(api, api.other, made, " secret", " words")
    removed = await api.editor.patch(
        f"/documents/{made['id']}/content", json={"edits": [{"find": " secret", "replace": ""}]}
    )
    assert removed.status_code == 200, removed.text
    kept = await at(api, made)
    await run(api.server, AGE, [(UUID(made["id"]),)])
    await maintain_until_collapsed(api, made)
    [one] = await segments(api, made)
    assert (one["first_seq"], one["last_seq"], one["row_count"]) == (kept, kept, 1)
    payload = await fetch(api.server, "SELECT payload FROM history_segments WHERE document_id = $1", UUID(made["id"]))
    assert b"secret" not in unpacked(payload[0]["payload"])

    later = [await typed(api, api.admin, made, " new", "er"), await typed(api, api.other, made, " last")]
    texts = {kept: "old words", later[0]: "old words newer", later[1]: "old words newer last"}
    for seq, text in texts.items():
        assert await text_at(api, made, seq=seq) == text
    assert await text_at(api, made, seq=1) == "old words"
    assert await text_at(api, made, time="2001-01-01T00:00:00Z") == "old words"
    unknown = ("old words", "unknown", None)
    assert await blame(api, made, kept) == [unknown]
    expected = [unknown, (" newer", "api_client", api.admin.id), (" last", "api_client", api.other.id)]
    assert await blame(api, made, later[1]) == expected
    assert await blame(api, made, later[0]) == expected[:2]


async def test_only_old_segments_collapse_and_the_rest_stays_as_it_was(api: ApiHarness) -> None:
    made = await api.make(content="one")
    seqs = [await typed(api, api.other, made, " two and more")]
    seqs.append(await typed(api, api.admin, made, *[f" {number}" for number in range(12)]))
    # few later rows do not join the segment before them
    seqs.append(await typed(api, api.other, made, " end"))
    before = await segments(api, made)
    assert len(before) >= 2
    old = "UPDATE history_segments SET last_at = last_at - interval '31 days' WHERE document_id = $1 AND last_seq = $2"
    await run(api.server, old, [(UUID(made["id"]), before[0]["last_seq"])])
    first = before[0]["last_seq"]
    shown = {seq: (await text_at(api, made, seq=seq)) for seq in range(first, seqs[-1] + 1)}
    runs = await blame(api, made, seqs[-1])
    await maintain_until_collapsed(api, made)
    after = await segments(api, made)
    assert [one["last_seq"] for one in after] == [one["last_seq"] for one in before]
    assert [one["is_collapsed"] for one in after] == [True] + [False] * (len(before) - 1)
    assert {seq: (await text_at(api, made, seq=seq)) for seq in shown} == shown
    assert "".join(text for text, _, _ in runs) == "".join(text for text, _, _ in await blame(api, made, seqs[-1]))
    assert (await blame(api, made, seqs[-1]))[-1] == runs[-1] == (" end", "api_client", api.other.id)
    assert (await blame(api, made, seqs[-1]))[0][1:] == ("unknown", None)
    assert (await api.server.maintain())["histories"] == 0
    # a later fold joins the collapsed segment, or leaves it, and nothing is lost
    last = await typed(api, api.editor, made, *"abcdefghij")
    assert await text_at(api, made, seq=last) == shown[seqs[-1]] + "abcdefghij"
    assert {seq: (await text_at(api, made, seq=seq)) for seq in shown} == shown


async def test_the_author_of_an_old_first_content_is_forgotten(api: ApiHarness) -> None:
    made = await api.make(content="first")
    assert (await segments(api, made))[0]["is_snapshot"] is True
    await run(api.server, AGE, [(UUID(made["id"]),)])
    await maintain_until_collapsed(api, made)
    assert await blame(api, made, 1) == [("first", "unknown", None)]
    last = await typed(api, api.other, made, " second")
    assert await blame(api, made, last) == [("first", "unknown", None), (" second", "api_client", api.other.id)]


async def test_a_damaged_history_stays_and_does_not_stop_others(api: ApiHarness) -> None:
    broken, healthy = sorted([await api.make(content="x") for _ in range(2)], key=lambda made: UUID(made["id"]))
    for document in (broken, healthy):
        await typed(api, api.other, document, " y")
    await run(api.server, "UPDATE history_segments SET payload = 'no' WHERE document_id = $1", [(UUID(broken["id"]),)])
    await run(api.server, AGE, [(UUID(broken["id"]),), (UUID(healthy["id"]),)])
    await maintain_until_collapsed(api, healthy)
    assert (await segments(api, broken))[0]["is_collapsed"] is False


async def test_a_fold_and_retention_do_not_replace_what_they_have_not_read(api: ApiHarness) -> None:
    made = await api.make(content="x")
    last = await typed(api, api.other, made, " y", " z")
    before = await segments(api, made)
    document = UUID(made["id"])
    collapse = "SELECT app.collapse_history($1, ARRAY[now()], $2, now(), 'z')"
    assert [row[0] for row in await fetch(api.server, collapse, document, last)] == [False]
    fold = """
    SELECT app.fold_into_history($1, $2, $2, 's', 'v', 0, NULL, 0, false, 1, now(), now(), 1, NULL, 'z', ARRAY[now()])
    """
    assert [row[0] for row in await fetch(api.server, fold, document, last)] == [False]
    assert await segments(api, made) == before
    assert await text_at(api, made, seq=last) == "x y z"


async def test_an_old_first_content_is_packed_by_itself(api: ApiHarness) -> None:
    made = await api.make(content="first")
    days = AGE.replace("31 days", "2 days")
    await run(api.server, days, [(UUID(made["id"]),)])
    last = await typed(api, api.other, made, " second")
    before = await segments(api, made)
    assert [(one["row_count"], one["is_collapsed"], one["is_snapshot"]) for one in before] == [(1, False, False)] * 2
    assert await text_at(api, made, seq=before[0]["last_seq"]) == "first"
    expected = [("first", "api_client", api.editor.id), (" second", "api_client", api.other.id)]
    assert await blame(api, made, last) == expected
    # rows of another day begin another segment, so that retention can end what is before them
    await run(api.server, days, [(UUID(made["id"]),)])
    last = await typed(api, api.admin, made, *" third text")
    rows = [one["row_count"] for one in await segments(api, made)]
    assert rows[:2] == [1, 1] and sum(rows[2:]) == 11
    assert [*expected, (" third text", "api_client", api.admin.id)] == await blame(api, made, last)


def unpacked(payload: bytes) -> bytes:

    return decompress(payload, MAX_SEGMENT_BYTES)


async def test_a_former_generation_is_forgotten_when_it_is_old(api: ApiHarness) -> None:
    made, away = await overwritten(api, api.editor)
    await away.close()
    away.insert("unsent", 0)
    await compact(api, made)
    document = UUID(made["id"])
    await api.server.maintain()
    assert len({one["generation"] for one in await fetch(api.server, GENERATIONS, document)}) == 2
    old = "UPDATE document_generations SET replaced_at = replaced_at - interval '31 days' WHERE document_id = $1"
    await run(api.server, old, [(document,)])
    await run(api.server, AGE, [(document,)])

    async def is_forgotten() -> bool:
        await api.server.maintain()
        return len({one["generation"] for one in await fetch(api.server, GENERATIONS, document)}) == 1

    await until(is_forgotten, "the former generation to be forgotten")
    answer = await api.editor.post(
        f"/documents/{document}/updates", params={"generation": 0}, content=away.doc.get_update(), headers=YJS
    )
    assert answer.status_code == 409, answer.text
    assert "is not kept" in answer.json()["detail"]
    assert "unsent" not in await content(api, made)
    # Its copies still stay out.
    await away.connect()
    await away.refused()
    await away.close()

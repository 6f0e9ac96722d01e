"""Versions that the server makes by itself, and their thinning."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as some

from tests.features.api_harness import ApiHarness, open_api
from tests.peers import Peer
from tests.people import fetch, run
from tests.waiting import until

NOW = datetime(2026, 3, 11, 15, 30, tzinfo=UTC)
KINDS = ("auto", "auto", "auto", "manual", "restore", "import", "before-deletion")
INSERT = """
INSERT INTO document_versions (document_id, version_number, kind, label, pinned, title, content, content_hash,
  generation, yjs_clock, yjs_snapshot, state_hash, changes_summary, metadata_snapshot, created_at, size_bytes)
VALUES ($1, $2, $3, $4, $5, 'x', '', repeat('0', 64), 1, 1, '', '', '{}', '{}', $6, 0)
"""
ages = some.one_of(
    some.integers(0, 200).map(lambda minutes: timedelta(minutes=minutes)),
    some.integers(0, 60).map(lambda hours: timedelta(hours=hours)),
    some.integers(0, 900).map(lambda hours: timedelta(hours=hours)),
    some.integers(0, 400).map(lambda days: timedelta(days=days)),
)
histories = some.lists(
    some.tuples(ages, some.sampled_from(KINDS), some.sampled_from((None, None, None, "Named")), some.integers(0, 5)),
    max_size=60,
)


@pytest.fixture(scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiHarness]:
    async with open_api(tmp_path_factory.mktemp("versions"), version_interval=0.2) as running:
        yield running


async def versions(api: ApiHarness, document: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await api.viewer.get(f"/documents/{document['id']}/versions")
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def waits(api: ApiHarness, document: dict[str, Any]) -> bool:
    """Whether edits of a document wait for their version."""
    query = "SELECT unversioned_since FROM document_heads WHERE document_id = $1"
    return (await fetch(api.server, query, UUID(document["id"])))[0]["unversioned_since"] is not None


async def test_edits_get_a_version_by_themselves(api: ApiHarness) -> None:
    made = await api.make(content="one")

    async def number(wanted: int) -> bool:
        return len(await versions(api, made)) == wanted and not await waits(api, made)

    await until(lambda: number(1), "the version of the first content")
    peer = await Peer(api.server, "yws", made["id"], token=api.other.token).sync()
    peer.insert(" two", 3)
    await peer.saved()
    await until(lambda: number(2), "the version of the edit, which people have still open")
    await peer.close()
    newest, oldest = await versions(api, made)
    assert (newest["kind"], newest["label"], newest["created_by"]) == ("auto", None, None)
    assert [author["id"] for author in newest["authors"]] == [api.other.id]
    path = f"/documents/{made['id']}/versions"
    texts = [(await api.viewer.get(f"{path}/{one['number']}/content")).text for one in (newest, oldest)]
    assert texts == ["one two", "one"]


async def test_the_same_content_gets_no_second_version(api: ApiHarness) -> None:
    made = await api.make(content="same")
    manual = await api.editor.post(f"/documents/{made['id']}/versions", json={})
    assert manual.status_code == 201

    async def is_done() -> bool:
        return not await waits(api, made)

    await until(is_done, "the end of the wait")
    numbers = [one["number"] for one in await versions(api, made)]
    again = "UPDATE document_heads SET unversioned_since = now() WHERE document_id = $1"
    await run(api.server, again, [(UUID(made["id"]),)])
    await until(is_done, "the end of the second wait")
    assert [one["number"] for one in await versions(api, made)] == numbers


async def test_a_failure_waits_and_does_not_stop_other_documents(api: ApiHarness) -> None:
    broken = await api.make(content="broken")

    async def is_done() -> bool:
        return not await waits(api, broken)

    await until(is_done, "the first version")
    wreck = """
    WITH gone AS (DELETE FROM history_segments WHERE document_id = $1)
    UPDATE documents SET yjs_state = '\\x07' WHERE id = $1
    """
    await run(api.server, wreck, [(UUID(broken["id"]),)])
    again = "UPDATE document_heads SET unversioned_since = now() - interval '1 hour' WHERE document_id = $1"
    await run(api.server, again, [(UUID(broken["id"]),)])
    later = "SELECT extract(epoch FROM version_retry_at - now()) AS pause FROM document_heads WHERE document_id = $1"

    def failures() -> int:
        return sum(
            "an automatic version failed" in line and broken["id"] in line for line in api.server.log.splitlines()
        )

    await until(lambda: failures() > 0, "the failure")
    pause = (await fetch(api.server, later, UUID(broken["id"])))[0]["pause"]
    assert 1000 < pause < 3601, "as long as it has waited"
    healthy = await api.make(content="healthy")

    async def has_version() -> bool:
        return len(await versions(api, healthy)) == 1

    await until(has_version, "the version of another document")
    assert failures() == 1, "it does not spin"


async def test_encrypted_documents_and_the_trash_get_none(api: ApiHarness) -> None:
    locked = {"algorithm": "AES-GCM", "iv": "x"}
    secret = await api.make(type="password", content_encrypted="c2VjcmV0", encryption=locked)
    deleted, seen = await api.make(), await api.make()
    await api.editor.delete(f"/documents/{deleted['id']}")
    wait = "UPDATE document_heads SET unversioned_since = now() - interval '1 hour' WHERE document_id = $1"
    # the last one is due last
    await run(api.server, wait, [(UUID(secret["id"]),), (UUID(deleted["id"]),)])
    await run(api.server, wait.replace("1 hour", "1 minute"), [(UUID(seen["id"]),)])

    async def is_done() -> bool:
        return len(await versions(api, seen)) == 1

    await until(is_done, "the version of the last one")
    ids = [UUID(secret["id"]), UUID(deleted["id"])]
    found = await fetch(api.server, "SELECT FROM document_versions WHERE document_id = ANY ($1)", ids)
    assert found == []


@given(histories)
async def test_thinning_keeps_what_it_promises(
    api: ApiHarness, history: list[tuple[timedelta, str, str | None, int]]
) -> None:
    versions = [
        (number, kind, label, pinned == 0, NOW - age)
        for number, (age, kind, label, pinned) in enumerate(history, start=1)
    ]
    conn = await asyncpg.connect(api.server.owner_dsn)
    transaction = conn.transaction()
    await transaction.start()
    try:
        insert = "INSERT INTO documents (workspace_id, title) VALUES ($1, 'x') RETURNING id"
        document = await conn.fetchval(insert, UUID(api.team))
        await conn.executemany(INSERT, [(document, *version) for version in versions])
        removed = await conn.fetchval("SELECT app.thin_versions($1)", NOW)
        rows = await conn.fetch("SELECT version_number FROM document_versions WHERE document_id = $1", document)
        left = {row[0] for row in rows}
        assert await conn.fetchval("SELECT app.thin_versions($1)", NOW) == 0
    finally:
        await transaction.rollback()
        await conn.close()
    assert removed == len(versions) - len(left)
    thinned = [one for one in versions if one[2] is None and not one[3]]
    assert {one[0] for one in versions} - left <= {one[0] for one in thinned}
    automatic = {one[0] for one in versions if one[1] == "auto"}
    assert len(automatic & left) >= min(10, len(automatic))
    last = sorted((one[4], one[0]) for one in thinned if one[1] == "auto")[-10:]
    assert {number for _, number in last} <= left
    spans: dict[object, int] = {}
    for number, kind, _, _, at in thinned:
        age = NOW - at
        if kind != "auto" and age < timedelta(days=30):
            assert number in left
            continue
        if age < timedelta(days=1):
            span: object = at.replace(minute=0)
        elif age < timedelta(days=30):
            span = at.date()
        else:
            span = at.isocalendar()[:2]
        key = (age < timedelta(days=1), age < timedelta(days=30), span)
        spans.setdefault(key, 0)
        spans[key] += number in left and (at, number) not in last
        if number in left:
            continue
        assert any(
            other in left and (moment, other) > (at, number) and moment - at < timedelta(days=7)
            for other, _, _, _, moment in thinned
        ), "a later one stays near each that goes"
    assert max(spans.values(), default=0) <= 1

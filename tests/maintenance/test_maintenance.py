"""What is deleted for good, when, and by whom."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest

from tests.documents.office import Office, open_office, refused
from tests.peers import Peer
from tests.people import fetch, run

LONG_AGO = "UPDATE documents SET deleted_at = now() - interval '99 days' WHERE id = $1"


@pytest.fixture(scope="module")
async def office(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    async with open_office(tmp_path_factory.mktemp("maintenance"), trash_days=7) as running:
        yield running


async def counts(office: Office) -> dict[str, str]:
    lines = (await office.server.command("maintain")).splitlines()
    return {name: count for name, _, count in (line.partition(": ") for line in lines)}


async def archived(office: Office, document_id: str) -> list[asyncpg.Record]:
    return await fetch(office.server, "SELECT * FROM document_archive WHERE document_id = $1", UUID(document_id))


async def test_the_trash_is_emptied_after_its_days_into_the_archive(office: Office) -> None:
    old, young, kept = [await office.make(tags=["x"], content=f"words {n}") for n in range(3)]
    for document in (old, young):
        await office.editor.delete(f"/documents/{document['id']}")
    back = "UPDATE documents SET deleted_at = now() - make_interval(days => $2) WHERE id = $1"
    await run(office.server, back, [(UUID(old["id"]), 8), (UUID(young["id"]), 6)])
    assert (await counts(office))["documents"] == "1"
    assert refused(await office.editor.post(f"/documents/{old['id']}/restore")) == (404, "not_found")
    [row] = await archived(office, old["id"])
    assert (row["title"], row["content"], row["tags"]) == (old["title"], "words 0", ["x"])
    assert row["yjs_state"]
    assert (await office.editor.post(f"/documents/{young['id']}/restore")).status_code == 200
    assert (await office.editor.get(f"/documents/{kept['id']}")).status_code == 200
    assert (await counts(office))["documents"] == "0"


async def test_the_archive_has_what_was_not_folded_yet(office: Office) -> None:
    made = await office.make()
    peer = await Peer(office.server, "yws", made["id"], token=office.editor.token).sync()
    peer.insert("unfolded")
    await peer.saved()
    await run(office.server, LONG_AGO, [(UUID(made["id"]),)])
    await counts(office)
    await peer.close()
    [row] = await archived(office, made["id"])
    assert b"unfolded" in (row["yjs_state"] or b"") + b"".join(row["pending"])


async def test_what_has_expired_goes(office: Office) -> None:
    made = await office.make(expires_at="2090-01-01T00:00:00Z")
    await run(office.server, "UPDATE documents SET expires_at = now() WHERE id = $1", [(UUID(made["id"]),)])
    assert (await counts(office))["documents"] == "1"
    assert refused(await office.editor.get(f"/documents/{made['id']}")) == (404, "not_found")
    assert len(await archived(office, made["id"])) == 1


async def test_documents_of_a_workspace_that_is_purged_are_archived(office: Office) -> None:
    made = await office.make(office.stranger, office.stranger.personal)
    gone = "UPDATE workspaces SET deleted_at = now() - interval '9 days' WHERE id = $1"
    await run(office.server, gone, [(UUID(office.stranger.personal),)])
    done = await counts(office)
    assert (done["documents"], done["workspaces"]) == ("1", "1")
    assert len(await archived(office, made["id"])) == 1


async def test_the_archive_is_not_kept_for_ever(office: Office) -> None:
    made = await office.make()
    await run(office.server, LONG_AGO, [(UUID(made["id"]),)])
    await counts(office)
    old = "UPDATE document_archive SET archived_at = now() - interval '91 days' WHERE document_id = $1"
    await run(office.server, old, [(UUID(made["id"]),)])
    assert (await counts(office))["archive"] == "1"
    assert await archived(office, made["id"]) == []


async def test_one_process_at_a_time_maintains(office: Office) -> None:
    conn = await asyncpg.connect(office.server.owner_dsn)
    try:
        await conn.execute("SELECT pg_advisory_lock(hashtextextended('collab_server/maintenance', 0))")
        with pytest.raises(AssertionError, match="another process is at it"):
            await counts(office)
    finally:
        await conn.close()
    together = await asyncio.gather(counts(office), counts(office), return_exceptions=True)
    assert any(isinstance(one, dict) for one in together)


async def test_views_are_written_before_the_server_ends(office: Office) -> None:
    made = await office.make()
    await office.viewer.get(f"/documents/{made['id']}")
    assert await office.server.terminate() == 0
    await office.server.start()
    assert (await office.owner.get(f"/documents/{made['id']}")).json()["view_count"] == 1

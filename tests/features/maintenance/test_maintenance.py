"""What is deleted for good, when, and by whom."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests.features.api_harness import ApiHarness, open_api, refused
from tests.peers import Peer
from tests.people import fetch, people, run
from tests.server import BUSY
from tests.waiting import until

LONG_AGO = "UPDATE documents SET deleted_at = now() - interval '99 days' WHERE id = $1"

RUNS = 40
"""A run takes seconds on a busy machine, so a time would be few of them."""

PURGE = "SELECT app.purge_documents(7)"
EXPIRE = "SELECT app.expire_documents()"
PAST = """
DO $$ BEGIN
  SET LOCAL session_replication_role = replica;  -- time passes without the triggers
  UPDATE documents SET expires_at = now() - interval '1 s' WHERE id = '{}';
END $$
"""


@pytest.fixture(scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiHarness]:
    async with open_api(tmp_path_factory.mktemp("maintenance"), trash_days=7) as running:
        yield running


async def maintain_until(api: ApiHarness, holds: Callable[[], Awaitable[bool]], what: str) -> None:
    """Run maintenance until this holds.

    A run passes by the documents that the server is folding. The server may do the work first, by its own tasks.
    """
    for _ in range(RUNS):
        await api.server.maintain()
        if await holds():
            return
        await asyncio.sleep(0.1)
    pytest.fail(f"{RUNS} runs of maintenance did not bring {what}")


async def number(api: ApiHarness, query: str) -> int:
    [row] = await fetch(api.server, query)
    return int(row[0])


async def archived(api: ApiHarness, document_id: str) -> list[asyncpg.Record]:
    return await fetch(api.server, "SELECT * FROM document_archive WHERE document_id = $1", UUID(document_id))


async def is_in_trash(api: ApiHarness, document: dict[str, Any]) -> bool:
    query = f"SELECT count(*) FROM documents WHERE id = '{document['id']}' AND deleted_at IS NOT NULL"
    return await number(api, query) == 1


async def is_gone(api: ApiHarness, workspace: str) -> bool:
    return await number(api, f"SELECT count(*) FROM workspaces WHERE id = '{workspace}'") == 0


async def archive(api: ApiHarness, document_id: str) -> asyncpg.Record:
    """Maintain until the document is in the archive, and return its row there."""

    async def is_archived() -> bool:
        return len(await archived(api, document_id)) == 1

    await maintain_until(api, is_archived, "the document in the archive")
    [row] = await archived(api, document_id)
    return row


async def test_the_trash_is_emptied_after_its_days_into_the_archive(api: ApiHarness) -> None:
    old, young, kept = [await api.make(tags=["x"], content=f"words {n}") for n in range(3)]
    for document in (old, young):
        await api.editor.delete(f"/documents/{document['id']}")
    back = "UPDATE documents SET deleted_at = now() - make_interval(days => $2) WHERE id = $1"
    await run(api.server, back, [(UUID(old["id"]), 8), (UUID(young["id"]), 6)])
    row = await archive(api, old["id"])
    assert refused(await api.editor.post(f"/documents/{old['id']}/restore")) == (404, "not_found")
    assert (row["title"], row["content"], row["tags"]) == (old["title"], "words 0", ["x"])
    assert row["yjs_state"]
    assert (await api.editor.post(f"/documents/{young['id']}/restore")).status_code == 200
    assert (await api.editor.get(f"/documents/{kept['id']}")).status_code == 200
    assert (await api.server.maintain())["documents"] == 0


async def test_the_archive_has_what_was_not_folded_yet(api: ApiHarness) -> None:
    made = await api.make()
    peer = await Peer(api.server, "yws", made["id"], token=api.editor.token).sync()
    peer.insert("unfolded")
    await peer.saved()
    await run(api.server, LONG_AGO, [(UUID(made["id"]),)])
    row = await archive(api, made["id"])
    await peer.close()
    assert b"unfolded" in (row["yjs_state"] or b"") + b"".join(row["pending"])


async def test_an_expired_document_goes_through_the_trash_and_names_who_set_the_expiry(api: ApiHarness) -> None:
    made = await api.make(api.other, content="words")
    path = f"/documents/{made['id']}"
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    assert (await api.admin.patch(path, json={"expires_at": tomorrow})).status_code == 200
    await run(api.server, PAST.format(made["id"]))
    await maintain_until(api, lambda: is_in_trash(api, made), "the document in the trash")
    assert refused(await api.editor.get(path)) == (404, "not_found")
    assert await archived(api, made["id"]) == []
    activity = (await api.owner.get(f"/workspaces/{api.team}/activity", params={"limit": 1})).json()["items"][0]
    assert (activity["action"], activity["entity_id"]) == ("delete", made["id"])
    assert activity["actor"]["id"] == api.admin.id
    told = "SELECT changed_by FROM sync_log WHERE document_id = $1 AND operation = 'delete'"
    assert [str(row["changed_by"]) for row in await fetch(api.server, told, UUID(made["id"]))] == [api.admin.id]
    # its author takes it back, and it stays
    back = await api.other.post(f"{path}/restore")
    assert (back.status_code, back.json()["expires_at"]) == (200, None)
    assert await number(api, EXPIRE) == 0
    assert (await api.viewer.get(f"{path}/content")).text == "words"


async def test_an_expired_document_leaves_the_trash_as_any_other(api: ApiHarness) -> None:
    made = await api.make(expires_at="2090-01-01T00:00:00Z")
    await run(api.server, "UPDATE documents SET expires_at = now() WHERE id = $1", [(UUID(made["id"]),)])
    await until(lambda: is_in_trash(api, made), "the server to move it")
    assert await number(api, EXPIRE) == 0
    assert await number(api, PURGE) == 0
    await run(api.server, LONG_AGO, [(UUID(made["id"]),)])
    await archive(api, made["id"])


async def test_a_server_of_the_version_before_sends_expired_documents_to_the_trash(api: ApiHarness) -> None:
    made = await api.make(content="words")
    await run(api.server, "UPDATE documents SET expires_at = now() WHERE id = $1", [(UUID(made["id"]),)])

    async def is_purged_to_trash() -> bool:
        assert await number(api, PURGE) == 0
        return await is_in_trash(api, made)

    await until(is_purged_to_trash, "the document in the trash")
    assert (await api.editor.post(f"/documents/{made['id']}/restore")).status_code == 200


async def test_an_operator_brings_a_document_back_from_the_archive(api: ApiHarness) -> None:
    name = f"plan-{uuid4().hex[:8]}"
    made = await api.make(name=name, tags=["x"], content="words", metadata={"a": 1})
    peer = await Peer(api.server, "yws", made["id"], token=api.editor.token).sync()
    peer.insert(" more")
    await peer.saved()
    await peer.close()
    await run(api.server, LONG_AGO, [(UUID(made["id"]),)])
    await archive(api, made["id"])
    other = await api.make(name=name)
    told = await api.server.command("document", "restore", made["id"])
    assert told == f"{made['id']}  Plan  in {api.slug}"
    back = (await api.viewer.get(f"/documents/{made['id']}")).json()
    assert (back["name"], back["metadata"], back["expires_at"]) == (f"{name}-2", {"a": 1}, None)
    assert ([tag["name"] for tag in back["tags"]], back["created_by"]["id"]) == (["x"], api.editor.id)
    assert (await api.viewer.get(f"/documents/{made['id']}/content")).text == "words more"
    assert await archived(api, made["id"]) == []
    # it can be edited as before, by those who kept a copy too
    again = await Peer(api.server, "hocus", made["id"], token=api.editor.token).sync()
    assert again.content == "words more"
    again.insert(" still")
    await again.saved()
    await again.close()
    for wrong, reason in ((other["id"], "is there"), (str(uuid4()), "the archive has no document")):
        with pytest.raises(AssertionError, match=reason):
            await api.server.command("document", "restore", wrong)


async def test_a_document_whose_workspace_is_gone_is_brought_back_to_another(api: ApiHarness) -> None:
    [person] = await people(api.server, "leaver")
    made = await api.make(person, person.personal, content="words")
    gone = "UPDATE workspaces SET deleted_at = now() - interval '9 days' WHERE id = $1"
    await run(api.server, gone, [(UUID(person.personal),)])
    await archive(api, made["id"])
    await maintain_until(api, lambda: is_gone(api, person.personal), "the end of the workspace")
    with pytest.raises(AssertionError, match="name another one"):
        await api.server.command("document", "restore", made["id"])
    await api.server.command("document", "restore", made["id"], "--workspace", api.slug)
    assert (await api.viewer.get(f"/documents/{made['id']}/content")).text == "words"


async def test_documents_of_a_workspace_that_is_purged_are_archived(api: ApiHarness) -> None:
    made = await api.make(api.stranger, api.stranger.personal)
    gone = "UPDATE workspaces SET deleted_at = now() - interval '9 days' WHERE id = $1"
    await run(api.server, gone, [(UUID(api.stranger.personal),)])
    await archive(api, made["id"])
    await maintain_until(api, lambda: is_gone(api, api.stranger.personal), "the end of the workspace")


async def test_the_archive_is_not_kept_for_ever(api: ApiHarness) -> None:
    made = await api.make()
    await run(api.server, LONG_AGO, [(UUID(made["id"]),)])
    await archive(api, made["id"])
    old = "UPDATE document_archive SET archived_at = now() - interval '91 days' WHERE document_id = $1"
    await run(api.server, old, [(UUID(made["id"]),)])

    async def is_forgotten() -> bool:
        return await archived(api, made["id"]) == []

    await maintain_until(api, is_forgotten, "the end of the archive's row")


async def test_one_process_at_a_time_maintains(api: ApiHarness) -> None:
    conn = await asyncpg.connect(api.server.owner_dsn)
    try:
        await conn.execute("SELECT pg_advisory_lock(hashtextextended('collab_server/maintenance', 0))")
        with pytest.raises(AssertionError, match=BUSY):
            await api.server.command("maintain")
    finally:
        await conn.close()
    await asyncio.gather(api.server.maintain(), api.server.maintain())


async def test_views_are_written_before_the_server_ends(api: ApiHarness) -> None:
    made = await api.make()
    await api.viewer.get(f"/documents/{made['id']}")
    assert await api.server.terminate() == 0
    await api.server.start()
    assert (await api.owner.get(f"/documents/{made['id']}")).json()["view_count"] == 1


async def test_sessions_outlive_their_expiry_by_the_days_of_the_setting_without_their_secrets(
    api: ApiHarness,
) -> None:
    add = (
        "INSERT INTO sessions (user_id, token_hash, created_at, expires_at, provider_tokens) "
        "VALUES ($1, sha256($2), now() - interval '99 days', now() - make_interval(days => $3), 'sealed')"
    )
    owner = UUID(api.owner.id)
    ages = (-1, 1, 29, 31)
    await run(api.server, add, [(owner, uuid4().bytes, age) for age in ages])
    await api.server.maintain()
    kept = await fetch(
        api.server,
        "SELECT expires_at > now() AS runs, provider_tokens FROM sessions WHERE user_id = $1 ORDER BY expires_at",
        owner,
    )
    assert [tuple(row) for row in kept] == [(False, None), (False, None), (True, b"sealed")]
    assert len((await api.owner.get("/auth/sessions")).json()["items"]) == 1

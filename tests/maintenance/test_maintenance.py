"""What is deleted for good, when, and by whom."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests.documents.office import Office, open_office, refused
from tests.peers import Peer
from tests.people import fetch, people, run
from tests.waiting import until

LONG_AGO = "UPDATE documents SET deleted_at = now() - interval '99 days' WHERE id = $1"

PURGE = "SELECT app.purge_documents(7)"
EXPIRE = "SELECT app.expire_documents()"
PAST = """
DO $$ BEGIN
  SET LOCAL session_replication_role = replica;  -- time passes without the triggers
  UPDATE documents SET expires_at = now() - interval '1 s' WHERE id = '{}';
END $$
"""


@pytest.fixture(scope="module")
async def office(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    async with open_office(tmp_path_factory.mktemp("maintenance"), trash_days=7) as running:
        yield running


async def counts(office: Office) -> dict[str, str]:
    lines = (await office.server.command("maintain")).splitlines()
    return {name: count for name, _, count in (line.partition(": ") for line in lines)}


async def number(office: Office, query: str) -> int:
    [row] = await fetch(office.server, query)
    return int(row[0])


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


async def test_an_expired_document_goes_through_the_trash_and_names_who_set_the_expiry(office: Office) -> None:
    made = await office.make(office.other, content="words")
    path = f"/documents/{made['id']}"
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    assert (await office.admin.patch(path, json={"expires_at": tomorrow})).status_code == 200
    await run(office.server, PAST.format(made["id"]))
    done = await counts(office)
    assert (done["expired documents"], done["documents"]) == ("1", "0")
    assert refused(await office.editor.get(path)) == (404, "not_found")
    assert await archived(office, made["id"]) == []
    activity = (await office.owner.get(f"/workspaces/{office.team}/activity", params={"limit": 1})).json()["items"][0]
    assert (activity["action"], activity["entity_id"]) == ("delete", made["id"])
    assert activity["actor"]["id"] == office.admin.id
    told = "SELECT changed_by FROM sync_log WHERE document_id = $1 AND operation = 'delete'"
    assert [str(row["changed_by"]) for row in await fetch(office.server, told, UUID(made["id"]))] == [office.admin.id]
    # its author takes it back, and it stays
    back = await office.other.post(f"{path}/restore")
    assert (back.status_code, back.json()["expires_at"]) == (200, None)
    assert await number(office, EXPIRE) == 0
    assert (await office.viewer.get(f"{path}/content")).text == "words"


async def test_an_expired_document_leaves_the_trash_as_any_other(office: Office) -> None:
    made = await office.make(expires_at="2090-01-01T00:00:00Z")
    await run(office.server, "UPDATE documents SET expires_at = now() WHERE id = $1", [(UUID(made["id"]),)])
    trashed = f"SELECT count(*) FROM documents WHERE id = '{made['id']}' AND deleted_at IS NOT NULL"

    async def is_trashed() -> bool:
        return await number(office, trashed) == 1

    await until(is_trashed, "the server to move it")
    assert await number(office, EXPIRE) == 0
    assert await number(office, PURGE) == 0
    await run(office.server, LONG_AGO, [(UUID(made["id"]),)])
    assert await number(office, PURGE) == 1
    assert len(await archived(office, made["id"])) == 1


async def test_a_server_of_the_version_before_sends_expired_documents_to_the_trash(office: Office) -> None:
    made = await office.make(content="words")
    await run(office.server, "UPDATE documents SET expires_at = now() WHERE id = $1", [(UUID(made["id"]),)])
    assert await number(office, PURGE) == 0
    assert (await office.editor.post(f"/documents/{made['id']}/restore")).status_code == 200


async def test_an_operator_brings_a_document_back_from_the_archive(office: Office) -> None:
    name = f"plan-{uuid4().hex[:8]}"
    made = await office.make(name=name, tags=["x"], content="words", metadata={"a": 1})
    peer = await Peer(office.server, "yws", made["id"], token=office.editor.token).sync()
    peer.insert(" more")
    await peer.saved()
    await peer.close()
    await run(office.server, LONG_AGO, [(UUID(made["id"]),)])
    await run(office.server, PURGE)
    assert len(await archived(office, made["id"])) == 1
    other = await office.make(name=name)
    told = await office.server.command("document", "restore", made["id"])
    assert told == f"{made['id']}  Plan  in {office.slug}"
    back = (await office.viewer.get(f"/documents/{made['id']}")).json()
    assert (back["name"], back["metadata"], back["expires_at"]) == (f"{name}-2", {"a": 1}, None)
    assert ([tag["name"] for tag in back["tags"]], back["created_by"]["id"]) == (["x"], office.editor.id)
    assert (await office.viewer.get(f"/documents/{made['id']}/content")).text == "words more"
    assert await archived(office, made["id"]) == []
    # it can be edited as before, by those who kept a copy too
    again = await Peer(office.server, "hocus", made["id"], token=office.editor.token).sync()
    assert again.content == "words more"
    again.insert(" still")
    await again.saved()
    await again.close()
    for wrong, reason in ((other["id"], "is there"), (str(uuid4()), "the archive has no document")):
        with pytest.raises(AssertionError, match=reason):
            await office.server.command("document", "restore", wrong)


async def test_a_document_whose_workspace_is_gone_is_brought_back_to_another(office: Office) -> None:
    [person] = await people(office.server, "leaver")
    made = await office.make(person, person.personal, content="words")
    gone = "UPDATE workspaces SET deleted_at = now() - interval '9 days' WHERE id = $1"
    await run(office.server, gone, [(UUID(person.personal),)])
    await run(office.server, PURGE)
    await run(office.server, "SELECT app.purge_workspaces(7)")
    with pytest.raises(AssertionError, match="name another one"):
        await office.server.command("document", "restore", made["id"])
    await office.server.command("document", "restore", made["id"], "--workspace", office.slug)
    assert (await office.viewer.get(f"/documents/{made['id']}/content")).text == "words"


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


async def test_sessions_outlive_their_expiry_by_the_days_of_the_setting_without_their_secrets(office: Office) -> None:
    add = (
        "INSERT INTO sessions (user_id, token_hash, created_at, expires_at, provider_tokens) "
        "VALUES ($1, sha256($2), now() - interval '99 days', now() - make_interval(days => $3), 'sealed')"
    )
    owner = UUID(office.owner.id)
    ages = (-1, 1, 29, 31)
    await run(office.server, add, [(owner, uuid4().bytes, age) for age in ages])
    await counts(office)
    kept = await fetch(
        office.server,
        "SELECT expires_at > now() AS runs, provider_tokens FROM sessions WHERE user_id = $1 ORDER BY expires_at",
        owner,
    )
    assert [tuple(row) for row in kept] == [(False, None), (False, None), (True, b"sealed")]
    assert len((await office.owner.get("/auth/sessions")).json()["items"]) == 1

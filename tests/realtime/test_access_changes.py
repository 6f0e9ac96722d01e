"""Rights that change while a document is open: everybody who is connected has them within a second."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests.peers import Family, Peer
from tests.people import Person, people
from tests.realtime.team import Team, can_edit, cannot_edit, ended, found_team, turned_down
from tests.server import Server

FAMILIES: tuple[Family, Family] = ("yws", "hocus")
pytestmark = pytest.mark.parametrize("family", FAMILIES)


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with Server(tmp_path_factory.mktemp("access")) as running:
        yield running


@pytest.fixture(scope="module")
async def owner(server: Server) -> AsyncIterator[asyncpg.Connection]:
    conn = await asyncpg.connect(server.owner_dsn)
    yield conn
    await conn.close()


@pytest.fixture
async def team(server: Server, owner: asyncpg.Connection) -> Team:
    return await found_team(server, owner)


@pytest.fixture
async def ann(team: Team) -> AsyncIterator[Peer]:
    """The owner, who sees what gets in."""
    peer = await team.opened("yws", team.ann)
    yield peer
    await peer.close()


async def editor(team: Team, family: Family, ann: Peer) -> tuple[Person, Peer]:
    """Ed, an editor who has the document open and has written into it."""
    ed = await team.member("ed", "editor")
    peer = await team.opened(family, ed)
    await can_edit(peer, ann)
    await peer.saved()
    return ed, peer


async def test_a_member_who_is_removed_is_shown_out(team: Team, ann: Peer, family: Family) -> None:
    ed, peer = await editor(team, family, ann)
    written = set(peer.typed)
    client = uuid4().int % 2**31
    peer.announce((client, 1, '{"here":true}'))
    await ann.until(lambda: client in ann.presence, "presence")
    await team.remove(ed)
    await ann.until(lambda: ann.presence[client][1] == "null", "no presence", within=1)
    await ended(peer, "forbidden")
    await peer.close()
    await turned_down(team.peer(family, ed), "not_found")
    reader = await team.opened(family, team.ann)
    assert reader.marks >= written, "what was accepted before stays"
    await reader.close()


async def test_a_member_who_is_suspended_is_shown_out(team: Team, ann: Peer, family: Family) -> None:
    ed, peer = await editor(team, family, ann)
    await team.set_member(ed, "is_active = false")
    await ended(peer, "forbidden")
    await peer.close()


async def test_a_member_who_is_demoted_only_reads(team: Team, ann: Peer, family: Family) -> None:
    ed, peer = await editor(team, family, ann)
    await team.set_member(ed, "role = 'viewer'")
    await cannot_edit(peer, ann)
    await peer.close()


async def test_a_member_who_is_promoted_edits_without_coming_again(team: Team, ann: Peer, family: Family) -> None:
    vic = await team.member("vic", "viewer")
    peer = await team.opened(family, vic)
    refused = [peer.type_mark() for _ in range(3)]
    await team.set_member(vic, "role = 'editor'")
    await can_edit(peer, ann)
    await ann.sees(*refused)
    await peer.saved()
    await peer.close()


async def test_an_exception_for_one_member_counts_for_that_one(team: Team, ann: Peer, family: Family) -> None:
    ed, peer = await editor(team, family, ann)
    _, other = await editor(team, family, ann)
    await team.set_member(ed, """permissions = '{"can_edit_documents": false}'""")
    await cannot_edit(peer, ann)
    await can_edit(other, ann)
    await team.set_member(
        ed, """permissions = '{"can_read": false, "can_edit_documents": false, "can_comment": false}'"""
    )
    await ended(peer, "forbidden")
    await peer.close()
    await other.close()


async def test_an_archived_workspace_can_only_be_read(team: Team, ann: Peer, family: Family) -> None:
    _, peer = await editor(team, family, ann)
    await team.set_workspace("archived_at = now()")
    await cannot_edit(peer, ann)
    await team.set_workspace("archived_at = NULL")
    await can_edit(peer, ann)
    await peer.close()


async def test_a_deleted_workspace_takes_its_documents_along(team: Team, ann: Peer, family: Family) -> None:
    _, peer = await editor(team, family, ann)
    await team.set_workspace("deleted_at = now()")
    await ended(peer, "not_found")
    await ended(ann, "not_found")
    await peer.close()


async def test_a_deleted_document_ends_and_a_restored_one_opens(team: Team, ann: Peer, family: Family) -> None:
    ed, peer = await editor(team, family, ann)
    await team.set_document("deleted_at = now()")
    await ended(peer, "not_found")
    await turned_down(team.peer(family, ed), "not_found")
    await team.set_document("deleted_at = NULL")
    again = await team.opened(family, ed)
    assert again.marks >= peer.typed
    await again.close()
    await peer.close()


async def test_a_document_that_is_erased_ends(team: Team, ann: Peer, family: Family) -> None:
    _, peer = await editor(team, family, ann)
    await team.owner.execute("DELETE FROM documents WHERE id = $1", team.document)
    await ended(peer, "not_found")
    await peer.close()


async def test_a_document_that_is_moved_follows_the_rights_of_its_new_workspace(
    team: Team, ann: Peer, family: Family
) -> None:
    ed, peer = await editor(team, family, ann)
    _, left_behind = await editor(team, family, ann)
    elsewhere = await team.workspace()
    await team.join(ed, "viewer", elsewhere)
    await team.set_document(f"workspace_id = '{elsewhere}'")
    await ended(left_behind, "forbidden")
    await cannot_edit(peer, ann)
    await peer.close()
    await left_behind.close()


async def test_a_document_that_is_no_longer_public_is_left_by_strangers(team: Team, ann: Peer, family: Family) -> None:
    await team.set_document("is_public = true")
    eve = await team.member("eve", None)
    peer = await team.opened(family, eve)
    guest = await team.opened(family, None)
    await team.set_document("is_public = false")
    await ended(peer, "forbidden")
    await ended(guest, "forbidden")
    assert ann.connected
    await peer.close()
    await guest.close()


async def test_a_document_that_leaves_the_playground_is_left_by_guests(
    server: Server, team: Team, ann: Peer, family: Family
) -> None:
    name = f"moved-{uuid4().hex[:8]}"
    guest = await Peer(server, family, name).sync()
    await can_edit(guest, guest)
    await guest.saved()
    document = (await server.document(name))["id"]
    await team.owner.execute("UPDATE documents SET workspace_id = $1 WHERE id = $2", team.id, UUID(document))
    await ended(guest, "forbidden")
    await guest.close()


async def test_a_replaced_document_is_stale(team: Team, ann: Peer, family: Family) -> None:
    ed, peer = await editor(team, family, ann)
    await team.set_document("generation = generation + 1")
    await ended(peer, "stale_generation")
    await peer.close()
    again = await team.opened(family, ed)
    await can_edit(again, again)
    await again.saved()
    await again.close()


async def test_a_document_that_is_not_for_editing_together_has_no_room(team: Team, ann: Peer, family: Family) -> None:
    ed, peer = await editor(team, family, ann)
    await team.set_document("""settings = '{"collaboration": false}'""")
    assert "cannot be edited together" in await ended(peer, "not_collaborative")
    await turned_down(team.peer(family, ed), "not_collaborative")
    await team.set_document("settings = '{}'")
    again = await team.opened(family, ed)
    await again.close()
    await peer.close()


async def test_a_password_has_no_room(team: Team, family: Family) -> None:
    await team.set_document("type = 'password'")
    await turned_down(team.peer(family, team.ann), "encrypted_document")


async def test_a_token_that_is_revoked_or_deleted_ends_where_it_was_used(team: Team, ann: Peer, family: Family) -> None:
    ed = await team.member("ed", "editor")
    for change in ("UPDATE access_tokens SET revoked_at = now()", "DELETE FROM access_tokens"):
        other = await ed.with_scope("write")
        peer = await team.opened(family, other)
        stays = await team.opened(family, ed)
        await team.owner.execute(f"{change} WHERE token_hash = sha256($1)", other.token.encode())
        await ended(peer, "unauthenticated")
        await can_edit(stays, ann)
        await stays.close()
        await peer.close()


async def test_a_session_that_ends_closes_what_it_opened(team: Team, ann: Peer, family: Family) -> None:
    ed = await team.member("ed", "editor")
    stays = await team.opened(family, ed)
    session, cookie = await team.signed_in(ed)
    page = [("Cookie", f"collab_session={cookie}"), ("Origin", team.server.http)]
    peer = await Peer(team.server, family, str(team.document), headers=page).sync()
    await can_edit(peer, ann)
    await team.owner.execute("DELETE FROM sessions WHERE id = $1", UUID(session))
    await ended(peer, "unauthenticated")
    await can_edit(stays, ann)
    await peer.close()
    await stays.close()


async def test_a_person_who_is_deactivated_or_deleted_is_signed_out(team: Team, ann: Peer, family: Family) -> None:
    erase = "WITH w AS (DELETE FROM workspaces WHERE owner_id = $1) DELETE FROM users"
    for change in ("UPDATE users SET is_active = false", "UPDATE users SET deleted_at = now()", erase):
        ed, peer = await editor(team, family, ann)
        await team.owner.execute(f"{change} WHERE id = $1", UUID(ed.id))
        await ended(peer, "unauthenticated")
        await peer.close()


async def test_a_connect_token_is_worth_what_its_issuer_is(team: Team, ann: Peer, family: Family) -> None:
    ed = await team.member("ed", "editor")
    for name in ({}, {"name": "Visitor"}):
        made = await ed.post(f"/documents/{team.document}/connect-tokens", json={"role": "editor", **name})
        peer = await team.opened(family, None, made.json()["token"])
        await can_edit(peer, ann)
        await team.set_member(ed, "role = 'commenter'")
        await cannot_edit(peer, ann)
        await team.remove(ed)
        await ended(peer, "forbidden")
        await turned_down(team.peer(family, None, made.json()["token"]), "not_found")
        await peer.close()
        await team.join(ed, "editor")


async def test_commands_in_another_process_count_at_once(server: Server, team: Team, family: Family) -> None:
    first, second = await people(server, "cleo", "dan")
    for person, arguments in ((first, ["token", "revoke"]), (second, ["user", "deactivate"])):
        await team.join(person, "editor")
        peer = await team.opened(family, person)
        subject = person.email
        if arguments[0] == "token":
            find = "SELECT id FROM access_tokens WHERE user_id = $1"
            subject = str(await team.owner.fetchval(find, UUID(person.id)))
        await server.command(*arguments, subject)
        await ended(peer, "unauthenticated")
        await peer.close()


async def test_a_change_while_nobody_listens_is_found_afterwards(team: Team, ann: Peer, family: Family) -> None:
    ed, peer = await editor(team, family, ann)
    listener = "SELECT pid FROM pg_stat_activity WHERE application_name = 'collab_server notices'"
    [pid] = [row["pid"] for row in await team.owner.fetch(listener)]
    async with team.owner.transaction():
        # The listening connection ends before the change is committed: its notice has no taker.
        await team.owner.execute("SELECT pg_terminate_backend($1, 5000)", pid)
        await team.remove(ed)
    await ended(peer, "forbidden", within=5)
    await peer.close()
    _, again = await editor(team, family, ann)
    await team.set_workspace("archived_at = now()")
    await cannot_edit(again, ann)
    await again.close()


async def test_without_any_notice_everybody_is_looked_at_again_in_time(tmp_path: Path, family: Family) -> None:
    async with Server(tmp_path, access_recheck_seconds=0.2) as server:
        owner = await asyncpg.connect(server.owner_dsn)
        try:
            team = await found_team(server, owner)
            ann = await team.opened("yws", team.ann)
            ed, peer = await editor(team, family, ann)
            for table in ("workspace_members", "documents"):
                await owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            await team.set_member(ed, "role = 'viewer'")
            await cannot_edit(peer, ann, within=5)
            await team.remove(ed)
            await ended(peer, "forbidden", within=5)
            await team.set_document("deleted_at = now()")
            await ended(ann, "not_found", within=5)
            await peer.close()
        finally:
            await owner.close()

"""Rights that change on one node: everybody who is connected, on whichever node and by either protocol, has them within
a second.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID

import asyncpg
import pytest

from tests.cluster.wired import Node, Wired
from tests.features.workspaces.teams import ok
from tests.peers import Family, Peer
from tests.people import Person, people
from tests.realtime.team import AT_ONCE, Team, can_edit, cannot_edit, ended, found_team, turned_down
from tests.waiting import until

FAMILIES: tuple[Family, Family] = ("yws", "hocus")
LATER = 10.0
"""Seconds within which a node that heard nothing for a while has caught up."""


class Room:
    """The document of a team, open on the first two nodes: by Ann, who sees what gets in, and by Ed, whose rights
    change. Ann's own requests go to the first node.
    """

    def __init__(self, team: Team, nodes: list[Node], ed: Person) -> None:
        self.team, self.nodes, self.ed, self.ann = team, nodes, ed, team.ann
        self.document = f"/documents/{team.document}"
        self.workspace = f"/workspaces/{team.id}"
        self.member = f"{self.workspace}/members/{ed.id}"
        self.witnesses = {node: Peer(node, "yws", str(team.document), token=team.ann.token) for node in nodes}
        self.eds: list[tuple[Peer, Peer]] = []

    async def open(self) -> None:
        for witness in self.witnesses.values():
            await witness.sync()
        self.eds = await self.opened(self.ed.token)

    async def opened(self, token: str | None, **how: object) -> list[tuple[Peer, Peer]]:
        """(a client, the witness on its node): with this token, on each node, by each protocol."""
        peers = [
            (Peer(node, family, str(self.team.document), token=token, **how), witness)  # type: ignore[arg-type]
            for node, witness in self.witnesses.items()
            for family in FAMILIES
        ]
        await asyncio.gather(*(peer.sync() for peer, _ in peers))
        return peers

    async def all_of_ed(self, follow: Callable[[Peer, Peer], Awaitable[object]]) -> None:
        """Everybody follows, at the same time."""
        await asyncio.gather(*(follow(*pair) for pair in self.eds))

    async def end(self, code: str, within: float = AT_ONCE) -> None:
        await self.all_of_ed(lambda peer, _: ended(peer, code, within))

    async def close(self) -> None:
        for peer in (*self.witnesses.values(), *(peer for peer, _ in self.eds)):
            await peer.abort()


@pytest.fixture
async def room(three: Wired, owner: asyncpg.Connection) -> AsyncIterator[Room]:
    team = await found_team(three.nodes[0], owner)
    made = Room(team, three.nodes[:2], await team.member("ed", "editor"))
    await made.open()
    await made.all_of_ed(can_edit)
    yield made
    await made.close()


async def test_a_member_who_is_demoted_and_promoted(room: Room) -> None:
    ok(await room.ann.patch(room.member, json={"role": "viewer"}))
    await room.all_of_ed(cannot_edit)
    ok(await room.ann.patch(room.member, json={"role": "editor"}))
    await room.all_of_ed(can_edit)


async def test_a_member_who_is_removed(room: Room) -> None:
    ok(await room.ann.delete(room.member), 204)
    await room.end("forbidden")
    for node in room.nodes:
        await turned_down(Peer(node, "yws", str(room.team.document), token=room.ed.token), "not_found")


async def test_a_member_who_is_suspended(room: Room) -> None:
    ok(await room.ann.patch(room.member, json={"is_active": False}))
    await room.end("forbidden")


async def test_a_document_that_is_deleted_and_restored(room: Room) -> None:
    written = {mark for peer, _ in room.eds for mark in peer.typed}
    ok(await room.ann.delete(room.document), 204)
    await asyncio.gather(room.end("not_found"), *(ended(peer, "not_found") for peer in room.witnesses.values()))
    ok(await room.ann.post(f"{room.document}/restore"))
    for peer, _ in await room.opened(room.ed.token):
        assert peer.marks >= written
        await peer.abort()


async def test_a_document_that_is_erased(room: Room) -> None:
    ok(await room.ann.delete(room.document), 204)
    ok(await room.ann.delete(f"{room.document}/permanently"), 204)
    await room.end("not_found")


async def test_a_workspace_that_is_archived_and_brought_back(room: Room) -> None:
    ok(await room.ann.post(f"{room.workspace}/archive"))
    await room.all_of_ed(cannot_edit)
    ok(await room.ann.post(f"{room.workspace}/unarchive"))
    await room.all_of_ed(can_edit)


async def test_a_workspace_that_is_deleted(room: Room) -> None:
    ok(await room.ann.delete(room.workspace), 204)
    await room.end("not_found")


async def test_a_document_that_is_replaced(room: Room) -> None:
    await room.team.set_document("generation = generation + 1")
    await room.end("stale_generation")
    again = await room.opened(room.ed.token)
    await asyncio.gather(*(can_edit(peer, again[0][0]) for peer, _ in again))
    for peer, _ in again:
        await peer.abort()


async def test_a_token_that_is_revoked(room: Room) -> None:
    ed = await room.ed.with_scope("admin")
    made = ok(await ed.post("/auth/tokens", json={"name": "laptop", "scope": "write"}), 201)
    others = await room.opened(made["token"])
    ok(await ed.delete(f"/auth/tokens/{made['id']}"), 204)
    await asyncio.gather(*(ended(peer, "unauthenticated") for peer, _ in others))
    await room.all_of_ed(can_edit)
    for peer, _ in others:
        await peer.abort()


async def test_a_session_that_ends(room: Room) -> None:
    session, cookie = await room.team.signed_in(room.ed)
    pages = [
        Peer(
            node,
            family,
            str(room.team.document),
            headers=[("Cookie", f"collab_session={cookie}"), ("Origin", node.http)],
        )
        for node in room.nodes
        for family in FAMILIES
    ]
    await asyncio.gather(*(page.sync() for page in pages))
    await room.team.owner.execute("DELETE FROM sessions WHERE id = $1", UUID(session))
    await asyncio.gather(*(ended(page, "unauthenticated") for page in pages))
    for page in pages:
        await page.abort()


async def test_a_person_who_is_deactivated(room: Room) -> None:
    [root] = await people(room.nodes[0], "root", admin=True)
    ok(await root.patch(f"/users/{room.ed.id}", json={"is_active": False}))
    await room.end("unauthenticated")


async def test_a_change_while_a_node_cannot_hear_counts_when_it_hears_again(room: Room) -> None:
    deaf = room.nodes[1]
    deaf.to_postgres.tear()
    try:
        ok(await room.ann.delete(room.member), 204)
        here = [peer for peer, _ in room.eds if peer.server is room.nodes[0]]
        await asyncio.gather(*(ended(peer, "forbidden") for peer in here))
    finally:
        deaf.to_postgres.mend()
    await room.end("forbidden", within=LATER)


async def test_a_node_whose_connection_was_cut_hears_the_next_change_at_once(room: Room, three: Wired) -> None:
    listeners = """
        SELECT pid FROM pg_stat_activity
        WHERE application_name = 'collab_server notices' AND datname = current_database()
    """

    async def listening() -> set[int]:
        return {row["pid"] for row in await room.team.owner.fetch(listeners)}

    before = await listening()
    assert len(before) == len(three.nodes)
    room.nodes[1].to_postgres.cut()

    async def back() -> bool:
        now = await listening()
        return len(now) == len(three.nodes) and now != before

    await until(back, "the node to listen again", LATER)
    await room.all_of_ed(can_edit)
    ok(await room.ann.patch(room.member, json={"role": "viewer"}))
    await room.all_of_ed(cannot_edit)
    ok(await room.ann.delete(room.document), 204)
    await room.end("not_found")

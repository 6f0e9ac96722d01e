"""Uses of links that sockets hold: counted once, ended once, and open to a client that returns within a minute."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from collab_server.access import queries
from collab_server.access.identity import Identity
from collab_server.access.links import Device, Link
from collab_server.adapters.postgres import Database
from collab_server.errors import ShareUsedUp, Unavailable
from collab_server.realtime.share_openings import ShareOpenings
from tests import databases
from tests.peers import Family, Peer
from tests.realtime.team import found_team, turned_down
from tests.server import Server
from tests.waiting import until


@dataclass
class World:
    """A database with a workspace, and what counts uses of links there."""

    db: Database
    owner: asyncpg.Connection
    workspace: UUID
    openings: ShareOpenings

    async def link(self, max_uses: int | None = None) -> UUID:
        query = """
            INSERT INTO shares (workspace_id, token_hash, permission, max_uses) VALUES ($1, $2, 'read', $3)
            RETURNING id
        """
        made: UUID = await self.owner.fetchval(query, self.workspace, hashlib.sha256(uuid4().bytes).digest(), max_uses)
        return made

    async def openings_of(self, link: UUID) -> list[bool]:
        """Whether each use has ended."""
        query = "SELECT ended_at IS NOT NULL FROM share_openings WHERE share_id = $1"
        return [row[0] for row in await self.owner.fetch(query, link)]

    async def uses_of(self, link: UUID) -> int:
        count: int = await self.owner.fetchval("SELECT access_count FROM shares WHERE id = $1", link)
        return count

    async def wait_blocked(self) -> None:
        """Wait until a statement of the server waits for the transaction of `owner`."""
        query = (
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND transactionid = pg_current_xact_id_if_assigned()::xid"
        )

        async def is_blocked() -> bool:
            return bool(await self.owner.fetchval(query))

        await until(is_blocked, "a statement that waits for the transaction")


@pytest.fixture(scope="module")
async def database() -> AsyncIterator[databases.Database]:
    async with databases.migrated("18") as database:
        yield database


@pytest.fixture
async def world(database: databases.Database) -> AsyncIterator[World]:
    db, owner = Database(database.login_dsn, pool_size=3), await asyncpg.connect(database.owner_dsn)
    await db.open()
    try:
        who = await owner.fetchval("INSERT INTO users (email) VALUES ($1) RETURNING id", f"{uuid4().hex}@example.org")
        workspace = await owner.fetchval(
            "INSERT INTO workspaces (owner_id, name, kind) VALUES ($1, 'Team', 'team') RETURNING id", who
        )
        yield World(db, owner, workspace, ShareOpenings(db))
    finally:
        await owner.close()
        await db.close()


def visitor(link: UUID, device: str = "") -> Identity:
    client = Device("192.0.2.1", "tests", device).key(link)
    return Identity("guest", None, "Guest", link=Link(link, None, uuid4(), "", client))


async def test_a_use_of_a_cancelled_join_is_ended(world: World) -> None:
    link = await world.link(max_uses=1)
    async with world.owner.transaction():
        await world.owner.execute("SELECT FROM shares WHERE id = $1 FOR UPDATE", link)
        joining = asyncio.create_task(world.openings.begin(visitor(link), same_device=False))
        await world.wait_blocked()
        joining.cancel()
        with pytest.raises(asyncio.CancelledError):
            await joining

    async def is_ended() -> bool:
        return await world.openings_of(link) == [True]

    await until(is_ended, "the end of the use")
    assert await world.openings.begin(visitor(link), same_device=False), "the client may come back"
    assert await world.uses_of(link) == 1


async def test_a_join_waits_only_for_what_is_written_of_its_client(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    link, other = await world.link(max_uses=1), await world.link()
    opening = await world.openings.begin(visitor(link), same_device=False)
    assert opening is not None
    may_write = asyncio.Event()
    written = queries.end_openings

    async def write_later(*arguments: Any) -> None:
        await may_write.wait()
        await written(*arguments)

    monkeypatch.setattr(queries, "end_openings", write_later)
    world.openings.end(opening)
    back = asyncio.create_task(world.openings.begin(visitor(link), same_device=False))
    assert await world.openings.begin(visitor(other), same_device=False), "another link is not waited for"
    with pytest.raises(ShareUsedUp):
        await world.openings.begin(visitor(link, "another"), same_device=True)
    assert not back.done()
    may_write.set()
    assert await back == opening
    assert await world.openings_of(link) == [False]


async def test_a_use_lasts_until_the_last_socket_of_its_device_ends(world: World) -> None:
    link = await world.link()
    first, second = [await world.openings.begin(visitor(link, "phone"), same_device=True) for _ in range(2)]
    assert first is not None
    assert second == first
    world.openings.end(first)
    # Begins after what is written of the same client.
    assert await world.openings.begin(visitor(link, "phone"), same_device=True) == first
    assert await world.openings_of(link) == [False]
    for _ in range(2):
        world.openings.end(first)
    await world.openings.stop()
    assert await world.openings_of(link) == [True]
    assert await world.uses_of(link) == 1


async def test_uses_end_when_the_process_stops(world: World) -> None:
    link, elsewhere = await world.link(max_uses=1), ShareOpenings(world.db)
    opening = await world.openings.begin(visitor(link), same_device=False)
    assert opening is not None
    await world.openings.stop()
    assert await world.openings_of(link) == [True]
    with pytest.raises(Unavailable):
        await world.openings.begin(visitor(link), same_device=False)
    assert await elsewhere.begin(visitor(link), same_device=False) == opening
    world.openings.end(opening)  # as its socket ends at last
    await world.openings.begin_minute()
    assert await world.openings_of(link) == [False], "the client goes on with it at another server"
    await elsewhere.stop()
    await world.owner.execute("UPDATE share_openings SET ended_at = now() - interval '59 seconds'")
    await elsewhere.begin_minute()
    recent = "SELECT ended_at > now() - interval '30 seconds' FROM share_openings WHERE id = $1"
    assert await world.owner.fetchval(recent, opening.id), "the minute begins when the sockets are closed"


async def test_clients_go_on_with_their_uses_after_a_restart(tmp_path: Path) -> None:
    """Their sockets do not answer the close."""
    families: tuple[Family, ...] = ("yws", "hocus")
    async with Server(tmp_path, guest_role="none") as server:
        owner = await asyncpg.connect(server.owner_dsn)
        team = await found_team(server, owner)
        await owner.close()
        body = {"kind": "link", "permission": "read", "max_uses": 1}
        links = [(await team.ann.post(f"/documents/{team.document}/shares", json=body)).json() for _ in families]
        visits = list(zip(families, [link["token"] for link in links], strict=True))
        peers = [await Peer(server, family, str(team.document), share=token).sync() for family, token in visits]
        for peer in peers:
            assert peer.socket is not None
            peer.socket.pause()
        assert await server.terminate() == 0
        for peer in peers:
            await peer.abort()
        await server.start()
        for family, token in visits:
            again = await Peer(server, family, str(team.document), share=token).sync()
            await turned_down(Peer(server, family, str(team.document), share=token), "share_used_up")
            await again.close()
        listed = (await team.ann.get(f"/documents/{team.document}/shares")).json()["items"]
        assert [link["access_count"] for link in listed] == [1, 1]

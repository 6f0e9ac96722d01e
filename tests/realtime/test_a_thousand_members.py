"""Rights of a thousand members who have one document open, changed at once.

What is bounded is the work of the server, which takes all of the second: on a busy machine it may wait for a core.
"""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from uuid import UUID

import asyncpg
import psutil

from tests.peers import Peer
from tests.people import people, run
from tests.realtime.team import ended, found_team
from tests.server import Server


def used(server: Server) -> float:
    """Seconds of CPU of the server's process."""
    times = psutil.Process(server.process.pid).cpu_times()
    return float(times.user + times.system)


async def told(peer: Peer) -> None:
    await peer.until(lambda: peer.denied, "told to read only", within=30)


async def test_to_tell_a_thousand_open_members_takes_less_than_a_second(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(Server(tmp_path))
        owner = await asyncpg.connect(server.owner_dsn)
        stack.push_async_callback(owner.close)
        team = await found_team(server, owner)
        everybody = await people(server, *(f"m{n}" for n in range(1000)), scope="write")
        ids = [UUID(person.id) for person in everybody]
        insert = "INSERT INTO workspace_members (workspace_id, user_id, role) VALUES ($1, $2, 'editor')"
        await run(server, insert, [(team.id, one) for one in ids])
        peers: list[Peer] = []
        for start in range(0, len(everybody), 50):
            peers += await asyncio.gather(
                *(team.peer("yws", person).sync() for person in everybody[start : start + 50])
            )
        for peer in peers:
            stack.push_async_callback(peer.abort)

        started = used(server)
        await team.set_workspace("archived_at = now()")
        for peer in peers:
            await told(peer)
        archived = used(server) - started

        started = used(server)
        await owner.execute(
            "DELETE FROM workspace_members WHERE workspace_id = $1 AND user_id = ANY ($2)", team.id, ids
        )
        for peer in peers:
            await ended(peer, "forbidden", within=30)
        removed = used(server) - started
        print(f"1,000 members: archived {archived:.3f} s of CPU, removed {removed:.3f} s")
        assert max(archived, removed) < 1.0

"""How much of a pool one person may hold, counted."""

import asyncio
from contextlib import AsyncExitStack
from uuid import uuid4

import pytest

from collab_server.adapters.connection_shares import Shares
from collab_server.adapters.postgres import STATEMENTS_EACH, Caller, Database, caller
from tests import databases
from tests.waiting import until


async def test_eight_slow_statements_of_one_person_leave_connections_for_everybody_else() -> None:
    async with databases.migrated("18") as made:
        db = Database(made.login_dsn, guest_role="editor")
        await db.open()
        try:
            ann, inside, go = uuid4(), 0, asyncio.Event()

            async def work() -> None:
                nonlocal inside
                async with db.as_user(ann) as conn:
                    await conn.fetchval("SELECT 1")
                    inside += 1
                    await go.wait()

            tasks = [asyncio.create_task(work()) for _ in range(8)]
            await until(lambda: inside == STATEMENTS_EACH, "her share")
            async with db.as_user(uuid4()) as one, db.as_user(None) as other:
                assert await one.fetchval("SELECT 1") + await other.fetchval("SELECT 1") == 2
            assert inside == STATEMENTS_EACH
            go.set()
            await asyncio.gather(*tasks)
            assert inside == 8
        finally:
            await db.close()


async def test_guests_share_by_address() -> None:
    async with databases.migrated("18") as made:
        db = Database(made.login_dsn, guest_role="editor")
        await db.open()
        try:
            async with AsyncExitStack() as held:
                caller.set(Caller(ip="192.0.2.1"))
                for _ in range(STATEMENTS_EACH):
                    await held.enter_async_context(db.as_user(None))
                waiting = asyncio.create_task(held.enter_async_context(db.as_user(None)))
                caller.set(Caller(ip="192.0.2.2"))
                async with db.as_user(None) as conn:
                    assert await conn.fetchval("SELECT 1") == 1
                assert not waiting.done()
                waiting.cancel()
                await asyncio.wait({waiting})
        finally:
            caller.set(Caller())
            await db.close()


async def test_who_waits_is_served_in_the_order_of_coming_and_nothing_is_left_behind() -> None:
    shares, served = Shares(2), list[int]()
    gates = [asyncio.Event() for _ in range(6)]

    async def work(number: int) -> None:
        async with shares.taken("ann", 60):
            served.append(number)
            await gates[number].wait()

    tasks = [asyncio.create_task(work(number)) for number in range(6)]
    await until(lambda: len(served) == 2, "the first two")
    tasks[2].cancel()
    await asyncio.wait({tasks[2]})
    gates[1].set()
    await until(lambda: len(served) == 3, "the next")
    assert served == [0, 1, 3]
    # Served and cancelled in the same turn of the loop: the place goes on to the next.
    gates[0].set()
    await asyncio.wait({tasks[0]})
    tasks[4].cancel()
    await until(lambda: 5 in served, "the last")
    for gate in gates:
        gate.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert len(shares) == 0


async def test_waiting_for_a_share_ends() -> None:
    shares = Shares(1)
    async with shares.taken("ann", 1):
        with pytest.raises(TimeoutError):
            async with shares.taken("ann", 0.01):
                pass
    async with shares.taken("ann", 0):
        pass
    assert len(shares) == 0

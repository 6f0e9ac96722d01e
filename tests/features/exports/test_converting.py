"""The bounds of the processes that make files."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from collab_server.adapters.conversion.converters import MAX_ARCHIVES, MAX_OF_ONE, Converters
from collab_server.adapters.conversion.spool import Spool
from collab_server.adapters.fair_queue import on_behalf_of
from collab_server.errors import InsufficientStorage, TooLarge, TooMany, TooMuchWork
from tests.waiting import until

T = TypeVar("T")
GUEST = "address:192.0.2.1"


def _hungry() -> None:
    raise MemoryError


def wait_for(path: str) -> None:
    while not Path(path).exists():
        time.sleep(0.005)


def spawn(person: str, work: Callable[[], Awaitable[T]]) -> asyncio.Task[T]:
    """The work in a task of its own, on behalf of a person."""

    async def done() -> T:
        on_behalf_of.set(person)
        return await work()

    return asyncio.create_task(done())


async def hold_archive(converters: Converters, go: asyncio.Event) -> None:
    async with converters.archive():
        await go.wait()


async def test_a_conversion_ends_after_its_time_limit() -> None:
    converters = Converters(seconds=600, guest_seconds=1.0)
    try:
        with pytest.raises(TooMuchWork, match="longer than 1 s"):
            await spawn(GUEST, lambda: converters.run(time.sleep, 600))
    finally:
        await converters.close()


async def test_a_conversion_reports_its_memory_limit() -> None:
    converters = Converters()
    try:
        with pytest.raises(TooMuchWork, match="memory"):
            await converters.run(_hungry)
    finally:
        await converters.close()


async def test_files_of_one_person_are_made_one_at_a_time_and_hold_up_nobody(tmp_path: Path) -> None:
    converters = Converters()
    go = str(tmp_path / "go")
    hostile = [spawn(GUEST, lambda: converters.run(wait_for, go)) for _ in range(MAX_OF_ONE)]
    try:
        await until(lambda: converters.workers.waiting == MAX_OF_ONE - 1, "all but one to wait")
        with pytest.raises(TooMany):
            await spawn(GUEST, lambda: converters.run(time.sleep, 0))
        assert await spawn("user:a", lambda: converters.run(abs, -1)) == 1
        assert await spawn("address:192.0.2.2", lambda: converters.run(abs, -1)) == 1
        assert not any(call.done() for call in hostile)
        Path(go).touch()
        await asyncio.gather(*hostile)
    finally:
        await converters.close()


async def test_archives_of_guests_leave_places_for_people_who_are_signed_in() -> None:
    converters = Converters()
    go = asyncio.Event()
    guests = [spawn(f"address:{n}", lambda: hold_archive(converters, go)) for n in range(MAX_ARCHIVES)]
    await asyncio.sleep(0)
    ready = asyncio.Event()
    ready.set()
    await spawn("user:a", lambda: hold_archive(converters, ready))
    assert not any(task.done() for task in guests)
    go.set()
    await asyncio.gather(*guests)
    await converters.close()


def write(spool: Spool, person: str, *sizes: int) -> None:
    on_behalf_of.set(person)
    with spool.open() as file:
        for size in sizes:
            file.write(bytes(size))
        assert file.read(0, 10_000_000) == bytes(sum(sizes))


async def test_space_on_disk_is_bounded_for_each_person_and_for_all() -> None:
    spool = Spool(4_000_000)
    on_behalf_of.set("user:a")
    with spool.open() as one, spool.open() as two:
        one.write(bytes(600_000))
        with pytest.raises(TooLarge):
            one.write(bytes(600_000))
        with pytest.raises(TooMany):
            two.write(bytes(600_000))
        write(spool, "user:b", 500_000, 500_000)
        assert spool.used == 600_000
    assert spool.used == 0
    small = Spool(1_000_000, most_of_one=800_000)
    on_behalf_of.set("user:a")
    with small.open() as one:
        one.write(bytes(800_000))
        with pytest.raises(InsufficientStorage) as refused:
            write(small, "user:b", 300_000)
    assert (refused.value.status, refused.value.code) == (507, "insufficient_storage")
    assert small.used == 0

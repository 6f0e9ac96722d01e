"""The bounds of the process that makes files."""

import asyncio
import time

import pytest

from collab_server.errors import TooMany, UnprocessableContent
from collab_server.exports.converting import MAX_ARCHIVES, MAX_WAITING, Converters
from tests.waiting import until


def _hungry() -> None:
    raise MemoryError


async def test_what_takes_too_long_is_ended_and_named_so() -> None:
    converters = Converters(seconds=1.0)
    try:
        with pytest.raises(UnprocessableContent, match="longer than 1 s"):
            await converters.run(time.sleep, 600)
    finally:
        await converters.close()


async def test_what_takes_too_much_memory_is_named_so() -> None:
    converters = Converters()
    try:
        with pytest.raises(UnprocessableContent, match="memory"):
            await converters.run(_hungry)
    finally:
        await converters.close()


async def test_only_so_many_wait() -> None:
    converters = Converters()
    waiting = [asyncio.create_task(converters.run(time.sleep, 600)) for _ in range(MAX_WAITING + 1)]
    try:
        await until(lambda: converters.workers.waiting >= MAX_WAITING, "all places to be taken")
        with pytest.raises(TooMany):
            await converters.run(time.sleep, 0)
    finally:
        await converters.close()
        await asyncio.gather(*waiting, return_exceptions=True)


def test_only_so_many_archives_are_made_at_a_time() -> None:
    converters = Converters()
    for _ in range(MAX_ARCHIVES):
        converters.begin_archive()
    with pytest.raises(TooMany):
        converters.begin_archive()
    converters.end_archive()
    converters.begin_archive()

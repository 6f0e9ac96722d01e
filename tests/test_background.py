"""Tests of the periodic tasks and their back-off."""

import asyncio
import logging
from contextlib import suppress

import pytest

from collab_server.background import Backoff, run_periodically
from collab_server.errors import Unavailable

LONG = 3600.0


class Action:
    """Counts its runs; `result` is returned, or raised if it is an exception."""

    def __init__(self, result: float | Exception | None = None) -> None:
        self.result = result
        self.runs = 0
        self._ran = asyncio.Event()

    async def __call__(self) -> float | None:
        self.runs += 1
        self._ran.set()
        if isinstance(self.result, Exception):
            raise self.result
        return self.result

    async def wait_for_runs(self, count: int) -> None:
        async with asyncio.timeout(10):
            while self.runs < count:
                self._ran.clear()
                await self._ran.wait()


async def end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_an_action_is_repeated_after_the_interval() -> None:
    action = Action()
    task = asyncio.create_task(run_periodically("test", action, 0.001))
    await action.wait_for_runs(3)
    await end(task)


async def test_the_action_may_return_the_time_until_its_next_run() -> None:
    action = Action(result=0.001)
    task = asyncio.create_task(run_periodically("test", action, LONG))
    await action.wait_for_runs(3)
    await end(task)


async def test_without_an_interval_only_a_wake_up_runs_the_action() -> None:
    action, wake, other = Action(), asyncio.Event(), Action()
    task = asyncio.create_task(run_periodically("test", action, None, first=None, wake=wake))
    # The other task runs several times meanwhile.
    beside = asyncio.create_task(run_periodically("test", other, 0.001))
    await other.wait_for_runs(5)
    assert action.runs == 0
    for runs in (1, 2):
        wake.set()
        await action.wait_for_runs(runs)
    await end(task)
    await end(beside)
    with pytest.raises(ValueError, match="needs an event"):
        await run_periodically("test", action, 1.0, first=None)


async def test_a_wake_up_ends_the_pause() -> None:
    action, wake = Action(), asyncio.Event()
    task = asyncio.create_task(run_periodically("test", action, LONG, wake=wake))
    await action.wait_for_runs(1)
    wake.set()
    await action.wait_for_runs(2)
    assert not wake.is_set()
    await end(task)


async def test_a_wake_up_ends_the_first_delay() -> None:
    action, wake = Action(), asyncio.Event()
    task = asyncio.create_task(run_periodically("test", action, LONG, first=LONG, wake=wake))
    wake.set()
    await action.wait_for_runs(1)
    await end(task)


async def test_a_wake_up_during_the_action_leads_to_another_run() -> None:
    wake = asyncio.Event()
    runs = 0
    again = asyncio.Event()

    async def action() -> None:
        nonlocal runs
        runs += 1
        if runs == 1:
            wake.set()
        else:
            again.set()

    task = asyncio.create_task(run_periodically("test", action, LONG, wake=wake))
    async with asyncio.timeout(10):
        await again.wait()
    await end(task)


@pytest.mark.parametrize(
    "error, level", [(ValueError("no"), logging.ERROR), (Unavailable("database away"), logging.DEBUG)]
)
async def test_errors_are_logged_and_the_task_goes_on(
    error: Exception, level: int, caplog: pytest.LogCaptureFixture
) -> None:
    action = Action(error)
    with caplog.at_level(logging.DEBUG, "collab_server"):
        task = asyncio.create_task(run_periodically("counting", action, LONG, retry=(0.001, 0.002)))
        await action.wait_for_runs(3)
        await end(task)
    records = [record for record in caplog.records if record.getMessage() == "counting failed"]
    assert len(records) >= 2
    assert {record.levelno for record in records} == {level}


async def test_a_wake_up_does_not_shorten_the_delay_after_an_error() -> None:
    action, wake = Action(ValueError("no")), asyncio.Event()
    task = asyncio.create_task(run_periodically("test", action, 0.001, wake=wake, retry=(LONG, LONG)))
    await action.wait_for_runs(1)
    wake.set()
    for _ in range(10):
        await asyncio.sleep(0)
    assert action.runs == 1
    await end(task)


@pytest.mark.parametrize("result", [None, ValueError("no")])
async def test_cancellation_ends_the_task_in_a_pause(result: Exception | None) -> None:
    action = Action(result)
    task = asyncio.create_task(run_periodically("test", action, LONG, retry=(LONG, LONG)))
    await action.wait_for_runs(1)
    task.cancel()
    async with asyncio.timeout(10):
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_cancellation_ends_the_task_within_the_action() -> None:
    entered = asyncio.Event()

    async def action() -> None:
        entered.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(run_periodically("test", action, LONG))
    async with asyncio.timeout(10):
        await entered.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


def test_delays_double_up_to_the_longest_and_are_random() -> None:
    backoff = Backoff(1.0, 4.0)
    for whole in (1.0, 2.0, 4.0, 4.0):
        assert whole / 2 <= backoff.next_delay() <= whole
    assert len({Backoff(1.0, 4.0).next_delay() for _ in range(20)}) > 1


def test_a_reset_returns_to_the_first_delay() -> None:
    backoff = Backoff(1.0, 64.0)
    for _ in range(4):
        backoff.next_delay()
    backoff.reset()
    assert backoff.next_delay() <= 1.0


def test_a_long_successful_attempt_resets_the_delays() -> None:
    backoff = Backoff(1.0, 64.0)
    for _ in range(4):
        backoff.next_delay()
    backoff.reset_after(64.0)
    assert backoff.next_delay() > 1.0
    backoff.reset_after(64.1)
    assert backoff.next_delay() <= 1.0

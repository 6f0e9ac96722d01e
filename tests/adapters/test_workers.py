"""Worker processes: what they return and raise, how they die and who notices."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import psutil
import pycrdt
import pytest

from collab_server.adapters.fair_queue import on_behalf_of
from collab_server.adapters.workers import TookTooLong, Workers
from collab_server.core.documents.compaction import CompactedDocument, compact
from collab_server.core.yjs import updates
from collab_server.errors import Malformed, TooMany, TooMuchWork, Unavailable
from tests.core.strategies import encode_update, string
from tests.require import ROOT
from tests.waiting import until

T = TypeVar("T")


@pytest.fixture
async def workers() -> AsyncIterator[Workers]:
    some = Workers(2)
    yield some
    await some.close()


# What the processes are given to do.


def add(first: int, second: int = 0) -> int:
    return first + second


def refuse(detail: str) -> None:
    raise Malformed(detail)


class Unwritable(Exception):
    def __init__(self, first: str, second: str) -> None:
        super().__init__(first + second)


def raise_what_cannot_be_sent() -> None:
    raise Unwritable("a", "b")


def raise_what_is_no_exception() -> None:
    raise SystemExit("a panic")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_once(marker: str) -> str:
    path = Path(marker)
    if not path.exists():
        path.touch()
        die()
    return "alive"


def take_all_memory() -> int:
    return len(bytearray(6 << 30))


def wait_for(path: str) -> int:
    while not Path(path).exists():
        time.sleep(0.005)
    return os.getpid()


def note(path: str, name: str) -> None:
    with Path(path).open("a") as file:
        file.write(name)


def note_and_compute(path: str) -> None:
    note(path, "x")
    while True:
        pass


def sleep_for_ever() -> None:
    while True:
        signal.pause()


def priority_and_ignored() -> tuple[int, list[bool]]:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    return os.nice(0), [signal.getsignal(number) is signal.SIG_IGN for number in numbers]


def processes() -> list[psutil.Process]:
    found = []
    for child in psutil.Process().children():
        # It may end at this moment.
        with suppress(psutil.NoSuchProcess):
            if "worker_process" in " ".join(child.cmdline()):
                found.append(child)
    return found


async def test_a_call_returns_what_the_function_returns(workers: Workers) -> None:
    assert await workers.run(add, 1, second=2) == 3
    assert await workers.run(os.getpid) != os.getpid()


async def test_a_fold_in_a_worker_is_the_same_as_here(workers: Workers) -> None:
    update = encode_update([(1, 0, [string("text")])])
    folded = await workers.run(compact, None, [update])
    assert isinstance(folded, CompactedDocument)
    assert folded == compact(None, [update])
    assert await workers.run(updates.validate, update) == updates.validate(update)


async def test_a_megabyte_goes_there_and_back(workers: Workers) -> None:
    megabyte = os.urandom(1 << 20)
    assert await workers.run(bytes.__add__, megabyte, b"x") == megabyte + b"x"


async def test_an_error_of_ours_arrives_as_it_was_raised(workers: Workers) -> None:
    with pytest.raises(Malformed, match="not an update") as caught:
        await workers.run(refuse, "not an update")
    assert caught.value.detail == "not an update"
    assert "refuse" in "".join(caught.value.__notes__)
    with pytest.raises(Malformed):
        await workers.run(updates.validate, b"\xff")


@pytest.mark.parametrize("function", [raise_what_cannot_be_sent, raise_what_is_no_exception])
async def test_an_error_that_cannot_be_sent_arrives_as_another(workers: Workers, function: object) -> None:
    before = await workers.run(os.getpid)
    with pytest.raises(RuntimeError, match=r"Unwritable: ab|SystemExit: a panic"):
        await workers.run(function)  # type: ignore[arg-type]
    assert await workers.run(os.getpid) == before


async def test_processes_start_when_needed_and_no_more_than_allowed(workers: Workers, tmp_path: Path) -> None:
    assert not processes()
    await workers.run(add, 1)
    assert len(processes()) == 1
    go = tmp_path / "go"
    calls = [asyncio.create_task(workers.run(wait_for, str(go))) for _ in range(5)]
    await until(lambda: len(processes()) == 2, "a second process")
    go.touch()
    assert len(set(await asyncio.gather(*calls))) == 2
    assert len(processes()) == 2


async def test_warming_starts_all_and_imports_what_folding_needs(workers: Workers) -> None:
    await workers.warm()
    assert len(processes()) == 2


async def test_workers_have_low_priority_and_ignore_what_ends_the_server(workers: Workers) -> None:
    assert await workers.run(priority_and_ignored) == (os.nice(0) + 5, [True, True, True])


async def test_the_signals_that_drain_the_server_do_not_reach_a_call(workers: Workers, tmp_path: Path) -> None:
    pid = await workers.run(os.getpid)
    go = tmp_path / "go"
    call = asyncio.create_task(workers.run(wait_for, str(go)))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(pid, number)
    go.touch()
    assert await call == pid
    assert os.getpgid(pid) != os.getpgid(0)


async def test_a_call_whose_process_is_killed_is_repeated(workers: Workers, tmp_path: Path) -> None:
    before = await workers.run(os.getpid)
    assert await workers.run(die_once, str(tmp_path / "died")) == "alive"
    assert await workers.run(os.getpid) != before


async def test_a_process_killed_while_it_waits_is_replaced_and_costs_no_attempt(workers: Workers) -> None:
    pid = await workers.run(os.getpid)
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(Unavailable):
        await workers.run(die)
    assert await workers.run(add, 1) == 1


async def test_a_call_that_kills_two_processes_is_given_up_and_others_are_not_harmed(
    workers: Workers, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    bystander = asyncio.create_task(workers.run(wait_for, str(go)))
    with pytest.raises(Unavailable):
        await workers.run(die)
    go.touch()
    assert await bystander


async def test_a_call_that_takes_too_much_memory_does_not_take_the_machine() -> None:
    workers = Workers(1, memory_bytes=2 << 30)
    with pytest.raises(MemoryError):
        await workers.run(take_all_memory)
    assert await workers.run(add, 1) == 1
    await workers.close()


async def test_a_decode_bomb_ends_with_its_process() -> None:
    workers = Workers(1, memory_bytes=1 << 30)
    state_vector_of_a_gigabyte = bytes.fromhex("80808080020101")
    with pytest.raises((Unavailable, RuntimeError, ValueError, MemoryError)):
        await workers.run(pycrdt.get_update, b"\0\0", state_vector_of_a_gigabyte)
    assert await workers.run(add, 1) == 1
    await workers.close()


async def test_a_call_that_takes_too_long_is_ended() -> None:
    workers = Workers(1)
    await workers.run(add, 1)
    (before,) = processes()
    workers.call_seconds = 0.5
    with pytest.raises(TookTooLong):
        await workers.run(sleep_for_ever)
    assert not before.is_running()
    workers.call_seconds = 60
    assert await workers.run(add, 1) == 1
    await workers.close()


async def test_a_caller_who_leaves_does_not_stop_the_call_nor_mix_up_answers(tmp_path: Path) -> None:
    workers = Workers(1)
    pid = await workers.run(os.getpid)
    go = tmp_path / "go"
    call = asyncio.create_task(workers.run(wait_for, str(go)))
    waiting = asyncio.create_task(workers.run(add, 20, 3))
    await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    go.touch()
    assert await waiting == 23
    assert await workers.run(os.getpid) == pid
    await workers.close()


async def test_too_many_waiting_calls_are_refused(tmp_path: Path) -> None:
    workers = Workers(1, max_waiting=2)
    go = tmp_path / "go"
    calls = [asyncio.create_task(workers.run(wait_for, str(go))) for _ in range(3)]
    await until(lambda: workers.waiting == 2, "two calls to wait")
    with pytest.raises(Unavailable):
        await workers.run(add, 1)
    go.touch()
    assert len(set(await asyncio.gather(*calls))) == 1
    await workers.close()


async def run_for(person: str, workers: Workers, function: Callable[..., T], *arguments: object) -> T:
    on_behalf_of.set(person)
    return await workers.run(function, *arguments)


async def test_nobody_waits_for_the_calls_of_one_person(workers: Workers, tmp_path: Path) -> None:
    go = tmp_path / "go"
    calls = [asyncio.create_task(run_for("user:a", workers, wait_for, str(go))) for _ in range(5)]
    await until(lambda: workers.running == 1 and workers.waiting == 4, "one of the calls to run")
    for other in ("user:b", "address:192.0.2.1", ""):
        assert await asyncio.create_task(run_for(other, workers, add, 1)) == 1
    assert not any(call.done() for call in calls)
    assert len(processes()) == 2
    go.touch()
    assert len(set(await asyncio.gather(*calls))) == 1


async def test_persons_take_turns(tmp_path: Path) -> None:
    workers = Workers(1)
    go = tmp_path / "go"
    log = tmp_path / "log"
    first = asyncio.create_task(run_for("", workers, wait_for, str(go)))
    await until(lambda: workers.running == 1, "the first call to run")
    calls = [asyncio.create_task(run_for(name, workers, note, str(log), name)) for name in "aaabbc"]
    await until(lambda: workers.waiting == 6, "all others to wait")
    go.touch()
    await asyncio.gather(first, *calls)
    assert log.read_text() == "abcaba"
    await workers.close()


async def test_a_person_may_have_so_many_calls_and_so_much_waiting(tmp_path: Path) -> None:
    workers = Workers(1, most_of_one=2)
    go = tmp_path / "go"
    calls = [asyncio.create_task(run_for("user:a", workers, wait_for, str(go))) for _ in range(2)]
    await until(lambda: workers.waiting == 1, "a call to wait")
    with pytest.raises(TooMany) as refused:
        await asyncio.create_task(run_for("user:a", workers, add, 1))
    assert refused.value.retry_after > 0
    other = asyncio.create_task(run_for("user:b", workers, add, 1))
    go.touch()
    await asyncio.gather(*calls)
    assert await other == 1
    await workers.close()


async def test_a_call_beyond_its_deadline_is_ended_and_the_next_ones_go_on() -> None:
    workers = Workers(1, too_long=TooMuchWork)
    on_behalf_of.set("user:a")
    endless = asyncio.create_task(workers.run_within(0.5, sleep_for_ever))
    await until(lambda: workers.running == 1, "the call to run")
    nexts = [asyncio.create_task(run_for(person, workers, os.getpid)) for person in ("user:a", "user:b")]
    await until(lambda: len(processes()) == 1, "its process")
    (before,) = processes()
    with pytest.raises(TooMuchWork) as refused:
        await endless
    assert refused.value.code == "too_much_work"
    assert before.pid not in await asyncio.gather(*nexts)
    await workers.close()


async def test_a_call_that_computes_beyond_its_deadline_is_ended_once_by_time_of_the_processor(tmp_path: Path) -> None:
    workers = Workers(1, too_long=TooMuchWork)
    log = tmp_path / "log"
    await workers.run(add, 1)
    with pytest.raises(TooMuchWork, match=r"longer than 0\.5 s"):
        await workers.run_within(0.5, note_and_compute, str(log))
    assert log.read_text() == "x"
    assert await workers.run(add, 1) == 1
    await workers.close()


async def test_processes_that_are_not_needed_end_and_come_back(tmp_path: Path) -> None:
    workers = Workers(2, keep=1, idle_seconds=0.2)
    go = tmp_path / "go"
    calls = [asyncio.create_task(workers.run(wait_for, str(go))) for _ in range(2)]
    await until(lambda: len(processes()) == 2, "two processes")
    go.touch()
    assert len(set(await asyncio.gather(*calls))) == 2
    await until(lambda: len(processes()) == 1, "one of two to end")
    await asyncio.gather(*(workers.run(os.getpid) for _ in range(4)))
    assert await workers.run(add, 1) == 1
    await workers.close()
    assert not processes()


async def test_closing_ends_processes_and_calls(workers: Workers) -> None:
    await workers.warm()
    started = processes()
    calls = [asyncio.create_task(workers.run(sleep_for_ever)) for _ in range(3)]
    await asyncio.sleep(0)
    await workers.close()
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert [isinstance(result, Unavailable) for result in results] == [True] * 3
    assert not any(process.is_running() for process in started)
    with pytest.raises(Unavailable):
        await workers.run(add, 1)
    await workers.close()


PARENT = """
import asyncio, sys
from collab_server.adapters.fair_queue import on_behalf_of
from collab_server.adapters.workers import Workers
from tests.adapters.test_workers import sleep_for_ever
async def main():
    workers = Workers(2)
    await workers.warm()
    call = asyncio.create_task(workers.run(sleep_for_ever))
    await asyncio.sleep(0)
    print(*(worker.pid for worker in workers._all), flush=True)
    await call
asyncio.run(main())
"""


async def test_workers_end_with_a_server_that_is_killed_busy_or_not() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        assert len(pids) == 2
        assert all(psutil.pid_exists(pid) for pid in pids)
        parent.kill()
    await until(lambda: not any(psutil.pid_exists(pid) for pid in pids), "the workers to end")


async def test_what_a_worker_prints_does_not_reach_standard_output(
    workers: Workers, capfd: pytest.CaptureFixture[str]
) -> None:
    await workers.run(print, "chatter")
    assert capfd.readouterr().out == ""

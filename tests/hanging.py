"""Ends a test that hangs, and prints what its tasks wait for. Otherwise it holds up the whole run, and says nothing."""

import asyncio
import io
import signal
from collections.abc import Generator
from types import FrameType
from typing import Any

import pytest

PATIENCE = 10
"""A test may take so many times as long as faulthandler_timeout, which is 0 for the long forms: these have no end."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Fails the test after its time."""
    seconds = PATIENCE * float(item.config.getini("faulthandler_timeout") or 0)

    def end(_number: int, _frame: FrameType | None) -> None:
        pytest.fail(f"hangs for {seconds:g} s\n{_describe_tasks()}", pytrace=False)

    former = signal.signal(signal.SIGALRM, end)
    # Again and again: an event loop only logs what a callback raises.
    signal.setitimer(signal.ITIMER_REAL, seconds, seconds)
    try:
        return (yield)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)


def _describe_tasks() -> str:
    try:
        tasks = asyncio.all_tasks()
    except RuntimeError:
        return "it runs no event loop"
    stacks = io.StringIO()
    for task in tasks:
        task.print_stack(file=stacks)
    return stacks.getvalue()

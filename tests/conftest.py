"""Settings of all tests."""

import gc
import os
import ssl
from functools import partialmethod
from typing import Any

import httpx
import pytest
from hypothesis import settings

from collab_server import _speedups
from collab_server import settings as server_settings
from tests.hanging import pytest_runtest_call

__all__ = ["pytest_runtest_call"]

# The same examples in every run: a failure then belongs to the change that brought it. Others come by hand.
# No deadline: it would be real time, which a busy machine has less of.
settings.register_profile("fixed", derandomize=True, database=None, deadline=None)
settings.register_profile("random", deadline=None)
settings.load_profile("random" if os.environ.get("COLLAB_RANDOM_EXAMPLES") else "fixed")

# httpx reads the authorities for each client, which takes 30 ms of the processor. Clients of tests share them.
_AUTHORITIES = ssl.create_default_context()
for _client in (httpx.AsyncClient, httpx.Client):
    _client.__init__ = partialmethod(_client.__init__, verify=_AUTHORITIES)  # type: ignore[method-assign,assignment]

# `COLLAB_SPEEDUPS=false make test` runs everything with the Python form, also what needs no server.
_speedups.choose(compiled=server_settings.load().speedups)

SLOW_FILES = [
    "tests/browser/test_saving.py",
    "tests/test_serve.py",
    "tests/test_crash.py",
    "tests/interop/test_awareness.py",
    "tests/features/maintenance/test_maintenance.py",
    "tests/test_outage.py",
    "tests/browser/test_tiptap.py",
    "tests/test_schemathesis.py",
    "tests/features/history/test_history_crash.py",
    "tests/test_traces.py",
]
"""Files that take a process longer than others, and so come first where several processes share the files."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Orders the tests for pytest-xdist with --no-loadscope-reorder. No long file is left for the end of a run."""
    if hasattr(config, "workerinput"):
        places = {file: place for place, file in enumerate(SLOW_FILES)}
        items.sort(key=lambda item: places.get(item.nodeid.partition("::")[0], len(places)))


def pytest_collection_finish() -> None:
    """Tests and modules stay until the end: the garbage collector need not go through them again and again."""
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Prints how often tests were repeated because Chromium crashed (tests/browser/chromium.py)."""
    reports = [report for found in terminalreporter.stats.values() for report in found if hasattr(report, "when")]
    done = [report for report in reports if report.when == "teardown" and "browser" in report.nodeid]
    if done:
        repeats = {report.nodeid: dict(report.user_properties).get("repeats", 0) for report in done}
        terminalreporter.write_line(f"Tests repeated because Chromium crashed: {sum(repeats.values())}")
        for test, times in repeats.items():
            if times:
                terminalreporter.write_line(f"  {test}: {times}")

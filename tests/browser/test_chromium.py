"""A test is repeated after a crash of Chromium, and after nothing else."""

import asyncio
import os
import sys
from pathlib import Path

from tests.require import ROOT, needs

CONFTEST = """
import pytest
from tests.browser.chromium import Chromium, pytest_runtest_protocol
from tests.conftest import pytest_terminal_summary

@pytest.fixture(scope="session")
async def chromium():
    async with Chromium.launched() as chromium:
        yield chromium
"""
TESTS = """
from collections import Counter
from contextlib import suppress
import psutil
import pytest
from tests.browser.chromium import Chromium

attempts = Counter()

def kill_browser():
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):  # other processes of Chromium end meanwhile
            command = process.cmdline()
            if "--headless" in command and not any(part.startswith("--type=") for part in command):
                process.kill()
                process.wait()

@pytest.mark.parametrize("crashes", [0, 1])
async def test_a_page(chromium, crashes):
    page = await (await chromium.browser()).new_page()
    attempts[crashes] += 1
    if attempts[crashes] <= crashes:
        kill_browser()
    assert await page.evaluate("1 + 1") == 2

def test_fails_by_itself():
    attempts["fails"] += 1
    raise AssertionError(f"attempt {attempts['fails']}")

def test_crashes_always():
    Chromium.crashes += 1
    raise AssertionError
"""


async def run_pytest(folder: Path) -> tuple[int | None, str]:
    """-> (exit status, output) of the tests in a folder, run as pytest-xdist does."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "pytest", "-p", "no:cacheprovider", "-rA", "-o", "asyncio_mode=auto", "--rootdir", str(folder)),
        *("-o", "asyncio_default_fixture_loop_scope=session", "-o", "asyncio_default_test_loop_scope=session"),
        *("-n", "1", str(folder)),
        cwd=folder,
        env={**own, "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode, output.decode()


async def test_only_a_test_during_which_chromium_crashed_is_repeated(tmp_path: Path) -> None:
    needs("chromium")
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_browser.py").write_text(TESTS)
    status, output = await run_pytest(tmp_path)
    assert status == 1, output
    assert "2 failed, 2 passed" in output, output
    assert "AssertionError: attempt 1" in output
    assert "Tests repeated because Chromium crashed: 3" in output
    assert "test_a_page[1]: 1\n" in output
    assert "test_crashes_always: 2\n" in output

"""A test that hangs fails, and says where."""

import subprocess
import sys
from pathlib import Path

from tests.require import ROOT

HANGS = """
import asyncio

async def test_waits():
    async def wait_for_nobody():
        await asyncio.Event().wait()
    await asyncio.create_task(wait_for_nobody())

def test_goes_on():
    pass
"""


def test_a_test_that_hangs_fails_and_the_next_one_runs(tmp_path: Path) -> None:
    (tmp_path / "test_hangs.py").write_text(HANGS)
    command = [sys.executable, "-m", "pytest", "-p", "tests.hanging", "-o", "faulthandler_timeout=0.2"]
    command += ["-o", "asyncio_mode=auto", "-c", "/dev/null", "--rootdir", str(tmp_path), str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    for told in ("hangs for 2 s", "in wait_for_nobody", "1 failed, 1 passed"):
        assert told in done.stdout

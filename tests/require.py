"""What a test needs from the machine: absent means skipped, or failed where COLLAB_TEST_REQUIRE=all."""

import os
import shutil
import socket
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TRACES = ROOT.parent / "shared" / "data" / "editing-traces"


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


_FOUND = {
    "node": lambda: shutil.which("node") is not None and shutil.which("npm") is not None,
    "chromium": lambda: shutil.which("chromium") is not None,
    "redis": lambda: _listens(6379),
    "postgres15": lambda: _listens(5432),
    # Recorded sessions lie beside the repository, never in it; a checkout without them tests everything else.
    "traces": TRACES.is_dir,
}


def needs(name: str) -> None:
    """Skip the running test when `name` is absent; fail it where everything is required."""
    if _FOUND[name]():
        return
    message = f"this machine has no {name}"
    if os.environ.get("COLLAB_TEST_REQUIRE") == "all":
        pytest.fail(f"{message}, and COLLAB_TEST_REQUIRE=all")
    pytest.skip(message)

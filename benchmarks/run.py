"""`make bench`: collab_server beside y-websocket, alone and in turn, as a Markdown table."""

import argparse
import os
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, fields
from pathlib import Path

import uvloop

from benchmarks.load import Result, Work, measure

HERE = Path(__file__).resolve().parent
CACHE = HERE / ".cache"
PEERS = {"@y/websocket-server": "0.1.1", "yjs": "13.6.33"}
WORKS = {
    "small": ("20 rooms x 10 clients, 400 updates/s", Work(20, 10, 2, 50, 10)),
    "busy": ("20 rooms x 10 clients, all write, 2,000 updates/s", Work(20, 10, 10, 50, 10)),
    "hot": ("1 room x 200 clients, 50 updates/s", Work(1, 200, 5, 100, 10)),
}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def pinned(core: int, *command: str) -> list[str]:
    return (
        ["taskset", "-c", str(core), *command] if (os.cpu_count() or 1) > 1 and shutil.which("taskset") else [*command]
    )


@contextmanager
def ours() -> Iterator[tuple[str, int]]:
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="collab-bench-") as folder:
        environment = {**os.environ, "COLLAB_DATA_DIR": folder, "COLLAB_PORT": str(port), "COLLAB_LOG_LEVEL": "warning"}
        command = pinned(0, sys.executable, "-m", "collab_server", "serve")
        process = subprocess.Popen(command, cwd=HERE.parent, env=environment, stdout=subprocess.PIPE)
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith(b"collab_server ready")
            yield f"ws://127.0.0.1:{port}/ws", process.pid
        finally:
            process.terminate()
            process.wait()


@contextmanager
def y_websocket() -> Iterator[tuple[str, int]]:
    port = free_port()
    script = CACHE / "node_modules/@y/websocket-server/src/server.js"
    environment = {**os.environ, "PORT": str(port), "HOST": "127.0.0.1"}
    process = subprocess.Popen(pinned(0, "node", str(script)), env=environment, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 20
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=1)
                break
            except (urllib.error.URLError, OSError):
                assert time.monotonic() < deadline, "y-websocket did not start"
                time.sleep(0.1)
        yield f"ws://127.0.0.1:{port}", process.pid
    finally:
        process.terminate()
        process.wait()


def install_peers() -> None:
    wanted = [f"{name}@{version}" for name, version in PEERS.items()]
    if (CACHE / "node_modules/@y/websocket-server").is_dir():
        return
    CACHE.mkdir(exist_ok=True)
    (CACHE / "package.json").write_text("{}")
    subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--silent", *wanted], cwd=CACHE, check=True)


def median(results: list[Result]) -> Result:
    columns = zip(*(astuple(result) for result in results), strict=True)
    return Result(*(statistics.median(column) for column in columns))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--works", nargs="+", choices=WORKS, default=list(WORKS))
    options = parser.parse_args()
    install_peers()
    if hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {1})
    servers = {"collab_server (every update committed)": ours, "y-websocket 0.1.1 (in memory)": y_websocket}
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    print("| work | server | CPU us/delivery: server | all | p50 ms | p99 ms | KB/connection | lost |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |", flush=True)
    for work in options.works:
        title, load = WORKS[work]
        results: dict[str, list[Result]] = {name: [] for name in servers}
        for _ in range(options.rounds):
            for name, start in servers.items():
                with start() as (url, pid):
                    results[name].append(uvloop.run(measure(url, pid, load)))
        for name, found in results.items():
            shown = median(found)
            row = [
                f"{getattr(shown, item.name):.1f}" for item in fields(shown) if item.name not in ("expected", "lost")
            ]
            print(f"| {title} | {name} | {' | '.join(row)} | {sum(r.lost for r in found)} |", flush=True)
        one, other = (median(found) for found in results.values())
        ratio = f"server {one.server_us / other.server_us:.2f}, all {one.all_us / other.all_us:.2f}"
        print(f"| | *ratio of CPU* | {ratio} | | | | | |", flush=True)


if __name__ == "__main__":
    main()

"""`python -m benchmarks.lists`: how fast lists, reads and search answer in a large library, as a Markdown table."""

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from itertools import cycle
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil

from benchmarks import library
from benchmarks.http_client import Client
from benchmarks.library import COMMON, PHRASE, RARE, Library
from benchmarks.servers import SERVERS
from benchmarks.wire import Target
from collab_server.adapters import migrations
from collab_server.adapters.embedded_postgres.server import EmbeddedPostgres

PARALLEL = 8
WARM_UP = 5


@dataclass(frozen=True, slots=True)
class Question:
    """`requests`: (path, parameters), one after the other and again from the start."""

    name: str
    requests: list[tuple[str, dict[str, Any]]]
    goal: float = 20.0


def questions(filled: Library) -> list[Question]:
    documents = f"/workspaces/{filled.largest}/documents"
    middle = f"/workspaces/{filled.median}/documents"

    def search(**params: Any) -> list[tuple[str, dict[str, Any]]]:
        return [("/search", params)]

    largest, median = str(filled.largest), str(filled.median)
    found = [
        Question(f"list {filled.largest_size:,}, by {sort}", [(documents, {"sort": sort})])
        for sort in ("updated", "created", "title", "edited")
    ]
    found += [
        Question("list 200 a page", [(documents, {"limit": 200})], 60),
        Question("list, by status", [(documents, {"status": "published"})]),
        Question("list, by type", [(documents, {"type": "mindmap"})]),
        Question("list, by tag", [(documents, {"tag": "urgent"})]),
        Question("list, by two tags", [(documents, {"tag": ["urgent", "legal"]})]),
        Question("list, favourites", [(documents, {"favourite": "true"})]),
        Question("list, title contains", [(documents, {"q": "report"})]),
        Question(f"list {filled.median_size}", [(middle, {})]),
        Question("recently seen", [("/documents/recent", {})]),
        Question("workspaces", [("/workspaces", {})]),
        Question("tags", [(f"/workspaces/{largest}/tags", {})]),
        Question("get", [(f"/documents/{one}", {}) for one in filled.documents]),
        Question("look up", [("/documents/lookup", {"address": one}) for one in map(str, filled.documents)]),
        Question("content", [(f"/documents/{one}/content", {}) for one in filled.documents]),
        Question("search, common word, everywhere", search(q=COMMON), 250),
        Question("search, common word, largest", search(q=COMMON, workspace_id=largest), 250),
        Question("search, common word, median", search(q=COMMON, workspace_id=median)),
        Question("search, common word and tag", search(q=COMMON, workspace_id=largest, tag="urgent"), 250),
        Question("search, two common words", search(q=" ".join(PHRASE), workspace_id=largest), 250),
        Question("search, phrase of common words", search(q=f'"{" ".join(PHRASE)}"', workspace_id=largest), 250),
        Question("search, rare word", search(q=RARE + "100")),
        Question("search, beginning of a word", search(q="budg", workspace_id=largest), 250),
        Question("search, Chinese", search(q="数据库", workspace_id=largest), 250),
        Question("titles, misspelt, largest", [("/search/titles", {"q": "meting reprot", "workspace_id": largest})]),
        Question("titles, misspelt, everywhere", [("/search/titles", {"q": "meting reprot"})]),
    ]
    return found


async def ask(clients: list[Client], question: Question, seconds: float) -> list[float]:
    """Milliseconds that each answer took; each client asks one after the other."""
    taken: list[float] = []
    requests = cycle((f"/api/v1{path}", params) for path, params in question.requests)
    for client in clients:
        for _ in range(WARM_UP):
            await client.get(*next(requests))
    end = time.perf_counter() + seconds

    async def one_after_the_other(client: Client) -> None:
        while (started := time.perf_counter()) < end:
            await client.get(*next(requests))
            taken.append((time.perf_counter() - started) * 1000)

    await asyncio.gather(*map(one_after_the_other, clients))
    return taken


def percentile(taken: list[float], share: int) -> float:
    return statistics.quantiles(taken, n=100)[share - 1] if len(taken) > 1 else taken[0]


class Cpu:
    """Milliseconds of CPU that the server's process and PostgreSQL (all of its processes) took since before."""

    def __init__(self, server: int, folder: Path) -> None:
        self._server = psutil.Process(server)
        self._postmaster = psutil.Process(int((folder / "postgres" / "postmaster.pid").read_text().split()[0]))
        self._before = self._now()

    def _now(self) -> tuple[float, float]:
        backends = 0.0
        for process in self._postmaster.children():
            with suppress(psutil.NoSuchProcess):
                backends += _used(process)
        return _used(self._server), backends

    def since(self) -> tuple[float, float]:
        before, self._before = self._before, self._now()
        return self._before[0] - before[0], self._before[1] - before[1]


def _used(process: psutil.Process) -> float:
    """Of one process, to the nanosecond where the kernel says so."""
    try:
        return (
            sum(int(task.read_text().split()[0]) for task in Path(f"/proc/{process.pid}/task").glob("*/schedstat"))
            / 1e6
        )
    except OSError:
        times = process.cpu_times()
        return (times.user + times.system) * 1000


async def measure(target: Target, folder: Path, filled: Library, seconds: float, only: str) -> None:
    print(
        f"{sum(library.sizes(filled.total)):,} documents in {library.WORKSPACES} workspaces; milliseconds, of which "
        "the client takes some 0.2. CPU: of the server's process and of PostgreSQL, for each answer. Load average at "
        f"the start: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.\n"
    )
    print(
        f"| | p50 | p99 | CPU server | CPU PostgreSQL | p50, {PARALLEL} at once | p99, {PARALLEL} at once | answers/s "
        "| goal (p99) | |"
    )
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |")
    clients = [Client(target.host, target.port, filled.token) for _ in range(PARALLEL)]
    for question in questions(filled):
        if only not in question.name:
            continue
        await ask(clients[:1], question, 0)
        cpu = Cpu(target.pid, folder)
        alone = await ask(clients[:1], question, seconds)
        used = [milliseconds / (len(alone) + WARM_UP) for milliseconds in cpu.since()]
        together = await ask(clients, question, seconds)
        times = [percentile(taken, share) for taken in (alone, together) for share in (50, 99)]
        held = "" if times[1] <= question.goal else "missed"
        row = " | ".join(f"{cell:.1f}" for cell in (*times[:2], *used, *times[2:]))
        print(
            f"| {question.name} | {row} | {len(together) / seconds:,.0f} | {question.goal:.0f} | {held} |",
            flush=True,
        )
    for client in clients:
        client.close()


@contextmanager
def filled_folder(folder: Path | None, documents: int) -> Iterator[tuple[Path, Library]]:
    """A data folder with the library in it; a temporary one, or one that is kept for the next time."""
    if folder is None:
        with tempfile.TemporaryDirectory(prefix="collab-lists-") as temporary:
            yield Path(temporary), _fill(Path(temporary), documents)
        return
    known = folder / "library.json"
    if not known.exists():
        filled = _fill(folder, documents)
        known.write_text(json.dumps(asdict(filled), default=str))
    stored = json.loads(known.read_text())
    for name in ("largest", "median"):
        stored[name] = UUID(stored[name])
    stored["documents"] = [UUID(one) for one in stored["documents"]]
    yield folder, Library(**stored)


def _fill(folder: Path, documents: int) -> Library:
    database = EmbeddedPostgres(folder)
    database.start()
    try:

        async def fill() -> Library:
            await migrations.upgrade(database.owner_dsn)
            await migrations.ensure_login(database.owner_dsn)
            return await library.fill(database.owner_dsn, documents)

        return asyncio.run(fill())
    finally:
        database.stop()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lists", description=__doc__)
    parser.add_argument("--documents", type=int, default=50_000)
    parser.add_argument("--seconds", type=float, default=5.0, help="for each measurement")
    parser.add_argument("--data", type=Path, help="folder in which the library is kept; the first time it is filled")
    parser.add_argument("--only", default="", help="part of the names of what to measure")
    arguments = parser.parse_args()
    ours = next(server for server in SERVERS.values() if server.ours)
    with (
        filled_folder(arguments.data, arguments.documents) as (folder, filled),
        ours.running(folder, pinned=False) as target,
    ):
        asyncio.run(measure(target, folder, filled, arguments.seconds, arguments.only))


if __name__ == "__main__":
    main()

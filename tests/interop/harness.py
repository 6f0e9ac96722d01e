"""A Node process full of real Yjs clients, as an object that tests command (see driver.mjs)."""

import asyncio
import contextlib
import itertools
import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Protocol, Self

FOLDER = Path(__file__).resolve().parent
Family = Literal["yws", "hocus"]
FAMILIES: tuple[Family, Family] = ("yws", "hocus")
WITHIN = 15.0
"""Seconds that a condition may take to come true before the test fails."""


class Endpoints(Protocol):
    """Where a server is reached: what the tests need of tests.server.Server."""

    @property
    def ws(self) -> str: ...
    @property
    def hocuspocus(self) -> str: ...


class DriverError(AssertionError):
    """A command failed in Node; for a condition that did not come true, the message tells what was there instead."""


def install() -> None:
    """Install the pinned packages of package-lock.json, unless the last installation was of the same lock."""
    lock, stamp = FOLDER / "package-lock.json", FOLDER / "node_modules" / ".installed-lock.json"
    if stamp.exists() and stamp.read_bytes() == lock.read_bytes():
        return
    npm = shutil.which("npm")
    if npm is None:
        raise RuntimeError("npm is not installed")
    subprocess.run([npm, "ci", "--no-audit", "--no-fund"], cwd=FOLDER, check=True, capture_output=True)
    shutil.copy(lock, stamp)


class NodeClients:
    """One Node process. Its end (also by an exception) ends all its clients; what they complained of fails the test."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._label = itertools.count(1)
        self.expected_complaints: list[str] = ["Permission denied to access"]
        """Parts of messages that client libraries may print in this test."""

    async def __aenter__(self) -> Self:
        install()
        node = shutil.which("node") or "node"
        self._process = await asyncio.create_subprocess_exec(
            node,
            str(FOLDER / "driver.mjs"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd=FOLDER,
            env={**os.environ, "NODE_NO_WARNINGS": "1"},
            limit=2**28,
        )
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        complaints: list[str] = []
        if kind is None and self.process.returncode is None:
            complaints = await self.complaints()
        await self.kill()
        assert not complaints, "clients could not read what the server sent:\n" + "\n".join(complaints)

    @property
    def process(self) -> asyncio.subprocess.Process:
        assert self._process is not None, "enter the context first"
        return self._process

    async def kill(self) -> None:
        """SIGKILL: every client dies at once, without a word to the server."""
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
        await self.process.wait()
        if self._reader is not None:
            await self._reader

    async def complaints(self) -> list[str]:
        """What the client libraries printed since the last call, less what is expected."""
        printed: list[str] = await self.command("complaints")
        return [text for text in printed if not any(part in text for part in self.expected_complaints)]

    async def _read(self) -> None:
        assert self.process.stdout is not None
        while line := await self.process.stdout.readline():
            answer = json.loads(line)
            future = self._answers.pop(answer["id"])
            if future.done():
                continue
            if "error" in answer:
                future.set_exception(DriverError(answer["error"]))
            else:
                future.set_result(answer["result"])
        for future in self._answers.values():
            if not future.done():
                future.set_exception(DriverError("the Node process is gone"))

    async def command(self, do: str, /, **arguments: object) -> Any:
        """Run one command of driver.mjs; its result. Raises DriverError with the driver's message."""
        number = next(self._numbers)
        future = self._answers[number] = asyncio.get_running_loop().create_future()
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"id": number, "do": do, **arguments}).encode() + b"\n")
        await self.process.stdin.drain()
        return await future

    async def open(
        self,
        server: Endpoints,
        family: Family,
        name: str,
        *,
        token: str | None = None,
        label: str | None = None,
        socket: str | None = None,
        **options: object,
    ) -> "NodeClient":
        """A new client of a document. `socket`: one of open_socket's, to share. More options: see clients.mjs."""
        label = label or f"{family}{next(self._label)}"
        url = server.ws if family == "yws" else server.hocuspocus
        arguments: dict[str, object] = {"client": label, "protocol": family, "url": url, "name": name, "token": token}
        if socket is not None:
            arguments["socket"] = socket
        opened = await self.command("open", **arguments, **options)
        return NodeClient(self, label, family, opened["clientId"])

    async def open_socket(self, server: Endpoints, label: str = "socket", **options: object) -> str:
        """A Hocuspocus socket that documents can share; its label."""
        await self.command("socket", socket=label, url=server.hocuspocus, **options)
        return label

    async def at_once(self, *commands: Mapping[str, object]) -> None:
        """Several commands in one turn of the Node event loop."""
        await self.command("atOnce", commands=list(commands))

    async def until(self, clients: "Sequence[NodeClient]", /, within: float = WITHIN, **what: object) -> None:
        """Wait until every condition of conditions.mjs in `what` holds for all the clients at one moment."""
        await self.command("until", client=[client.label for client in clients], what=what, within=within)

    async def same(self, clients: "Sequence[NodeClient]", within: float = WITHIN, **what: object) -> None:
        """Wait until the clients have equal state vectors and delete sets, nothing pending, and are saved."""
        await self.until(clients, within=within, **{"same": True, "saved": True, "pending": False, **what})


class NodeClient:
    """One provider with its document in a NodeClients process."""

    def __init__(self, node: NodeClients, label: str, family: Family, client_id: int) -> None:
        self.node, self.label, self.family, self.client_id = node, label, family, client_id

    async def command(self, do: str, /, **arguments: object) -> Any:
        return await self.node.command(do, client=self.label, **arguments)

    def doing(self, do: str, **arguments: object) -> dict[str, object]:
        """A command of this client, for NodeClients.at_once."""
        return {"do": do, "client": self.label, **arguments}

    async def edit(self, *operations: Sequence[object]) -> None:
        """Apply operations of edits.mjs in one transaction: ("insert", "content", 0, "text", {"bold": True}) ..."""
        await self.command("edit", operations=operations)

    async def append(self, text: str, root: str = "content") -> None:
        await self.edit(("append", root, text))

    async def until(self, /, within: float = WITHIN, **what: object) -> None:
        await self.command("until", what=what, within=within)

    async def throughout(self, seconds: float, **what: object) -> None:
        """Fails as soon as one of the conditions does not hold."""
        await self.command("throughout", what=what, seconds=seconds)

    async def dump(self, roots: Mapping[str, str] | None = None) -> dict[str, Any]:
        """{"content": {root: value}, "stateVector": {client: clock}, "snapshot": hex}; roots: {name: kind}."""
        result: dict[str, Any] = await self.command("dump", **({} if roots is None else {"roots": roots}))
        return result

    async def text(self, root: str = "content") -> str:
        value: str = (await self.command("read", roots={root: "text"}))[root]
        return value

    async def read(self, **roots: str) -> dict[str, Any]:
        """{root: value} for root=kind, kinds text, delta, map, array, xml."""
        result: dict[str, Any] = await self.command("read", roots=roots)
        return result

    async def view(self) -> dict[str, Any]:
        result: dict[str, Any] = await self.command("view")
        return result

    async def events(self, name: str) -> list[Any]:
        """The details of all events of this name so far."""
        result: list[Any] = await self.command("events", name=name)
        return result

    async def set_presence(self, state: Mapping[str, object] | None) -> None:
        await self.command("presence", state=state)

    async def presence(self) -> dict[int, Any]:
        """The awareness states that this client knows, its own included, by client id."""
        states = await self.command("states")
        return {int(client): state for client, state in states.items()}

    async def connect(self) -> None:
        await self.command("connect")

    async def disconnect(self) -> None:
        """Disconnect, and wait until it has happened."""
        await self.command("disconnect")
        await self.until(offline=True)

    async def cut(self) -> None:
        """Cut the line: the socket is gone without a close frame; the provider dials again by itself."""
        await self.command("cut")

    async def destroy(self) -> None:
        await self.command("destroy")

"""The client: edit without a connection, sync when there is one."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ParamSpec, Self, TypeVar
from uuid import UUID, uuid4

from collab_server.client.inbox import Inbox
from collab_server.client.outbox import Outbox
from collab_server.client.store import Shown, Store
from collab_server.client.wire import Away, Rejected, Wire
from collab_server.crdt.bundles import Answered, Mutated, Pushed, Refused

PULL_AT_ONCE = 1000
COMMIT_EVERY = 50
"""Documents of a pull that are written to the file together."""
BACKOFF = (0.5, 30.0)
"""Seconds before the first and (doubling, with jitter) at most between later attempts while the server is away."""
LOST_CURSOR = frozenset({"cursor_expired", "malformed"})
LOOK_AT_FILE = 0.5
"""How often a watching client looks whether another process has edited."""
PULL_ROUNDS = 3

_P = ParamSpec("_P")
_T = TypeVar("_T")


class NotSetUp(Exception):
    """The file names no server."""


@dataclass(slots=True)
class Report:
    """What a sync did."""

    requests: int = 0
    pushed: int = 0
    pulled: int = 0
    refused: int = 0


class OfflineClient:
    """One file, one device. All methods may be called without a connection but `sync` and `watch`.

    What an editing method did is on disk when it returns. The file may be used by several processes at a time; it must
    not be copied and used twice, as both copies would edit as the same Yjs client.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="collab-client")
        self._store: Store | None = None
        self._edited = asyncio.Event()
        self._wire: Wire | None = None
        self._wire_to = ("", "", "")

    async def __aenter__(self) -> Self:
        store = await asyncio.get_running_loop().run_in_executor(self._thread, Store, str(self._path))
        self._store, self._inbox, self._outbox = store, Inbox(store), Outbox(store)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._wire is not None:
            await self._wire.close()
        await self._do(self._opened.close)
        self._thread.shutdown()

    @property
    def _opened(self) -> Store:
        assert self._store is not None, "use `async with OfflineClient(...)`"
        return self._store

    async def _do(self, function: Callable[_P, _T], *arguments: _P.args, **named: _P.kwargs) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: function(*arguments, **named))

    # ---- without a connection

    async def set_up(self, server: str, token: str) -> None:
        """Name the server, and by which API token to come. A file stays with its server; a token may be renewed."""
        known = await self._do(self._opened.get, "server")
        if known is not None and known != server:
            raise NotSetUp(f"this file belongs to {known}: use another for another server")
        device = await self._do(self._opened.get, "device") or f"client-{uuid4().hex[:12]}"
        await self._do(self._opened.set, server=server, token=token, device=device)

    async def documents(self) -> list[Shown]:
        return await self._do(self._opened.documents)

    async def find(self, name: str) -> UUID:
        """A document by its id, name or title. Raises NoSuchDocument."""
        return await self._do(self._opened.find, name)

    async def content(self, document_id: UUID) -> str:
        return await self._do(self._opened.content, document_id)

    async def splice(self, document_id: UUID, position: int, deleted: int, inserted: str) -> bool:
        """Edit the text; positions count characters. Raises NoSuchDocument, ValueError."""
        return await self._edit(document_id, lambda text: text.splice(position, deleted, inserted))

    async def append(self, document_id: UUID, inserted: str) -> bool:
        return await self._edit(document_id, lambda text: text.append(inserted))

    async def replace(self, document_id: UUID, wanted: str) -> bool:
        """Have the text say `wanted`, by as small an edit as leads there."""
        return await self._edit(document_id, lambda text: text.replace(wanted))

    async def _edit(self, document_id: UUID, change: Callable[[Any], bytes]) -> bool:
        changed = await self._do(self._opened.edit, document_id, change)
        self._edited.set()
        return changed

    async def create(self, title: str, text: str = "", workspace_id: UUID | None = None) -> UUID:
        """A new document; in the personal workspace unless another is named. Raises NotSetUp before the first sync."""
        if workspace_id is None:
            home = await self._do(self._opened.get, "home")
            if home is None:
                raise NotSetUp("sync once before, or name the workspace")
            workspace_id = UUID(home)
        made = await self._do(self._opened.create, workspace_id, title, text)
        self._edited.set()
        return made

    async def rename(self, document_id: UUID, title: str) -> None:
        await self.set_fields(document_id, {"title": title})

    async def set_fields(self, document_id: UUID, fields: dict[str, Any]) -> None:
        """Metadata, as in PATCH documents/{id}."""
        await self._do(self._opened.set_fields, document_id, fields)
        self._edited.set()

    async def set_tags(self, document_id: UUID, tags: Sequence[str]) -> None:
        await self._do(self._opened.set_tags, document_id, list(tags))
        self._edited.set()

    async def remove(self, document_id: UUID) -> None:
        await self._do(self._opened.remove, document_id)
        self._edited.set()

    async def retry(self, document_id: UUID) -> None:
        """Offer again what the server has refused."""
        await self._do(self._opened.retry, document_id)
        self._edited.set()

    async def status(self) -> tuple[int, int, int]:
        """(documents, changes that wait to be sent, texts that the server would not take)"""
        return await self._do(self._opened.status)

    async def refused(self) -> list[tuple[UUID, str, str, int]]:
        """(document, title, code, changes) of documents that the server refuses, so that nothing of them is sent."""
        return await self._do(self._opened.refused)

    async def rescued(self) -> list[tuple[int, UUID, str, str, str | None]]:
        """(number, document, title, reason, text)"""
        return await self._do(self._opened.rescued)

    # ---- with one

    async def sync(self) -> Report:
        """Send what waits, fetch what is new. May be called again whatever happened; it goes on where it stopped.

        Raises Away (try later), Rejected (the token), Pending (the server could not take something now).
        """
        wire = await self._connected()
        report = Report()
        before = wire.requests
        await self._hear(wire)
        await self._push(wire, report)
        await self._pull(wire, report)
        report.requests = wire.requests - before
        return report

    async def watch(self) -> AsyncIterator[Report]:
        """Sync now, and again whenever something changes there or here, until cancelled; yields after each that did
        something. While the server is away it is tried with growing pauses. Raises Rejected.
        """
        delay = BACKOFF[0]
        while True:
            try:
                yield await self.sync()
                delay = BACKOFF[0]
                await self._until_news()
            except Away as error:
                pause = max(error.after, delay * random.uniform(0.5, 1.0))  # noqa: S311
                delay = min(delay * 2, BACKOFF[1])
                await asyncio.sleep(pause)

    async def _until_news(self) -> None:
        """Until the feed has something, or something waits to be sent."""
        wire = await self._connected()
        cursor = await self._do(self._opened.get, "cursor")
        feed = asyncio.ensure_future(wire.feed(cursor, wait=30))
        edits = asyncio.ensure_future(self._until_edited())
        try:
            await asyncio.wait({feed, edits}, return_when=asyncio.FIRST_COMPLETED)
            if feed.done():
                feed.result()
        finally:
            for task in (feed, edits):
                task.cancel()
            await asyncio.gather(feed, edits, return_exceptions=True)

    async def _until_edited(self) -> None:
        seen = await self._do(self._opened.version)
        while not (await self.status())[1]:
            self._edited.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._edited.wait(), LOOK_AT_FILE)
            if (now := await self._do(self._opened.version)) != seen:
                seen = now

    async def _connected(self) -> Wire:
        """The same connections as long as server and token are the same: making them anew takes longer than a sync."""
        server, token, device = [await self._do(self._opened.get, key) for key in ("server", "token", "device")]
        if server is None or device is None:
            raise NotSetUp("name a server first: collab-client init URL")
        wanted = (server, token or "", device)
        if self._wire is not None and self._wire_to != wanted:
            await self._wire.close()
            self._wire = None
        if self._wire is None:
            self._wire, self._wire_to = Wire(*wanted), wanted
        return self._wire

    async def _hear(self, wire: Wire) -> None:
        cursor = await self._do(self._opened.get, "cursor")
        if cursor is not None:
            try:
                await self._hear_after(wire, cursor)
            except Rejected as error:
                if error.code not in LOST_CURSOR:
                    raise
                await self._do(self._inbox.forget_cursor)
                cursor = None
        if cursor is None:
            page = await wire.feed(None)
            await self._do(self._opened.hear_time, wire.told)
            spaces = await wire.workspaces()
            home = next((one["id"] for one in spaces if one.get("kind") == "personal"), None)
            if home or spaces:
                await self._do(self._opened.set, home=home or spaces[0]["id"])
            await self._do(self._inbox.begin, page["next_cursor"], [UUID(one) for one in page["workspaces"]])
        for workspace_id in await self._do(self._inbox.to_list):
            try:
                found = await wire.document_ids(workspace_id)
            except Rejected as error:
                if error.code != "not_found":
                    raise
                found = set()
            await self._do(self._inbox.listed, workspace_id, found)

    async def _hear_after(self, wire: Wire, cursor: str) -> None:
        more = True
        while more:
            page = await wire.feed(cursor)
            await self._do(self._opened.hear_time, wire.told)
            await self._do(self._inbox.heard, page)
            cursor, more = page["next_cursor"], page["more"]

    async def _push(self, wire: Wire, report: Report) -> None:
        # What is edited meanwhile goes with the next sync: this one is to end.
        last = await self._do(self._outbox.last)
        while sending := await self._do(self._outbox.outgoing, last):
            try:
                results = await wire.push([one.operation for one in sending])
            except Rejected as error:
                if error.code != "too_large" or len(sending) > 1:
                    raise
                results = [Refused(sending[0].document_id, error.code, str(error))]
            told = [result for result in results if isinstance(result, Pushed | Mutated | Refused)]
            report.refused += sum(isinstance(result, Refused) for result in told)
            await self._do(self._outbox.sent, list(zip(sending, told, strict=True)))
            report.pushed += len(sending)

    async def _pull(self, wire: Wire, report: Report) -> None:
        # More than those that are known now only where some are to be asked for again.
        for _ in range(await self._do(self._inbox.count) + PULL_ROUNDS):
            asked = await self._do(self._inbox.wanted, PULL_AT_ONCE)
            if not asked:
                return
            dirty = {wanted.document_id: count for wanted, count in asked}
            arrived: list[tuple[Answered | Refused, int]] = []
            try:
                async for answer in wire.pull([wanted for wanted, _ in asked]):
                    if isinstance(answer, Answered | Refused):
                        arrived.append((answer, dirty[answer.document_id]))
                        report.pulled += 1
                    if len(arrived) >= COMMIT_EVERY:
                        batch, arrived = arrived, []
                        await self._do(self._inbox.pulled, batch)
            finally:
                await self._do(self._inbox.pulled, arrived)

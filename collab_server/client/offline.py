"""The offline client: editing without a connection, and synchronisation."""

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
from collab_server.client.local_document import LocalDocument
from collab_server.client.outbox import Outbox
from collab_server.client.store import Store
from collab_server.client.wire import RequestRejected, ServerConnection, ServerUnavailable
from collab_server.core.protocol.offline_sync import MutationResult, PulledDocument, PushResult, Refusal

PULL_AT_ONCE = 1000
COMMIT_EVERY = 50
"""Number of pulled documents per transaction."""
BACKOFF = (0.5, 30.0)
"""Seconds before the first retry, and limit of the doubling delay with jitter, while the server is away."""
LOST_CURSOR = frozenset({"cursor_expired", "malformed"})
LOOK_AT_FILE = 0.5
"""Seconds between checks for edits of other processes, while watching."""
PULL_ROUNDS = 3

_P = ParamSpec("_P")
_T = TypeVar("_T")


class NotSetUp(Exception):
    """The file has no server."""


@dataclass(slots=True)
class Report:
    """The result of a sync."""

    requests: int = 0
    pushed: int = 0
    pulled: int = 0
    refused: int = 0


class OfflineClient:
    """A client with one file, for one device. All methods but `sync` and `watch` work without a connection.

    Edits are on disk when their method returns. Several processes may use the file at the same time. Copies of the file
    must not be used: both would edit as the same Yjs client.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="collab-client")
        self._store: Store | None = None
        self._edited = asyncio.Event()
        self._wire: ServerConnection | None = None
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
        """Set the server and the API token. The server of a file cannot change; the token can."""
        known = await self._do(self._opened.get, "server")
        if known is not None and known != server:
            raise NotSetUp(f"this file belongs to {known}: use another for another server")
        device = await self._do(self._opened.get, "device") or f"client-{uuid4().hex[:12]}"
        await self._do(self._opened.set, server=server, token=token, device=device)

    async def documents(self) -> list[LocalDocument]:
        return await self._do(self._opened.documents)

    async def find(self, name: str) -> UUID:
        """Find a document by its id, name or title. Raises NoSuchDocument."""
        return await self._do(self._opened.find, name)

    async def content(self, document_id: UUID) -> str:
        return await self._do(self._opened.content, document_id)

    async def splice(self, document_id: UUID, position: int, deleted: int, inserted: str) -> bool:
        """Delete and insert characters. Raises NoSuchDocument, ValueError."""
        return await self._edit(document_id, lambda text: text.splice(position, deleted, inserted))

    async def append(self, document_id: UUID, inserted: str) -> bool:
        return await self._edit(document_id, lambda text: text.append(inserted))

    async def replace(self, document_id: UUID, wanted: str) -> bool:
        """Change the text to `wanted` by a minimal edit."""
        return await self._edit(document_id, lambda text: text.replace(wanted))

    async def _edit(self, document_id: UUID, change: Callable[[Any], bytes]) -> bool:
        changed = await self._do(self._opened.edit, document_id, change)
        self._edited.set()
        return changed

    async def create(self, title: str, text: str = "", workspace_id: UUID | None = None) -> UUID:
        """Create a document, by default in the personal workspace. Raises NotSetUp before the first sync."""
        if workspace_id is None:
            home = await self._do(self._opened.get, "home")
            if home is None:
                raise NotSetUp("sync once before, or name the workspace")
            workspace_id = UUID(home)
        document_id = await self._do(self._opened.create, workspace_id, title, text)
        self._edited.set()
        return document_id

    async def rename(self, document_id: UUID, title: str) -> None:
        await self.set_fields(document_id, {"title": title})

    async def set_fields(self, document_id: UUID, fields: dict[str, Any]) -> None:
        """Change metadata fields, as in PATCH documents/{id}."""
        await self._do(self._opened.set_fields, document_id, fields)
        self._edited.set()

    async def set_tags(self, document_id: UUID, tags: Sequence[str]) -> None:
        await self._do(self._opened.set_tags, document_id, list(tags))
        self._edited.set()

    async def remove(self, document_id: UUID) -> None:
        await self._do(self._opened.remove, document_id)
        self._edited.set()

    async def retry(self, document_id: UUID) -> None:
        """Send refused changes again."""
        await self._do(self._opened.retry, document_id)
        self._edited.set()

    async def status(self) -> tuple[int, int, int]:
        """The numbers of documents, pending changes, and rescued texts."""
        return await self._do(self._opened.status)

    async def refused(self) -> list[tuple[UUID, str, str, int]]:
        """Refused documents as (document, title, code, number of changes); their changes are not sent."""
        return await self._do(self._opened.refused)

    async def rescued(self) -> list[tuple[int, UUID, str, str, str | None]]:
        """Rescued texts as (number, document, title, reason, text)."""
        return await self._do(self._opened.rescued)

    # ---- with one

    async def sync(self) -> Report:
        """Send pending changes and fetch new ones. Can be repeated after any failure.

        Raises Away (try later), Rejected (the token), Pending (the server could not process something now).
        """
        wire = await self.connection()
        report = Report()
        before = wire.requests
        await self._apply_feed(wire)
        await self._push(wire, report)
        await self._pull(wire, report)
        report.requests = wire.requests - before
        return report

    async def watch(self) -> AsyncIterator[Report]:
        """Sync now and after each change on either side, until cancelled; yields the reports of effective syncs.

        Retries with growing delays while the server is away. Raises Rejected.
        """
        delay = BACKOFF[0]
        while True:
            try:
                yield await self.sync()
                delay = BACKOFF[0]
                await self._wait_for_news()
            except ServerUnavailable as error:
                pause = max(error.after, delay * random.uniform(0.5, 1.0))  # noqa: S311
                delay = min(delay * 2, BACKOFF[1])
                await asyncio.sleep(pause)

    async def _wait_for_news(self) -> None:
        """Wait for an entry of the feed or a pending change."""
        wire = await self.connection()
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

    async def connection(self) -> ServerConnection:
        """Reuse the connection while server and token are the same: a new one takes longer than a sync."""
        server, token, device = [await self._do(self._opened.get, key) for key in ("server", "token", "device")]
        if server is None or device is None:
            raise NotSetUp("name a server first: collab-client init URL")
        wanted = (server, token or "", device)
        if self._wire is not None and self._wire_to != wanted:
            await self._wire.close()
            self._wire = None
        if self._wire is None:
            self._wire, self._wire_to = ServerConnection(*wanted), wanted
        return self._wire

    async def _apply_feed(self, wire: ServerConnection) -> None:
        cursor = await self._do(self._opened.get, "cursor")
        if cursor is not None:
            try:
                await self._hear_after(wire, cursor)
            except RequestRejected as error:
                if error.code not in LOST_CURSOR:
                    raise
                await self._do(self._inbox.forget_cursor)
                cursor = None
        if cursor is None:
            page = await wire.feed(None)
            await self._do(self._opened.update_clock_offset, wire.server_time)
            spaces = await wire.workspaces()
            home = next((one["id"] for one in spaces if one.get("kind") == "personal"), None)
            if home or spaces:
                await self._do(self._opened.set, home=home or spaces[0]["id"])
            await self._do(self._inbox.start_feed, page["next_cursor"], [UUID(one) for one in page["workspaces"]])
        for workspace_id in await self._do(self._inbox.workspaces_to_list):
            try:
                found = await wire.document_ids(workspace_id)
            except RequestRejected as error:
                if error.code != "not_found":
                    raise
                found = set()
            await self._do(self._inbox.apply_list, workspace_id, found)

    async def _hear_after(self, wire: ServerConnection, cursor: str) -> None:
        more = True
        while more:
            page = await wire.feed(cursor)
            await self._do(self._opened.update_clock_offset, wire.server_time)
            await self._do(self._inbox.apply_page, page)
            cursor, more = page["next_cursor"], page["more"]

    async def _push(self, wire: ServerConnection, report: Report) -> None:
        # What is edited meanwhile goes with the next sync: this one is to end.
        last = await self._do(self._outbox.last)
        while sending := await self._do(self._outbox.next_operations, last):
            try:
                results = await wire.push([one.operation for one in sending])
            except RequestRejected as error:
                if error.code != "too_large" or len(sending) > 1:
                    raise
                results = [Refusal(sending[0].document_id, error.code, str(error))]
            told = [result for result in results if isinstance(result, PushResult | MutationResult | Refusal)]
            report.refused += sum(isinstance(result, Refusal) for result in told)
            await self._do(self._outbox.apply_results, list(zip(sending, told, strict=True)))
            report.pushed += len(sending)

    async def _pull(self, wire: ServerConnection, report: Report) -> None:
        # More than those that are known now only where some are to be asked for again.
        for _ in range(await self._do(self._inbox.count) + PULL_ROUNDS):
            asked = await self._do(self._inbox.next_requests, PULL_AT_ONCE)
            if not asked:
                return
            dirty = {wanted.document_id: count for wanted, count in asked}
            arrived: list[tuple[PulledDocument | Refusal, int]] = []
            try:
                async for answer in wire.pull([wanted for wanted, _ in asked]):
                    if isinstance(answer, PulledDocument | Refusal):
                        arrived.append((answer, dirty[answer.document_id]))
                        report.pulled += 1
                    if len(arrived) >= COMMIT_EVERY:
                        batch, arrived = arrived, []
                        await self._do(self._inbox.apply_answers, batch)
            finally:
                await self._do(self._inbox.apply_answers, arrived)

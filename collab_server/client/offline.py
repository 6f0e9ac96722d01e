"""The offline client: synchronisation."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from collab_server.client.comment_sync import fetch_comments, send_comments
from collab_server.client.comments import CommentRefusal
from collab_server.client.files.downloading import download, fetch_lists
from collab_server.client.local_client import LocalClient, NotSetUp
from collab_server.client.wire import RequestRejected, ServerConnection, ServerUnavailable
from collab_server.core.protocol.offline_sync import MutationResult, PulledDocument, PushResult, Refusal

__all__ = ["NotSetUp", "OfflineClient", "Report"]

PULL_AT_ONCE = 1000
COMMIT_EVERY = 50
"""Number of pulled documents per transaction."""
BACKOFF = (0.5, 30.0)
"""Seconds before the first retry, and limit of the doubling delay with jitter, while the server is away."""
LOST_CURSOR = frozenset({"cursor_expired", "malformed"})
LOOK_AT_FILE = 0.5
"""Seconds between checks for edits of other processes, while watching."""
PULL_ROUNDS = 3


@dataclass(slots=True)
class Report:
    """The result of a sync. `refusals`: changes of comments that the server did not take."""

    requests: int = 0
    pushed: int = 0
    pulled: int = 0
    refused: int = 0
    refusals: list[CommentRefusal] = field(default_factory=list)


class OfflineClient(LocalClient):
    """A client with one file, for one device. All methods but `sync`, `watch` and `download` work without a
    connection.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._wire: ServerConnection | None = None
        self._wire_to = ("", "", "")

    async def __aexit__(self, *error: object) -> None:
        if self._wire is not None:
            await self._wire.close()
        await super().__aexit__(*error)

    async def sync(self) -> Report:
        """Send pending changes and fetch new ones. Can be repeated after any failure.

        Raises Away (try later), Rejected (the token), Pending (the server could not process something now).
        """
        wire = await self.connection()
        report = Report()
        before = wire.requests
        await self._apply_feed(wire)
        # Comments are sent after the edits that they are about.
        last_comment = await self._do(self._comments.last_entry)
        await self._push(wire, report)
        pushed, refusals = await send_comments(wire, self._do, self._comments, last_comment)
        report.pushed += pushed
        report.refused += len(refusals)
        report.refusals = refusals
        await self._pull(wire, report)
        report.pulled += await fetch_comments(wire, self._do, self._comments)
        report.pulled += await fetch_lists(wire, self._do, self._files)
        report.requests = wire.requests - before
        return report

    async def download(self, file_id: UUID) -> Path:
        """Download an attachment into the folder beside the file, and return its path; also offline if it is there.

        Its bytes have the SHA-256 that the server has told. Raises NoSuchFile, DamagedDownload, ServerUnavailable,
        RequestRejected, NotSetUp.
        """
        return await download(await self.connection(), self._do, self._files, file_id)

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
        while not (await self.status())[1] and not await self._do(self._is_wanting):
            self._edited.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_AT_FILE):
                    await self._edited.wait()
            if (now := await self._do(self._opened.version)) != seen:
                seen = now

    def _is_wanting(self) -> bool:
        return self._comments.is_wanting() or self._files.is_wanting()

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
                found = await wire.list_documents(workspace_id)
            except RequestRejected as error:
                if error.code != "not_found":
                    raise
                found = {}
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

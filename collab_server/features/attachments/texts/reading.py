"""Reads the texts of attachments, in worker processes and on every server, one file at a time."""

import asyncio
from contextlib import suppress
from datetime import timedelta

from collab_server.adapters.conversion.converters import Converters
from collab_server.adapters.object_store import ObjectStore
from collab_server.adapters.postgres import Database
from collab_server.background import run_periodically
from collab_server.errors import CollabError, NotFound, UnprocessableContent
from collab_server.features.attachments.texts import queries
from collab_server.features.attachments.texts.queries import DueText
from collab_server.observability.logging import log

INTERVAL = 10.0
"""Seconds until files are looked for that another server has left."""
LEASE = timedelta(minutes=5)
MAX_ATTEMPTS = 3
MAX_FILE_BYTES = 64_000_000
"""The text of larger files is not read."""


class AttachmentTexts:
    """`wake`: set it when there is a new file. `enabled`: COLLAB_SEARCH_ATTACHMENTS."""

    def __init__(self, db: Database, store: ObjectStore, converters: Converters, *, enabled: bool) -> None:
        self.wake = asyncio.Event()
        self._db = db
        self._store = store
        self._converters = converters
        self._enabled = enabled

    async def run(self) -> None:
        """Read texts until cancelled, also of files from before it was switched on. Returns at once where it is off."""
        if self._enabled:
            await run_periodically("reading the texts of attachments", self._work, INTERVAL, wake=self.wake)

    async def _work(self) -> None:
        """Read all texts that wait."""
        while True:
            async with self._db.as_service() as conn:
                due = await queries.claim(conn, self._store.bucket, LEASE)
            if due is None:
                return
            await self._read(due)

    async def _read(self, due: DueText) -> None:
        try:
            if due.attempts > MAX_ATTEMPTS:
                raise NotFound(f"{MAX_ATTEMPTS} attempts have failed")
            await self._store_text(due)
        except (NotFound, UnprocessableContent) as error:
            log.info("an attachment has no text to search", extra={"attachment": due.id, "reason": error.detail})
            async with self._db.as_service() as conn:
                await queries.fail(conn, due.id, error.detail)
        except BaseException:
            # Again after a pause; without this when the lease is over.
            with suppress(CollabError):
                async with self._db.as_service() as conn:
                    await queries.release(conn, due.id)
            raise

    async def _store_text(self, due: DueText) -> None:
        if due.size > MAX_FILE_BYTES:
            raise NotFound(f"the file has more than {MAX_FILE_BYTES} bytes")
        from collab_server.features.attachments.texts.readers import read_text

        octets = b"".join([piece async for piece in await self._store.read(due.key)])
        found = await self._converters.run(read_text, octets, due.content_type)
        async with self._db.as_service() as conn:
            await queries.complete(conn, due.id, found.text, truncated=found.truncated)

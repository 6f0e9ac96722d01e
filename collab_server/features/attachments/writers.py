"""This process as a writer of objects: it holds a lock in PostgreSQL, so that others see that it lives."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from collab_server.adapters.postgres import Database
from collab_server.adapters.postgres_errors import reporting
from collab_server.background import run_periodically
from collab_server.errors import Unavailable
from collab_server.features.attachments import object_queries
from collab_server.observability.logging import log

PATIENCE = 5.0
"""Seconds that a file waits for the lock, which is there unless PostgreSQL is away."""
CHECK_SECONDS = 3.0


OnAdded = Callable[[], None]
"""Called after attachments were added: workers look for what they have to do."""


class ObjectWriters:
    """Notes the objects that this process writes. `run` must run meanwhile."""

    def __init__(self, db: Database, bucket: str) -> None:
        self._db = db
        self._bucket = bucket
        self._number = secrets.randbelow(2**31)
        self._held = asyncio.Event()

    async def run(self) -> None:
        """Hold the lock until cancelled."""
        await run_periodically("holding the lock of writers of files", self._hold, CHECK_SECONDS)

    async def _hold(self) -> None:
        async with reporting():
            conn = await self._db.connect_service()
            try:
                await object_queries.hold_writer(conn, self._number)
                self._held.set()
                while True:
                    await asyncio.sleep(CHECK_SECONDS)
                    await conn.execute("SELECT 1")
            finally:
                self._held.clear()
                conn.terminate()

    @asynccontextmanager
    async def writing(self, key: str) -> AsyncIterator[int]:
        """Note an object while the block writes it and makes its row. Yields the note, which the block deletes with
        `object_queries.delete_note` in the transaction of the row. After a failure the object may be deleted.

        Raises Unavailable.
        """
        try:
            async with asyncio.timeout(PATIENCE):
                await self._held.wait()
        except TimeoutError:
            raise Unavailable("the database cannot answer now") from None
        async with self._db.as_service() as conn, conn.transaction():
            note = await object_queries.note_object(conn, self._bucket, key, self._number)
        try:
            yield note
        except BaseException:
            await asyncio.shield(self._release(note))
            raise

    async def _release(self, note: int) -> None:
        """Let the object go. If this fails, it is deleted once this process has ended."""
        try:
            async with self._db.as_service() as conn:
                await object_queries.release_note(conn, note)
        except Exception as error:
            log.info("an object without a row is deleted later", extra={"error": repr(error)})

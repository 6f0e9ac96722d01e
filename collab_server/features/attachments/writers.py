"""This process as a writer of objects: it holds a lock in PostgreSQL, so that others see that it lives.

The notes of its objects have the number of the lock. After a failure it is not known which notes are left. Then the
process takes another number, and gives up the former one as soon as no write of that number goes on. What is left
under that number is deleted by whoever cleans.
"""

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from collab_server.adapters.postgres import Conn, Database
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
        self._number = 0
        self._held = asyncio.Event()
        self._writes: Counter[int] = Counter()
        """Writes that go on, by the number of their notes."""
        self._in_doubt = False
        self._look = asyncio.Event()

    async def run(self) -> None:
        """Hold the lock until cancelled."""
        await run_periodically("holding the lock of writers of files", self._hold, CHECK_SECONDS)

    async def _hold(self) -> None:
        async with reporting():
            conn = await self._db.connect_service()
            try:
                former = {number for number, writes in self._writes.items() if writes}
                for number in former:
                    await object_queries.hold_writer(conn, number)
                await self._take_number(conn)
                self._held.set()
                while True:
                    self._look.clear()
                    if self._in_doubt:
                        former.add(self._number)
                        await self._take_number(conn)
                    for number in [number for number in former if not self._writes[number]]:
                        await object_queries.release_writer(conn, number)
                        former.discard(number)
                        del self._writes[number]
                    with suppress(TimeoutError):
                        async with asyncio.timeout(CHECK_SECONDS):
                            await self._look.wait()
                    await conn.execute("SELECT 1")
            finally:
                self._held.clear()
                conn.terminate()

    async def _take_number(self, conn: Conn) -> None:
        number = secrets.randbelow(2**31)
        await object_queries.hold_writer(conn, number)
        self._number, self._in_doubt = number, False

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
        number = self._number
        self._writes[number] += 1
        try:
            note = await self._note(key, number)
            try:
                yield note
            except BaseException:
                await asyncio.shield(self._release(note))
                raise
        finally:
            self._writes[number] -= 1
            if self._in_doubt or number != self._number:
                self._look.set()

    async def _note(self, key: str, number: int) -> int:
        try:
            async with self._db.as_service() as conn, conn.transaction():
                return await object_queries.note_object(conn, self._bucket, key, number)
        except BaseException:
            # The note may be there although PostgreSQL did not say so.
            self._in_doubt = True
            raise

    async def _release(self, note: int) -> None:
        """Let the object go."""
        try:
            async with self._db.as_service() as conn:
                await object_queries.release_note(conn, note)
        except Exception as error:
            self._in_doubt = True
            log.info("an object without a row is deleted later", extra={"error": repr(error)})

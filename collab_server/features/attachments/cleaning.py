"""Deletes objects whose rows are gone or were never made."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from collab_server.adapters.object_store import ObjectStore
from collab_server.adapters.postgres import Conn, Database
from collab_server.background import run_periodically
from collab_server.errors import StoreUnavailable
from collab_server.features.attachments import object_queries
from collab_server.features.attachments.thumbnails import all_keys

INTERVAL = 30.0
RETRY_PAUSE = timedelta(seconds=5)
PREFIXES = ("objects/", "uploads/")
"""The keys that this server writes begin so. A bucket may have other objects, too."""
LEFTOVER_AGE = timedelta(hours=1)
BATCH = 1000


class ObjectCleaner:
    """`clean_one` is also a job of maintenance."""

    def __init__(self, db: Database, store: ObjectStore) -> None:
        self._db = db
        self._store = store

    async def run(self) -> None:
        """Clean until cancelled."""
        await run_periodically("deleting objects", self._clean, INTERVAL, first=INTERVAL)

    async def _clean(self) -> None:
        while True:
            async with self._db.as_service() as conn, conn.transaction():
                if not await self.clean_one(conn):
                    return

    async def clean_one(self, conn: Conn) -> int:
        """Handle the first note that is due, within a transaction. 0: there is none."""
        note = await object_queries.take_due_note(conn, self._store.bucket)
        if note is None:
            return 0
        if not note.is_needed:
            try:
                for key in all_keys(note.key):
                    await self._store.delete(key)
            except StoreUnavailable as error:
                await object_queries.put_off(conn, note.id, error.detail, RETRY_PAUSE)
                return 1
        await object_queries.delete_note(conn, note.id)
        return 1

    async def find_strays(self) -> int:
        """Note all objects in the store for deletion that have neither a row nor a note. Return how many.

        A restored backup of the database, for example, does not know what was uploaded later.
        """
        found, keys = 0, list[str]()
        await self._store.remove_leftovers(LEFTOVER_AGE)
        for prefix in PREFIXES:
            async for stored in self._store.list(prefix):
                # A server of an older time may be writing the younger ones.
                if stored.modified_at < datetime.now(UTC) - LEFTOVER_AGE and not stored.key.endswith(".webp"):
                    keys.append(stored.key)
                if len(keys) >= BATCH:
                    found += await self._note(keys)
                    keys = []
        return found + await self._note(keys)

    async def _note(self, keys: Sequence[str]) -> int:
        async with self._db.as_service() as conn:
            return await object_queries.note_orphans(conn, self._store.bucket, keys)

"""Makes thumbnails of pictures, in worker processes and on every server, one picture at a time."""

import asyncio
import json
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta

from collab_server.adapters.conversion.converters import Converters
from collab_server.adapters.object_store import ObjectStore
from collab_server.adapters.postgres import Database
from collab_server.background import run_periodically
from collab_server.errors import CollabError, NotFound, UnprocessableContent
from collab_server.features.attachments import object_queries, thumbnail_queries
from collab_server.features.attachments.sources import once
from collab_server.features.attachments.thumbnail_queries import Claimed
from collab_server.features.attachments.writers import ObjectWriters
from collab_server.observability.logging import log

INTERVAL = 10.0
"""Seconds until pictures are looked for that another server has left."""
WIDTHS = (160, 320, 640, 1280)
"""Pixels; those of images.py, which is imported in worker processes only."""
PICTURES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp", "image/avif"})
LEASE = timedelta(minutes=5)
MAX_ATTEMPTS = 3
MAX_PICTURE_BYTES = 64_000_000
"""Larger pictures get no thumbnail."""


def thumbnail_key(key: str, width: int) -> str:
    """Return the key of a thumbnail of the object `key`."""
    return f"{key}.{width}.webp"


def all_keys(key: str) -> Iterable[str]:
    """Return the keys of an object and of all thumbnails that it may have."""
    return (key, *(thumbnail_key(key, width) for width in WIDTHS))


class Thumbnails:
    """`wake`: set it when there is a new picture."""

    def __init__(self, db: Database, store: ObjectStore, writers: ObjectWriters, converters: Converters) -> None:
        self.wake = asyncio.Event()
        self._db = db
        self._store = store
        self._writers = writers
        self._converters = converters

    async def run(self) -> None:
        """Work on pictures until cancelled."""
        await run_periodically("making thumbnails", self._work, INTERVAL, wake=self.wake)

    async def _work(self) -> None:
        """Work on all pictures that wait."""
        while True:
            async with self._db.as_service() as conn:
                claimed = await thumbnail_queries.claim(conn, self._store.bucket, LEASE, MAX_ATTEMPTS)
            if claimed is None:
                return
            await self._make(claimed)

    async def _make(self, picture: Claimed) -> None:
        try:
            if picture.attempts > MAX_ATTEMPTS:
                raise NotFound(f"{MAX_ATTEMPTS} attempts have failed")
            await self._write(picture)
        except (NotFound, UnprocessableContent) as error:
            log.info("a picture gets no thumbnail", extra={"attachment": picture.id, "reason": error.detail})
            async with self._db.as_service() as conn:
                await thumbnail_queries.fail(conn, picture.id, error.detail)
        except BaseException:
            # Again after a pause; without this when the lease is over.
            with suppress(CollabError):
                async with self._db.as_service() as conn:
                    await thumbnail_queries.release(conn, picture.id)
            raise

    async def _write(self, picture: Claimed) -> None:
        async with self._writers.writing(picture.key) as note:
            metadata, widths = await self._write_all(picture)
            main = thumbnail_key(picture.key, widths[0])
            async with self._db.as_service() as conn, conn.transaction():
                await object_queries.delete_note(conn, note)
                await thumbnail_queries.complete(conn, picture.id, json.dumps(metadata), main)

    async def _write_all(self, picture: Claimed) -> tuple[dict[str, object], list[int]]:
        """Write the thumbnails. Returns the metadata, and the widths that were made."""
        if picture.size > MAX_PICTURE_BYTES:
            raise NotFound(f"the picture has more than {MAX_PICTURE_BYTES} bytes")
        from collab_server.features.attachments.files.images import inspect_image, make_thumbnail

        octets = b"".join([piece async for piece in await self._store.read(picture.key)])
        info = await self._converters.run(inspect_image, octets)
        widths = [width for width in WIDTHS if width < info.width] or [WIDTHS[0]]
        for width in widths:
            made = await self._converters.run(make_thumbnail, octets, width)
            await self._store.put(thumbnail_key(picture.key, width), once(made))
        return {"width": info.width, "height": info.height, "animated": info.animated, "widths": widths}, widths

"""The file store of a server: one class over a folder or a bucket."""

import secrets
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Self
from uuid import uuid4

from collab_server.adapters.object_store.address import open_backend
from collab_server.adapters.object_store.objects import Backend, SignedAddress, StoredObject, check_key, check_prefix
from collab_server.errors import CollabError, NotFound, StoreUnavailable

LONGEST_SIGNATURE = 7 * 24 * 3600
"""Seconds; S3 signs for a week at most."""


class ObjectStore:
    """`bucket`: name of the bucket or container, or `file:` and the name of the folder. `region`: of S3 only.

    Keys are names of letters, digits and `._=-`, separated by slashes; others raise ValueError. No key may be a folder
    of another key. All methods raise StoreUnavailable.
    """

    def __init__(self, backend: Backend, bucket: str, region: str | None) -> None:
        self._backend = backend
        self.bucket = bucket
        self.region = region

    @classmethod
    def open(cls, url: str, default_folder: Path) -> Self:
        """Read COLLAB_STORAGE_URL; nothing is sent or written yet. Raises ConfigurationError."""
        return cls(*open_backend(url, default_folder))

    async def put(self, key: str, chunks: AsyncIterator[bytes]) -> None:
        """Write an object, or replace it as a whole. Memory is bounded.

        An error of `chunks` is raised as it is. After an error or a cancellation `key` is as it was before. Only a
        cancellation or a lost connection in the last request may leave the new object, whole.
        """
        await self._backend.put(check_key(key), chunks)

    async def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """Return the chunks from `start` until before `end`, each of 256 KiB at most. A range beyond the end has none.

        Raises NotFound at once. Read the chunks to their end or `aclose()` them: they hold a file or a connection.
        """
        if start < 0 or (end is not None and end < start):
            raise ValueError(f"not a range: {start} to {end}")
        return await self._backend.read(check_key(key), start, end)

    async def size(self, key: str) -> int | None:
        """Return the number of bytes, or None where there is no such object."""
        return await self._backend.size(check_key(key))

    async def copy(self, source: str, target: str) -> None:
        """Copy within the store, without the bytes passing here. Replaces `target` as a whole. Raises NotFound."""
        await self._backend.copy(check_key(source), check_key(target))

    async def delete(self, key: str) -> None:
        """Delete an object. A missing one is no error."""
        await self._backend.delete(check_key(key))

    def list(self, prefix: str) -> AsyncIterator[StoredObject]:
        """Yield all objects under `prefix`, which ends at a slash or at the end of a name. Empty: all."""
        return self._backend.list(check_prefix(prefix))

    async def presign_get(self, key: str, seconds: int) -> str | None:
        """Return an address that serves the object for `seconds` without credentials; None for a folder."""
        signed = await self._presign("GET", key, seconds)
        return signed.url if signed else None

    async def presign_put(self, key: str, seconds: int) -> SignedAddress | None:
        """Return an address that takes the object for `seconds`; None for a folder. It bounds no size."""
        return await self._presign("PUT", key, seconds)

    async def _presign(self, method: str, key: str, seconds: int) -> SignedAddress | None:
        if not 1 <= seconds <= LONGEST_SIGNATURE:
            raise ValueError(f"not a lifetime of an address: {seconds} s")
        return await self._backend.presign(method, check_key(key), seconds)

    async def remove_leftovers(self, older_than: timedelta) -> int:
        """Remove unfinished files of killed processes, and return their number. 0 for buckets: their lifecycle rules
        do it. A put without a write for `older_than` fails, so give hours.
        """
        return await self._backend.remove_leftovers(older_than)

    async def check(self) -> None:
        """Write, read and delete a small object."""
        key = f"_check/{uuid4().hex}"
        written = secrets.token_bytes(32)
        try:
            await self.put(key, _one(written))
            if b"".join([chunk async for chunk in await self.read(key)]) != written:
                raise StoreUnavailable("the file store returns other bytes than were written")
            await self.delete(key)
        except NotFound:
            raise StoreUnavailable("the file store does not find what was written") from None
        except BaseException:
            with suppress(CollabError):
                await self.delete(key)
            raise

    def close(self) -> None:
        """End the threads of a folder once they are idle."""
        self._backend.close()


async def _one(chunk: bytes) -> AsyncIterator[bytes]:
    yield chunk

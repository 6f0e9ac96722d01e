"""Keys and entries of a file store, and the protocol of its two implementations."""

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

BLOCK = 256 * 1024
"""Bytes of a chunk that is read, at most."""
TIMEOUT = 60.0
"""Seconds for one step: a request to a bucket, or a read or write of a folder."""
# obstore escapes other characters, so that listed keys would differ from written ones. Names with a dot at their
# beginning belong to the folder itself.
SEGMENT = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._=-]{0,199}")
_MAX_KEY = 800  # bytes; S3 takes 1024 with the prefix


@dataclass(frozen=True, slots=True)
class StoredObject:
    """`modified_at`: time of the last put or copy."""

    key: str
    size: int
    modified_at: datetime


@dataclass(frozen=True, slots=True)
class SignedAddress:
    """An address that is good without credentials, and the headers that a request to it must have."""

    url: str
    headers: Mapping[str, str]


class Backend(Protocol):
    """Methods as those of ObjectStore. Keys are checked already, and `end` is not before `start`."""

    async def put(self, key: str, chunks: AsyncIterator[bytes]) -> None: ...
    async def read(self, key: str, start: int, end: int | None) -> AsyncIterator[bytes]: ...
    async def size(self, key: str) -> int | None: ...
    async def copy(self, source: str, target: str) -> None: ...
    async def delete(self, key: str) -> None: ...
    def list(self, prefix: str) -> AsyncIterator[StoredObject]: ...

    async def presign(self, method: str, key: str, seconds: int) -> SignedAddress | None: ...
    async def remove_leftovers(self, older_than: timedelta) -> int: ...
    def close(self) -> None: ...


def check_key(key: str) -> str:
    """Return `key`. Raises ValueError unless it is names of letters, digits and `._=-`, separated by slashes."""
    if len(key) > _MAX_KEY or not all(SEGMENT.fullmatch(segment) for segment in key.split("/")):
        raise ValueError(f"not a key of the file store: {key!r}")
    return key


def check_prefix(prefix: str) -> str:
    """Return the prefix without its last slash; empty: everything. Raises ValueError."""
    return check_key(prefix.removesuffix("/")) if prefix else ""

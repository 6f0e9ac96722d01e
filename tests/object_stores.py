"""Open file stores for tests, and what tests do with them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from collab_server.adapters.object_store import ObjectStore, StoredObject
from collab_server.errors import CollabError, StoreUnavailable

MIB = 1024 * 1024
CONTENT = bytes(range(256)) * 8


class Place:
    """One store, and what a test must know of what is behind it."""

    def __init__(self, url: str, unfinished: Callable[[], Awaitable[list[str]]]) -> None:
        self.url = url
        self.unfinished = unfinished
        self.store = ObjectStore.open(url, Path("/nowhere"))


def folder_place(root: Path) -> Place:
    async def unfinished() -> list[str]:
        return [path.name for path in (root / ".unfinished").glob("*")]

    return Place(root.as_uri(), unfinished)


async def chunks(*given: bytes) -> AsyncIterator[bytes]:
    for chunk in given:
        yield chunk


async def read(store: ObjectStore, key: str, start: int = 0, end: int | None = None) -> bytes:
    return b"".join([chunk async for chunk in await store.read(key, start, end)])


async def listed(store: ObjectStore, prefix: str = "") -> dict[str, StoredObject]:
    return {found.key: found async for found in store.list(prefix)}


async def refused(store: ObjectStore) -> list[str]:
    """What each method says of a store that cannot be used."""
    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: store.put("key", chunks(b"x")),
        lambda: store.copy("key", "other"),
        lambda: store.check(),
    ]
    if not store.bucket.startswith("file:"):
        calls += [
            lambda: store.read("key"),
            lambda: store.size("key"),
            lambda: store.delete("key"),
            lambda: listed(store),
        ]
    said = []
    for call in calls:
        with pytest.raises(CollabError) as caught:
            await call()
        if isinstance(caught.value, StoreUnavailable):
            said.append(caught.value.detail)
    return said

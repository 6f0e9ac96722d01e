"""A file store in a bucket, by obstore. Errors of obstore name addresses, so that none of their text is shown."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, cast

import obstore
from obstore.store import AzureStore, GCSStore, S3Store

from collab_server.adapters.object_store.objects import BLOCK, TIMEOUT, SignedAddress, StoredObject
from collab_server.errors import NotFound, StoreUnavailable

if TYPE_CHECKING:
    # Classes and types that obstore has in its stubs only.
    from obstore import HTTP_METHOD as HttpMethod
    from obstore import AsyncWritableFile, GetOptions, GetResult

PART_SIZE = 5 * 1024 * 1024
"""Bytes of a part; the least that S3 takes. A smaller object is one request."""
PARTS_AT_ONCE = 2
"""Parts on their way at one time. An upload holds one more in memory."""
ABORT_TIMEOUT = 10.0
LISTED_AT_ONCE = 1000
_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>(\w{1,60})</Code>")
_NO_BUCKET = re.compile(r"NoSuchBucket|ContainerNotFound|The specified bucket does not exist")
_METADATA_SERVICE = re.compile(r"169\.254\.169\.254|metadata\.google\.internal")


class Bucket:
    """Unfinished multipart uploads of a killed process are left to the lifecycle rules of the bucket."""

    def __init__(self, store: S3Store | GCSStore | AzureStore) -> None:
        self._store = store

    async def put(self, key: str, chunks: AsyncIterator[bytes]) -> None:
        writer = obstore.open_writer_async(self._store, key, buffer_size=PART_SIZE, max_concurrency=PARTS_AT_ONCE)
        try:
            async for chunk in chunks:
                async with _step(writes=True):
                    await writer.write(chunk)
            async with _step(writes=True):
                await writer.close()
        except BaseException as error:
            await _abort(writer, error)
            raise

    async def read(self, key: str, start: int, end: int | None) -> AsyncIterator[bytes]:
        options: GetOptions = {}
        if end is not None:
            options["range"] = (start, end)
        elif start:
            options["range"] = {"offset": start}
        if start != end:  # obstore takes no empty range
            try:
                async with _step():
                    return _read_blocks(await obstore.get_async(self._store, key, options=options))
            except StoreUnavailable:
                # A range beyond the end is an error, which each cloud words in its own way.
                size = await self.size(key) if options else None
                if size is None or start < size:
                    raise
        elif await self.size(key) is None:
            raise NotFound("the file store has no such file")
        return _read_nothing()

    async def size(self, key: str) -> int | None:
        try:
            async with _step():
                return (await obstore.head_async(self._store, key))["size"]
        except NotFound:
            return None

    async def copy(self, source: str, target: str) -> None:
        if source == target:  # S3 refuses it
            if await self.size(source) is None:
                raise NotFound("the file store has no such file")
            return
        async with _step():
            await obstore.copy_async(self._store, source, target)

    async def delete(self, key: str) -> None:
        # Google and Azure report a missing object; S3 does not.
        with suppress(NotFound):
            async with _step():
                await obstore.delete_async(self._store, key)

    async def list(self, prefix: str) -> AsyncIterator[StoredObject]:
        pages = obstore.list(self._store, prefix or None, chunk_size=LISTED_AT_ONCE)
        while True:
            async with _step():
                page = await anext(pages, None)
            if page is None:
                return
            for found in page:
                yield StoredObject(found["path"], found["size"], found["last_modified"])

    async def presign(self, method: str, key: str, seconds: int) -> SignedAddress | None:
        async with _step():
            lifetime = timedelta(seconds=seconds)
            url = await obstore.sign_async(self._store, cast("HttpMethod", method), key, lifetime)
        azure = method == "PUT" and isinstance(self._store, AzureStore)
        return SignedAddress(url, {"x-ms-blob-type": "BlockBlob"} if azure else {})

    async def remove_leftovers(self, older_than: timedelta) -> int:
        return 0

    def close(self) -> None:
        """Nothing to close: obstore keeps its connections until the process ends."""


async def _abort(writer: "AsyncWritableFile", error: BaseException) -> None:
    """Abort the multipart upload. `put_async` does so for an error of its source, but not when it is cancelled."""
    with suppress(Exception):
        async with asyncio.timeout(ABORT_TIMEOUT):
            await writer.__aexit__(type(error), error, error.__traceback__)


async def _read_blocks(result: "GetResult") -> AsyncIterator[bytes]:
    chunks = result.stream(min_chunk_size=BLOCK // 2)
    while True:
        async with _step():
            chunk = await anext(chunks, None)
        if chunk is None:
            return
        for start in range(0, len(chunk), BLOCK):
            yield chunk[start : start + BLOCK]


async def _read_nothing() -> AsyncIterator[bytes]:
    return
    yield b""


@asynccontextmanager
async def _step(*, writes: bool = False) -> AsyncIterator[None]:
    """Limit the time of one step. Raises StoreUnavailable instead of the errors of obstore, and NotFound unless the
    step `writes`.
    """
    try:
        async with asyncio.timeout(TIMEOUT):
            yield
    except TimeoutError:
        raise StoreUnavailable(f"the bucket of files did not answer within {TIMEOUT:.0f} s") from None
    # obstore has several classes of errors, and one for panics in Rust that cannot be imported.
    except Exception as error:
        text = str(error)
        if _NO_BUCKET.search(text):
            raise StoreUnavailable("the bucket of files does not exist") from None
        if isinstance(error, FileNotFoundError) and not writes:
            raise NotFound("the file store has no such file") from None
        raise StoreUnavailable(_describe(text)) from None


def _describe(text: str) -> str:
    """Describe an error by the parts of its text that are no secret."""
    status, code = _STATUS.search(text), _CODE.search(text)
    told = " ".join(found[1] for found in (status, code) if found)
    if _METADATA_SERVICE.search(text):
        return "the environment has no credentials for the bucket of files"
    if status and status[1] in ("401", "403"):
        return f"the bucket of files refuses the credentials (HTTP {told})"
    if status:
        return f"the bucket of files cannot answer now (HTTP {told})"
    return "the bucket of files cannot be reached"

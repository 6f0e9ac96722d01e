"""File stores: a folder, and a bucket of a real S3 server."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from collab_server.adapters.object_store import ObjectStore, bucket
from collab_server.errors import NotFound, StoreUnavailable
from tests.object_stores import CONTENT, MIB, Place, chunks, folder_place, listed, read, refused
from tests.require import ROOT
from tests.s3_server import CREDENTIALS, S3Server, credentials_of_tests
from tests.waiting import until


@pytest.fixture(scope="module")
def credentials() -> Iterator[None]:
    with credentials_of_tests():
        yield


@pytest.fixture(scope="module")
async def s3(credentials: None) -> AsyncIterator[S3Server]:
    async with S3Server() as server:
        yield server


@pytest.fixture(params=["folder", "s3"])
async def place(request: pytest.FixtureRequest, tmp_path: Path, s3: S3Server) -> AsyncIterator[Place]:
    if request.param == "folder":
        made = folder_place(tmp_path / "files")
    else:
        prefix = f"tests/{uuid4().hex}"

        async def unfinished() -> list[str]:
            return [key for key in await s3.unfinished_uploads() if key.startswith(prefix)]

        made = Place(s3.url_of(prefix), unfinished)
    yield made
    made.store.close()


async def test_what_was_put_is_read(place: Place) -> None:
    await place.store.put("a/b/c.bin", chunks(CONTENT, b"", CONTENT[:7]))
    assert await read(place.store, "a/b/c.bin") == CONTENT + CONTENT[:7]
    assert await place.store.size("a/b/c.bin") == len(CONTENT) + 7


async def test_a_second_put_replaces_the_first(place: Place) -> None:
    await place.store.put("key", chunks(CONTENT))
    await place.store.put("key", chunks(b"short"))
    assert await read(place.store, "key") == b"short"


async def test_an_object_may_be_empty(place: Place) -> None:
    await place.store.put("none", chunks())
    await place.store.put("empty", chunks(b""))
    for key in ("none", "empty"):
        assert await place.store.size(key) == 0
        assert await read(place.store, key) == b""
        assert await read(place.store, key, 0, 10) == b""


@pytest.mark.parametrize(
    ("start", "end"),
    [(0, 1), (3, None), (3, 7), (100, 10**9), (len(CONTENT) - 1, None), (len(CONTENT), None), (10**6, 10**7), (4, 4)],
)
async def test_a_range_is_that_of_a_slice(place: Place, start: int, end: int | None) -> None:
    await place.store.put("key", chunks(CONTENT))
    assert await read(place.store, "key", start, end) == CONTENT[start:end]


@pytest.mark.parametrize(("start", "end"), [(0, None), (0, 1), (3, None), (4, 4)])
async def test_reading_a_missing_object_fails_before_the_first_chunk(place: Place, start: int, end: int | None) -> None:
    await place.store.put("there/is/one", chunks(b"x"))
    for key in ("missing", "there/is/no", "there/is", "there/is/one/more"):
        with pytest.raises(NotFound):
            await place.store.read(key, start, end)
        assert await place.store.size(key) is None


async def test_chunks_are_small(place: Place) -> None:
    await place.store.put("key", chunks(os.urandom(3 * MIB)))
    sizes = [len(chunk) async for chunk in await place.store.read("key")]
    assert sum(sizes) == 3 * MIB and max(sizes) <= 256 * 1024 and min(sizes) > 0


async def test_a_copy_is_an_object_of_its_own(place: Place) -> None:
    await place.store.put("first", chunks(CONTENT))
    await place.store.put("other/second", chunks(b"old"))
    await place.store.copy("first", "other/second")
    await place.store.copy("first", "first")
    assert await read(place.store, "first") == CONTENT
    await place.store.delete("first")
    assert await read(place.store, "other/second") == CONTENT
    assert list(await listed(place.store)) == ["other/second"]
    for target in ("first", "third"):
        with pytest.raises(NotFound):
            await place.store.copy("first", target)
    assert await place.store.size("third") is None
    assert await place.unfinished() == []


async def test_deleting_twice_is_no_error(place: Place) -> None:
    await place.store.delete("folder/key")
    await place.store.put("folder/key", chunks(CONTENT))
    await place.store.delete("folder/key")
    await place.store.delete("folder/key")
    assert await place.store.size("folder/key") is None
    assert await listed(place.store) == {}


async def test_a_list_has_what_is_under_a_prefix(place: Place) -> None:
    before = datetime.now(UTC) - timedelta(seconds=2)  # S3 has whole seconds
    for key in ("a/x", "a/b/y", "ab/z", "c"):
        await place.store.put(key, chunks(key.encode()))
    assert set(await listed(place.store)) == {"a/x", "a/b/y", "ab/z", "c"}
    for prefix in ("a", "a/"):
        assert set(await listed(place.store, prefix)) == {"a/x", "a/b/y"}
    assert await listed(place.store, "none") == {}
    found = (await listed(place.store, "a/b"))["a/b/y"]
    assert found.size == len("a/b/y")
    assert before <= found.modified_at <= datetime.now(UTC) + timedelta(seconds=2)


@pytest.mark.parametrize("sent", [10, 7 * MIB], ids=["one request", "several parts"])
async def test_a_source_that_fails_leaves_the_former_object(place: Place, sent: int) -> None:
    async def failing() -> AsyncIterator[bytes]:
        yield bytes(sent)
        raise RuntimeError("the source failed")

    await place.store.put("old", chunks(CONTENT))
    for key in ("new", "old"):
        with pytest.raises(RuntimeError, match="the source failed"):
            await place.store.put(key, failing())
    assert await place.store.size("new") is None
    assert await read(place.store, "old") == CONTENT
    assert list(await listed(place.store)) == ["old"]
    assert await place.unfinished() == []


async def test_an_error_of_the_source_stays_what_it_is(place: Place) -> None:
    async def failing() -> AsyncIterator[bytes]:
        yield b"x"
        raise NotFound("of the source")

    with pytest.raises(NotFound, match="of the source"):
        await place.store.put("key", failing())
    assert await listed(place.store) == {}


async def test_a_cancelled_put_leaves_nothing(place: Place) -> None:
    waiting = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(7):
            yield bytes(MIB)
        waiting.set()
        await asyncio.Event().wait()

    putting = asyncio.create_task(place.store.put("key", endless()))
    await waiting.wait()
    assert len(await place.unfinished()) == 1
    putting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await putting
    assert await place.unfinished() == []
    assert await place.store.size("key") is None


async def test_puts_at_once_do_not_mix(place: Place) -> None:
    contents = [bytes([number]) * (MIB + number) for number in range(6)]
    await asyncio.gather(*(place.store.put("same", chunks(content[:99], content[99:])) for content in contents))
    assert await read(place.store, "same") in contents
    assert await place.unfinished() == []


MEASURED = """
import asyncio, hashlib, resource, sys
from pathlib import Path
from collab_server.adapters.object_store import ObjectStore

async def source(written):
    for number in range(640):
        chunk = number.to_bytes(4, "big") * 16384
        written.update(chunk)
        yield chunk

async def main():
    store = ObjectStore.open(sys.argv[1], Path("/nowhere"))
    await store.check()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    written, read = hashlib.sha256(), hashlib.sha256()
    await store.put("large", source(written))
    async for chunk in await store.read("large"):
        read.update(chunk)
    assert read.digest() == written.digest()
    print(await store.size("large"), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)

asyncio.run(main())
"""


async def run_python(script: str, url: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, url, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )


async def test_40_megabytes_pass_in_bounded_memory(place: Place) -> None:
    process = await run_python(MEASURED, place.url)
    output, _ = await process.communicate()
    size, kibibytes = map(int, output.split())
    assert size == 40 * MIB
    assert kibibytes < 30 * 1024


KILLED = """
import asyncio, sys
from pathlib import Path
from collab_server.adapters.object_store import ObjectStore

async def source():
    for _ in range(12):
        yield bytes(1024 * 1024)
    print("waiting", flush=True)
    await asyncio.Event().wait()

asyncio.run(ObjectStore.open(sys.argv[1], Path("/nowhere")).put("folder/key", source()))
"""


async def test_a_killed_put_leaves_nothing_readable(place: Place) -> None:
    process = await run_python(KILLED, place.url)
    assert process.stdout is not None
    assert await process.stdout.readline() == b"waiting\n"
    process.send_signal(signal.SIGKILL)
    await process.wait()
    assert await place.store.size("folder/key") is None
    assert await listed(place.store) == {}
    assert len(await place.unfinished()) == 1
    assert await place.store.remove_leftovers(timedelta(hours=1)) == 0
    assert len(await place.unfinished()) == 1
    if place.url.startswith("file:"):
        assert await place.store.remove_leftovers(timedelta()) == 1
        assert await place.unfinished() == []
    else:  # a lifecycle rule of the bucket
        assert await place.store.remove_leftovers(timedelta()) == 0


async def test_the_check_leaves_nothing(place: Place) -> None:
    await place.store.check()
    assert await listed(place.store) == {}
    assert await place.unfinished() == []


@pytest.mark.parametrize(
    "key", ["", "/a", "a/", "a//b", "..", "a/../b", "a/..", ".", ".unfinished/x", "a\\b", "a\0", "ä", "a b", "k" * 900]
)
async def test_a_bad_key_is_refused(place: Place, key: str) -> None:
    with pytest.raises(ValueError, match="not a key"):
        await place.store.put(key, chunks(b"x"))
    with pytest.raises(ValueError, match="not a key"):
        await place.store.copy("a", key)
    with pytest.raises(ValueError, match="not a key"):
        await place.store.read(key)


async def test_signed_addresses_of_a_bucket_work_without_credentials(s3: S3Server) -> None:
    store = ObjectStore.open(s3.url_of("signed"), Path("/nowhere"))
    putting, getting = await store.presign_put("a/key", 60), await store.presign_get("a/key", 60)
    assert putting is not None and getting is not None
    assert CREDENTIALS["AWS_SECRET_ACCESS_KEY"] not in putting.url + getting
    assert putting.headers == {}
    async with httpx.AsyncClient() as client:
        (await client.put(putting.url, content=CONTENT)).raise_for_status()
        assert await read(store, "a/key") == CONTENT
        answer = await client.get(getting, headers={"range": "bytes=1-3"})
        assert answer.content == CONTENT[1:4]
        assert (await client.get(getting)).content == CONTENT
    for seconds in (0, 8 * 24 * 3600):
        with pytest.raises(ValueError, match="lifetime"):
            await store.presign_get("a/key", seconds)


async def test_azure_wants_a_header_at_a_signed_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", "c2VjcmV0")
    signed = await ObjectStore.open("az://files?account=ours", Path("/nowhere")).presign_put("a", 60)
    assert signed is not None and signed.url.startswith("https://ours.blob.core.windows.net/files/a?")
    assert signed.headers == {"x-ms-blob-type": "BlockBlob"}


async def test_a_server_that_does_not_listen_is_unavailable(credentials: None) -> None:
    server = S3Server()
    said = await refused(ObjectStore.open(server.url, Path("/nowhere")))
    assert said == ["the bucket of files cannot be reached"] * 7


async def test_a_server_that_dies_in_the_middle_is_unavailable(credentials: None) -> None:
    async with S3Server() as server:

        async def source() -> AsyncIterator[bytes]:
            yield bytes(7 * MIB)
            server.kill()
            yield bytes(7 * MIB)

        store = ObjectStore.open(server.url, Path("/nowhere"))
        await store.put("old", chunks(*[bytes(MIB)] * 30))
        reading = await store.read("old")
        assert await anext(reading)
        with pytest.raises(StoreUnavailable, match="cannot be reached"):
            await store.put("key", source())
        with pytest.raises(StoreUnavailable, match="cannot be reached"):
            await store.read("old")
        with pytest.raises(StoreUnavailable, match="cannot be reached"):
            async for chunk in reading:
                assert chunk


async def test_a_missing_bucket_is_unavailable_and_not_a_missing_file(s3: S3Server) -> None:
    store = ObjectStore.open(s3.url.replace(s3.bucket, "no-such-bucket"), Path("/nowhere"))
    with pytest.raises(StoreUnavailable, match="does not exist"):
        await store.put("key", chunks(b"x"))
    with pytest.raises(StoreUnavailable, match="does not exist"):
        await store.read("key")
    with pytest.raises(StoreUnavailable, match="does not exist"):
        await store.check()


async def answering(answer: bytes) -> asyncio.Server:
    """A server that says the same to every request; empty: nothing."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(65536):
            writer.write(answer)

    return await asyncio.start_server(serve, "127.0.0.1", 0)


def url_to(server: asyncio.Server) -> str:
    return S3Server().url_of("", server.sockets[0].getsockname()[1])


async def test_refused_credentials_are_named_without_the_text_of_the_answer(credentials: None) -> None:
    body = b"<Error><Code>AccessDenied</Code><Message>key SECRET-OF-TESTS of ACCESS-OF-TESTS</Message></Error>"
    answer = b"HTTP/1.1 403 Forbidden\r\ncontent-type: application/xml\r\ncontent-length: %d\r\n\r\n%s"
    async with await answering(answer % (len(body), body)) as server:
        store = ObjectStore.open(url_to(server), Path("/nowhere"))
        with pytest.raises(StoreUnavailable) as caught:
            await store.put("key", chunks(b"x"))
        assert caught.value.detail == "the bucket of files refuses the credentials (HTTP 403 AccessDenied)"


async def test_a_server_that_says_nothing_is_given_up(credentials: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bucket, "TIMEOUT", 0.2)
    monkeypatch.setattr(bucket, "ABORT_TIMEOUT", 0.2)
    async with await answering(b"") as server:
        said = await refused(ObjectStore.open(url_to(server), Path("/nowhere")))
    assert said == ["the bucket of files did not answer within 0 s"] * 7


async def test_a_put_cancelled_within_a_request_aborts_its_upload(s3: S3Server) -> None:
    """The second part does not get through until the put is cancelled."""
    open_again, held = asyncio.Event(), asyncio.Event()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back_reader, back_writer = await asyncio.open_connection("127.0.0.1", s3.port)

        async def answers() -> None:
            while data := await back_reader.read(65536):
                writer.write(data)
            writer.close()

        answering = asyncio.create_task(answers())
        while data := await reader.read(65536):
            if b"partNumber=2" in data:
                held.set()
                await open_again.wait()
            back_writer.write(data)
            await back_writer.drain()
        back_writer.close()
        await answering

    async with await asyncio.start_server(relay, "127.0.0.1", 0) as proxy:
        store = ObjectStore.open(s3.url_of("held", proxy.sockets[0].getsockname()[1]), Path("/nowhere"))
        putting = asyncio.create_task(store.put("key", chunks(*[bytes(MIB)] * 30)))
        await held.wait()
        assert "held/key" in await s3.unfinished_uploads()
        putting.cancel()
        open_again.set()
        with pytest.raises(asyncio.CancelledError):
            await putting
        await until(lambda: _is_empty(s3), "the upload to be aborted")
    assert await ObjectStore.open(s3.url_of("held"), Path("/nowhere")).size("key") is None


async def _is_empty(s3: S3Server) -> bool:
    return "held/key" not in await s3.unfinished_uploads()


async def test_the_endpoint_may_be_in_the_environment(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3.endpoint)
    url = f"s3://{s3.bucket}/environment"
    with pytest.raises(StoreUnavailable):
        await ObjectStore.open(url, Path("/nowhere")).check()
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    await ObjectStore.open(url, Path("/nowhere")).check()

"""The client of clamd: what it finds, what it refuses, and what it says of one that does not answer."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from collab_server.adapters.clamd import Scanner
from collab_server.adapters.clamd.scanner import CHUNK_BYTES
from collab_server.errors import ConfigurationError, ScannerUnavailable, TooLarge
from tests.clamd import EICAR, SIGNATURE, FakeClamd
from tests.object_stores import chunks


@pytest.fixture
async def clamd() -> AsyncIterator[FakeClamd]:
    async with FakeClamd() as running:
        yield running


async def test_it_tells_whether_a_file_has_malware(clamd: FakeClamd) -> None:
    scanner = Scanner(clamd.address)
    await scanner.ping()
    clean = bytes(range(256)) * 5000
    assert await scanner.scan(chunks(clean[:7], b"", clean[7:])) is None
    assert await scanner.scan(chunks()) is None
    assert clamd.scanned == [hashlib.sha256(clean).hexdigest(), hashlib.sha256().hexdigest()]
    assert await scanner.scan(chunks(b"x" * (CHUNK_BYTES - 5) + EICAR)) == SIGNATURE


async def test_it_listens_at_a_path(tmp_path: Path) -> None:
    async with FakeClamd(str(tmp_path / "clamd.sock")) as clamd:
        assert await Scanner(clamd.address).scan(chunks(EICAR)) == SIGNATURE


async def test_a_file_that_is_too_large_for_it_is_refused_before_its_end(clamd: FakeClamd) -> None:
    clamd.most = 1000
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1
            yield bytes(CHUNK_BYTES)

    with pytest.raises(TooLarge):
        await Scanner(clamd.address).scan(endless())
    assert sent > 0


async def test_an_error_of_the_file_is_raised_as_it_is(clamd: FakeClamd) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"x"
        raise KeyError("the file ends here")

    with pytest.raises(KeyError):
        await Scanner(clamd.address).scan(broken())
    assert clamd.scanned == []


async def test_one_that_cannot_answer_is_unavailable(clamd: FakeClamd, monkeypatch: pytest.MonkeyPatch) -> None:
    clamd.answer = "lstat() failed: ERROR"
    with pytest.raises(ScannerUnavailable):
        await Scanner(clamd.address).scan(chunks(b"x"))
    await clamd.stop()
    with pytest.raises(ScannerUnavailable):
        await Scanner(clamd.address).scan(chunks(b"x"))
    with pytest.raises(ScannerUnavailable):
        await Scanner("unix:/nowhere/clamd.sock").ping()


async def test_one_that_says_nothing_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        ended.set()
        writer.close()

    monkeypatch.setattr("collab_server.adapters.clamd.scanner.ANSWER_SECONDS", 0.01)
    monkeypatch.setattr("collab_server.adapters.clamd.scanner.WRITE_SECONDS", 0.01)
    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        scanner = Scanner(f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
        for asked in (scanner.scan(chunks(b"x")), scanner.ping()):
            ended.clear()
            with pytest.raises(ScannerUnavailable):
                await asked
            await ended.wait()


async def test_what_answers_otherwise_is_no_clamd() -> None:
    async def other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n\0")
        writer.close()

    async with await asyncio.start_server(other, "127.0.0.1", 0) as server:
        scanner = Scanner(f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
        for asked in (scanner.scan(chunks(b"x")), scanner.ping()):
            with pytest.raises(ScannerUnavailable):
                await asked


@pytest.mark.parametrize(
    "address", ["clamd", "clamd:0", "clamd:70000", "unix:", "unix:relative", "http://clamd:1", ":1"]
)
def test_a_wrong_address_is_named(address: str) -> None:
    with pytest.raises(ConfigurationError, match="COLLAB_CLAMD_ADDRESS"):
        Scanner(address)


def test_an_address_may_be_of_version_6() -> None:
    Scanner("[::1]:3310")

"""What people send before anybody knows them costs little memory and no time without end."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import suppress
from uuid import uuid4

import httpx
import psutil
import pytest

from collab_server.adapters.websocket import http_protocol
from tests.peers import Peer
from tests.server import Server
from tests.waiting import until

BODIES = 40
SIZE = 9_800_000
MOST_GROWTH = 10_000_000


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with Server(tmp_path_factory.mktemp("bodies")) as running:
        yield running


@pytest.fixture(scope="module")
async def document(server: Server) -> str:
    """Of the playground, made by a guest."""
    peer = await Peer(server, "yws", "bodies").sync()
    await peer.close()
    return str((await server.document("bodies"))["id"])


class Unfinished:
    """A request whose body lacks its last byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self._sending: asyncio.Task[None] | None = None

    @classmethod
    async def begin(cls, server: Server, head: str) -> "Unfinished":
        one = cls(*await asyncio.open_connection("127.0.0.1", server.port))
        one.writer.write(f"{head}\r\nhost: {server.host}\r\n\r\n".encode())
        return one

    async def send(self, body: bytes) -> None:
        with suppress(ConnectionError):
            self.writer.write(body)
            await self.writer.drain()

    async def status(self) -> int:
        return int((await self.reader.readuntil(b"\r\n\r\n")).split()[1])

    async def close(self) -> None:
        self.writer.close()
        with suppress(ConnectionError):
            await self.writer.wait_closed()


def head(path: str, length: int | None = SIZE, kind: str = "application/json", more: str = "") -> str:
    size = "transfer-encoding: chunked" if length is None else f"content-length: {length}"
    return f"POST /api/v1/{path} HTTP/1.1\r\ncontent-type: {kind}\r\n{size}{more}"


@pytest.mark.parametrize(
    ("path", "kind", "says"),
    [
        ("users", "application/json", 413),
        ("documents/{document}/updates", "application/octet-stream", None),
        ("sync/push", "application/json", None),
    ],
)
async def test_forty_unfinished_bodies_cost_ten_megabytes_at_most(
    server: Server, document: str, path: str, kind: str, says: int | None
) -> None:
    """`says`: what is answered before the end of the body; None: nothing, as guests may send it."""
    process = psutil.Process(server.process.pid)
    some = b"\0" * 65_536
    whole = (SIZE - 1) // len(some)
    about = head(path.format(document=document), kind=kind)

    async def fill(one: Unfinished, pieces: int) -> None:
        for _ in range(pieces):
            await one.send(some)

    # What the allocator keeps after as many requests is no body. Whole bodies in memory would be mapped anew.
    warm = [await Unfinished.begin(server, about) for _ in range(BODIES)]
    await asyncio.gather(*(fill(one, whole) for one in warm))
    for one in warm:
        await one.close()
    before = process.memory_info().rss
    opened = [await Unfinished.begin(server, about) for _ in range(BODIES)]
    try:
        await asyncio.gather(*(fill(one, whole) for one in opened))
        if says is not None:
            assert {await one.status() for one in opened} == {says}
        async with httpx.AsyncClient() as client:
            assert (await client.get(f"{server.http}/health/live")).status_code == 200
        assert process.memory_info().rss - before <= MOST_GROWTH
    finally:
        for one in opened:
            await one.close()


async def test_a_large_body_is_refused_before_it_comes(server: Server, document: str) -> None:
    wrong = "\r\nauthorization: Bearer cs_wrong"
    cases = [
        (head("auth/login"), 413),
        (head("users"), 413),
        (head(f"documents/{document}/updates", 65_000_000, "application/octet-stream"), 413),
        (head(f"documents/{document}/updates", SIZE, "application/octet-stream", wrong), 401),
        (head("sync/push", more=wrong), 401),
        (head(f"workspaces/{uuid4()}/import?name=x.zip", 1_000_000, "application/zip", wrong), 401),
    ]
    for request, status in cases:
        one = await Unfinished.begin(server, request)
        assert await one.status() == status, request
        await one.close()


async def test_a_body_without_a_length_has_the_same_limits(server: Server) -> None:
    for more, path, status in (
        ("", "auth/login", 413),
        ("\r\nauthorization: Bearer cs_wrong", "sync/push", 401),
    ):
        one = await Unfinished.begin(server, head(path, None, more=more))
        for _ in range(3):
            await one.send(b"8000\r\n" + b"x" * 0x8000 + b"\r\n")
        assert await one.status() == status
        await one.close()


async def test_a_large_body_arrives_whole(server: Server) -> None:
    token = await server.create_token(f"{uuid4()}@example.com")
    text = os.urandom(500_000).hex()
    async with httpx.AsyncClient(
        base_url=server.api, headers={"authorization": f"Bearer {token}"}, timeout=60
    ) as client:
        (workspace,) = (await client.get("/workspaces", params={"limit": 1})).json()["items"][:1]
        path = f"/workspaces/{workspace['id']}/documents"
        answers = await asyncio.gather(
            *(client.post(path, json={"title": str(number), "content": text}) for number in range(4))
        )
        assert {answer.status_code for answer in answers} == {201}
        made = answers[0].json()["id"]
        assert (await client.get(f"/documents/{made}/content")).text == text


@pytest.fixture
async def hurried(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    """The port of uvicorn with our protocol class and short deadlines; its application reads whole bodies."""
    import uvicorn
    from starlette.requests import Request
    from starlette.responses import PlainTextResponse
    from starlette.types import Receive, Scope, Send

    monkeypatch.setattr(http_protocol, "HEAD_SECONDS", 0.3)
    monkeypatch.setattr(http_protocol, "BODY_SECONDS", 0.3)
    monkeypatch.setattr(http_protocol, "BODY_RATE", 1000)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        body = await Request(scope, receive).body()
        await PlainTextResponse(str(len(body)))(scope, receive, send)

    config = uvicorn.Config(app, port=0, http=http_protocol.BoundedHttpProtocol, lifespan="off", log_config=None)
    running = uvicorn.Server(config)
    serving = asyncio.create_task(running.serve())
    await until(lambda: running.started, "uvicorn to start")
    yield running.servers[0].sockets[0].getsockname()[1]
    running.should_exit = True
    await serving


class Collected(asyncio.Protocol):
    """Keeps what arrived, also when the connection is reset: the server closes while we still send."""

    def __init__(self) -> None:
        self.arrived = bytearray()
        self.over = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self.arrived += data

    def connection_lost(self, exc: Exception | None) -> None:
        self.over.set()


async def trickled(port: int, first: bytes, piece: bytes, most: int = 2000) -> bytes:
    """What is answered to `first` and then a piece again and again, until the server closes the connection."""
    transport, collected = await asyncio.get_running_loop().create_connection(Collected, "127.0.0.1", port)
    transport.write(first)
    for _ in range(most):
        transport.write(piece)
        with suppress(TimeoutError):
            await asyncio.wait_for(collected.over.wait(), 0.02)
            break
    transport.close()
    assert collected.over.is_set(), "the server waits for ever"
    return bytes(collected.arrived)


WHOLE = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nok"


async def test_a_head_that_trickles_is_ended_also_after_the_first_request(hurried: int) -> None:
    assert await trickled(hurried, b"GET / HTTP/1.1\r\nhost: x\r\n", b"x: y\r\n") == b""
    second = await trickled(hurried, WHOLE + b"GET / HTTP/1.1\r\nhost: x\r\n", b"x: y\r\n")
    assert second.count(b"HTTP/1.1 200") == 1


async def test_a_body_that_trickles_is_ended(hurried: int) -> None:
    begun = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n"
    assert (await trickled(hurried, begun, b"x")).startswith(b"HTTP/1.1 408")
    second = await trickled(hurried, WHOLE + begun, b"x")
    assert b"HTTP/1.1 200" in second and b"HTTP/1.1 408" in second


async def test_a_body_that_makes_progress_may_take_its_time(hurried: int) -> None:
    """Some 25 times the least rate, for three times the deadline of a body that does not come."""
    count = 50
    reader, writer = await asyncio.open_connection("127.0.0.1", hurried)
    writer.write(b"POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % (count * 500))
    for _ in range(count):
        writer.write(b"x" * 500)
        await asyncio.wait([asyncio.ensure_future(asyncio.sleep(0.02))])
    assert (await reader.read()).endswith(str(count * 500).encode())
    writer.close()


async def test_requests_one_after_the_other_are_not_ended(hurried: int) -> None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{hurried}") as client:
        began = asyncio.get_running_loop().time()
        while asyncio.get_running_loop().time() - began < 3 * http_protocol.HEAD_SECONDS:
            assert (await client.post("/", content=b"x" * 100)).text == "100"

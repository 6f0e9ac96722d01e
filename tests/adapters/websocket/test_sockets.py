"""Both ways to hold a socket behave alike: our uvicorn protocol class, and plain ASGI under uvicorn's own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from collab_server.adapters.websocket.asgi import AsgiSocket, socket_of
from collab_server.adapters.websocket.connection import HIGH_WATER
from collab_server.adapters.websocket.frame_parser import Outgoing
from collab_server.adapters.websocket.socket import OnMessage, Socket
from collab_server.adapters.websocket.uvicorn_protocol import FanOutProtocol
from tests.server import free_port
from tests.waiting import until

KINDS: dict[str, Any] = {"direct": FanOutProtocol, "asgi": "websockets-sansio"}
Behaviour = Callable[[Socket], Awaitable[None]]
Dial = Callable[[], Awaitable[ClientConnection]]


@asynccontextmanager
async def serving(kind: str, behave: Behaviour) -> AsyncIterator[str]:
    """A uvicorn whose only application accepts a socket and behaves; its URL."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "websocket"
        await receive()
        await send({"type": "websocket.accept"})
        socket = socket_of(scope, receive, send)
        assert isinstance(socket, AsgiSocket) is (kind == "asgi")
        await behave(socket)

    port = free_port()
    config = uvicorn.Config(
        app,
        port=port,
        ws=KINDS[kind],
        lifespan="off",
        log_config=None,
        ws_max_size=1_000_000,
        ws_per_message_deflate=False,
    )
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    running = asyncio.create_task(server._serve())
    await until(lambda: server.started, "uvicorn to start")
    try:
        yield f"ws://127.0.0.1:{port}/"
    finally:
        server.should_exit = True
        await running


@pytest.fixture(params=list(KINDS))
def kind(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def nothing() -> None: ...


async def serve(socket: Socket, on_message: OnMessage, on_writable: Callable[[], None] = nothing) -> None:
    """Run the socket to its end, whether or not `run` waits for it; raises what `on_message` raised."""
    ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def on_end(error: Exception | None) -> None:
        if error is None:
            ended.set_result(None)
        else:
            ended.set_exception(error)

    await socket.run(on_message, on_writable, on_end)
    await ended


async def test_messages_come_in_order_and_runs_of_messages_go_out_whole(kind: str) -> None:
    async def behave(socket: Socket) -> None:
        def echo(message: bytes) -> None:
            socket.write(Outgoing((message, b"then", message)))

        await serve(socket, echo)

    async with serving(kind, behave) as url, connect(url) as client:
        for message in (b"", b"a", b"x" * 125, b"x" * 126, b"x" * 65535, b"x" * 65536, b"x" * 300_000):
            await client.send(message)
            assert [await client.recv() for _ in range(3)] == [message, b"then", message]


async def test_a_burst_sent_with_the_handshake_is_not_lost(kind: str) -> None:
    seen: list[bytes] = []

    async def behave(socket: Socket) -> None:
        await asyncio.sleep(0)
        await serve(socket, seen.append)

    async with serving(kind, behave) as url, connect(url) as client:
        sent = [str(number).encode() for number in range(500)]
        for message in sent:
            await client.send(message)
        await until(lambda: len(seen) == len(sent), "all messages")
    assert seen == sent


async def test_a_message_waits_for_the_coroutine_of_the_one_before(kind: str) -> None:
    seen: list[str] = []
    gate = asyncio.Event()

    async def slow(message: bytes) -> None:
        seen.append(f"begin {message.decode()}")
        await gate.wait()
        seen.append(f"end {message.decode()}")

    async def behave(socket: Socket) -> None:
        def on_message(message: bytes) -> Coroutine[Any, Any, None] | None:
            if message.startswith(b"slow"):
                return slow(message)
            seen.append(message.decode())
            return None

        await serve(socket, on_message)

    async with serving(kind, behave) as url, connect(url) as client:
        for message in (b"1", b"slow2", b"3", b"slow4", b"5"):
            await client.send(message)
        await until(lambda: seen == ["1", "begin slow2"], "the slow one to begin")
        gate.set()
        await until(lambda: len(seen) == 7, "the rest")
    assert seen == ["1", "begin slow2", "end slow2", "3", "begin slow4", "end slow4", "5"]


async def test_a_text_message_ends_the_socket_with_1003(kind: str) -> None:
    async def behave(socket: Socket) -> None:
        await serve(socket, lambda _: None)

    async with serving(kind, behave) as url, connect(url) as client:
        await client.send("text")
        with pytest.raises(ConnectionClosed):
            await client.recv()
        assert client.close_code == 1003


async def test_a_close_has_its_code_and_reason_and_comes_after_what_was_written(kind: str) -> None:
    ended = asyncio.Event()

    async def behave(socket: Socket) -> None:
        def on_message(message: bytes) -> None:
            socket.write(Outgoing((b"last words",)))
            socket.end(4403, "forbidden: no")
            socket.write(Outgoing((b"too late",)))

        await serve(socket, on_message)
        ended.set()

    async with serving(kind, behave) as url, connect(url) as client:
        await client.send(b"x")
        assert await client.recv() == b"last words"
        with pytest.raises(ConnectionClosed):
            await client.recv()
        assert (client.close_code, client.close_reason) == (4403, "forbidden: no")
        await asyncio.wait_for(ended.wait(), 10)


async def test_an_error_in_the_session_reaches_its_owner(kind: str) -> None:
    found: list[str] = []

    async def behave(socket: Socket) -> None:
        def on_message(message: bytes) -> None:
            raise ValueError(message.decode())

        try:
            await serve(socket, on_message)
        except ValueError as error:
            found.append(str(error))
            socket.end(4400, "bad")

    async with serving(kind, behave) as url, connect(url) as client:
        await client.send(b"boom")
        with pytest.raises(ConnectionClosed):
            await client.recv()
    assert found == ["boom"]


@pytest.mark.parametrize("abruptly", [False, True])
async def test_run_ends_when_the_peer_is_gone(kind: str, abruptly: bool) -> None:
    ended = asyncio.Event()

    async def behave(socket: Socket) -> None:
        await serve(socket, lambda _: None)
        ended.set()

    async with serving(kind, behave) as url:
        client = await connect(url)
        if abruptly:
            client.transport.abort()
        else:
            await client.close()
        await asyncio.wait_for(ended.wait(), 10)


async def test_a_slow_reader_is_seen_and_says_when_it_has_drained(kind: str) -> None:
    sockets: list[Socket] = []
    drained = asyncio.Event()

    async def behave(socket: Socket) -> None:
        sockets.append(socket)
        await serve(socket, lambda _: None, drained.set)

    async with serving(kind, behave) as url, connect(url, max_size=None, max_queue=1) as client:
        await until(lambda: bool(sockets), "the socket")
        (socket,) = sockets
        assert not socket.congested
        client.transport.pause_reading()
        piece = Outgoing((b"x" * 100_000,))
        count = 0
        while not socket.congested:
            socket.write(piece)
            count += 1
            assert count * 100_000 < 100 * HIGH_WATER, "never congested"
            await asyncio.sleep(0)
        assert not drained.is_set()
        client.transport.resume_reading()
        for _ in range(count):
            assert len(await client.recv()) == 100_000
        await asyncio.wait_for(drained.wait(), 10)
        assert not socket.congested


async def test_a_message_above_the_limit_ends_the_socket_with_1009(kind: str) -> None:
    async def behave(socket: Socket) -> None:
        await serve(socket, lambda _: None)

    async with serving(kind, behave) as url, connect(url) as client:
        await client.send(b"x" * 1_000_001)
        with pytest.raises(ConnectionClosed):
            await client.recv()
        assert client.close_code == 1009

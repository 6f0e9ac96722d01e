"""Messages above the usual limit are received one at a time; what is above every limit is dropped as it comes."""

import asyncio
from typing import Any

import pytest

from collab_server.adapters.websocket import large_messages
from collab_server.adapters.websocket.connection import Connection
from collab_server.adapters.websocket.large_messages import BEGINNING_BYTES, Bounds
from tests.adapters.websocket.test_incoming import Wire
from tests.raw_socket import BINARY, CONTINUATION, PING, encode_frame

LIMIT = 1_000
MOST = 20_000


class Line(Wire):
    """A transport that holds back what is sent to a server that does not read."""

    def __init__(self) -> None:
        super().__init__()
        self.reading = True
        self.held = bytearray()

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default


class Client:
    """A client's end of a connection, and what its session was given."""

    def __init__(self, bounds: Bounds) -> None:
        self.messages: list[bytes] = []
        self.too_large: list[tuple[bytes, int]] = []
        self.busy: asyncio.Event | None = None
        self.line = Line()
        self.connection = Connection(self.line, bounds, set(), b"", reading=True, lost=False)
        self.connection.allow_large(MOST, lambda beginning, size: self.too_large.append((beginning, size)))

    async def begin(self) -> "Client":
        await self.connection.run(self._take, lambda: None, lambda error: None)
        return self

    def _take(self, message: bytes) -> Any:
        self.messages.append(message)
        return None if self.busy is None else self.busy.wait()

    async def send(self, data: bytes, step: int = 4_096) -> None:
        """As a network does: nothing arrives while nobody reads."""
        self.line.held += data
        await self.arrive(step)

    async def arrive(self, step: int = 4_096) -> None:
        turns = 0
        while turns < 20:
            turns += 1
            if self.line.reading and self.line.held and not self.line.closed:
                piece = bytes(self.line.held[:step])
                del self.line.held[:step]
                self.connection.data_received(piece)
                turns = 0
            await asyncio.sleep(0)


def fragmented(payload: bytes, size: int) -> bytes:
    parts = [payload[first : first + size] for first in range(0, len(payload), size)]
    return b"".join(
        encode_frame(part, CONTINUATION if place else BINARY, fin=place == len(parts) - 1)
        + (encode_frame(b"between", PING) if place == 1 else b"")
        for place, part in enumerate(parts)
    )


@pytest.fixture
def bounds() -> Bounds:
    return Bounds(LIMIT, 5.0, 5.0)


LARGE = bytes(range(250)) * 60


@pytest.mark.parametrize("step", [1_000, 4_096, 100_000])
@pytest.mark.parametrize("frame", [encode_frame(LARGE), fragmented(LARGE, 700)], ids=["whole", "fragmented"])
async def test_a_large_message_is_taken(bounds: Bounds, frame: bytes, step: int) -> None:
    client = await Client(bounds).begin()
    await client.send(encode_frame(b"before") + frame + encode_frame(b"after"), step)
    assert client.messages == [b"before", LARGE, b"after"]
    assert not bounds.large.contested and not client.too_large


async def test_the_next_large_message_waits_unread_until_the_first_was_handled(bounds: Bounds) -> None:
    first, second, third = [await Client(bounds).begin() for _ in range(3)]
    first.busy = asyncio.Event()
    await first.send(encode_frame(LARGE))
    assert first.messages == [LARGE]
    for waiting in (second, third):
        await waiting.send(encode_frame(b"small") + encode_frame(LARGE) + encode_frame(b"later"), 1_000)
        assert waiting.messages == [b"small"]
        assert not waiting.line.reading and len(waiting.line.held) > len(LARGE) - 2_000
        # It is not dead, though nothing is heard of it.
        for now in (100.0, 200.0, 300.0):
            waiting.connection.tick(now)
        assert not waiting.line.written
    first.busy.set()
    await asyncio.sleep(0)
    await second.arrive()
    assert second.messages == [b"small", LARGE, b"later"]
    await third.arrive()
    assert third.messages == [b"small", LARGE, b"later"]


@pytest.mark.parametrize("how", ["lost", "ended"])
async def test_who_goes_gives_its_place_up(bounds: Bounds, how: str) -> None:
    holder, waiting, last = [await Client(bounds).begin() for _ in range(3)]
    await holder.send(encode_frame(LARGE)[:5_000])
    await waiting.send(encode_frame(LARGE))
    await last.send(encode_frame(LARGE))
    for client in (waiting, holder):
        if how == "lost":
            client.connection.connection_lost(None)
        else:
            client.connection.end(4401, "unauthenticated: expired")
    await last.arrive()
    assert last.messages == [LARGE] and not holder.messages and not waiting.messages
    if how == "ended":
        await holder.send(encode_frame(LARGE)[5_000:])
        await waiting.arrive()
        assert not bounds.large.contested and not holder.messages and not waiting.messages
        assert len(holder.connection._begun) < 5_000


async def test_who_is_slow_is_ended_only_while_others_wait(bounds: Bounds, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large_messages, "PATIENCE", -1.0)
    slow, other = await Client(bounds).begin(), await Client(bounds).begin()
    await slow.send(encode_frame(LARGE)[:5_000])
    loop_time = slow.connection._large
    assert loop_time is not None
    slow.connection.tick(loop_time.since + 60)
    assert b"unavailable" not in slow.line.written
    await other.send(encode_frame(LARGE))
    slow.connection.tick(loop_time.since + 60)
    assert b"unavailable" in slow.line.written
    await other.arrive()
    assert other.messages == [LARGE]


@pytest.mark.parametrize("step", [900, 4_096, 1_000_000])
@pytest.mark.parametrize("fragment", [0, 700, 30_000])
async def test_what_is_above_every_limit_is_dropped_and_the_socket_goes_on(
    bounds: Bounds, fragment: int, step: int
) -> None:
    huge = b"an address" + bytes(100_000)
    client = await Client(bounds).begin()
    frame = fragmented(huge, fragment) if fragment else encode_frame(huge)
    await client.send(encode_frame(b"before") + frame + encode_frame(b"after") + encode_frame(LARGE), step)
    assert client.messages == [b"before", b"after", LARGE]
    [(beginning, size)] = client.too_large
    assert beginning.startswith(b"an address") and len(beginning) <= BEGINNING_BYTES
    assert MOST < size <= len(huge)
    assert len(client.connection._begun) < MOST


async def test_without_leave_the_limit_ends_the_socket(bounds: Bounds) -> None:
    client = Client(bounds)
    client.connection._large = None
    await client.begin()
    await client.send(encode_frame(LARGE))
    assert b"too_large" in client.line.written and client.line.closed

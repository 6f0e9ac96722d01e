"""Sockets and handshakes that break RFC 6455, or merely look as if they did."""

import asyncio
import functools
import struct
import zlib
from collections.abc import AsyncIterator, Callable

import pytest

from tests.bystanders import FAMILIES, Bystanders, dial, prefix, under_attack
from tests.peers import Family, Peer, awareness_payload, var_bytes
from tests.raw_socket import BINARY, CLOSE, CONTINUATION, PING, TEXT, Refused, Socket, encode_frame
from tests.server import Server


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with Server(tmp_path_factory.mktemp("hostile")) as running:
        yield running


@pytest.fixture
async def bystanders(server: Server) -> AsyncIterator[Bystanders]:
    async with under_attack(server) as people:
        yield people


def fragments(socket: Socket, count: int, length: int) -> None:
    """The first fragments of one message."""
    for number in range(count):
        socket.send(bytes(length), CONTINUATION if number else BINARY, fin=False)


Violation = tuple[Callable[[Socket], None], set[int]]
PROTOCOL_ERROR = {1002}
VIOLATIONS: dict[str, Violation] = {
    "an unmasked frame": (lambda s: s.send(b"\x00\x00\x01\x00", masked=False), PROTOCOL_ERROR),
    "an opcode that does not exist": (lambda s: s.send(b"x", 3), PROTOCOL_ERROR),
    "a control opcode that does not exist": (lambda s: s.send(b"x", 11), PROTOCOL_ERROR),
    "reserved bits": (lambda s: s.send(b"x", reserved=3), PROTOCOL_ERROR),
    "the compression bit without compression": (lambda s: s.send(b"x", reserved=4), PROTOCOL_ERROR),
    "a text frame": (lambda s: s.send(b"text", TEXT), {1003}),
    "a text frame that is not UTF-8": (lambda s: s.send(b"\xff\xfe", TEXT), {1003, 1007}),
    "a frame of 4 EiB": (lambda s: s.send(b"x", declared=2**62), {1009, 1002}),
    "a frame with a negative length": (lambda s: s.send(b"x", declared=2**64 - 1), {1009, 1002}),
    "a long ping": (lambda s: s.send(bytes(126), PING), PROTOCOL_ERROR),
    "a fragmented ping": (lambda s: s.send(b"x", PING, fin=False), PROTOCOL_ERROR),
    "a continuation of nothing": (lambda s: s.send(b"x", CONTINUATION), PROTOCOL_ERROR),
    "a message within a message": (
        lambda s: s.write(encode_frame(b"x", fin=False) + encode_frame(b"y")),
        PROTOCOL_ERROR,
    ),
    "a close frame of one byte": (lambda s: s.send(b"\x03", CLOSE), PROTOCOL_ERROR),
    "a close code that nobody may send": (lambda s: s.send(struct.pack("!H", 1005), CLOSE), PROTOCOL_ERROR),
    "a close code below all others": (lambda s: s.send(struct.pack("!H", 42), CLOSE), PROTOCOL_ERROR),
    "a close code above all others": (lambda s: s.send(struct.pack("!H", 65535), CLOSE), PROTOCOL_ERROR),
    "a close reason that is not UTF-8": (lambda s: s.send(b"\x03\xe8\xff\xfe", CLOSE), {1007, 1002}),
    "a long close frame": (lambda s: s.send(b"\x03\xe8" + b"x" * 200, CLOSE), PROTOCOL_ERROR),
}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("violation", VIOLATIONS)
async def test_a_websocket_violation_ends_its_own_socket_with_the_code_for_it(
    server: Server, bystanders: Bystanders, family: Family, violation: str
) -> None:
    commit, codes = VIOLATIONS[violation]
    socket = await dial(server, family, bystanders.name)
    commit(socket)
    assert (await socket.end()).code in codes
    await socket.abort()
    await bystanders.assert_undisturbed()


@pytest.mark.parametrize("send", [lambda s: s.send(b"x", declared=64_200_000), lambda s: fragments(s, 17, 4_000_000)])
async def test_a_message_above_what_a_document_may_have_ends_its_socket_for_good(
    server: Server, bystanders: Bystanders, send: Callable[[Socket], None]
) -> None:
    socket = await dial(server, "yws", bystanders.name)
    send(socket)
    assert (await socket.end()).code == 4413
    await socket.abort()
    await bystanders.assert_undisturbed()


@pytest.mark.parametrize("family", FAMILIES)
async def test_fragments_with_pings_between_them_are_one_message(
    server: Server, bystanders: Bystanders, family: Family
) -> None:
    socket = await dial(server, family, bystanders.name)
    message = prefix(family, bystanders.name) + b"\x00\x00\x01\x00"
    for number, octet in enumerate(message):
        socket.send(bytes([octet]), CONTINUATION if number else BINARY, fin=False)
        socket.send(b"between", PING)
    socket.send(b"", CONTINUATION)
    answer = prefix(family, bystanders.name) + b"\x00\x01"
    await socket.until(lambda: any(m.startswith(answer) for m in socket.messages), "the SyncStep2")
    assert socket.pongs.count(b"between") == len(message)
    await socket.close()
    await bystanders.assert_undisturbed()


async def test_a_frame_in_single_bytes_is_read(server: Server, bystanders: Bystanders) -> None:
    socket = await dial(server, "yws", bystanders.name)
    for octet in encode_frame(b"\x00\x00\x01\x00"):
        socket.write(bytes([octet]))
        await asyncio.sleep(0)
    await socket.until(lambda: any(m.startswith(b"\x00\x01") for m in socket.messages), "the SyncStep2")
    await socket.close()


@functools.cache
def bomb() -> bytes:
    """A gigabyte of zeros as one compressed message. Making it takes seconds."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = b"".join(packer.compress(bytes(1_000_000)) for _ in range(1000)) + packer.flush(zlib.Z_SYNC_FLUSH)
    return packed[:-4]


@pytest.mark.parametrize("family", FAMILIES)
async def test_a_compressed_bomb_is_not_unpacked(server: Server, bystanders: Bystanders, family: Family) -> None:
    # In a thread: meanwhile everybody must answer pings, and who has dialled must log in.
    packed = await asyncio.to_thread(bomb)
    url = server.hocuspocus if family == "hocus" else f"{server.ws}/{bystanders.name}"
    socket = await Socket.dial(url, [("Sec-WebSocket-Extensions", "permessage-deflate")])
    socket.send(packed, reserved=4)
    assert (await socket.end()).code in ({1009} if b"permessage-deflate" in socket.head else PROTOCOL_ERROR)
    await socket.abort()
    await bystanders.assert_undisturbed()


async def http(server: Server, request: bytes) -> bytes:
    """The first bytes of the answer to these bytes; b"" where the server just hangs up."""
    host, _, port = server.http.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(request)
        async with asyncio.timeout(20):
            return await reader.read(4096)
    except ConnectionError:
        return b""
    finally:
        writer.close()


UPGRADE = b"GET /ws/x HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
KEY = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"


@pytest.mark.parametrize(
    "request_bytes",
    [
        pytest.param(bytes(range(256)) * 8 + b"\r\n\r\n", id="all bytes"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200), id="a TLS hello"),
        pytest.param(b"GET /ws/x\r\n\r\n", id="HTTP 0.9"),
        pytest.param(UPGRADE + b"Sec-WebSocket-Version: 13\r\n\r\n", id="no key"),
        pytest.param(UPGRADE + KEY + b"Sec-WebSocket-Version: 8\r\n\r\n", id="an old version"),
        pytest.param(UPGRADE + b"Sec-WebSocket-Key: short\r\nSec-WebSocket-Version: 13\r\n\r\n", id="a short key"),
        pytest.param(UPGRADE + KEY + b"X: " + b"x" * 1_000_000 + b"\r\n\r\n", id="a header of a megabyte"),
        pytest.param(b"GET /ws/" + b"x" * 1_000_000 + b" HTTP/1.1\r\n\r\n", id="a path of a megabyte"),
        pytest.param(b"POST /ws/x HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", id="a POST"),
    ],
)
async def test_a_wrong_handshake_is_refused(server: Server, bystanders: Bystanders, request_bytes: bytes) -> None:
    answer = await http(server, request_bytes)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 4"), answer[:200]
    await bystanders.assert_undisturbed()


@pytest.mark.parametrize("start", [b"GET /", UPGRADE + b"X: "], ids=["request line", "header"])
async def test_a_request_head_without_an_end_is_cut_off(server: Server, bystanders: Bystanders, start: bytes) -> None:
    host, _, port = server.http.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(start)
    answer, sent = asyncio.create_task(reader.read(4096)), 0
    try:
        while not answer.done() and sent < 50_000_000:
            writer.write(b"x" * 65_536)
            sent += 65_536
            await writer.drain()
            await asyncio.sleep(0)
        await asyncio.wait({answer}, timeout=5)
        assert answer.done(), f"the server has taken {sent} bytes of one request head"
        assert answer.exception() is not None or answer.result()[:10] in (b"", b"HTTP/1.1 4")
    except ConnectionError:
        assert sent < 10_000_000
    finally:
        answer.cancel()
        writer.close()
    await bystanders.assert_undisturbed()


async def test_half_handshakes_disturb_nobody(server: Server, bystanders: Bystanders) -> None:
    host, _, port = server.http.removeprefix("http://").partition(":")
    halves = [await asyncio.open_connection(host, int(port)) for _ in range(100)]
    for number, (_, writer) in enumerate(halves):
        writer.write(UPGRADE[: number % len(UPGRADE)])
    await bystanders.assert_undisturbed()
    for _, writer in halves:
        writer.transport.abort()
    await bystanders.assert_undisturbed()


@pytest.mark.parametrize(
    "path", ["", "/", "/%00", "/%ff%fe", "/a%00b", "/" + "n" * 5000, "/..%2f..%2fetc%2fpasswd", "/%20"], ids=repr
)
async def test_a_name_that_cannot_be_a_document_is_refused_with_a_reason(
    server: Server, bystanders: Bystanders, path: str
) -> None:
    """Or served, where it can be one: never an error of the server's own."""
    try:
        socket = await Socket.dial(f"{server.ws}{path}")
    except Refused as refused:
        assert 400 <= refused.status < 500, refused
    else:
        socket.send(b"\x00\x00\x01\x00")
        await socket.until(lambda: socket.ended or any(m.startswith(b"\x00\x01") for m in socket.messages))
        assert socket.ended is None or 4400 <= socket.ended.code < 4500, socket.ended
        await socket.abort()
    await bystanders.assert_undisturbed()


async def test_a_peer_that_does_not_read_costs_no_memory_and_catches_up(server: Server, bystanders: Bystanders) -> None:
    """24 MB of presence pass it by; the fixture measures what of it stayed in the server."""

    async def learns_the_last(peer: Peer) -> None:
        await peer.until(lambda: peer.presence.get(4_000_000, (0, ""))[0] == 2000, "the last state")

    slow, chatter = Peer(server, "yws", bystanders.name), Peer(server, "hocus", bystanders.name)
    await slow.sync()
    await chatter.sync()
    assert slow.socket is not None
    assert chatter.socket is not None
    slow.socket.pause()
    for clock in range(1, 2001):
        chatter.announce((4_000_000, clock, f'{{"n":{clock},"pad":"{"x" * 12_000}"}}'))
        if clock % 20 == 0:
            await chatter.socket.round_trip()
    slow_mark = bystanders.people[0].type_mark()
    for peer in bystanders.people:
        await learns_the_last(peer)
    await bystanders.assert_undisturbed()
    assert slow_mark not in slow.marks
    slow.socket.resume()
    await slow.sees(slow_mark)
    await learns_the_last(slow)
    await slow.abort()
    await chatter.abort()


async def test_many_sockets_that_die_at_once_disturb_nobody(server: Server, bystanders: Bystanders) -> None:
    sockets = await asyncio.gather(*(dial(server, FAMILIES[n % 2], bystanders.name) for n in range(200)))
    for number, socket in enumerate(sockets):
        client, message = 3_000_000 + number, prefix(FAMILIES[number % 2], bystanders.name)
        socket.send(message + b"\x01" + var_bytes(awareness_payload([(client, 1, "{}")])))

    async def see(peer: Peer, state: str) -> None:
        present = [(client, state) for client in range(3_000_000, 3_000_200)]
        await peer.until(
            lambda: all(peer.presence.get(client, (0, ""))[1] == state for client, state in present), state, within=3
        )

    for peer in bystanders.people:
        await see(peer, "{}")
    await asyncio.gather(*(socket.abort() for socket in sockets))
    for peer in bystanders.people:
        await see(peer, "null")
    await bystanders.assert_undisturbed()

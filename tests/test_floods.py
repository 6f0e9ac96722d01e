"""Clients that ask for much and read nothing, or send much that means little: each costs a bounded amount."""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Callable, Iterator

import httpx
import pytest

from tests.bystanders import FAMILIES, Bystanders, dial, memory, prefix, under_attack
from tests.features.auth.visitor import metric
from tests.peers import Family, Peer, awareness_payload, var_bytes, var_string, var_uint
from tests.raw_socket import BINARY, CONTINUATION, PING, PONG, Socket, encode_frame
from tests.seeds import choose_seed
from tests.server import Server
from tests.waiting import until

UNREAD = 8_000_000
"""Bytes the server may hold for one client that does not read."""
FLOOD_FRAMES = int(os.environ.get("COLLAB_FLOOD_FRAMES", "4000"))
SLOW_SOCKETS = 20


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with Server(tmp_path_factory.mktemp("floods")) as running:
        yield running


@pytest.fixture
async def bystanders(server: Server) -> AsyncIterator[Bystanders]:
    async with under_attack(server) as people:
        yield people


async def refusals(server: Server) -> float:
    """How often the server has answered too_many."""
    async with httpx.AsyncClient() as client:
        text = (await client.get(f"{server.http}/metrics")).text
    lines = (line for line in text.splitlines() if line.startswith('collab_errors_total{code="too_many"}'))
    return sum(float(line.split()[1]) for line in lines)


async def handled(server: Server, people: Bystanders, socket: Socket, family: Family, refused: float) -> None:
    """Wait until the server has handled everything that was sent on the socket, or has ended it.

    `refused`: `refusals` before the first message.
    """
    client = random.SystemRandom().randrange(2**31)
    socket.send(prefix(family, people.name) + b"\x01" + var_bytes(awareness_payload([(client, 1, "{}")])))

    async def done() -> bool:
        return client in people.people[0].presence or await refusals(server) > refused

    await until(done, "the flood to be handled")


def questions() -> Iterator[bytes]:
    for client in range(1, 1501):
        yield b"\x00\x00" + var_bytes(b"\x01" + var_uint(client) + b"\x05")


UNREAD_REPLIES: dict[str, Callable[[], Iterator[bytes]]] = {
    "presence": lambda: iter([b"\x03"] * 2000),
    "differences": questions,
    "acknowledgements": lambda: iter([b"\x00\x02\x02\x00\x00"] * 8000),
}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("asked", UNREAD_REPLIES)
async def test_replies_that_a_client_does_not_read_have_a_bound(
    server: Server, bystanders: Bystanders, family: Family, asked: str
) -> None:
    bystanders.people[0].insert("a line of some length, and the next one\n" * 5000)
    await bystanders.people[0].saved()
    for number, person in enumerate(bystanders.people):
        person.announce((9_000_000 + number, 1, f'{{"picture": "{"x" * 60_000}"}}'))
    refused = await refusals(server)
    socket = await dial(server, family, bystanders.name)
    socket.pause()
    most = 0.0
    for number, message in enumerate(UNREAD_REPLIES[asked]()):
        socket.send(prefix(family, bystanders.name) + message)
        if number % 500 == 0:
            await socket.drain()
            most = max(most, await metric(server, "queued_bytes"))
    await handled(server, bystanders, socket, family, refused)
    assert max(most, await metric(server, "queued_bytes")) < UNREAD
    await socket.abort()
    await bystanders.assert_undisturbed()


async def test_stateless_messages_are_dropped_for_members_who_do_not_read(
    server: Server, bystanders: Bystanders
) -> None:
    deaf = [await dial(server, "hocus", f"{bystanders.name}\0{number}") for number in range(4)]
    for socket in deaf:
        socket.pause()
    speaker = bystanders.people[1]
    for _ in range(30):
        speaker.send(b"\x05" + var_string("x" * 250_000))
        speaker.type_mark()
        await speaker.saved()
    assert await metric(server, "queued_bytes") < len(deaf) * UNREAD / 4
    assert len(speaker.stateless) == 30
    for socket in deaf:
        await socket.abort()


async def test_a_stateless_message_above_the_limit_is_dropped_and_its_sender_told(
    server: Server, bystanders: Bystanders
) -> None:
    socket = await dial(server, "hocus", bystanders.name)
    socket.send(var_string(bystanders.name) + b"\x05" + var_string("x" * 300_000))
    notice = var_string(bystanders.name) + b"\x05"
    await socket.until(lambda: any(message.startswith(notice) for message in socket.messages), "a notice")
    await socket.round_trip()
    assert socket.ended is None
    assert not any(message.startswith(var_string(bystanders.name) + b"\x07") for message in socket.messages)
    await socket.abort()


async def test_an_address_above_the_limit_is_refused_and_not_logged(server: Server) -> None:
    socket = await Socket.dial(server.hocuspocus)
    logged = len(server.log)
    for _ in range(3):
        socket.send(var_string("a" * 900_000) + b"\x02\x00\x00\x00")
    assert (await socket.end()).code == 4400
    assert len(server.log) - logged < 5_000


async def test_a_name_above_the_limit_does_not_end_the_other_documents_of_its_socket(
    server: Server, bystanders: Bystanders
) -> None:
    socket = await dial(server, "hocus", bystanders.name)
    long = var_string("a" * 3_000)
    socket.send(long + b"\x02\x00\x00\x00")
    denied = long + b"\x02\x01"
    await socket.until(lambda: any(message.startswith(denied) for message in socket.messages), "the refusal")
    await socket.round_trip()
    assert socket.ended is None
    await socket.abort()


async def test_messages_before_a_login_are_small(server: Server) -> None:
    socket = await Socket.dial(server.hocuspocus)
    socket.send(b"x" * 1_100_000)
    assert (await socket.end()).code == 1009


async def test_refused_logins_that_are_not_read_have_a_bound(server: Server) -> None:
    socket = await Socket.dial(server.hocuspocus)
    logged = len(server.log)
    socket.pause()
    for number in range(8000):
        socket.send(var_string(f"{'n' * 2000}\0{number}") + b"\x02\x00\x00\x00")
        if number % 200 == 0:
            await socket.drain()
    assert await metric(server, "queued_bytes") < UNREAD
    assert len(server.log) - logged < 30_000
    await socket.abort()


CONTROL: dict[str, bytes] = {
    "pings": encode_frame(b"", PING),
    "pongs": encode_frame(b"", PONG),
    "fragments of a byte": encode_frame(b"x", CONTINUATION, fin=False),
    "empty fragments": encode_frame(b"", CONTINUATION, fin=False),
}


@pytest.mark.parametrize("kind", CONTROL)
async def test_control_frames_and_fragments_count_as_messages(
    server: Server, bystanders: Bystanders, kind: str
) -> None:
    socket = await Socket.dial(server.hocuspocus)
    before = memory(server)
    if "fragments" in kind:
        socket.send(b"", BINARY, fin=False)
    for _ in range(200):
        socket.write(CONTROL[kind] * 500)
        await asyncio.sleep(0)
    ended = await socket.end()
    assert (ended.code, ended.reason.partition(":")[0]) == (4529, "too_many")
    assert len(socket.pongs) < 4_000
    assert memory(server) - before < 20_000_000
    await bystanders.assert_undisturbed()


async def test_a_request_of_countless_messages_is_refused_before_it_is_read(server: Server) -> None:
    peer = await Peer(server, "yws", "stream").sync()
    document = await server.document("stream")
    path = f"{server.api}/documents/{document['id']}/events"
    async with httpx.AsyncClient(timeout=30) as client, client.stream("GET", path) as stream:
        lines = stream.aiter_lines()
        stream_id = ""
        async for line in lines:
            if line.startswith("data: {"):
                stream_id = line.partition('"stream": "')[2].partition('"')[0]
                break
        answer = await client.post(f"{path}/{stream_id}", content=b"\0" * 2_000_000)
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    await peer.close()


async def test_presence_of_a_document_has_a_bound(server: Server, bystanders: Bystanders) -> None:
    """Each connection shows at most 128 KB, and all together 2 MB: so much a newcomer is greeted with."""
    crowd = [await dial(server, "yws", bystanders.name) for _ in range(20)]
    for number, socket in enumerate(crowd):
        entries = [(number * 100 + client, 1, f'{{"x": "{"y" * 60_000}"}}') for client in range(1, 5)]
        for entry in entries:
            socket.send(b"\x01" + var_bytes(awareness_payload([entry])))
        await socket.round_trip()
    newcomer = await dial(server, "yws", bystanders.name)
    await newcomer.until(lambda: len(newcomer.messages) >= 2, "the greeting")
    assert 1_000_000 < sum(map(len, newcomer.messages)) < 2_300_000
    for socket in (*crowd, newcomer):
        assert socket.ended is None
        await socket.abort()
    await bystanders.assert_undisturbed()


def fragmented(message: bytes, chance: random.Random) -> bytes:
    """The message in one to four frames."""
    cuts = sorted(chance.randrange(len(message) + 1) for _ in range(chance.randrange(4)))
    parts = [message[start:end] for start, end in zip([0, *cuts], [*cuts, len(message)], strict=True)]
    frames = [
        encode_frame(part, CONTINUATION if number else BINARY, fin=number == len(parts) - 1)
        for number, part in enumerate(parts)
    ]
    return b"".join(frames)


def a_message(chance: random.Random, client: int) -> bytes:
    match chance.randrange(6):
        case 0:
            return b"\x00\x00" + var_bytes(b"\x01" + var_uint(chance.randrange(2**31)) + var_uint(chance.randrange(99)))
        case 1:
            return b"\x03"
        case 2:
            return b"\x01" + var_bytes(
                awareness_payload([(client, chance.randrange(2**31), f'{{"x": "{"y" * chance.randrange(20_000)}"}}')])
            )
        case 3:
            return b"\x00\x02\x02\x00\x00"
        case 4:
            return b"\x05" + var_string("z" * chance.randrange(20_000))
        case _:
            return b"\x00\x01\x02\x00\x00"


async def test_messages_of_every_kind_in_fragments_from_sockets_that_read_slowly(
    server: Server, bystanders: Bystanders
) -> None:
    """`COLLAB_FLOOD_FRAMES=100000 make soak` is the long form."""
    seed = choose_seed()
    before = memory(server)
    most = 0.0

    async def flood(number: int) -> None:
        nonlocal most
        chance = random.Random(seed + number)
        family = FAMILIES[number % 2]
        socket = await dial(server, family, bystanders.name)
        socket.pause()
        for count in range(FLOOD_FRAMES // SLOW_SOCKETS):
            if socket.ended is not None:
                socket = await dial(server, family, bystanders.name)
                socket.pause()
            socket.write(fragmented(prefix(family, bystanders.name) + a_message(chance, number + 1), chance))
            if chance.randrange(50) == 0:
                socket.resume()
                await asyncio.sleep(0)
                socket.pause()
            if count % 20 == 0:
                await socket.drain()
                most = max(most, await metric(server, "queued_bytes"))
        await socket.abort()

    await asyncio.gather(*(flood(number) for number in range(SLOW_SOCKETS)))
    assert most < SLOW_SOCKETS * UNREAD
    assert memory(server) - before < SLOW_SOCKETS * UNREAD
    await bystanders.assert_undisturbed()

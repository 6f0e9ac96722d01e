"""Hostile messages on live sockets: their sender loses its connection, and nobody else notices anything."""

import asyncio
import os
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pycrdt import Doc, Map, Text

from tests.bystanders import FAMILIES, Bystanders, assert_typed, dial, prefix, under_attack
from tests.interop.harness import NodeClients
from tests.peers import Family, awareness_payload, var_bytes, var_string, var_uint
from tests.raw_socket import Socket
from tests.require import needs
from tests.seeds import choose_seed
from tests.server import Server

FRAMES = int(os.environ.get("COLLAB_HOSTILE_FRAMES", "3000"))


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with Server(tmp_path_factory.mktemp("hostile")) as running:
        yield running


@pytest.fixture
async def bystanders(server: Server) -> AsyncIterator[Bystanders]:
    async with under_attack(server) as people:
        yield people


def valid_messages() -> list[bytes]:
    """One inner message of every kind, with content of every kind, to be mutilated."""
    doc: Doc[Any] = Doc()
    text = doc.get("content", type=Text)
    updates = []
    subscription = doc.observe(lambda event: updates.append(event.update))
    text.insert(0, "hostile 🙂 text")
    text.format(0, 4, {"bold": True})
    text.insert_embed(3, {"image": "x.png"})
    settings = doc.get("settings", type=Map)
    settings["nested"] = Map({"list": "x"})
    settings["any"] = [1, 2.5, None, True, {"deep": [b"bytes", "s"]}]
    del text[2:6]
    doc.unobserve(subscription)
    state = doc.get_state()
    presence = awareness_payload([(2_000_000, 1, '{"user":{"name":"hostile"}}'), (2_000_001, 1, "null")])
    return [
        b"\x00\x00" + var_bytes(state),
        *(b"\x00\x02" + var_bytes(update) for update in updates),
        b"\x00\x01" + var_bytes(doc.get_update()),
        b"\x01" + var_bytes(presence),
        b"\x02\x00" + var_string("token") + var_string("4.8.0"),
        b"\x03",
        b"\x05" + var_string("payload"),
        b"\x08\x01",
    ]


def mutated(frame: bytes, chance: random.Random) -> bytes:
    """The frame with one to four faults."""
    octets = bytearray(frame)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(octets) + 1)
        match chance.randrange(7):
            case 0:
                del octets[at:]
            case 1 if octets:
                octets[at % len(octets)] = chance.randrange(256)
            case 2 if octets:
                octets[at % len(octets)] ^= 1 << chance.randrange(8)
            case 3:
                octets[at:at] = chance.randbytes(chance.randint(1, 8))
            case 4:
                octets[at:at] = var_uint(chance.choice([2**7, 2**14, 2**31, 2**32, 2**53 - 1, 2**53, 2**64, 2**70]))
            case 5:
                octets[at:at] = octets[: chance.randint(0, 40)]
            case _:
                del octets[at : at + chance.randint(1, 5)]
    return bytes(octets)


async def attack(server: Server, family: Family, name: str, frames: list[bytes]) -> int:
    """Send the frames, each on a socket that is still open; how many ended theirs."""
    socket = await dial(server, family, name)
    ends = 0
    for frame in frames:
        socket.send(frame)
        await socket.round_trip()
        if socket.ended is not None:
            ends += 1
            assert_typed(socket.ended, family)
        closed = any(message.startswith(prefix(family, name) + b"\x07") for message in socket.messages)
        if socket.ended is not None or (family == "hocus" and closed):
            await socket.abort()
            socket = await dial(server, family, name)
        socket.messages.clear()
    await socket.abort()
    return ends


@pytest.mark.parametrize("family", FAMILIES)
async def test_random_bytes_end_their_own_socket_only(server: Server, bystanders: Bystanders, family: Family) -> None:
    seed = choose_seed()
    chance = random.Random(seed)
    frames = [
        prefix(family, bystanders.name) * chance.randrange(2) + chance.randbytes(chance.randint(0, 80))
        for _ in range(FRAMES // 2)
    ]
    groups = [frames[number::4] for number in range(4)]
    ends = await asyncio.gather(*(attack(server, family, bystanders.name, group) for group in groups))
    assert sum(ends) > 0
    await bystanders.assert_undisturbed()


@pytest.mark.parametrize("family", FAMILIES)
async def test_mutilated_messages_never_reach_the_others_as_something_unreadable(
    server: Server, bystanders: Bystanders, family: Family
) -> None:
    """What remains readable after the mutilation is an edit like any other, which stock clients can read as well."""
    needs("node")
    seed = choose_seed()
    chance = random.Random(seed)
    corpus = valid_messages()
    frames = [prefix(family, bystanders.name) + mutated(chance.choice(corpus), chance) for _ in range(FRAMES)]
    async with NodeClients() as node:
        stock = [await node.open(server, kind, bystanders.name) for kind in FAMILIES]
        await node.until(stock, synced=True)
        groups = [frames[number::4] for number in range(4)]
        await asyncio.gather(*(attack(server, family, bystanders.name, group) for group in groups))
        await bystanders.assert_undisturbed(forged=True)
        # by the stock clients alone: where clocks are missing, pycrdt takes in what Yjs keeps waiting
        for typist, reader in (stock, stock[::-1]):
            await typist.append(f"<{typist.family}.1>")
            await reader.until(contains={"content": [f"<{typist.family}.1>"]})
        await node.until(stock, saved=True, dialled=1)


def any_bomb(depth: int) -> bytes:
    """An update with one ContentAny whose value is arrays within arrays."""
    return b"\x01\x01\x07\x00\x08\x01\x07content\x01" + b"\x75\x01" * depth + b"\x7e\x00"


HUGE = var_uint(2**53 - 1)
BOMBS = {
    "many clients declared": HUGE,
    "many structs declared": b"\x01" + HUGE + b"\x07\x00",
    "a clock near the end": b"\x01\x01\x07" + HUGE + b"\x04\x01\x07content\x01x\x00",
    "a string longer than the frame": b"\x01\x01\x07\x00\x04\x01\x07content" + HUGE + b"x\x00",
    "a root name longer than the frame": b"\x01\x01\x07\x00\x04\x01" + HUGE,
    "a huge GC": b"\x01\x01\x07\x00\x00" + HUGE + b"\x00",
    "two GCs that overflow the clock": b"\x01\x02\x07\x00\x00"
    + var_uint(2**32 - 1)
    + b"\x00"
    + var_uint(2**32 - 1)
    + b"\x00",
    "a huge Skip": b"\x01\x01\x07\x00\x0a" + HUGE + b"\x00",
    "a huge ContentDeleted": b"\x01\x01\x07\x00\x01\x01\x07content" + HUGE + b"\x00",
    "many Any values declared": b"\x01\x01\x07\x00\x08\x01\x07content" + HUGE + b"\x7e\x00",
    "many JSON values declared": b"\x01\x01\x07\x00\x02\x01\x07content" + HUGE + b"\x00",
    "an object with many keys declared": b"\x01\x01\x07\x00\x08\x01\x07content\x01\x76" + HUGE + b"\x00",
    "a huge binary": b"\x01\x01\x07\x00\x03\x01\x07content" + HUGE + b"\x00",
    "deep arrays": any_bomb(100_000),
    "very deep arrays": any_bomb(1_000_000),
    "deep JSON in an embed": b"\x01\x01\x07\x00\x05\x01\x07content" + var_bytes(b"[" * 100_000) + b"\x00",
    "deep JSON in a format": b"\x01\x01\x07\x00\x06\x01\x07content\x04bold" + var_bytes(b'{"a":' * 50_000) + b"\x00",
    "a delete set of many clients": b"\x00" + HUGE,
    "a delete set of many ranges": b"\x00\x01\x07" + HUGE + b"\x00\x01",
    "a huge deletion": b"\x00\x01\x07\x01\x00" + HUGE,
    "an unknown content type": b"\x01\x01\x07\x00\x0b\x01\x07content\x00",
    "an unknown shared type": b"\x01\x01\x07\x00\x07\x01\x07content\x63\x00",
    "a subdocument without an end": b"\x01\x01\x07\x00\x09\x01\x07content\x04guid\x76" + HUGE,
    "a number that never ends": b"\xff" * 100_000,
    "text that is not UTF-8": b"\x01\x01\x07\x00\x04\x01\x07content\x03\xed\xa0\x80\x00",
    "an item that is its own parent": b"\x01\x01\x07\x00\x04\x00\x07\x00\x01x\x00",
    "an item that is its own origin": b"\x01\x01\x07\x00\x84\x07\x00\x01x\x00",
}
ACCEPTABLE = {
    # well-formed, if strange: taken in, and every client can read it
    "a huge deletion",
    "an item that is its own parent",
    "an item that is its own origin",
    "a huge GC",
    "a huge Skip",
    "a huge ContentDeleted",
}


async def refusal(socket: Socket, name: str) -> None:
    """Wait until the socket has ended, the document was closed on it, or a SyncStatus 0 came."""
    refused = tuple(var_string(name) + answer for answer in (b"\x07", b"\x08\x00"))
    await socket.until(lambda: socket.ended or any(m.startswith(refused) for m in socket.messages), "a refusal")


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("bomb", BOMBS)
async def test_a_decode_bomb_is_refused(server: Server, bystanders: Bystanders, family: Family, bomb: str) -> None:
    for kind in (b"\x00\x02", b"\x00\x01"):
        socket = await dial(server, family, bystanders.name)
        socket.send(prefix(family, bystanders.name) + kind + var_bytes(BOMBS[bomb]))
        await socket.round_trip()
        if family == "yws" and bomb not in ACCEPTABLE:
            ended = await socket.end()
            assert ended.code == 4400
            assert ended.reason.startswith("malformed"), ended
        elif bomb not in ACCEPTABLE:
            await refusal(socket, bystanders.name)
            assert prefix(family, bystanders.name) + b"\x08\x01" not in socket.messages
        await socket.abort()
    await bystanders.assert_undisturbed()


MESSAGE_BOMBS = {
    "a state vector of many clients": b"\x00\x00" + var_bytes(HUGE),
    "a state vector cut off": b"\x00\x00" + var_bytes(b"\x05\x01"),
    "a sync message longer than the frame": b"\x00\x02" + HUGE,
    "an unknown sync message": b"\x00\x07\x00",
    "awareness of many clients": b"\x01" + var_bytes(HUGE),
    "awareness longer than the frame": b"\x01" + HUGE + b"\x01",
    "awareness with a state longer than the frame": b"\x01" + var_bytes(b"\x01\x07\x01" + HUGE),
    "awareness that is not UTF-8": b"\x01" + var_bytes(b"\x01\x07\x01\x02\xff\xfe"),
    "bytes after the message": b"\x00\x00\x01\x00rest",
}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("bomb", MESSAGE_BOMBS)
async def test_a_malformed_message_is_refused(
    server: Server, bystanders: Bystanders, family: Family, bomb: str
) -> None:
    socket = await dial(server, family, bystanders.name)
    socket.send(prefix(family, bystanders.name) + MESSAGE_BOMBS[bomb])
    if family == "yws":
        ended = await socket.end()
        assert ended.code == 4400
        assert ended.reason.startswith("malformed"), ended
    else:
        await refusal(socket, bystanders.name)
        if socket.ended is not None:
            assert_typed(socket.ended, family)
    await socket.abort()
    await bystanders.assert_undisturbed()


@pytest.mark.parametrize(
    "frame", [b"", b"\xff", b"\x05abc", b"\x80" * 20, b"\x02\xff\xfe\x00\x00\x01\x00", HUGE + b"name\x00\x00\x01\x00"]
)
async def test_a_hocuspocus_frame_whose_address_cannot_be_read_ends_the_socket(
    server: Server, bystanders: Bystanders, frame: bytes
) -> None:
    socket = await dial(server, "hocus", bystanders.name)
    socket.send(frame)
    assert_typed(await socket.end(), "hocus")
    await bystanders.assert_undisturbed()

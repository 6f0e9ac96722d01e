"""Compares the compiled readers with the Python ones on frames made at random.

A program of its own, because a run under AddressSanitizer needs a process of its own:
`python -m tests.core.speedups_fuzz FILE FRAMES SEED`, where FILE is the compiled module.
"""

import importlib.machinery
import importlib.util
import socket
import sys
from collections.abc import Callable, Iterator
from random import Random
from types import ModuleType, SimpleNamespace
from typing import Any

import pycrdt

from collab_server.adapters.websocket.frame_parser import Outgoing
from collab_server.core.protocol import hocuspocus, ywebsocket
from collab_server.core.protocol.messages import Update, encode_update
from collab_server.core.yjs import inspection
from collab_server.core.yjs.inspection import UpdateSummary
from collab_server.core.yjs.lib0 import Reader, write_var_string, write_var_uint
from collab_server.core.yjs.updates import validate
from collab_server.errors import Malformed
from collab_server.realtime.documents.document_connection import addressed as behind
from tests.core.strategies import CLIENT_IDS

MAX_MESSAGE = 4096
MAX_SECTIONS = 16
MAX_RANGES = 32
"""As in compiled.c."""

WORDS = ("a", "hello ", "\n", "äöü", "漢字", "😀", "👩\u200d💻 x", "\0", "z" * 130, "\u07ff\u0800\uffff\U00010000")
ADDRESSES = ("", "notes", "notes\0session", "Straße/漢字 😀", "x" * 140)
NUMBERS = (0, 1, 2, 10, 63, 64, 127, 128, 255, 16383, 16384, 2**31 - 1, 2**31, 2**32, 2**53 - 1)


def load(path: str) -> ModuleType:
    """The compiled module in this file."""
    loader = importlib.machinery.ExtensionFileLoader("compiled", path)
    spec = importlib.util.spec_from_loader("compiled", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


# ---- frames


def typed(chance: Random) -> list[bytes]:
    """Updates of a person who types, deletes, formats and sets keys of a map."""
    doc: pycrdt.Doc[Any] = pycrdt.Doc(client_id=chance.choice(CLIENT_IDS[:5]))
    text: pycrdt.Text = doc.get("content", type=pycrdt.Text)
    keys: pycrdt.Map[Any] = doc.get("keys", type=pycrdt.Map)
    updates: list[bytes] = []
    subscription = doc.observe(lambda event: updates.append(event.update))
    for _ in range(12):
        length = len(str(text).encode())
        act = chance.randrange(8)
        if act < 4 or not length:
            # pycrdt counts bytes: only the ends are surely between characters.
            text.insert(chance.choice((0, length)), chance.choice(WORDS))
        elif act < 6:
            words = str(text)
            first = chance.randrange(len(words))
            last = chance.randint(first + 1, len(words))
            del text[len(words[:first].encode()) : len(words[:last].encode())]
        elif act == 6:
            text.format(0, length, {"bold": chance.choice((True, None, {"on": 1}))})
        else:
            keys[chance.choice(("a", "ä"))] = chance.choice((1, "x", None, [1.5, {"deep": -0.0}]))
    doc.unobserve(subscription)
    return [*updates, doc.get_update()]


def number(chance: Random) -> bytes:
    return write_var_uint(chance.choice(NUMBERS) if chance.randrange(4) == 0 else chance.randrange(40))


CLIENTS = (*CLIENT_IDS, *range(200, 240))


def built(chance: Random) -> bytes:
    """An update with many clients, gaps and deletes; half of them are right in their form, and wrong in a number."""
    is_right = chance.random() < 0.5

    def length() -> bytes:
        return write_var_uint(chance.randrange(1, 200)) if is_right else number(chance)

    def identity() -> bytes:
        # As a later item of the same client it would be refused.
        return write_var_uint(2**30 if is_right else chance.choice(CLIENTS)) + (b"\7" if is_right else number(chance))

    def struct() -> bytes:
        kind = chance.choice((0, 1, 1, 4, 4, 4, 4, 10, 10 if is_right else chance.randrange(32)))
        flags = chance.choice((0, 0, 0x80, 0x40, 0xC0, 0x20, 0xE0)) if kind not in (0, 10) else 0
        place = b""
        if flags & 0xC0:
            place = identity() + (identity() if flags & 0xC0 == 0xC0 else b"")
        elif kind not in (0, 10):
            place = chance.choice((b"\1" + write_var_string(chance.choice(WORDS)), b"\0" + identity()))
            place += write_var_string(chance.choice(WORDS)) if flags & 0x20 else b""
        return bytes((kind | flags,)) + place + (write_var_string(chance.choice(WORDS)) if kind == 4 else length())

    def section(client: int) -> bytes:
        count = chance.choice((0, 1, 1, 2, 3, 9, 70) if len(written) < 9 else (0, 1, 1))
        start = write_var_uint(count) + write_var_uint(client) + (b"\0" if is_right else number(chance))
        return start + b"".join(struct() for _ in range(count))

    def deleted(client: int) -> bytes:
        count = chance.choice((0, 1, 2, 9, 31, 32, 33) if len(erased) < 9 else (0, 1, 1))
        ranges = b"".join(write_var_uint(chance.randrange(500)) + length() for _ in range(count))
        return write_var_uint(client) + write_var_uint(count) + ranges

    def clients(counts: tuple[int, ...]) -> list[int]:
        count = chance.choice(counts)
        return chance.sample(CLIENTS, count) if is_right else chance.choices(CLIENTS, k=count)

    written, erased = clients((0, 1, 1, 1, 2, 7, 16, 17)), clients((0, 0, 1, 2, 16, 17))
    return (
        write_var_uint(len(written))
        + b"".join(map(section, written))
        + write_var_uint(len(erased))
        + b"".join(map(deleted, erased))
    )


def changed(chance: Random, content: bytes) -> bytes:
    """The bytes with some of them flipped, cut, repeated, put in or replaced by a number."""
    result = bytearray(content)
    for _ in range(chance.choice((1, 1, 1, 2, 5))):
        place = chance.randrange(len(result) + 1)
        match chance.randrange(6):
            case 0 if place < len(result):
                result[place] ^= 1 << chance.randrange(8)
            case 1:
                del result[place:]
            case 2:
                del result[place : place + chance.randrange(4)]
            case 3:
                result[place:place] = result[place : place + chance.randrange(9)]
            case 4:
                result[place:place] = bytes((chance.randrange(256),))
            case _:
                result[place : place + 1] = write_var_uint(chance.choice(NUMBERS))
    return bytes(result)


def framed(chance: Random, message: bytes) -> bytes:
    """A client's frame, and now and then one that is fragmented, compressed, unmasked, a text or of another length."""
    first = 0x82 if chance.randrange(12) else chance.randrange(256)
    masked = 0x80 if chance.randrange(12) else 0
    length = len(message) if chance.randrange(12) else chance.randrange(300)
    form = 0 if length < 126 else 2 if length < 65536 else 8
    if not chance.randrange(12):
        form = chance.choice((2, 8))
    head = bytes((first, masked | (length if not form and length < 126 else 126 if form != 8 else 127)))
    head += length.to_bytes(form, "big") if form else b""
    if not masked:
        return head + message
    mask = chance.randbytes(4)
    return head + mask + bytes(byte ^ mask[place & 3] for place, byte in enumerate(message))


def chunks(chance: Random, count: int) -> Iterator[tuple[bytes, bytes, bool]]:
    """(an update or something like it, a chunk with a message of it, whether the message has an address)"""
    pool = [b"\0\0"]
    for made in range(count):
        if made % 500 == 0:
            kept = chance.sample(pool, min(len(pool), 20))
            pool = [*kept, *(update for _ in range(8) for update in typed(chance)), *(built(chance) for _ in range(60))]
        update = chance.choice(pool)
        if chance.randrange(2):
            update = changed(chance, update)
        addressed = chance.random() < 0.5
        message = bytes((0, 2 if chance.randrange(8) else chance.randrange(4))) + write_var_uint(len(update)) + update
        if addressed:
            message = write_var_string(chance.choice(ADDRESSES)) + message
        if not chance.randrange(6):
            message = changed(chance, message)
        chunk = framed(chance, message)
        if not chance.randrange(10):
            chunk = changed(chance, chunk) if chance.randrange(3) else chunk + chunk
        yield update, chunk, addressed


# ---- what Python says


def plain(update: bytes) -> UpdateSummary | None:
    """The summary of a plain update; None for others and for what is no update."""
    try:
        summary = validate(update)
    except Malformed:
        return None
    structs, position, has_values, _ = inspection._walk_structs(update)
    sections = Reader(update).var_uint(), Reader(update, position).var_uint()
    if has_values or max(sections) > MAX_SECTIONS or max(len(structs), len(summary.deletes)) > MAX_RANGES:
        return None
    assert summary.marked is None, "a mark would be lost"
    return summary


def unmasked(chunk: bytes) -> bytes | None:
    """The message of a chunk that is one whole binary frame of a client and as short as can be written."""
    if len(chunk) < 2 or chunk[0] != 0x82 or chunk[1] < 0x80:
        return None
    length, head = chunk[1] - 0x80, 2
    if length == 126:
        length, head = int.from_bytes(chunk[2:4], "big"), 4
        if length < 126:
            return None
    if length == 127 and head == 2:
        return None
    mask, masked = chunk[head : head + 4], chunk[head + 4 :]
    if len(mask) < 4 or len(masked) != length or not 0 < length <= MAX_MESSAGE:
        return None
    return bytes(byte ^ mask[place & 3] for place, byte in enumerate(masked))


def read(chunk: bytes, *, addressed: bool) -> tuple[object, ...] | None:
    """What `read_update_frame` must return."""
    message = unmasked(chunk)
    if message is None:
        return None
    address = None
    try:
        if addressed:
            address, decoded = hocuspocus.decode(message)
        else:
            decoded = ywebsocket.decode(message)
    except Malformed:
        return None
    if type(decoded) is not Update or (addressed and address is None):
        return None
    summary = plain(decoded.update)
    return None if summary is None else (len(message), address, decoded.update, summary.structs, summary.deletes)


def compare(module: ModuleType, frames: int, seed: int) -> dict[str, int]:
    """Raises AssertionError with the bytes where the two differ. Returns how many of each kind there were."""
    inspect_plain: Callable[[bytes], object] = module.inspect_plain
    read_update_frame: Callable[[bytes, bool], object] = module.read_update_frame
    seen = {"frames": 0, "plain updates": 0, "read": 0}
    for update, chunk, addressed in chunks(Random(seed), frames):
        summary = plain(update)
        expected = None if summary is None else (summary.structs, summary.deletes)
        found = inspect_plain(update)
        assert found == expected, f"seed {seed}, update {update.hex()}: {found} instead of {expected}"
        wanted = read(chunk, addressed=addressed)
        got = read_update_frame(chunk, addressed)
        assert got == wanted, f"seed {seed}, {addressed=}, chunk {chunk.hex()}: {got} instead of {wanted}"
        seen["frames"] += 1
        seen["plain updates"] += summary is not None
        seen["read"] += wanted is not None
    return seen


# ---- writing


class Way:
    """A socket and its transport, which takes what the kernel does not."""

    def __init__(self) -> None:
        self._ours, self.peer = socket.socketpair()
        self._ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_608)
        self.descriptor = self._ours.fileno()
        self.written = b""
        self._direct = True
        self._transport = self

    def get_write_buffer_size(self) -> int:
        return len(self.written)

    def is_closing(self) -> bool:
        return False

    def write(self, data: bytes) -> None:
        self.written += data

    def taken(self) -> bytes:
        """What was sent, and what was left."""
        sent = b""
        self.peer.setblocking(False)
        while True:
            try:
                sent += self.peer.recv(1 << 16)
            except BlockingIOError:
                left, self.written = self.written, b""
                return sent + left


def compare_writing(module: ModuleType, rounds: int, seed: int) -> int:
    """Raises AssertionError where a connection is sent something else than `Outgoing` would be. Returns how many
    updates the kernel did not take whole.
    """
    chance = Random(seed)
    ways = [Way() for _ in range(4)]
    expected = [b""] * len(ways)
    cut = 0
    for _ in range(rounds):
        update = chance.randbytes(chance.choice((0, 2, 40, 110, 120, 130, 500, MAX_MESSAGE)) + chance.randrange(16))
        addresses = [chance.choice((None, None, *ADDRESSES, "ä" * 2_048)) for _ in ways]
        connections = {
            key: SimpleNamespace(ready=key < 3, lagging_from=None, address=address, socket=way)
            for key, (way, address) in enumerate(zip(ways, addresses, strict=True))
        }
        written = module.write_update(connections, 0, update)
        assert written == (None if len(update) > MAX_MESSAGE else 2), f"{seed=}"
        for key, way in enumerate(ways):
            if written and key in (1, 2):
                expected[key] += Outgoing(behind(addresses[key], (encode_update(update),))).wire
            if not chance.randrange(4):
                cut += bool(way.written)
                assert way.taken() == expected[key], f"{seed=}"
                expected[key] = b""
    return cut


if __name__ == "__main__":
    library, count, start = load(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    print(compare(library, count, start), compare_writing(library, count // 4, start))

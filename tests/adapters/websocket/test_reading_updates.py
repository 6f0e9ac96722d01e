"""A session is told the same of a stream of frames, whichever form reads it and however the stream is cut."""

import random

import pytest

from collab_server import _speedups
from collab_server.core.protocol import hocuspocus, ywebsocket
from collab_server.core.protocol.messages import Update
from collab_server.core.yjs.inspection import Range, UpdateSummary
from collab_server.core.yjs.lib0 import write_var_string, write_var_uint
from collab_server.core.yjs.updates import validate
from collab_server.errors import Malformed
from tests.adapters.websocket.test_slices import Opened
from tests.core import speedups_fuzz
from tests.forms import FORMS
from tests.raw_socket import BINARY, CONTINUATION, PING, encode_frame
from tests.require import needs
from tests.seeds import choose_seed
from tests.waiting import until

STREAMS = 60
Told = list[tuple[object, ...]]


def messages(chance: random.Random, *, addressed: bool) -> list[bytes]:
    """Messages that arrive whole, and none that ends the socket."""
    found = []
    for update, _, _ in speedups_fuzz.chunks(chance, 40):
        kind = b"\0\2" if chance.randrange(6) else b"\0\1"
        message = kind + write_var_uint(len(update)) + update
        prefix = write_var_string(chance.choice(speedups_fuzz.ADDRESSES)) if addressed else b""
        found.append(prefix + message)
    return found


async def read(pieces: list[bytes], *, addressed: bool) -> Told:
    """What the session is told."""
    told: Told = []
    opened = Opened()

    def on_message(frame: bytes) -> None:
        try:
            address, message = hocuspocus.decode(frame) if addressed else (None, ywebsocket.decode(frame))
            if type(message) is Update:
                told.append((len(frame), address, message.update, validate(message.update)))
                return
        except Malformed:
            pass
        told.append((frame,))

    def on_update(
        size: int, address: str | None, update: bytes, structs: tuple[Range, ...], deletes: tuple[Range, ...]
    ) -> None:
        told.append((size, address, update, UpdateSummary(structs, deletes)))

    opened.socket.take_updates(on_update, addressed=addressed)
    await opened.socket.run(on_message, lambda: None, opened.ends.append)
    for piece in pieces:
        opened.socket.data_received(piece)
        await until(lambda: opened.network.reading, "the rest, which may be left to the next turn")
    assert opened.ends == []
    opened.network.abort()
    return told


@pytest.mark.parametrize("addressed", [False, True])
async def test_both_forms_tell_the_same_of_every_stream(addressed: bool) -> None:
    needs("compiler")
    chance = random.Random(choose_seed())
    before, direct = _speedups.form, 0
    try:
        for _ in range(STREAMS):
            sent = messages(chance, addressed=addressed)
            pieces: list[bytes] = []
            for message in sent:
                cut = chance.randrange(len(message) + 1)
                match chance.randrange(8):
                    case 0:
                        first = encode_frame(message[:cut], BINARY, fin=False)
                        pieces += [first, encode_frame(b"", PING), encode_frame(message[cut:], CONTINUATION)]
                    case 1:
                        frame = encode_frame(message, BINARY)
                        pieces += [frame[: cut + 2], frame[cut + 2 :]]
                    case 2:
                        pieces[-1:] = [(pieces or [b""])[-1] + encode_frame(message, BINARY)]
                    case _:
                        pieces.append(encode_frame(message, BINARY))
            found = {}
            for form in FORMS:
                _speedups.choose(compiled=form == "compiled")
                found[form] = await read(pieces, addressed=addressed)
            assert found["python"] == found["compiled"]
            assert len(found["python"]) == len(sent)
            direct += sum(_speedups.read_update_frame(piece, addressed) is not None for piece in pieces)
    finally:
        _speedups.choose(compiled=before == "compiled")
    assert direct > STREAMS * 5, "hardly anything was read in C"

from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from collab_server.core.protocol import ywebsocket
from collab_server.core.protocol.messages import (
    Awareness,
    QueryAwareness,
    SyncStep1,
    SyncStep2,
    Unknown,
    Update,
    YWebsocketMessage,
    decode_awareness,
    encode_awareness,
    encode_awareness_entries,
    encode_sync_step1,
    encode_update,
    sync_step2_parts,
)
from collab_server.core.yjs.lib0 import MAX_SAFE_INTEGER, Reader, write_var_uint
from collab_server.errors import Malformed

CONTENT = st.binary(max_size=300)
ENTRIES = st.lists(
    st.tuples(
        st.integers(0, MAX_SAFE_INTEGER),
        st.integers(0, MAX_SAFE_INTEGER),
        st.text(max_size=30),
    ),
    max_size=5,
)


@st.composite
def messages(draw: st.DrawFn) -> tuple[bytes, YWebsocketMessage]:
    content = draw(CONTENT)
    choices: list[tuple[bytes, YWebsocketMessage]] = [
        (encode_sync_step1(content), SyncStep1(content)),
        (b"".join(sync_step2_parts(content)), SyncStep2(content)),
        (encode_update(content), Update(content)),
        (encode_awareness(content), Awareness(content)),
        (b"\x03", QueryAwareness()),
    ]
    return draw(st.sampled_from(choices))


@given(messages())
def test_every_message_is_read_back(encoded: tuple[bytes, YWebsocketMessage]) -> None:
    frame, message = encoded
    assert ywebsocket.decode(frame) == message


@given(messages(), st.data())
def test_a_frame_cut_off_anywhere_is_malformed(encoded: tuple[bytes, YWebsocketMessage], data: st.DataObject) -> None:
    frame, _ = encoded
    with pytest.raises(Malformed):
        ywebsocket.decode(frame[: data.draw(st.integers(0, len(frame) - 1))])


@given(messages(), st.binary(min_size=1, max_size=5))
def test_bytes_after_the_message_are_malformed(encoded: tuple[bytes, YWebsocketMessage], rest: bytes) -> None:
    with pytest.raises(Malformed):
        ywebsocket.decode(encoded[0] + rest)


@given(st.binary(max_size=80))
@example(b"")
def test_decoding_is_total(frame: bytes) -> None:
    with suppress(Malformed):
        ywebsocket.decode(frame)


@pytest.mark.parametrize("number", [2, 4, 5, 8, 9, 10, 127, 128, MAX_SAFE_INTEGER])
def test_types_a_server_has_no_use_for_are_unknown(number: int) -> None:
    assert ywebsocket.decode(write_var_uint(number) + b"whatever follows") == Unknown(number)


@pytest.mark.parametrize("frame", ["0003", "000300", "007f00", "00800100"])
def test_other_sync_messages_are_malformed(frame: str) -> None:
    with pytest.raises(Malformed):
        ywebsocket.decode(bytes.fromhex(frame))


def test_frames_for_clients_have_the_bytes_of_the_protocol() -> None:
    assert encode_sync_step1(b"\x00").hex() == "00000100"
    assert b"".join(sync_step2_parts(b"\x00\x00")).hex() == "0001020000"
    assert encode_update(b"\x00\x00").hex() == "0002020000"
    assert encode_awareness(encode_awareness_entries([])) == ywebsocket.EMPTY_AWARENESS
    assert ywebsocket.permission_denied("nein").hex() == "0200046e65696e"
    assert ywebsocket.committed(300).hex() == "08ac02"


@given(ENTRIES)
def test_awareness_entries_are_read_back(entries: list[tuple[int, int, str]]) -> None:
    assert decode_awareness(encode_awareness_entries(entries)) == entries


@given(ENTRIES, st.data())
def test_awareness_cut_off_anywhere_is_malformed(entries: list[tuple[int, int, str]], data: st.DataObject) -> None:
    payload = encode_awareness_entries(entries)
    with pytest.raises(Malformed):
        decode_awareness(payload[: data.draw(st.integers(0, len(payload) - 1))])
    with pytest.raises(Malformed):
        decode_awareness(payload + b"\x00")


@given(st.binary(max_size=40))
def test_decoding_awareness_is_total(payload: bytes) -> None:
    with suppress(Malformed):
        decode_awareness(payload)


def test_awareness_that_declares_more_entries_than_it_can_hold_is_malformed() -> None:
    with pytest.raises(Malformed, match="declared"):
        decode_awareness(write_var_uint(2**40) + b"\x01\x01\x00")
    with pytest.raises(Malformed, match="declared"):
        decode_awareness(b"\x02" + b"\x01\x01\x00" + b"\x01\x01")


def test_states_stay_text_and_null_means_removed() -> None:
    payload = bytes.fromhex("01 94d4a9f00c 05 04 6e756c6c")
    assert decode_awareness(payload) == [(3456789012, 5, "null")]
    assert Reader(payload).var_uint() == 1

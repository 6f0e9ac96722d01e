from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from collab_server.core.protocol import hocuspocus
from collab_server.core.protocol.hocuspocus import addressed, split_address
from collab_server.core.protocol.messages import (
    Awareness,
    Close,
    HocuspocusMessage,
    Ping,
    Pong,
    QueryAwareness,
    Stateless,
    SyncStep1,
    SyncStep2,
    Token,
    Unknown,
    Update,
    encode_awareness,
    encode_sync_step1,
    encode_update,
    sync_step2_parts,
)
from collab_server.core.yjs.lib0 import write_var_string, write_var_uint
from collab_server.errors import Malformed

TEXT = st.text(max_size=60)


def token(text: str, version: str | None) -> bytes:
    return b"\x02\x00" + write_var_string(text) + (write_var_string(version) if version is not None else b"")


@st.composite
def messages(draw: st.DrawFn) -> tuple[str, bytes, HocuspocusMessage]:
    """(address, message without its address, what it means)"""
    content = draw(st.binary(max_size=300))
    text = draw(TEXT)
    choices: list[tuple[bytes, HocuspocusMessage]] = [
        (encode_sync_step1(content), SyncStep1(content)),
        (b"".join(sync_step2_parts(content)), SyncStep2(content)),
        (encode_update(content), Update(content)),
        (encode_awareness(content), Awareness(content)),
        (b"\x03", QueryAwareness()),
        (token(text, None), Token(text, None)),
        (token(text, "4.8.0"), Token(text, "4.8.0")),
        (b"\x05" + write_var_string(text), Stateless(text)),
        (b"\x07", Close()),
    ]
    inner, message = draw(st.sampled_from(choices))
    return draw(TEXT), inner, message


@given(messages())
def test_every_message_is_read_back_with_its_address(encoded: tuple[str, bytes, HocuspocusMessage]) -> None:
    address, inner, message = encoded
    assert hocuspocus.decode(addressed(address, inner)) == (address, message)


@given(messages(), st.data())
def test_a_frame_cut_off_anywhere_is_malformed(
    encoded: tuple[str, bytes, HocuspocusMessage], data: st.DataObject
) -> None:
    address, inner, message = encoded
    frame = addressed(address, inner)
    end = data.draw(st.integers(0, len(frame) - 1))
    if isinstance(message, Token) and message.version is not None and end == len(frame) - 6:
        # Exactly the version is missing: a provider before v4.
        assert hocuspocus.decode(frame[:end]) == (address, Token(message.token, None))
        return
    if frame[:end] in (hocuspocus.PING, hocuspocus.PONG):
        return
    with pytest.raises(Malformed):
        hocuspocus.decode(frame[:end])


@given(messages(), st.binary(min_size=1, max_size=5))
def test_bytes_after_the_message_are_malformed(encoded: tuple[str, bytes, HocuspocusMessage], rest: bytes) -> None:
    address, inner, message = encoded
    if isinstance(message, Token) and message.version is None:
        inner = token(message.token, "3")
    with pytest.raises(Malformed):
        hocuspocus.decode(addressed(address, inner) + rest)


@given(st.binary(max_size=80))
@example(b"")
def test_decoding_is_total(frame: bytes) -> None:
    with suppress(Malformed):
        hocuspocus.decode(frame)


def test_one_byte_pings_come_before_any_address() -> None:
    assert hocuspocus.decode(hocuspocus.PING) == (None, Ping())
    assert hocuspocus.decode(hocuspocus.PONG) == (None, Pong())
    nine_letters = addressed("ninechars", b"\x03")
    assert nine_letters[0] == 9
    assert hocuspocus.decode(nine_letters) == ("ninechars", QueryAwareness())
    with pytest.raises(Malformed):
        hocuspocus.decode(b"\x08")


@pytest.mark.parametrize("number", [4, 8, 9, 10, 11, 300])
def test_types_a_server_ignores_are_unknown(number: int) -> None:
    frame = addressed("notes", write_var_uint(number) + b"whatever follows")
    assert hocuspocus.decode(frame) == ("notes", Unknown(number))


@pytest.mark.parametrize(
    "inner",
    [b"\x06\x02hi", b"\x02\x01\x02no", b"\x02\x02\x08readonly", b"\x00\x03\x00", b"\x07\x03bye", b"\x05\x01\xff"],
    ids=["BroadcastStateless", "PermissionDenied", "Authenticated", "sync 3", "Close with a reason", "not UTF-8"],
)
def test_forbidden_and_invalid_messages_are_malformed(inner: bytes) -> None:
    with pytest.raises(Malformed):
        hocuspocus.decode(addressed("notes", inner))


def test_addresses_count_bytes_and_must_be_utf8() -> None:
    assert addressed("日", b"\x03") == b"\x03\xe6\x97\xa5\x03"
    assert hocuspocus.decode(b"\x03\xe6\x97\xa5\x03") == ("日", QueryAwareness())
    with pytest.raises(Malformed):
        hocuspocus.decode(b"\x01\xff\x03")


def test_frames_for_providers_have_the_bytes_of_the_protocol() -> None:
    assert hocuspocus.authenticated("n", "readonly") == b"\x01n\x02\x02\x08readonly"
    assert hocuspocus.authenticated("n", "read-write") == b"\x01n\x02\x02\x0aread-write"
    assert hocuspocus.permission_denied("n", "permission-denied") == b"\x01n\x02\x01\x11permission-denied"
    assert hocuspocus.token_request("n") == b"\x01n\x02\x00"
    assert hocuspocus.close("n", "bye") == b"\x01n\x07\x03bye"
    assert hocuspocus.sync_status("n", saved=True) == b"\x01n\x08\x01"
    assert hocuspocus.sync_status("n", saved=False) == b"\x01n\x08\x00"
    assert hocuspocus.stateless("n", "é") == b"\x01n\x05\x02\xc3\xa9"


def test_the_first_nul_separates_name_and_session() -> None:
    assert split_address("notes") == ("notes", None)
    assert split_address("notes\0k3j") == ("notes", "k3j")
    assert split_address("notes\0a\0b") == ("notes", "a\0b")
    assert split_address("\0a") == ("", "a")
    assert split_address("notes\0") == ("notes", "")

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collab_server.core.yjs.lib0 import (
    MAX_ANY_DEPTH,
    MAX_SAFE_INTEGER,
    Reader,
    skip_any,
    write_var_bytes,
    write_var_string,
    write_var_uint,
)
from collab_server.errors import Malformed
from tests.core.strategies import LIB0_ANY


@pytest.mark.parametrize(
    ("number", "encoded"),
    [
        (0, "00"),
        (127, "7f"),
        (128, "8001"),
        (300, "ac02"),
        (2**32, "8080808010"),
        (MAX_SAFE_INTEGER, "ffffffffffffff0f"),
    ],
)
def test_numbers_have_the_bytes_that_lib0_writes(number: int, encoded: str) -> None:
    assert write_var_uint(number).hex() == encoded
    assert Reader(bytes.fromhex(encoded)).var_uint() == number


@given(st.integers(0, MAX_SAFE_INTEGER), st.binary(max_size=300), st.text())
def test_written_values_are_read_back(number: int, content: bytes, text: str) -> None:
    reader = Reader(write_var_uint(number) + write_var_bytes(content) + write_var_string(text))
    assert (reader.var_uint(), reader.var_bytes(), reader.var_string()) == (number, content, text)
    assert reader.remaining == 0
    reader.end()


@pytest.mark.parametrize("number", [-1, MAX_SAFE_INTEGER + 1])
def test_numbers_that_javascript_cannot_hold_are_not_written(number: int) -> None:
    with pytest.raises(ValueError, match="not in"):
        write_var_uint(number)


@pytest.mark.parametrize(
    "encoded",
    ["", "80", "ffffff", "ffffffffffffff10", "ffffffffffffffff01", "808080808080808000", "8000", "ff8000"],
    ids=["nothing", "cut off", "cut off later", "2**53", "nine bytes", "nine bytes of zero", "padded", "padded later"],
)
def test_numbers_that_are_cut_off_or_too_long_are_malformed(encoded: str) -> None:
    with pytest.raises(Malformed):
        Reader(bytes.fromhex(encoded)).var_uint()


@given(st.text(min_size=1), st.data())
def test_a_string_cut_off_anywhere_is_malformed(text: str, data: st.DataObject) -> None:
    encoded = write_var_string(text)
    with pytest.raises(Malformed):
        Reader(encoded[: data.draw(st.integers(0, len(encoded) - 1))]).var_string()


def test_string_lengths_count_bytes() -> None:
    assert write_var_string("é😀") == b"\x06\xc3\xa9\xf0\x9f\x98\x80"
    assert Reader(b"\x06\xc3\xa9\xf0\x9f\x98\x80").var_string() == "é😀"


@pytest.mark.parametrize(
    "encoded", [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90\x80\x80"],
    ids=["no UTF-8", "half a character", "surrogate", "over-long", "above U+10FFFF"],
)  # fmt: skip
def test_strings_that_a_fatal_text_decoder_refuses_are_malformed(encoded: bytes) -> None:
    with pytest.raises(Malformed):
        Reader(write_var_bytes(encoded)).var_string()


def test_a_lone_surrogate_is_written_as_the_replacement_character() -> None:
    assert write_var_string("a\ud83d") == b"\x04a\xef\xbf\xbd"
    assert write_var_string("\ud83d\ude00") == write_var_string("😀")


def test_a_length_beyond_the_frame_is_malformed_before_anything_is_allocated() -> None:
    with pytest.raises(Malformed, match="declared"):
        Reader(write_var_uint(MAX_SAFE_INTEGER) + b"abc").var_bytes()


def test_bytes_after_the_end_are_malformed() -> None:
    with pytest.raises(Malformed, match="after the end"):
        Reader(b"\x00").end()


@given(LIB0_ANY, st.binary(max_size=3))
def test_a_value_is_skipped_exactly(value: bytes, rest: bytes) -> None:
    assert skip_any(value + rest, 0) == len(value)


@given(LIB0_ANY, st.data())
def test_a_value_cut_off_anywhere_is_malformed(value: bytes, data: st.DataObject) -> None:
    with pytest.raises(Malformed):
        skip_any(value[: data.draw(st.integers(0, len(value) - 1))], 0)


@given(st.binary(max_size=60))
def test_skipping_a_value_is_total(content: bytes) -> None:
    with suppress(Malformed):
        assert 0 < skip_any(content, 0) <= len(content)


def test_values_may_be_nested_100_deep_and_no_deeper() -> None:
    array, object_, null = b"\x75\x01", b"\x76\x01\x01k", b"\x7e"
    nested = (array + object_) * (MAX_ANY_DEPTH // 2) + null
    assert skip_any(nested, 0) == len(nested)
    with pytest.raises(Malformed, match="nested"):
        skip_any(array + nested, 0)
    with pytest.raises(Malformed, match="nested"):
        skip_any(array * 500_000 + null, 0)


@pytest.mark.parametrize(
    "value",
    [
        "75ffffff7f",
        "76ffffff7f",
        "74ffffff7f7e",
        "77ffffff7f7e",
        "73",
        "00",
        "80",
        "7dffffffffffffff20",
        "7dffffffffffffffff01",
    ],
)
def test_values_that_lie_about_their_size_or_type_are_malformed(value: str) -> None:
    with pytest.raises(Malformed):
        skip_any(bytes.fromhex(value), 0)

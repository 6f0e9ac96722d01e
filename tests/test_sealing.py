"""Secrets at rest: what opens them, and what does not."""

import base64
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collab_server.errors import ConfigurationError
from collab_server.security.encryption import DERIVED, CannotOpen, Keyring, keyring, new_key

SECRET = b"a secret key of the server"
PLACE = "sessions.provider_tokens:1"


@given(st.binary(max_size=200), st.text(max_size=50))
def test_what_is_sealed_opens_in_its_place(secret: bytes, place: str) -> None:
    ring = keyring("", SECRET)
    assert ring.open(ring.seal(secret, place), place) == secret


@given(st.text(max_size=100))
def test_text_travels_as_text(secret: str) -> None:
    ring = keyring("", SECRET)
    sealed = ring.seal_text(secret, PLACE)
    assert ring.open_text(sealed, PLACE) == secret
    assert sealed.isascii() and not set(sealed) & set("+/=;, ")


@given(st.data())
def test_no_changed_bit_goes_unnoticed(data: st.DataObject) -> None:
    ring = keyring("", SECRET)
    sealed = bytearray(ring.seal(b"secret", PLACE))
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(CannotOpen):
        ring.open(bytes(sealed), PLACE)


@given(st.binary(max_size=80))
def test_bytes_from_anywhere_are_refused(sealed: bytes) -> None:
    with pytest.raises(CannotOpen):
        keyring("", SECRET).open(sealed, PLACE)


@given(st.text(max_size=80))
def test_text_from_anywhere_is_refused(sealed: str) -> None:
    with pytest.raises(CannotOpen):
        keyring("", SECRET).open_text(sealed, PLACE)


def test_a_value_does_not_open_in_another_place() -> None:
    ring = keyring("", SECRET)
    with pytest.raises(CannotOpen):
        ring.open(ring.seal(b"secret", PLACE), "sessions.provider_tokens:2")


def test_two_seals_of_one_secret_differ_and_do_not_show_it() -> None:
    ring = keyring("", SECRET)
    one, other = ring.seal(b"secret", PLACE), ring.seal(b"secret", PLACE)
    assert one != other
    assert b"secret" not in one


def test_the_newest_key_seals_and_the_older_ones_open() -> None:
    old, new = new_key(), new_key()
    before, after = keyring(f"old:{old}", SECRET), keyring(f"new:{new}, old:{old}", SECRET)
    sealed = before.seal(b"secret", PLACE)
    assert after.open(sealed, PLACE) == b"secret"
    assert sealed.startswith(before.head) and not sealed.startswith(after.head)
    assert after.seal(b"secret", PLACE).startswith(after.head)
    with pytest.raises(CannotOpen, match="no key is named 'old'"):
        keyring(f"new:{new}", SECRET).open(sealed, PLACE)


def test_what_the_derived_key_sealed_opens_after_a_key_is_given() -> None:
    sealed = keyring("", SECRET).seal(b"secret", PLACE)
    assert keyring(f"first:{new_key()}", SECRET).open(sealed, PLACE) == b"secret"


def test_another_secret_key_derives_another_key() -> None:
    with pytest.raises(CannotOpen):
        keyring("", b"another secret").open(keyring("", SECRET).seal(b"secret", PLACE), PLACE)


def test_a_key_under_the_name_of_another_opens_nothing() -> None:
    sealed = Keyring({"a": os.urandom(32)}).seal(b"secret", PLACE)
    with pytest.raises(CannotOpen):
        Keyring({"a": os.urandom(32)}).open(sealed, PLACE)


def test_keys_may_be_in_either_base64() -> None:
    key = bytes([255] * 32)
    for encoded in (base64.b64encode(key), base64.urlsafe_b64encode(key), base64.b64encode(key).rstrip(b"=")):
        assert keyring(f"a:{encoded.decode()}", SECRET).open(Keyring({"a": key}).seal(b"s", PLACE), PLACE) == b"s"


@pytest.mark.parametrize(
    "given",
    ["nocolon", f":{new_key()}", f"a b:{new_key()}", f"{DERIVED}:{new_key()}", f"a:{new_key()},a:{new_key()}"],
    ids=["none", "empty", "space", "reserved", "twice"],
)
def test_a_key_needs_an_id_of_its_own(given: str) -> None:
    with pytest.raises(ConfigurationError, match="needs an id of its own"):
        keyring(given, SECRET)


@pytest.mark.parametrize("encoded", ["", "short", base64.b64encode(bytes(31)).decode(), "ä" * 44, "a" * 45])
def test_a_key_is_32_bytes_and_is_not_shown_when_it_is_wrong(encoded: str) -> None:
    with pytest.raises(ConfigurationError, match="a is not 32 bytes") as refused:
        keyring(f"a:{encoded}", SECRET)
    assert not encoded or encoded not in str(refused.value)

"""Secrets at rest: authenticated encryption (AES-256-GCM) with named keys, the newest of which seals.

A sealed value is bound to where it is kept: what was sealed as one row's refresh token opens nowhere else.
"""

import base64
import binascii
import os
import re
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from collab_server.errors import ConfigurationError
from collab_server.security import base64url

KEY_BYTES = 32
DERIVED = "derived"
"""The id of the key that comes from SECRET_KEY. It seals where no other is given, and always opens what it sealed."""

_FORMAT = b"\x01"
_NONCE_BYTES = 12
_KEY_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_HKDF_INFO = b"collab_server/secrets at rest"


class CannotOpen(Exception):
    """A sealed value whose key is not known, that was sealed for another place, or that was changed."""


class Keyring:
    """Seals with its first key, opens with all of them.

    A sealed value: format byte, length and name of its key, nonce, ciphertext with tag.
    """

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        """`keys`: 32 bytes each by id, newest first."""
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self.current = next(iter(keys))

    @property
    def head(self) -> bytes:
        """How everything begins that the current key has sealed."""
        return _head(self.current)

    def seal(self, secret: bytes, place: str) -> bytes:
        """`secret` under the current key. `place`: where it will be kept, such as `sessions.provider_tokens:<id>`."""
        nonce = os.urandom(_NONCE_BYTES)
        return self.head + nonce + self._ciphers[self.current].encrypt(nonce, secret, self.head + place.encode())

    def open(self, sealed: bytes, place: str) -> bytes:
        """What `seal` was given. Raises CannotOpen."""
        head = sealed[: 2 + sealed[1]] if len(sealed) > 1 else b""
        nonce, text = sealed[len(head) : len(head) + _NONCE_BYTES], sealed[len(head) + _NONCE_BYTES :]
        if head[:1] != _FORMAT or len(nonce) != _NONCE_BYTES:
            raise CannotOpen("not a sealed value")
        key_id = head[2:].decode(errors="replace")
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise CannotOpen(f"no key is named {key_id!r}")
        try:
            return cipher.decrypt(nonce, text, head + place.encode())
        except InvalidTag:
            raise CannotOpen("sealed with another key or for another place, or changed") from None

    def seal_text(self, secret: str, place: str) -> str:
        """Like `seal`, in base64url, for storage as text."""
        return base64url.encode(self.seal(secret.encode(), place))

    def open_text(self, sealed: str, place: str) -> str:
        """What `seal_text` was given. Raises CannotOpen."""
        try:
            raw = base64url.decode(sealed)
        except ValueError:
            raise CannotOpen("not a sealed value") from None
        return self.open(raw, place).decode()


def keyring(given: str, secret: bytes) -> Keyring:
    """The keys of ENCRYPTION_KEYS (`id:base64,id2:base64`, newest first), and last the one derived from SECRET_KEY.

    Raises ConfigurationError, without showing a key.
    """
    keys: dict[str, bytes] = {}
    for position, entry in enumerate(filter(None, (part.strip() for part in given.split(","))), 1):
        key_id, colon, encoded = entry.partition(":")
        if not colon or not _KEY_ID.fullmatch(key_id) or key_id == DERIVED or key_id in keys:
            raise ConfigurationError(
                f"COLLAB_ENCRYPTION_KEYS: key {position} needs an id of its own (letters, digits, _ . -) before a colon"
            )
        keys[key_id] = _key(encoded, key_id)
    keys[DERIVED] = HKDF(SHA256(), KEY_BYTES, salt=None, info=_HKDF_INFO).derive(secret)
    return Keyring(keys)


def new_key() -> str:
    """A fresh key in the form that ENCRYPTION_KEYS takes, without an id."""
    return base64.b64encode(os.urandom(KEY_BYTES)).decode()


def _key(encoded: str, key_id: str) -> bytes:
    try:
        padded = encoded.strip().rstrip("=")
        key = base64.b64decode(padded + "=" * (-len(padded) % 4), altchars=_alphabet(padded), validate=True)
    except (ValueError, binascii.Error):
        key = b""
    if len(key) != KEY_BYTES:
        raise ConfigurationError(
            f"COLLAB_ENCRYPTION_KEYS: {key_id} is not {KEY_BYTES} bytes in base64 (`openssl rand -base64 {KEY_BYTES}`)"
        )
    return key


def _alphabet(encoded: str) -> bytes | None:
    return b"-_" if "-" in encoded or "_" in encoded else None


def _head(key_id: str) -> bytes:
    return _FORMAT + bytes([len(key_id)]) + key_id.encode()

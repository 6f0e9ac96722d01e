"""Authenticated messages between the nodes of a cluster: what a node takes from the bus, another node has sent lately.

A message: the sender's id (8 bytes), the format (one byte, 0), the sender's number for it (8), the time of sending in
milliseconds (8), the body, and a MAC (keyed BLAKE2b, 16). The MAC covers the channel's name and all that stands before
it. Its key comes from SECRET_KEY and the prefix of the channels. Nothing is encrypted.

A recorded message does nothing when it is sent again: its number was seen, or it is too old. So numbers have to be
remembered only as long as a message is young enough.
"""

import hashlib
import hmac
import secrets
import struct
import time
from bisect import bisect_left, insort

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from collab_server.adapters.bus import QUEUE_BYTES

NODE_ID_BYTES = 8
FRESH_SECONDS = 30.0
"""Messages whose time of sending is further away than this, before or after now, are refused."""
REMEMBERED = 64
"""Numbers of each sender and channel. A message that so many have overtaken is refused."""

_HEAD = struct.Struct(">8sBQQ")
_MAC_BYTES = 16
_INFO = b"collab_server/messages between nodes/"
_MAX_BEGUN = 20_000
_KEEP_SECONDS = 2 * FRESH_SECONDS
"""How long a message can be fresh, because a time of sending may lie in the future."""


class Forged(Exception):
    """A message whose MAC is missing or wrong."""


class Repeated(Exception):
    """A message that was taken before, or that was sent too long ago."""


class Envelopes:
    """Wraps and unwraps the messages of one node, whose id is `node`."""

    def __init__(self, secret: bytes, prefix: str) -> None:
        """`secret`: SECRET_KEY. `prefix`: of the channels' names; the same channel under another prefix is another."""
        key = HKDF(SHA256(), 32, salt=None, info=_INFO + prefix.encode()).derive(secret)
        self.node = secrets.token_bytes(NODE_ID_BYTES)
        self._mac = hashlib.blake2b(key=key, digest_size=_MAC_BYTES)
        self._begun: dict[str, hashlib.blake2b] = {}
        """The MAC of each channel's name, to be continued by messages."""
        self._number = 0
        self._ahead = time.time() - time.monotonic()
        self._seen: dict[tuple[str, bytes], _Numbers] = {}
        self._seen_before: dict[tuple[str, bytes], _Numbers] = {}
        self._turned = time.monotonic()

    def set_clock(self, now: float, at: float) -> None:
        """It was `now` (seconds since 1970) when the monotonic clock said `at`. All nodes take it from one clock."""
        self._ahead = now - at

    def wrap(self, channel: str, body: bytes) -> bytes:
        self._number += 1
        sent = int((time.monotonic() + self._ahead) * 1000)
        message = _HEAD.pack(self.node, 0, self._number, sent) + body
        return message + self._mac_of(channel, message)

    def unwrap(self, channel: str, frame: bytes) -> tuple[bytes, bytes] | None:
        """(the sending node, the body); None for a message of this node.

        Raises Forged, Repeated.
        """
        if frame.startswith(self.node):
            return None
        # What is larger cannot have been published, and would take long to read.
        if not _HEAD.size + _MAC_BYTES < len(frame) <= QUEUE_BYTES:
            raise Forged
        message = frame[:-_MAC_BYTES]
        if not hmac.compare_digest(self._mac_of(channel, message), frame[-_MAC_BYTES:]):
            raise Forged
        node, version, number, sent = _HEAD.unpack_from(message)
        if version:
            raise Forged
        now = time.monotonic()
        if abs((now + self._ahead) * 1000 - sent) > FRESH_SECONDS * 1000:
            raise Repeated
        if not self._numbers(channel, node, now).take(number):
            raise Repeated
        return node, message[_HEAD.size :]

    def _mac_of(self, channel: str, message: bytes) -> bytes:
        begun = self._begun.get(channel)
        if begun is None:
            if len(self._begun) >= _MAX_BEGUN:
                self._begun.clear()
            begun = self._begun[channel] = self._mac.copy()
            begun.update(b"%s\0" % channel.encode())
        mac = begun.copy()
        mac.update(message)
        return mac.digest()

    def _numbers(self, channel: str, node: bytes, now: float) -> "_Numbers":
        """Those that were seen. What nobody has asked for in one to two times _KEEP_SECONDS is forgotten."""
        if now - self._turned > _KEEP_SECONDS:
            self._seen_before = self._seen
            self._seen = {}
            self._turned = now
        key = (channel, node)
        numbers = self._seen.get(key)
        if numbers is None:
            numbers = self._seen[key] = self._seen_before.get(key) or _Numbers()
        return numbers


class _Numbers:
    """Numbers of one sender on one channel. All up to `floor` count as seen."""

    __slots__ = ("floor", "newest")

    def __init__(self) -> None:
        self.floor = 0
        self.newest: list[int] = []
        """Numbers in ascending order, at most REMEMBERED."""

    def take(self, number: int) -> bool:
        """Whether it is new."""
        newest = self.newest
        if not newest or number > newest[-1]:
            newest.append(number)
        elif number <= self.floor or newest[bisect_left(newest, number)] == number:
            return False
        else:
            insort(newest, number)
        if len(newest) > REMEMBERED:
            self.floor = newest.pop(0)
        return True

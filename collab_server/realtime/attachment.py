"""One address of a Hocuspocus socket."""

import asyncio
from collections import deque

from collab_server.crdt import hocuspocus
from collab_server.crdt.lib0 import Reader
from collab_server.crdt.messages import HocuspocusMessage
from collab_server.errors import Malformed
from collab_server.realtime.member import Member

LOGGED_CHARACTERS = 200
"""Of an address."""


class Attachment:
    """An address with a token: being checked (`login` runs, messages wait) or accepted (`member` is there)."""

    __slots__ = ("login", "member", "renewal_asked", "waiting")

    def __init__(self, login: asyncio.Task[None]) -> None:
        self.login: asyncio.Task[None] | None = login
        self.member: Member | None = None
        self.waiting: deque[tuple[HocuspocusMessage, int]] = deque()
        self.renewal_asked = False


def cut(address: str | None) -> str | None:
    """An address for the log."""
    return address if address is None or len(address) <= LOGGED_CHARACTERS else f"{address[:LOGGED_CHARACTERS]}..."


def address_in(frame: bytes) -> str | None:
    """The address that a frame, of which this may be the beginning, is for."""
    try:
        if Reader(frame).var_uint() > hocuspocus.MAX_ADDRESS_BYTES:
            return None
        return Reader(frame).var_string()
    except Malformed:
        return None

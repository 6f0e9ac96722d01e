"""One address of a Hocuspocus socket, and the client of the socket."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from collab_server.access.identity import Identity
from collab_server.core.protocol.messages import HocuspocusMessage
from collab_server.realtime.documents.document_connection import DocumentConnection
from collab_server.realtime.documents.live_document import LiveDocument

LOGGED_CHARACTERS = 200
"""Characters of an address in the log."""


class Attachment:
    """One address: `login` runs and messages wait, or the connection has `joined` its document."""

    __slots__ = ("joined", "login", "renewal_requested", "waiting")

    def __init__(self, login: asyncio.Task[None]) -> None:
        self.login: asyncio.Task[None] | None = login
        self.joined: tuple[LiveDocument, DocumentConnection] | None = None
        self.waiting: deque[tuple[HocuspocusMessage, int]] = deque()
        """Each message with the bytes that it counts for."""
        self.renewal_requested = False


@dataclass(frozen=True, slots=True)
class Client:
    """The client of a socket.

    `name`: of its socket in the log. `ip`: its address. `device`: its own name for its device. `agent`: its User-Agent
    header. `events`: it asked for live events. `without_token`: identifies it by header, query or cookie, or as a
    guest. `with_share`: also by the token of a link.
    """

    name: str
    ip: str
    device: str | None
    agent: str
    events: bool
    without_token: Callable[[], Awaitable[Identity]]
    with_share: Callable[[str], Awaitable[Identity]]


def cut(address: str | None) -> str | None:
    """The address, shortened for the log."""
    return address if address is None or len(address) <= LOGGED_CHARACTERS else f"{address[:LOGGED_CHARACTERS]}..."

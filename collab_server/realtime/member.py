"""One connection's place in one document."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from collab_server.access.identity import Identity
from collab_server.backends.fair_queue import on_behalf_of
from collab_server.crdt import hocuspocus
from collab_server.crdt.room import Author
from collab_server.errors import CollabError
from collab_server.realtime.devices import device_of
from collab_server.transport.frames import LargeOutgoing, Outgoing, outgoing
from collab_server.transport.socket import Socket

if TYPE_CHECKING:
    from collab_server.realtime.live import LiveDocument

READ_ONLY = "forbidden: you may only read this document"


_NOBODY: frozenset[int] = frozenset()


class Session(Protocol):
    """A socket and its protocol; it may hold a member in many documents."""

    @property
    def socket(self) -> Socket: ...

    def acknowledge(self, member: Member, count: int) -> None:
        """`count` more of the member's content messages are committed: tell the client, as its protocol can."""
        ...

    def refuse(self, member: Member, *, saved: bool, reason: str) -> None:
        """A content message was not taken. `saved`: it held nothing new, so nothing of the client's is missing."""
        ...

    def tell(self, member: Member, error: CollabError) -> None:
        """Something that is no content was not taken; all else goes on."""
        ...

    def end(self, member: Member, error: CollabError) -> None:
        """A verdict about this document only: the client is told, and its membership ends."""
        ...

    def access_changed(self, member: Member) -> None:
        """The member may edit from now on, or no more: tell the client, as its protocol can."""
        ...

    def close(self, error: CollabError) -> None:
        """A verdict about the whole socket."""
        ...

    def restart(self) -> None:
        """The server stops: close so that the client comes back at once (1012)."""
        ...

    def tend(self, now: float) -> None:
        """Called a few times in every second or so: keep a quiet client connected, end what has expired."""
        ...


class Stream(Protocol):
    """A session that is told by requests, which may reach another node."""

    def hear(self, bearer: str, frame: bytes) -> None:
        """A frame about presence that this `Identity.bearer` said elsewhere."""
        ...


class Question(NamedTuple):
    """A SyncStep1 to answer; `step1_back`: with the server's own."""

    state_vector: bytes
    step1_back: bool


class Member:
    """`address` precedes every frame on Hocuspocus sockets; None on y-websocket ones.

    `ready`: its document is loaded and it has been greeted; until then nothing else is sent to it.
    `agent`: what the client calls itself (User-Agent). `connection`: its number in the mirror of presence.
    `looked_at`: when its rights were looked up last (monotonic seconds).
    `person`: whom the work of workers for this client counts for (fair_queue.on_behalf_of, as it was when it joined).
    `behind`: the clocks the client was last known to have, while its socket is too slow to be sent more (None: it is
    not). `question`: the last SyncStep1 that was not answered for the same reason.
    """

    __slots__ = (
        "acks_owed",
        "address",
        "author",
        "behind",
        "can_edit",
        "connection",
        "device_name",
        "device_type",
        "document",
        "identity",
        "key",
        "looked_at",
        "missed_presence",
        "person",
        "question",
        "ready",
        "session",
        "told",
    )

    def __init__(
        self,
        key: int,
        document: LiveDocument,
        session: Session,
        identity: Identity,
        *,
        address: str | None,
        can_edit: bool,
        device: str | None,
        agent: str = "",
    ) -> None:
        self.key = self.connection = key
        self.document = document
        self.session = session
        self.told = False
        """That something of it that is no content was not taken."""
        self.identity = identity
        self.address = address
        self.can_edit = can_edit
        self.author = Author(identity.user_id, device)
        self.device_type, self.device_name = device_of(agent)
        self.behind: dict[int, int] | None = None
        self.missed_presence: frozenset[int] = _NOBODY
        self.person = on_behalf_of.get()
        self.acks_owed = 0
        self.question: Question | None = None
        self.ready = False
        self.looked_at = time.monotonic()

    def become(self, identity: Identity, connection: int) -> None:
        """Be another person's; acknowledgements are still owed to the same client."""
        self.identity = identity
        self.author = Author(identity.user_id, self.author.device)
        self.connection = connection

    @property
    def is_owed(self) -> bool:
        """Something was not sent, as the socket was congested; `traffic.catch_up` sends it."""
        return self.behind is not None or self.question is not None or self.acks_owed > 0

    def send(self, *inner: bytes) -> None:
        """Write messages made by crdt.messages to this client alone."""
        self.session.socket.write(Outgoing(addressed(self.address, inner)))

    def deliver(self, outgoing: Outgoing | LargeOutgoing) -> None:
        """Write what was framed for this client's address."""
        if isinstance(outgoing, LargeOutgoing):
            self.session.socket.write_large(outgoing)
        else:
            self.session.socket.write(outgoing)


def addressed(address: str | None, inner: tuple[bytes, ...]) -> tuple[bytes, ...]:
    if address is None:
        return inner
    return tuple(hocuspocus.addressed(address, message) for message in inner)


def framed(address: str | None, messages: Sequence[tuple[bytes, bytes]]) -> Outgoing | LargeOutgoing:
    """`messages`: each in two parts, of which the second may be large."""
    heads = addressed(address, tuple(head for head, _ in messages))
    return outgoing([(head, content) for head, (_, content) in zip(heads, messages, strict=True)])

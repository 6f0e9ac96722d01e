"""One connection to one document, and the session that it belongs to."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from collab_server.access.authors import author_of
from collab_server.access.identity import Identity
from collab_server.adapters.fair_queue import on_behalf_of
from collab_server.adapters.postgres import Subject
from collab_server.adapters.websocket.frame_parser import LargeOutgoing, Outgoing, outgoing
from collab_server.adapters.websocket.socket import Socket
from collab_server.core.protocol import hocuspocus
from collab_server.errors import CollabError
from collab_server.realtime.presence.client_states import read_name, read_state
from collab_server.realtime.share_openings import Opening
from collab_server.web.user_agents import device_of

READ_ONLY = "forbidden: you may only read this document"

_NO_CLIENTS: frozenset[int] = frozenset()


class Session(Protocol):
    """A socket and its protocol. It may hold connections to many documents."""

    @property
    def socket(self) -> Socket: ...

    @property
    def tells_of_commits(self) -> bool:
        """Whether `acknowledge` sends the client anything."""
        ...

    def acknowledge(self, connection: DocumentConnection, count: int) -> None:
        """Tell the client that `count` more of its content messages are committed."""
        ...

    def refuse(self, connection: DocumentConnection, reason: str) -> None:
        """Tell the client that its content is refused."""
        ...

    def notify(self, connection: DocumentConnection, error: CollabError) -> None:
        """Tell the client that something else than content was refused. The connection continues."""
        ...

    def send_event(self, connection: DocumentConnection, event: dict[str, Any]) -> None:
        """Send a live event to the client, which asked for events."""
        ...

    def end(self, connection: DocumentConnection, error: CollabError) -> None:
        """Tell the client the error and end this connection; others of the session continue."""
        ...

    def access_changed(self, connection: DocumentConnection) -> None:
        """Tell the client that `can_edit` has changed."""
        ...

    def close(self, error: CollabError) -> None:
        """Tell the client the error and close the socket."""
        ...

    def restart(self) -> None:
        """Close the socket with 1012, after which clients reconnect at once."""
        ...

    def tick(self, now: float) -> None:
        """Send a keep-alive if the socket is quiet, and end what has expired. Called every two seconds or so."""
        ...


class Stream(Protocol):
    """A session whose client sends by requests, which may reach another node."""

    def receive(self, bearer: str, frame: bytes) -> None:
        """Handle a presence frame that the client with this `Identity.bearer` sent to another node."""
        ...


class Question(NamedTuple):
    """A SyncStep1 to answer; `with_step1`: send the server's SyncStep1 too."""

    state_vector: bytes
    with_step1: bool


class DocumentConnection:
    """The state that a document keeps for one connection. The session holds it together with its document.

    `key`: number of the connection in this process. `table_key`: its number in the presence table.
    `address`: precedes every frame on Hocuspocus sockets; None on y-websocket ones.
    `ready`: the document is loaded and the connection greeted. Nothing else is sent to it before.
    `checked_at`: when its rights were read last (monotonic seconds).
    `on_behalf_of`: whom the work of workers for this client counts for; see `adapters.fair_queue`.
    `lagging_from`: clocks that the client had when its socket became too slow; None while it keeps up.
    `question`: the last SyncStep1, where it could not be answered for the same reason.
    """

    __slots__ = (
        "address",
        "author",
        "can_edit",
        "checked_at",
        "device_name",
        "device_type",
        "identity",
        "key",
        "lagging_from",
        "missed_presence",
        "on_behalf_of",
        "question",
        "ready",
        "receives_events",
        "refused",
        "session",
        "share_opening",
        "socket",
        "table_key",
        "unsent_acks",
        "was_notified",
    )

    def __init__(
        self,
        key: int,
        session: Session,
        identity: Identity,
        *,
        address: str | None,
        can_edit: bool,
        device: str | None,
        agent: str = "",
        receives_events: bool = False,
    ) -> None:
        """`device`: the client's own name for it. `agent`: its User-Agent header. `receives_events`: it asked for live
        events.
        """
        self.key = self.table_key = key
        self.session = session
        self.socket = session.socket
        self.identity = identity
        self.address = address
        self.can_edit = can_edit
        self.receives_events = receives_events
        self.author = author_of(identity, device)
        self.device_type, self.device_name = device_of(agent)
        self.lagging_from: dict[int, int] | None = None
        self.missed_presence: frozenset[int] = _NO_CLIENTS
        """Client ids whose presence changed while it was lagging."""
        self.on_behalf_of = on_behalf_of.get()
        self.share_opening: Opening | None = None
        """The use of a link that this connection was counted as."""
        self.refused = 0
        """Refused content messages that no later answer of the client has brought again."""
        self.unsent_acks = 0
        self.question: Question | None = None
        self.ready = False
        self.was_notified = False
        """The client knows that some of its presence was refused."""
        self.checked_at = time.monotonic()

    def hand_over(self, identity: Identity, table_key: int) -> None:
        """Give the connection to another person. Pending acknowledgements still go to the same client."""
        self.identity = identity
        self.author = author_of(identity, self.author.device)
        self.table_key = table_key

    def note_guest_name(self, state: str | None) -> None:
        """Credit later edits of a guest to the name in the guest's presence."""
        if self.author.kind != "guest":
            return
        name = read_name(read_state(state)) or (self.identity.name if self.identity.link else None)
        if name != self.author.name:
            self.author = self.author._replace(name=name)

    @property
    def has_unsent(self) -> bool:
        """Something was not sent while the socket was congested; `message_handler.catch_up` sends it."""
        return self.lagging_from is not None or self.question is not None or self.unsent_acks > 0

    @property
    def user_id(self) -> UUID | None:
        return self.identity.user_id

    @property
    def rights(self) -> Subject:
        return self.identity.rights

    @property
    def is_congested(self) -> bool:
        """Whether a live event has to wait."""
        return not self.ready or self.lagging_from is not None or self.socket.congested

    def send_event(self, event: dict[str, Any]) -> None:
        self.session.send_event(self, event)

    def refuse(self, reason: str) -> None:
        """Refuse a content message."""
        self.refused += 1
        self.session.refuse(self, reason)

    def take_refused(self) -> int:
        """The number of refused messages to acknowledge beside an answer that has their content.

        y-websocket clients wait for every message. Hocuspocus clients count edits, not their answers to our questions.
        """
        refused, self.refused = self.refused, 0
        return refused if self.address is None else max(0, refused - 1)

    def send(self, *messages: bytes) -> None:
        """Write messages of core.protocol.messages to this client."""
        self.socket.write(Outgoing(addressed(self.address, messages)))

    def deliver(self, frames: Outgoing | LargeOutgoing) -> None:
        """Write frames made for this client's address."""
        if isinstance(frames, LargeOutgoing):
            self.socket.write_large(frames)
        else:
            self.socket.write(frames)


def addressed(address: str | None, messages: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """The messages as they go to a client with this address."""
    if address is None:
        return messages
    return tuple(hocuspocus.addressed(address, message) for message in messages)


def framed(address: str | None, messages: Sequence[tuple[bytes, bytes]]) -> Outgoing | LargeOutgoing:
    """Frames for messages that are given in two parts, of which the second may be large."""
    heads = addressed(address, tuple(head for head, _ in messages))
    return outgoing([(head, content) for head, (_, content) in zip(heads, messages, strict=True)])

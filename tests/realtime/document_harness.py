"""A live document with members whose sockets are lists: what a client was sent, without any network."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from collab_server.access.identity import GUEST, Identity
from collab_server.adapters.websocket.frame_parser import LargeOutgoing, Outgoing
from collab_server.adapters.websocket.large_messages import OnTooLarge
from collab_server.adapters.websocket.socket import OnEnd, OnMessage, OnUpdate
from collab_server.core.protocol import hocuspocus, ywebsocket
from collab_server.core.protocol.messages import Awareness, SyncStep2, Update
from collab_server.core.room.room import Room
from collab_server.core.yjs.updates import merge, state_vector, validate
from collab_server.errors import CollabError
from collab_server.observability.metrics import Counts
from collab_server.realtime.documents.document_connection import DocumentConnection
from collab_server.realtime.documents.live_document import LiveDocument
from tests.core.test_room import stored, text_of


class ListSocket:
    descriptor = -1

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.congested = False
        self.queued = 0
        self.last_sent = 0.0
        self.closed: tuple[int, str] | None = None

    def write(self, outgoing: Outgoing | LargeOutgoing) -> None:
        self.frames += outgoing.payloads

    write_large = write

    def end(self, code: int, reason: str) -> None:
        self.closed = (code, reason)

    def limit_messages(self, size: int | None) -> None: ...

    def allow_large(self, most: int, on_too_large: OnTooLarge, *, shown: int = 0) -> None: ...

    def take_updates(self, on_update: OnUpdate, *, addressed: bool) -> None: ...

    def tick(self, now: float) -> None: ...

    async def run(self, on_message: OnMessage, on_writable: Callable[[], None], on_end: OnEnd) -> None:
        raise NotImplementedError


class ListSession:
    def __init__(self, document: LiveDocument | None = None) -> None:
        self.document = document
        self.socket = ListSocket()
        self.acknowledged = 0
        self.tells_of_commits = True
        self.refused: list[str] = []
        self.ended: CollabError | None = None

    def acknowledge(self, connection: DocumentConnection, count: int) -> None:
        self.acknowledged += count

    def refuse(self, connection: DocumentConnection, reason: str) -> None:
        self.refused.append(reason)

    def notify(self, connection: DocumentConnection, error: CollabError) -> None: ...

    def send_event(self, connection: DocumentConnection, event: dict[str, Any]) -> None: ...

    def end(self, connection: DocumentConnection, error: CollabError) -> None:
        self.ended = error
        if self.document is not None:
            self.document.leave(connection)

    def access_changed(self, connection: DocumentConnection) -> None: ...

    def close(self, error: CollabError) -> None:
        self.ended = error

    def restart(self) -> None: ...

    def tick(self, now: float) -> None: ...


class DocumentHarness:
    """Turns and commits happen when the test says so."""

    def __init__(self, *snapshot: bytes) -> None:
        self.counts = Counts()
        room = Room(10_000_000)
        room.begin_load()
        room.finish_load(stored(*snapshot))
        self.document = LiveDocument(uuid4(), 0, room, self)
        self.turns = 0
        self.told: list[set[int]] = []
        self.presence_delays: list[float] = []
        self.seq = 0
        self._keys = 0

    def schedule_turn(self, document: LiveDocument) -> None:
        self.turns += 1

    def schedule_presence(self, document: LiveDocument, delay: float) -> None:
        self.presence_delays.append(delay)

    def schedule_commit(self, document: LiveDocument, size: int, *, is_waited_for: bool) -> None: ...

    def publish_presence(self, document: LiveDocument, clients: set[int]) -> None:
        self.told.append(set(clients))

    def record_activity(self, connection: DocumentConnection, *, typed: bool) -> None: ...

    def seat(
        self, *, address: str | None = None, can_edit: bool = True, identity: Identity = GUEST
    ) -> DocumentConnection:
        self._keys += 1
        connection = DocumentConnection(
            self._keys, ListSession(self.document), identity, address=address, can_edit=can_edit, device=None
        )
        self.document.join(connection)
        connection.ready = True
        return connection

    def write(self, connection: DocumentConnection, update: bytes, *, is_answer: bool = False) -> None:
        self.document.receive_content(connection, update, validate(update), is_answer=is_answer)

    def turn(self) -> None:
        self.document.flush()

    def commit(self) -> None:
        payloads = [e.update for e in self.document.room.begin_commit() if e.update is not None]
        self.seq += len(payloads)
        self.document.commit_succeeded(payloads, self.seq)


def session_of(connection: DocumentConnection) -> ListSession:
    assert isinstance(connection.session, ListSession)
    return connection.session


def frames_of(connection: DocumentConnection) -> list[bytes]:
    return session_of(connection).socket.frames


def updates_to(connection: DocumentConnection) -> list[bytes]:
    """The content that was sent to a connection."""
    found = []
    for frame in frames_of(connection):
        message = ywebsocket.decode(frame) if connection.address is None else hocuspocus.decode(frame)[1]
        if isinstance(message, Update | SyncStep2):
            found.append(message.update)
    return found


def presence_to(connection: DocumentConnection) -> list[bytes]:
    found = []
    for frame in frames_of(connection):
        message = ywebsocket.decode(frame) if connection.address is None else hocuspocus.decode(frame)[1]
        if isinstance(message, Awareness):
            found.append(message.entries_payload)
    return found


def text_at(connection: DocumentConnection) -> str:
    return text_of(*updates_to(connection))


__all__ = [
    "DocumentHarness",
    "frames_of",
    "merge",
    "presence_to",
    "session_of",
    "state_vector",
    "text_at",
    "updates_to",
]

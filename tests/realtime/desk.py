"""A live document with members whose sockets are lists: what a client was sent, without any network."""

from collections.abc import Callable
from uuid import uuid4

from collab_server.access.identity import GUEST, Identity
from collab_server.crdt import hocuspocus, ywebsocket
from collab_server.crdt.messages import Awareness, SyncStep2, Update
from collab_server.crdt.room import Room
from collab_server.crdt.updates import merge, state_vector, validate
from collab_server.errors import CollabError
from collab_server.realtime.live import LiveDocument
from collab_server.realtime.member import Member
from collab_server.telemetry import Counts
from collab_server.transport.frames import LargeOutgoing, Outgoing
from collab_server.transport.large_messages import OnTooLarge
from collab_server.transport.socket import OnEnd, OnMessage
from tests.crdt.test_room import stored, text_of


class ListSocket:
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

    def tend(self, now: float) -> None: ...

    async def run(self, on_message: OnMessage, on_writable: Callable[[], None], on_end: OnEnd) -> None:
        raise NotImplementedError


class ListSession:
    def __init__(self) -> None:
        self.socket = ListSocket()
        self.acknowledged = 0
        self.refused: list[bool] = []
        self.ended: CollabError | None = None

    def acknowledge(self, member: Member, count: int) -> None:
        self.acknowledged += count

    def refuse(self, member: Member, *, saved: bool, reason: str) -> None:
        self.refused.append(saved)

    def tell(self, member: Member, error: CollabError) -> None: ...

    def end(self, member: Member, error: CollabError) -> None:
        self.ended = error
        member.document.leave(member)

    def access_changed(self, member: Member) -> None: ...

    def close(self, error: CollabError) -> None:
        self.ended = error

    def restart(self) -> None: ...

    def tend(self, now: float) -> None: ...


class Desk:
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

    def schedule_commit(self, document: LiveDocument, size: int) -> None: ...

    def tell_presence(self, document: LiveDocument, clients: set[int]) -> None:
        self.told.append(set(clients))

    def note(self, member: Member, *, typed: bool) -> None: ...

    def seat(self, *, address: str | None = None, can_edit: bool = True, identity: Identity = GUEST) -> Member:
        self._keys += 1
        member = Member(
            self._keys, self.document, ListSession(), identity, address=address, can_edit=can_edit, device=None
        )
        self.document.join(member)
        member.ready = True
        return member

    def write(self, member: Member, update: bytes, *, is_answer: bool = False) -> None:
        self.document.content(member, update, validate(update), is_answer=is_answer)

    def turn(self) -> None:
        self.document.flush()

    def commit(self) -> None:
        payloads = [e.update for e in self.document.room.take() if e.update is not None]
        self.seq += len(payloads)
        self.document.committed(payloads, self.seq)


def session_of(member: Member) -> ListSession:
    assert isinstance(member.session, ListSession)
    return member.session


def frames_of(member: Member) -> list[bytes]:
    return session_of(member).socket.frames


def updates_to(member: Member) -> list[bytes]:
    """The content that was sent to a member."""
    found = []
    for frame in frames_of(member):
        message = ywebsocket.decode(frame) if member.address is None else hocuspocus.decode(frame)[1]
        if isinstance(message, Update | SyncStep2):
            found.append(message.update)
    return found


def presence_to(member: Member) -> list[bytes]:
    found = []
    for frame in frames_of(member):
        message = ywebsocket.decode(frame) if member.address is None else hocuspocus.decode(frame)[1]
        if isinstance(message, Awareness):
            found.append(message.entries_payload)
    return found


def text_at(member: Member) -> str:
    return text_of(*updates_to(member))


__all__ = ["Desk", "frames_of", "merge", "presence_to", "session_of", "state_vector", "text_at", "updates_to"]

"""What both protocols do with a message for a document, and how much a socket may send."""

from collections.abc import Coroutine
from typing import Any

from collab_server.backends.fair_queue import on_behalf_of
from collab_server.crdt import updates
from collab_server.crdt.messages import Awareness, QueryAwareness, SyncStep1, SyncStep2, Update
from collab_server.errors import Malformed, TooMany
from collab_server.realtime.hub import Hub
from collab_server.realtime.member import Member
from collab_server.realtime.preparing import prepare_answer, prepare_comparison

LARGE_UPDATE = 16_384
"""Updates from this size on are read by a worker process, so that no other client waits for it."""

MAX_PRESENCE_BYTES = 262_144
MAX_STATE_VECTOR_BYTES = 1_048_576
"""Some 150,000 Yjs clients; reading that takes long enough."""

DocumentMessage = SyncStep1 | SyncStep2 | Update | Awareness | QueryAwareness


def handle(hub: Hub, member: Member, message: DocumentMessage, *, step1_back: bool) -> Coroutine[Any, Any, None] | None:
    """Do what the message asks. A coroutine as answer must be awaited before the socket's next message.

    `step1_back`: answer a SyncStep1 with the server's own as well. Raises Malformed, TooMany.
    """
    document = member.document
    if type(message) is Update or type(message) is SyncStep2:
        if hub.draining:
            return None
        update = message.update
        is_answer = type(message) is SyncStep2
        if len(update) >= LARGE_UPDATE:
            return _large(hub, member, update, is_answer=is_answer)
        summary = updates.validate(update)
        if is_answer and document.room.unread_deletes(summary) is not None:
            return _compared(hub, member, update, summary)
        document.content(member, update, summary, is_answer=is_answer)
    elif type(message) is Awareness:
        if len(message.entries_payload) > MAX_PRESENCE_BYTES:
            raise Malformed(f"an awareness message may have at most {MAX_PRESENCE_BYTES} bytes")
        document.awareness(member, message.entries_payload)
    elif type(message) is SyncStep1:
        if len(message.state_vector) > MAX_STATE_VECTOR_BYTES:
            raise Malformed(f"a state vector may have at most {MAX_STATE_VECTOR_BYTES} bytes")
        updates.decode_state_vector(message.state_vector)
        if not document.room.loaded or document.room.undiffed(message.state_vector) is not None:
            return _prepared(hub, member, message.state_vector, step1_back=step1_back)
        document.answer(member, message.state_vector, with_step1=step1_back)
    elif type(message) is QueryAwareness:
        document.send_presence(member)
    return None


async def _large(hub: Hub, member: Member, update: bytes, *, is_answer: bool) -> None:
    on_behalf_of.set(member.person)
    summary = await hub.workers.run(updates.validate, update)
    if is_answer:
        on_behalf_of.set(member.person)
    await prepare_comparison(hub, member.document, summary)
    if member.key in member.document.members:
        member.document.content(member, update, summary, is_answer=is_answer)


async def _compared(hub: Hub, member: Member, answer: bytes, summary: updates.UpdateSummary) -> None:
    on_behalf_of.set(member.person)
    await prepare_comparison(hub, member.document, summary)
    if member.key in member.document.members:
        member.document.content(member, answer, summary, is_answer=True)


async def _prepared(hub: Hub, member: Member, state_vector: bytes, *, step1_back: bool) -> None:
    on_behalf_of.set(member.person)
    await prepare_answer(hub, member.document, state_vector)
    if member.key in member.document.members:
        member.document.answer(member, state_vector, with_step1=step1_back)


async def catch_up(hub: Hub, member: Member) -> None:
    """Bring a slow reader that has drained up to date."""
    if member.behind is None:
        return
    on_behalf_of.set(member.person)
    await prepare_answer(hub, member.document, updates.encode_state_vector(member.behind))
    if not member.session.socket.congested and member.key in member.document.members:
        member.document.catch_up(member)


class Allowance:
    """A token bucket: `rate` messages a second for long, `burst` at once."""

    __slots__ = ("_burst", "_rate", "_refilled", "_tokens")

    def __init__(self, rate: float, burst: int, now: float) -> None:
        self._rate = rate
        self._burst = float(burst)
        self._tokens = float(burst)
        self._refilled = now

    def spend(self, now: float) -> None:
        """Raises TooMany when nothing is left."""
        if self._tokens < 1.0:
            self._tokens = min(self._burst, self._tokens + (now - self._refilled) * self._rate)
            self._refilled = now
            if self._tokens < 1.0:
                raise TooMany("too many messages in too short a time")
        self._tokens -= 1.0

"""What both protocols do with a message for a document, and what it costs of the socket's budget."""

from collections.abc import Coroutine
from typing import Any

from collab_server.backends.fair_queue import on_behalf_of
from collab_server.crdt import updates
from collab_server.crdt.lib0 import Reader
from collab_server.crdt.messages import Awareness, QueryAwareness, SyncStep1, SyncStep2, Update
from collab_server.crdt.pieces import PIECE_BYTES
from collab_server.errors import Malformed, TooLarge
from collab_server.realtime.hub import Hub
from collab_server.realtime.member import READ_ONLY, Member, Question
from collab_server.realtime.preparing import answer_from, prepare_answer, prepare_comparison, take_apart
from collab_server.transport.token_bucket import TokenBucket

LARGE_UPDATE = 16_384
"""Updates from this size on are read by a worker process, so that no other client waits for it."""

MAX_PRESENCE_BYTES = 262_144
MAX_PRESENCE_ENTRIES = 4_096
"""A stock client that was cut off announces in one message that everybody else has left the document."""
MAX_STATE_VECTOR_BYTES = 1_048_576
"""Some 150,000 Yjs clients; reading that takes long enough."""
LARGE_STATE_VECTOR = 16_384
"""State vectors from this size on are read by a worker process."""

COST_PER_BYTE = 1 / 8192
"""A message costs one token and this much for each of its bytes."""
ENTRIES_PER_TOKEN = 16
"""Entries of an awareness message, each of which is looked up."""
MAX_ANSWER_COST = 100.0
"""Of one question: the comparison of larger documents is a worker's."""

DocumentMessage = SyncStep1 | SyncStep2 | Update | Awareness | QueryAwareness


def handle(
    hub: Hub, member: Member, message: DocumentMessage, budget: TokenBucket, *, step1_back: bool
) -> Coroutine[Any, Any, None] | None:
    """Do what the message asks. A coroutine as answer must be awaited before the socket's next message.

    `budget`: pays for what costs more than the message's bytes tell. `step1_back`: answer a SyncStep1 with the server's
    own as well. Raises Malformed, TooMany.
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
        _presence(member, message.entries_payload, budget)
    elif type(message) is SyncStep1:
        if len(message.state_vector) > MAX_STATE_VECTOR_BYTES:
            raise Malformed(f"a state vector may have at most {MAX_STATE_VECTOR_BYTES} bytes")
        budget.spend(min(MAX_ANSWER_COST, document.room.size * COST_PER_BYTE))
        if len(message.state_vector) >= LARGE_STATE_VECTOR:
            return _large_question(hub, member, message.state_vector, step1_back=step1_back)
        updates.decode_state_vector(message.state_vector)
        if member.session.socket.congested:
            member.question = Question(message.state_vector, step1_back)
        elif not document.room.loaded or document.room.undiffed(message.state_vector) is not None:
            return _prepared(hub, member, message.state_vector, step1_back=step1_back)
        else:
            document.answer(member, message.state_vector, with_step1=step1_back)
    elif type(message) is QueryAwareness:
        budget.spend(document.presence.size * COST_PER_BYTE)
        document.send_presence(member)
    return None


def _presence(member: Member, payload: bytes, budget: TokenBucket) -> None:
    """What is too large is no reason to end somebody's editing: it is dropped, and the client is told."""
    document = member.document
    if len(payload) > MAX_PRESENCE_BYTES:
        document.presence_not_taken(member, f"a presence message may have at most {MAX_PRESENCE_BYTES} bytes")
        return
    entries = Reader(payload).var_uint()
    if entries > len(payload):
        raise Malformed(f"{entries} awareness entries declared in {len(payload)} bytes")
    if entries > MAX_PRESENCE_ENTRIES:
        document.presence_not_taken(member, f"a presence message may tell of at most {MAX_PRESENCE_ENTRIES} clients")
        return
    if entries > ENTRIES_PER_TOKEN:
        budget.spend(entries / ENTRIES_PER_TOKEN)
    document.awareness(member, payload)


async def _large(hub: Hub, member: Member, update: bytes, *, is_answer: bool) -> None:
    on_behalf_of.set(member.person)
    if len(update) > PIECE_BYTES:
        await _very_large(hub, member, update, is_answer=is_answer)
        return
    summary = await hub.workers.run(updates.validate, update)
    await prepare_comparison(hub, member.document, summary)
    if member.key in member.document.members:
        member.document.content(member, update, summary, is_answer=is_answer)


async def _very_large(hub: Hub, member: Member, update: bytes, *, is_answer: bool) -> None:
    """One that no row of the log can hold, and no turn of the event loop can take: piece by piece."""
    document = member.document
    document.count_update()
    if not member.can_edit:
        member.session.refuse(member, saved=False, reason=READ_ONLY)
        return
    try:
        pieces = await take_apart(hub, document, update)
        await prepare_comparison(hub, document, pieces[-1][1])
    except TooLarge as error:
        member.session.refuse(member, saved=False, reason=error.close_reason)
        return
    for piece, summary in pieces:
        is_last = summary is pieces[-1][1]
        if member.key not in document.members or not document.piece(
            member, piece, summary, is_answer=is_answer, is_last=is_last
        ):
            return
        if not is_last:
            # So that one document never fills the memory for edits that are not committed.
            await hub.committed(document)


async def _compared(hub: Hub, member: Member, answer: bytes, summary: updates.UpdateSummary) -> None:
    on_behalf_of.set(member.person)
    await prepare_comparison(hub, member.document, summary)
    if member.key in member.document.members:
        member.document.content(member, answer, summary, is_answer=True)


async def _prepared(hub: Hub, member: Member, state_vector: bytes, *, step1_back: bool) -> None:
    on_behalf_of.set(member.person)
    await prepare_answer(hub, member.document, state_vector)
    if member.session.socket.congested:
        member.question = Question(state_vector, step1_back)
    elif member.key in member.document.members:
        member.document.answer(member, state_vector, with_step1=step1_back)


async def _large_question(hub: Hub, member: Member, state_vector: bytes, *, step1_back: bool) -> None:
    if member.session.socket.congested:
        member.question = Question(state_vector, step1_back)
        return
    on_behalf_of.set(member.person)
    answer = await answer_from(hub, member.document, state_vector)
    if member.key in member.document.members:
        member.document.send_answer(member, (answer,), with_step1=step1_back)


async def catch_up(hub: Hub, member: Member) -> None:
    """Send a slow reader that has drained what it is owed: edits, presence, acknowledgements, an answer."""
    document, socket = member.document, member.session.socket
    on_behalf_of.set(member.person)
    if member.behind is not None:
        await prepare_answer(hub, document, updates.encode_state_vector(member.behind))
        if socket.congested or member.key not in document.members:
            return
        document.catch_up(member)
    document.pay_acknowledgements(member)
    if member.question is not None and not socket.congested:
        question, member.question = member.question, None
        ask = _large_question if len(question.state_vector) >= LARGE_STATE_VECTOR else _prepared
        await ask(hub, member, question.state_vector, step1_back=question.step1_back)

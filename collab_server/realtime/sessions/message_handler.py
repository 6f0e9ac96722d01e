"""Handles document messages of all protocols, and charges their cost to the socket's budget."""

from collections.abc import Coroutine
from typing import Any

from collab_server import _speedups
from collab_server.adapters.fair_queue import on_behalf_of
from collab_server.adapters.websocket.token_bucket import TokenBucket
from collab_server.core.protocol.messages import Awareness, QueryAwareness, SyncStep1, SyncStep2, Update
from collab_server.core.yjs import updates
from collab_server.core.yjs.inspection import UpdateSummary
from collab_server.core.yjs.lib0 import Reader
from collab_server.core.yjs.split_update import PIECE_BYTES
from collab_server.errors import Malformed, TooLarge
from collab_server.realtime.documents.document_connection import READ_ONLY, DocumentConnection, Question
from collab_server.realtime.documents.limits import (
    LARGE_STATE_VECTOR,
    LARGE_UPDATE,
    MAX_PRESENCE_BYTES,
    MAX_PRESENCE_ENTRIES,
    MAX_STATE_VECTOR_BYTES,
)
from collab_server.realtime.documents.live_document import LiveDocument
from collab_server.realtime.service import RealtimeService

COST_PER_BYTE = 1 / 8192
"""A message costs one token, and this much for each of its bytes."""
ENTRIES_PER_TOKEN = 16
"""Awareness entries that cost one more token: each is looked up."""
MAX_ANSWER_COST = 100.0
"""Tokens for one SyncStep1. Workers compare larger documents."""

DocumentMessage = SyncStep1 | SyncStep2 | Update | Awareness | QueryAwareness


def handle_message(
    service: RealtimeService,
    document: LiveDocument,
    connection: DocumentConnection,
    message: DocumentMessage,
    budget: TokenBucket,
    *,
    with_step1: bool,
) -> Coroutine[Any, Any, None] | None:
    """Handle one message. A returned coroutine must be awaited before the socket's next message.

    `budget`: charged with the cost beyond the message's own bytes. `with_step1`: answer a SyncStep1 with the server's
    SyncStep1 too. Raises Malformed, StaleGeneration, TooMany.
    """
    if type(message) is Update or type(message) is SyncStep2:
        if service.hub.draining:
            return None
        update = message.update
        is_answer = type(message) is SyncStep2
        if len(update) >= LARGE_UPDATE:
            return _receive_large(service, document, connection, update, is_answer=is_answer)
        plain = _speedups.inspect_plain(update)
        summary = updates.validate(update) if plain is None else UpdateSummary(plain[0], plain[1])
        if document.former_clients:
            document.check_generation(client for client, _, _ in summary.structs)
        if is_answer and document.room.unread_deletes(summary) is not None:
            return _compare_and_receive(service, document, connection, update, summary)
        document.receive_content(connection, update, summary, is_answer=is_answer)
    elif type(message) is Awareness:
        _receive_presence(document, connection, message.entries_payload, budget)
    elif type(message) is SyncStep1:
        if len(message.state_vector) > MAX_STATE_VECTOR_BYTES:
            raise Malformed(f"a state vector may have at most {MAX_STATE_VECTOR_BYTES} bytes")
        budget.spend(min(MAX_ANSWER_COST, document.room.size * COST_PER_BYTE))
        if len(message.state_vector) >= LARGE_STATE_VECTOR:
            return _compute_and_answer(service, document, connection, message.state_vector, with_step1=with_step1)
        clocks = updates.decode_state_vector(message.state_vector)
        document.check_generation(clocks)
        if connection.socket.congested:
            connection.question = Question(message.state_vector, with_step1)
        elif not document.room.loaded or document.room.undiffed(message.state_vector) is not None:
            return _prepare_and_answer(service, document, connection, message.state_vector, with_step1=with_step1)
        else:
            document.answer_sync(connection, message.state_vector, with_step1=with_step1)
    elif type(message) is QueryAwareness:
        budget.spend(document.presence.size * COST_PER_BYTE)
        document.send_presence(connection)
    return None


def handle_update(
    service: RealtimeService,
    document: LiveDocument,
    connection: DocumentConnection,
    update: bytes,
    summary: UpdateSummary,
) -> None:
    """Handle an Update message whose update was read and checked already. Raises StaleGeneration."""
    if service.hub.draining:
        return
    if document.former_clients:
        document.check_generation(client for client, _, _ in summary.structs)
    document.receive_content(connection, update, summary, is_answer=False)


def _receive_presence(
    document: LiveDocument, connection: DocumentConnection, payload: bytes, budget: TokenBucket
) -> None:
    """A payload that is too large is dropped and its client notified; editing continues."""
    if len(payload) > MAX_PRESENCE_BYTES:
        document.reject_presence(connection, f"a presence message may have at most {MAX_PRESENCE_BYTES} bytes")
        return
    entries = Reader(payload).var_uint()
    if entries > len(payload):
        raise Malformed(f"{entries} awareness entries declared in {len(payload)} bytes")
    if entries > MAX_PRESENCE_ENTRIES:
        document.reject_presence(connection, f"a presence message may tell of at most {MAX_PRESENCE_ENTRIES} clients")
        return
    if entries > ENTRIES_PER_TOKEN:
        budget.spend(entries / ENTRIES_PER_TOKEN)
    document.receive_awareness(connection, payload)


async def _receive_large(
    service: RealtimeService, document: LiveDocument, connection: DocumentConnection, update: bytes, *, is_answer: bool
) -> None:
    on_behalf_of.set(connection.on_behalf_of)
    if len(update) > PIECE_BYTES:
        await _receive_in_pieces(service, document, connection, update, is_answer=is_answer)
        return
    summary = await service.workers.run(updates.validate, update)
    document.check_generation(client for client, _, _ in summary.structs)
    await service.loader.prepare_comparison(document, summary)
    if connection.key in document.connections:
        document.receive_content(connection, update, summary, is_answer=is_answer)


async def _receive_in_pieces(
    service: RealtimeService, document: LiveDocument, connection: DocumentConnection, update: bytes, *, is_answer: bool
) -> None:
    """Receive an update that fits neither one log row nor one turn of the event loop."""
    document.count_received()
    if not connection.can_edit:
        connection.refuse(READ_ONLY)
        return
    try:
        pieces = await service.loader.split_update(document, update)
        await service.loader.prepare_comparison(document, pieces[-1][1])
    except TooLarge as error:
        connection.refuse(error.close_reason)
        return
    for piece, summary in pieces:
        document.check_generation(client for client, _, _ in summary.structs)
        is_last = summary is pieces[-1][1]
        if connection.key not in document.connections or not document.receive_piece(
            connection, piece, summary, is_answer=is_answer, is_last=is_last
        ):
            return
        if not is_last:
            # One document must not fill the memory for uncommitted edits.
            await service.group_commit.wait_committed(document)


async def _compare_and_receive(
    service: RealtimeService,
    document: LiveDocument,
    connection: DocumentConnection,
    answer: bytes,
    summary: UpdateSummary,
) -> None:
    on_behalf_of.set(connection.on_behalf_of)
    await service.loader.prepare_comparison(document, summary)
    if connection.key in document.connections:
        document.receive_content(connection, answer, summary, is_answer=True)


async def _prepare_and_answer(
    service: RealtimeService,
    document: LiveDocument,
    connection: DocumentConnection,
    state_vector: bytes,
    *,
    with_step1: bool,
) -> None:
    on_behalf_of.set(connection.on_behalf_of)
    await service.loader.prepare_answer(document, state_vector)
    document.check_generation(updates.decode_state_vector(state_vector))
    if connection.socket.congested:
        connection.question = Question(state_vector, with_step1)
    elif connection.key in document.connections:
        document.answer_sync(connection, state_vector, with_step1=with_step1)


async def _compute_and_answer(
    service: RealtimeService,
    document: LiveDocument,
    connection: DocumentConnection,
    state_vector: bytes,
    *,
    with_step1: bool,
) -> None:
    if connection.socket.congested:
        connection.question = Question(state_vector, with_step1)
        return
    on_behalf_of.set(connection.on_behalf_of)
    answer = await service.loader.compute_answer(document, state_vector)
    if document.former_clients:
        document.check_generation(await service.workers.run(updates.decode_state_vector, state_vector))
    if connection.key in document.connections:
        document.send_answer(connection, (answer,), with_step1=with_step1)


async def catch_up(service: RealtimeService, document: LiveDocument, connection: DocumentConnection) -> None:
    """Send what a slow connection could not be sent: edits, presence, acknowledgements, an answer."""
    socket = connection.socket
    on_behalf_of.set(connection.on_behalf_of)
    if connection.lagging_from is not None:
        await service.loader.prepare_answer(document, updates.encode_state_vector(connection.lagging_from))
        if socket.congested or connection.key not in document.connections:
            return
        document.catch_up(connection)
    document.send_acknowledgements(connection)
    if connection.question is not None and not socket.congested:
        question, connection.question = connection.question, None
        is_large = len(question.state_vector) >= LARGE_STATE_VECTOR
        answer = _compute_and_answer if is_large else _prepare_and_answer
        await answer(service, document, connection, question.state_vector, with_step1=question.with_step1)

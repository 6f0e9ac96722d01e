"""Converts a document's text between Markdown and rich text: a fresh document takes its place as a new generation."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from collab_server.access.check import ABSENT
from collab_server.adapters.postgres import Conn, Database
from collab_server.adapters.workers import WHOLE_DOCUMENT_SECONDS, Workers
from collab_server.core.conversion.convert import Converted, Wish, convert
from collab_server.core.documents.text_kind import TextKind
from collab_server.core.room.entries import Stored
from collab_server.errors import DocumentDamaged, LostRace, Malformed, NotFound, UnprocessableContent
from collab_server.features.comments.anchoring import carry_over_anchors
from collab_server.features.conversion import queries
from collab_server.features.document_log import fold_queries, generation_queries, generations, store
from collab_server.features.history.reading import DocumentHistory, read_history
from collab_server.features.history.versions import VersionWish, make_version
from collab_server.features.suggestions.carrying_over import carry_suggestions_over
from collab_server.web.rooms import Rooms

CONVERTIBLE = frozenset({"markdown", "mixed", "note", "bookmark", "task", "contact", "file"})
"""Types of documents with a text to be written by hand. The others are edited by programs of their own."""
_WORDS: dict[TextKind, str] = {"markdown": "Markdown", "rich_text": "rich text"}


@dataclass(frozen=True, slots=True)
class ConvertedDocument:
    """generation: the new one. seq: its last row. version: of the document before; None: it was empty."""

    generation: int
    seq: int
    version: int | None


async def convert_document(
    db: Database, rooms: Rooms, workers: Workers, user_id: UUID | None, document_id: UUID, to: TextKind
) -> ConvertedDocument:
    """Convert a document. Nobody can edit it meanwhile; the edits of who has it open are carried over. A version of it
    is made before. The caller checks rights.

    Raises NotFound, Conflict (it has this kind of text already), UnprocessableContent (it is encrypted, of a type that
    is edited in another way, JSON, too large, or its edits wait for missing ones), LostRace, TooLarge, TooMany,
    TooMuchWork, DocumentDamaged, Unavailable.
    """
    await _check(db, document_id)
    await rooms.settle(document_id)
    # A version takes locks of its own: it is made before the document is locked, and only if this can be converted.
    history, made = await _convert(db, workers, document_id, to)
    version = None
    if history.head:
        description = f"Before it became {_WORDS[to]}"
        before = VersionWish("conversion", change_description=description, created_by=user_id, if_new=False)
        version = (await make_version(db, workers, document_id, before)).number
    async with db.as_service() as conn, conn.transaction():
        generation = await generation_queries.lock_document(conn, document_id)
        if generation is None:
            raise NotFound(ABSENT)
        former = (await store.fold(db, workers, document_id, locked=conn)).stored
        if (generation, former.seq) != (history.generation, history.head):
            history, made = await _convert(db, workers, document_id, to)
        seq = await _replace(conn, workers, document_id, generation, former, made, user_id)
        await generation_queries.note_conversion(conn, document_id, generation, to, user_id)
    rooms.end_generation(document_id)
    return ConvertedDocument(generation + 1, seq, version)


async def _check(db: Database, document_id: UUID) -> None:
    """Refuse a document whose text cannot be converted, whatever it is."""
    async with db.as_service() as conn:
        found = await queries.find_document(conn, document_id)
    if found is None:
        raise NotFound(ABSENT)
    if found.type == "password":
        raise UnprocessableContent("this document is encrypted: its owner's device has its content")
    if found.type not in CONVERTIBLE:
        raise UnprocessableContent(f"a document of type {found.type} is neither Markdown nor rich text")


async def _convert(
    db: Database, workers: Workers, document_id: UUID, to: TextKind
) -> tuple[DocumentHistory, Converted]:
    """Convert what is stored of a document. Return the history that this is made of, and the result."""
    history = await read_history(db, document_id)
    async with db.as_service() as conn:
        found = await queries.find_document(conn, document_id)
        origin = await generation_queries.find_conversion(conn, document_id, history.generation - 1)
    if found is None:
        raise NotFound(ABSENT)
    wish = Wish(to, "rich_text" if found.editor_mode == "wysiwyg" else "markdown", origin)
    now = int(datetime.now(UTC).timestamp() * 1000)
    client = secrets.randbelow(2**31) + 1
    try:
        made = await workers.run_within(
            WHOLE_DOCUMENT_SECONDS, convert, history.stored, wish, client, history.head, now
        )
    except Malformed as error:
        raise DocumentDamaged(error.detail) from error
    return history, made


async def _replace(
    conn: Conn,
    workers: Workers,
    document_id: UUID,
    generation: int,
    former: Stored,
    made: Converted,
    user_id: UUID | None,
) -> int:
    """Let a converted document take the place of a locked one. Return its last row. Raises LostRace."""
    copy, projection = made.copy, made.projection
    await generations.replace_document(conn, document_id, generation, former, copy, user_id)
    seq = copy.segment.last_seq
    await carry_over_anchors(conn, workers, document_id, former.snapshot, copy.update, generation + 1, seq)
    await carry_suggestions_over(conn, workers, document_id, former.snapshot, copy.update, generation + 1)
    stored = await fold_queries.fold_rows(
        conn,
        document_id,
        expected_clock=seq,
        upto=seq,
        snapshot=copy.update,
        state_vector=copy.state_vector,
        content=projection.content,
        words=projection.words,
        truncated=projection.truncated,
        kept=None,
    )
    if not stored:
        raise LostRace("the document was edited at this moment; try again")
    return seq

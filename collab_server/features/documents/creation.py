"""Making documents: the row, its tags and the beginning of its log, in one transaction."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from collab_server.adapters.postgres import Conn, serving
from collab_server.adapters.postgres_errors import ForeignKeyViolation, InsufficientPrivilege
from collab_server.core.room.entries import Author
from collab_server.core.yjs.updates import EMPTY_UPDATE
from collab_server.errors import Conflict, Forbidden, TooLarge, UnprocessableContent
from collab_server.features.document_log import fold_queries, history_writing, log_queries
from collab_server.features.document_log.authors import decode_author, encode_author
from collab_server.features.document_log.store import State
from collab_server.features.documents import document_queries, tag_queries
from collab_server.features.documents.addresses import add_title
from collab_server.features.documents.field_changes import check_expiry
from collab_server.features.documents.services import FileCopies

MAX_LOG_ROW = 16_777_216
"""Bytes; see document_updates in migrations/versions/0003_create_log/up.sql."""
APPEND_SECONDS = 30.0


async def make(
    conn: Conn,
    workspace_id: UUID,
    author: Author,
    fields: Mapping[str, Any],
    tags: Sequence[str],
    state: State | None,
    copies: FileCopies | None = None,
    *,
    max_bytes: int,
) -> UUID:
    """Create a document with this content and these attachments. Return its id. `conn`: a transaction of the user, to
    be rolled back on errors: Conflict (used name), Forbidden, UnprocessableContent, LimitReached, TooLarge,
    QuotaExceeded, LostRace.
    """
    check_expiry(fields)
    fields = add_title(fields)
    if state is not None and len(state.update) > max_bytes:
        raise TooLarge(f"a document may have at most {max_bytes} bytes")
    try:
        document_id = await document_queries.insert_document(conn, workspace_id, fields)
    except InsufficientPrivilege:
        raise Forbidden("you may not create documents here, or may not set an expiry") from None
    except ForeignKeyViolation:
        raise UnprocessableContent("there is no such category in this workspace") from None
    if document_id is None:
        raise Conflict(f"there is a document named {fields['name']!r} already")
    if tags:
        await tag_queries.replace_tags(conn, document_id, workspace_id, tags)
    if state is not None:
        async with serving(conn):
            await begin_log(conn, document_id, author, state)
    if copies is not None:
        async with serving(conn):
            await copies.insert(conn, document_id)
    return document_id


async def begin_log(conn: Conn, document_id: UUID, author: Author, state: State) -> None:
    """Append the state of a new document and fold it, so that lists and search have its text at once. Needs
    app_service.

    A state above the size limit of log rows goes directly into the snapshot.
    """
    payload = state.update if len(state.update) <= MAX_LOG_ROW else EMPTY_UPDATE
    encoded = encode_author(author)
    row = log_queries.LogRow(document_id, payload, author.user_id, (), author.device, encoded)
    heads = await log_queries.append_rows(conn, [row], APPEND_SECONDS)
    head = heads[document_id]
    assert head is not None, "the document is of this transaction"
    await fold_queries.fold_rows(
        conn,
        document_id,
        expected_clock=0,
        upto=head,
        snapshot=state.update,
        state_vector=state.state_vector,
        content=state.content,
        words=state.words,
        truncated=state.truncated,
        kept=history_writing.keep_snapshot(head, decode_author(author.user_id, author.device, encoded)),
    )

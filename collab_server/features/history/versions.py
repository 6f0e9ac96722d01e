"""Makes versions: the whole document as it is now, with what has changed since the version before."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from collab_server.access.check import ABSENT
from collab_server.adapters.postgres import Database
from collab_server.adapters.workers import WHOLE_DOCUMENT_SECONDS, Workers
from collab_server.core.history import answers
from collab_server.core.history.stored_history import Position
from collab_server.core.text.unified import LineCounts, count_lines, write_unified
from collab_server.errors import DocumentDamaged, Malformed, NotFound
from collab_server.features.document_log.history_queries import to_datetime
from collab_server.features.history import version_queries
from collab_server.features.history.reading import DocumentHistory, read_history

MAX_PATCH_CHARACTERS: Final = 262_144
"""Larger differences are counted, and the patch is not stored."""


@dataclass(frozen=True, slots=True)
class VersionWish:
    """What somebody says of a version. if_new: none is made if the last version is the same."""

    kind: str
    label: str | None = None
    change_description: str | None = None
    created_by: UUID | None = None
    if_new: bool = True


@dataclass(frozen=True, slots=True)
class MadeVersion:
    """A version, and the history it was made of. is_new: False if the last version is the same."""

    number: int
    is_new: bool
    history: DocumentHistory


async def make_version(db: Database, workers: Workers, document_id: UUID, wish: VersionWish) -> MadeVersion:
    """Make a version of what is stored of a document. Raises NotFound, TooLarge, TooMuchWork, DocumentDamaged,
    Unavailable.
    """
    history = await read_history(db, document_id)
    async with db.as_service() as conn:
        found = await version_queries.list_versions(conn, document_id, 1, None)
    return await _make(db, workers, document_id, history, wish, found[0] if found else None)


async def make_versions_before_removals(db: Database, workers: Workers, document_id: UUID, seqs: Sequence[int]) -> None:
    """Make a version of the text before each of these rows that removed more than half of it, unless the version before
    has that text. Raises as make_version does.
    """
    history = await read_history(db, document_id)
    try:
        removals = await workers.run_within(WHOLE_DOCUMENT_SECONDS, answers.read_large_removals, history.stored, seqs)
    except Malformed as error:
        raise DocumentDamaged(error.detail) from error
    for removal in removals:
        async with db.as_service() as conn:
            before = await version_queries.find_version_before(
                conn, document_id, history.generation, removal.position.seq
            )
        if before is None or before.content_hash != hashlib.sha256(removal.content.encode()).hexdigest():
            user = UUID(removal.author.id) if removal.author.id and not removal.author.is_relayed else None
            wish = VersionWish("before-deletion", created_by=user)
            await _make(db, workers, document_id, history, wish, before, removal.position)


async def _make(
    db: Database,
    workers: Workers,
    document_id: UUID,
    history: DocumentHistory,
    wish: VersionWish,
    last: version_queries.Version | None,
    removal: Position | None = None,
) -> MadeVersion:
    """Make a version of a document as it is, or as it was before a row. last: the version before."""
    async with db.as_service() as conn:
        content = await version_queries.find_content(conn, document_id, last.number) if last is not None else None
    since = last.seq if last is not None and last.generation == history.generation else 0
    seq = removal.seq - 1 if removal is not None else None
    try:
        state = await workers.run_within(WHOLE_DOCUMENT_SECONDS, answers.read_version_state, history.stored, since, seq)
    except Malformed as error:
        raise DocumentDamaged(error.detail) from error
    text = state.projection.content
    counts, patch = await workers.run_within(WHOLE_DOCUMENT_SECONDS, summarize, content or "", text)
    new = version_queries.NewVersion(
        wish.kind,
        wish.label,
        wish.change_description,
        text,
        hashlib.sha256(text.encode()).hexdigest(),
        state.projection.truncated,
        history.head if seq is None else seq,
        state.snapshot,
        state.state_hash,
        {"added": counts.added, "removed": counts.removed, "modified": counts.modified},
        patch,
        state.authors,
        wish.created_by,
        wish.if_new,
        to_datetime(removal.at) if removal is not None else None,
    )
    async with db.as_service() as conn, conn.transaction():
        made = await version_queries.insert_version(conn, document_id, new)
    if made is None:
        raise NotFound(ABSENT)
    return MadeVersion(*made, history)


def summarize(old: str, new: str) -> tuple[LineCounts, str | None]:
    """Return the numbers of changed lines, and a unified diff; None where it is too large."""
    patch = write_unified(old, new, "before", "after")
    return count_lines(old, new), patch if len(patch) <= MAX_PATCH_CHARACTERS else None

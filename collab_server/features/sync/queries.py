"""SQL of sync/pull. Needs app_service: the statements check the caller's rights."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from collab_server.adapters.postgres import Conn, Subject


@dataclass(frozen=True, slots=True)
class Head:
    """A readable document. `size`: bytes of its snapshot and later rows."""

    generation: int
    seq: int
    size: int
    row_version: int


async def list_heads(conn: Conn, subject: Subject, guest_role: str, document_ids: Sequence[UUID]) -> dict[UUID, Head]:
    """Return those of these documents that the subject may read."""
    rows = await conn.fetch(
        """
        SELECT d.id, d.generation, h.head_seq, d.row_version, coalesce(octet_length(d.yjs_state), 0) + (
            SELECT coalesce(sum(octet_length(u.payload)), 0) FROM document_updates u
            WHERE u.document_id = d.id AND u.seq > d.yjs_clock)
        FROM app.document_permissions_for(array_fill($1::uuid, ARRAY[cardinality($3::uuid[])]),
                                          array_fill($2::uuid, ARRAY[cardinality($3::uuid[])]), $3, $4) p
        JOIN documents d ON d.id = p.document_id JOIN document_heads h ON h.document_id = d.id
        WHERE p.permission IS NOT NULL AND d.deleted_at IS NULL
        """,
        subject.user_id,
        subject.share_id,
        list(document_ids),
        guest_role,
    )
    return {row[0]: Head(row[1], row[2], int(row[4]), row[3]) for row in rows}


@dataclass(frozen=True, slots=True)
class Content:
    """A document's snapshot and the rows after it, `first` to `seq`, as one statement saw them. Checksums: see
    documents.log_queries.StoredRows.
    """

    generation: int
    seq: int
    snapshot: bytes | None
    state_vector: bytes | None
    checksum: int | None
    first: int
    pending: list[bytes]
    checksums: list[int | None]

    @property
    def parts(self) -> list[bytes]:
        """Everything, in order."""
        return ([self.snapshot] if self.snapshot else []) + self.pending


async def list_contents(conn: Conn, document_ids: Sequence[UUID]) -> dict[UUID, Content]:
    """Return the committed content of these documents, without deleted ones."""
    rows = await conn.fetch(
        """
        SELECT d.id, d.generation, h.head_seq, d.yjs_state, d.yjs_state_vector,
               CASE WHEN h.snapshot_clock = d.yjs_clock THEN h.snapshot_checksum END AS checksum,
               d.yjs_clock + 1 AS first,
               ARRAY(SELECT u.payload FROM document_updates u
                     WHERE u.document_id = d.id AND u.seq > d.yjs_clock ORDER BY u.seq) AS pending,
               ARRAY(SELECT u.checksum FROM document_updates u
                     WHERE u.document_id = d.id AND u.seq > d.yjs_clock ORDER BY u.seq) AS checksums
        FROM documents d JOIN document_heads h ON h.document_id = d.id
        WHERE d.id = ANY ($1::uuid[]) AND d.deleted_at IS NULL
        """,
        list(document_ids),
    )
    return {row[0]: Content(*row[1:]) for row in rows}


async def list_metadata(conn: Conn, document_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Return mutable metadata and the row version, as JSON."""
    rows = await conn.fetch(
        """
        SELECT d.id, json_build_object(
            'workspace_id', d.workspace_id, 'title', d.title, 'name', d.name, 'description', d.description,
            'type', d.type, 'status', d.status, 'priority', d.priority, 'language', d.language,
            'metadata', d.metadata, 'settings', d.settings, 'category_id', d.category_id,
            'is_template', d.is_template, 'is_public', d.is_public, 'expires_at', d.expires_at,
            'tags', (SELECT coalesce(json_agg(t.name ORDER BY lower(t.name), t.id), '[]')
                     FROM document_tags x JOIN tags t ON t.id = x.tag_id WHERE x.document_id = d.id),
            'edited_at', (SELECT max(t.edited_at) FROM document_edit_times t WHERE t.document_id = d.id),
            'created_at', d.created_at, 'updated_at', d.updated_at, 'row_version', d.row_version)::text
        FROM documents d WHERE d.id = ANY ($1::uuid[])
        """,
        list(document_ids),
    )
    return {row[0]: json.dumps(json.loads(row[1]), ensure_ascii=False, separators=(",", ":")) for row in rows}

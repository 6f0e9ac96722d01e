"""SQL of the rights of many at once: what open sockets are still worth."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from uuid import UUID

from collab_server.adapters.postgres import Conn, Row, Subject

Pair = tuple[Subject, UUID]
"""Whose rights, and in which document."""


@dataclass(frozen=True, slots=True)
class DocumentState:
    """`collaborative`: whether it may be edited together at all."""

    generation: int
    collaborative: bool


_PERMISSIONS = "SELECT * FROM app.document_permissions_for($1, $2, $3, $4)"


async def _fetch_permissions(conn: Conn, pairs: Collection[Pair], guest_role: str) -> list[Row]:
    return await conn.fetch(
        _PERMISSIONS,
        [subject.user_id for subject, _ in pairs],
        [subject.share_id for subject, _ in pairs],
        [document_id for _, document_id in pairs],
        guest_role,
    )


def _pair(row: Row) -> Pair:
    return Subject(row["user_id"], row["share_id"]), row["document_id"]


async def find_permissions(conn: Conn, pairs: Collection[Pair], guest_role: str) -> dict[Pair, str | None]:
    """What each may do with the document: read, comment, write, admin; None for nothing, or no document."""
    rows = await _fetch_permissions(conn, pairs, guest_role)
    return {_pair(row): row["permission"] for row in rows}


async def find_in_discussion(conn: Conn, pairs: Collection[Pair], guest_role: str) -> set[Pair]:
    """Find those who read the discussion of the document: as members, guests of the playground, or by a share; not
    because the document is public.
    """
    rows = await _fetch_permissions(conn, pairs, guest_role)
    return {_pair(row) for row in rows if row["in_discussion"]}


async def find_documents(conn: Conn, document_ids: Iterable[UUID]) -> dict[UUID, DocumentState]:
    """Those that are neither deleted themselves nor with their workspace."""
    rows = await conn.fetch(
        """
        SELECT d.id, d.generation, d.type <> 'password' AND d.settings -> 'collaboration' IS DISTINCT FROM 'false'
        FROM documents d JOIN workspaces w ON w.id = d.workspace_id
        WHERE d.id = ANY ($1) AND d.deleted_at IS NULL AND w.deleted_at IS NULL
        """,
        list(document_ids),
    )
    return {row[0]: DocumentState(row[1], row[2]) for row in rows}


async def list_documents_of(conn: Conn, workspace_ids: Iterable[UUID], among: Iterable[UUID]) -> list[UUID]:
    """Those of the documents `among` that lie in one of the workspaces."""
    rows = await conn.fetch(
        "SELECT id FROM documents WHERE workspace_id = ANY ($1) AND id = ANY ($2)", list(workspace_ids), list(among)
    )
    return [row["id"] for row in rows]


async def list_active_users(conn: Conn, user_ids: Iterable[UUID]) -> set[UUID]:
    rows = await conn.fetch(
        "SELECT id FROM users WHERE id = ANY ($1) AND is_active AND deleted_at IS NULL", list(user_ids)
    )
    return {row["id"] for row in rows}


async def list_valid_credentials(conn: Conn, ids: Iterable[UUID]) -> set[UUID]:
    """Those of the API tokens and sessions that are neither revoked nor expired nor gone, nor of somebody who may not
    use them; of the epochs of connect tokens the present one; and openings of links whose password is still the same.
    """
    rows = await conn.fetch(
        """
        SELECT t.id FROM access_tokens t JOIN users u ON u.id = t.user_id
        WHERE t.id = ANY ($1) AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > now())
          AND u.is_active AND u.deleted_at IS NULL AND u.features -> 'api_tokens' IS DISTINCT FROM 'false'
        UNION ALL
        SELECT s.id FROM sessions s JOIN users u ON u.id = s.user_id
        WHERE s.id = ANY ($1) AND s.expires_at > now() AND u.is_active AND u.deleted_at IS NULL
        UNION ALL
        SELECT id FROM connect_epochs WHERE id = ANY ($1)
        UNION ALL
        SELECT opening_id FROM shares WHERE opening_id = ANY ($1)
        """,
        list(ids),
    )
    return {row["id"] for row in rows}


async def find_epoch(conn: Conn) -> UUID:
    """The epoch of connect tokens without a session or API token behind them."""
    found: UUID = await conn.fetchval("SELECT id FROM connect_epochs")
    return found

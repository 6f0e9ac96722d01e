"""SQL of identities."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from collab_server.backends.db import Conn


@dataclass(frozen=True, slots=True)
class TokenOwner:
    token_id: UUID
    user_id: UUID
    name: str
    scopes: tuple[str, ...]
    expires_at: datetime | None


async def find_token_owner(conn: Conn, token_hash: bytes) -> TokenOwner | None:
    """The active user behind an API token that is neither revoked nor expired. Notes the use, at most once a minute."""
    row = await conn.fetchrow(
        """
        WITH t AS (
            SELECT t.id, t.user_id, t.scopes, t.expires_at, t.last_used_at,
                   coalesce(u.display_name, u.username, u.email) AS name
            FROM access_tokens t JOIN users u ON u.id = t.user_id
            WHERE t.token_hash = $1 AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > now())
              AND u.is_active AND u.deleted_at IS NULL),
        used AS (
            UPDATE access_tokens a SET last_used_at = now() FROM t
            WHERE a.id = t.id AND (t.last_used_at IS NULL OR t.last_used_at < now() - interval '1 minute'))
        SELECT id, user_id, name, scopes, expires_at FROM t
        """,
        token_hash,
    )
    if row is None:
        return None
    return TokenOwner(row["id"], row["user_id"], row["name"], tuple(row["scopes"]), row["expires_at"])


async def find_permission(conn: Conn, document_id: UUID) -> str | None:
    """What the transaction's user may do with the document: read, comment, write, admin; None for nothing or no
    document.
    """
    permission: str | None = await conn.fetchval("SELECT app.document_permission($1)::text", document_id)
    return permission


async def document_exists(conn: Conn, document_id: UUID) -> bool:
    found: bool = await conn.fetchval(
        "SELECT EXISTS (SELECT 1 FROM documents WHERE id = $1 AND deleted_at IS NULL)", document_id
    )
    return found

"""SQL of identities."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from collab_server.adapters.postgres import Conn


@dataclass(frozen=True, slots=True)
class TokenOwner:
    token_id: UUID
    user_id: UUID
    name: str
    token_name: str
    scopes: tuple[str, ...]
    expires_at: datetime | None
    is_admin: bool


async def find_token_owner(conn: Conn, token_hash: bytes) -> TokenOwner | None:
    """The active user behind an API token that is neither revoked nor expired, where the feature `api_tokens` is not
    taken away. Notes the use, at most once a minute.
    """
    row = await conn.fetchrow(
        """
        WITH t AS (
            SELECT t.id, t.user_id, t.name AS token_name, t.scopes, t.expires_at, t.last_used_at,
                   u.role = 'admin' AS is_admin, coalesce(u.display_name, u.username, u.email) AS name
            FROM access_tokens t JOIN users u ON u.id = t.user_id
            WHERE t.token_hash = $1 AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > now())
              AND u.is_active AND u.deleted_at IS NULL AND u.features -> 'api_tokens' IS DISTINCT FROM 'false'),
        used AS (
            UPDATE access_tokens a SET last_used_at = now() FROM t
            WHERE a.id = t.id AND (t.last_used_at IS NULL OR t.last_used_at < now() - interval '1 minute'))
        SELECT id, user_id, name, token_name, scopes, expires_at, is_admin FROM t
        """,
        token_hash,
    )
    if row is None:
        return None
    scopes = tuple(row["scopes"])
    return TokenOwner(
        row["id"], row["user_id"], row["name"], row["token_name"], scopes, row["expires_at"], row["is_admin"]
    )


@dataclass(frozen=True, slots=True)
class SessionOwner:
    session_id: UUID
    user_id: UUID
    name: str
    expires_at: datetime
    is_admin: bool


async def find_session_owner(conn: Conn, token_hash: bytes) -> SessionOwner | None:
    """The active user behind a session that has not expired. Notes the activity, at most once a minute."""
    row = await conn.fetchrow(
        """
        WITH s AS (
            SELECT s.id, s.user_id, coalesce(u.display_name, u.username, u.email) AS name, s.expires_at,
                   u.role = 'admin' AS is_admin
            FROM sessions s JOIN users u ON u.id = s.user_id
            WHERE s.token_hash = $1 AND s.expires_at > now() AND u.is_active AND u.deleted_at IS NULL),
        used AS (
            UPDATE sessions a SET last_activity_at = now() FROM s
            WHERE a.id = s.id AND a.last_activity_at < now() - interval '1 minute' RETURNING a.user_id),
        day AS (
            INSERT INTO user_activity_days (user_id) SELECT user_id FROM used
            ON CONFLICT (user_id, day) DO UPDATE SET last_seen_at = now())
        SELECT id, user_id, name, expires_at, is_admin FROM s
        """,
        token_hash,
    )
    return SessionOwner(*row) if row else None


@dataclass(frozen=True, slots=True)
class LinkRow:
    """`is_active`: neither revoked nor expired. `is_full`: opened as often as it may be."""

    id: UUID
    document_id: UUID | None
    opening_id: UUID
    name: str | None
    expires_at: datetime | None
    permission: str
    has_password: bool
    is_active: bool
    is_full: bool


_LINK = """
    SELECT s.id, s.document_id, s.opening_id, s.name, s.expires_at, s.permission::text, s.has_password,
      s.revoked_at IS NULL AND (s.expires_at IS NULL OR s.expires_at > now()) AS is_active,
      coalesce(s.access_count >= s.max_uses, false) AS is_full
    FROM shares s WHERE s.token_hash IS NOT NULL AND
"""


async def find_link(conn: Conn, token_hash: bytes) -> LinkRow | None:
    """Find a link by the hash of its token; also one that has ended."""
    row = await conn.fetchrow(_LINK + "s.token_hash = $1", token_hash)
    return LinkRow(**row) if row else None


async def find_link_by_id(conn: Conn, share_id: UUID) -> LinkRow | None:
    """Find a link; also one that has ended."""
    row = await conn.fetchrow(_LINK + "s.id = $1", share_id)
    return LinkRow(**row) if row else None


async def open_share(conn: Conn, share_id: UUID, client: bytes, *, same_device: bool) -> UUID | None:
    """Count a use of a link; None: it has ended or is used up. `same_device`: `client` names one device."""
    opening: UUID | None = await conn.fetchval("SELECT app.open_share($1, $2, $3)", share_id, client, same_device)
    return opening


async def count_use(conn: Conn, share_id: UUID) -> bool:
    """Count a use of a link by `POST shares/open`. Return whether it was possible."""
    counted = await conn.fetchval(
        """
        UPDATE shares SET access_count = access_count + 1, last_accessed_at = now()
        WHERE id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
          AND (max_uses IS NULL OR access_count < max_uses) RETURNING true
        """,
        share_id,
    )
    return counted is not None


async def end_openings(conn: Conn, openings: list[UUID]) -> None:
    """Note that the sockets of these uses have ended."""
    await conn.execute("UPDATE share_openings SET ended_at = now() WHERE id = ANY ($1)", openings)


async def prolong_ends(conn: Conn, openings: list[UUID]) -> None:
    """Note that the sockets of these uses have ended now, except where the client goes on with its use already."""
    await conn.execute(
        "UPDATE share_openings SET ended_at = now() WHERE id = ANY ($1) AND ended_at IS NOT NULL", openings
    )


async def has_opening(conn: Conn, share_id: UUID, client: bytes) -> bool:
    """Whether this client has the link open with a socket, or had a minute ago."""
    found: bool = await conn.fetchval(
        """
        SELECT EXISTS (SELECT FROM share_openings WHERE share_id = $1 AND client = $2
                         AND (ended_at IS NULL OR ended_at > now() - interval '1 minute'))
        """,
        share_id,
        client,
    )
    return found


async def find_permission(conn: Conn, document_id: UUID) -> str | None:
    """What the transaction's user may do with the document: read, comment, write, admin; None for nothing or no
    document.
    """
    permission: str | None = await conn.fetchval("SELECT app.document_permission($1)::text", document_id)
    return permission


@dataclass(frozen=True, slots=True)
class StandingRow:
    role: str | None
    permissions: tuple[str, ...]


async def find_standing(conn: Conn, workspace_id: UUID) -> StandingRow | None:
    """The transaction's user in a workspace; None where it is deleted, absent or not theirs to see."""
    row = await conn.fetchrow("SELECT role, permissions FROM app.standing($1)", workspace_id)
    return StandingRow(row["role"], tuple(row["permissions"])) if row else None

"""SQL of notifications, under the row-level security of their person: a policy hides what one may no longer read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from collab_server.adapters.postgres import Conn


@dataclass(frozen=True, slots=True)
class Notification:
    """`actors`: JSON. `author_name`: of a comment by somebody without an account."""

    id: UUID
    kind: str
    actors: str | None
    count: int
    workspace_id: UUID
    workspace_name: str | None
    workspace_slug: str | None
    document_id: UUID | None
    title: str | None
    name: str | None
    shadowed: bool
    comment_id: UUID | None
    thread_id: UUID | None
    text: str | None
    author_name: str | None
    role: str | None
    created_at: datetime
    updated_at: datetime
    read_at: datetime | None
    archived_at: datetime | None


_SHOWN = """
    SELECT n.id, n.kind, a.actors::text AS actors, n.count, n.workspace_id,
      coalesce(w.name, i.workspace_name) AS workspace_name, w.slug AS workspace_slug,
      n.document_id, d.title, d.name, coalesce(app.is_shadowed(d.name), false) AS shadowed,
      n.comment_id, c.thread_id, left(c.content, 2000) AS text, c.author_name, n.data ->> 'role' AS role,
      n.created_at, n.updated_at, n.read_at, n.archived_at
    FROM page n
      LEFT JOIN app.notification_actors(ARRAY(SELECT id FROM page)) a ON a.notification_id = n.id
      LEFT JOIN workspaces w ON w.id = n.workspace_id
      LEFT JOIN app.own_invitations() i ON i.id = n.invitation_id
      LEFT JOIN documents d ON d.id = n.document_id
      LEFT JOIN comments c ON c.id = n.comment_id
    ORDER BY n.updated_at DESC, n.id DESC
"""
_STATES = """
    CASE $1 WHEN 'unread' THEN n.read_at IS NULL AND n.archived_at IS NULL
            WHEN 'read' THEN n.read_at IS NOT NULL AND n.archived_at IS NULL
            WHEN 'archived' THEN n.archived_at IS NOT NULL
            WHEN 'inbox' THEN n.archived_at IS NULL ELSE true END
"""


async def list_notifications(
    conn: Conn, state: str, limit: int, before: tuple[datetime, UUID] | None
) -> list[Notification]:
    """List the newest first. `before`: (updated_at, id) of the last one of the page before."""
    rows = await conn.fetch(
        f"""
        WITH page AS MATERIALIZED (
          SELECT n.* FROM notifications n
          WHERE n.user_id = (SELECT app.user_id()) AND {_STATES}
            AND ($3::timestamptz IS NULL OR (n.updated_at, n.id) < ($3, $4::uuid))
          ORDER BY n.updated_at DESC, n.id DESC LIMIT $2)
        {_SHOWN}
        """,  # noqa: S608
        state,
        limit,
        *(before or (None, None)),
    )
    return [Notification(**row) for row in rows]


async def find_notification(conn: Conn, notification_id: UUID) -> Notification | None:
    row = await conn.fetchrow(
        f"""
        WITH page AS MATERIALIZED (
          SELECT n.* FROM notifications n WHERE n.id = $1 AND n.user_id = (SELECT app.user_id()))
        {_SHOWN}
        """,  # noqa: S608
        notification_id,
    )
    return Notification(**row) if row else None


async def list_of_mail(conn: Conn, mail_id: UUID) -> list[Notification]:
    """List what a mail is about and is still unread, without what the person has muted since."""
    rows = await conn.fetch(
        f"""
        WITH page AS MATERIALIZED (
          SELECT n.* FROM notifications n
          WHERE n.mail_id = $1 AND n.user_id = (SELECT app.user_id()) AND n.read_at IS NULL AND n.archived_at IS NULL
            AND (n.kind = 'mention' OR n.document_id IS NULL
                 OR app.subscription_level(n.user_id, n.document_id, n.workspace_id) IS DISTINCT FROM 'muted'))
        {_SHOWN}
        """,  # noqa: S608
        mail_id,
    )
    return [Notification(**row) for row in rows]


async def count_unread(conn: Conn) -> int:
    count: int = await conn.fetchval(
        "SELECT count(*) FROM notifications "
        "WHERE user_id = (SELECT app.user_id()) AND read_at IS NULL AND archived_at IS NULL"
    )
    return count


async def mark_read(conn: Conn, ids: Sequence[UUID] | None) -> None:
    """Mark these, or all, as read. Ids of others are ignored."""
    await conn.execute(
        """
        UPDATE notifications SET read_at = now() WHERE id IN (
          SELECT id FROM notifications
          WHERE user_id = (SELECT app.user_id()) AND read_at IS NULL AND ($1::uuid[] IS NULL OR id = ANY ($1))
          ORDER BY id FOR NO KEY UPDATE)
        """,
        ids,
    )


async def update_notification(conn: Conn, notification_id: UUID, *, read: bool | None, archived: bool | None) -> bool:
    """Set what is not None. Return False for an unknown or hidden notification."""
    done: bool | None = await conn.fetchval(
        """
        UPDATE notifications SET
          read_at = CASE $2::boolean WHEN true THEN coalesce(read_at, now()) WHEN false THEN NULL ELSE read_at END,
          archived_at = CASE $3::boolean WHEN true THEN coalesce(archived_at, now()) WHEN false THEN NULL
                        ELSE archived_at END
        WHERE id = $1 AND user_id = (SELECT app.user_id()) RETURNING true
        """,
        notification_id,
        read,
        archived,
    )
    return bool(done)


async def purge(conn: Conn, days: int) -> int:
    """Delete what was read or put away so many days ago, at most 10,000 at a time. Return how many."""
    count: int = await conn.fetchval("SELECT app.purge_notifications($1)", days)
    return count

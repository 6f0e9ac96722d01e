"""SQL of mails about notifications, for the server itself. `now`: the time of the caller."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from collab_server.adapters.postgres import Conn


@dataclass(frozen=True, slots=True)
class DueMail:
    """`attempts`: including this one. `email`: None if the person gets no mail any more."""

    id: UUID
    user_id: UUID
    email: str | None
    attempts: int
    created_at: datetime


_WANTS_MAIL = """
    u.is_active AND u.deleted_at IS NULL AND u.email_verified
    AND coalesce(s.notifications -> 'email', 'true') <> 'false'
    AND coalesce(s.extra -> 'notifications_enabled', 'true') <> 'false'
"""


async def queue_mails(conn: Conn, now: datetime, delay: float, digest_hour: int, oldest: datetime) -> None:
    """Add a mail for each person with unread notifications since `oldest` that no mail has.

    It is due `delay` seconds after the first of them, or at the next `digest_hour` (UTC). A person has one open mail at
    a time.
    """
    await conn.execute(
        f"""
        INSERT INTO mail_outbox AS m (user_id, due_at, created_at)
        SELECT n.user_id, CASE WHEN s.notifications ->> 'digest' IS DISTINCT FROM 'daily'
            THEN n.first_at + make_interval(secs => $2)
          WHEN digest.at > n.first_at THEN digest.at ELSE digest.at + interval '24 hours' END, $1
        FROM (SELECT user_id, min(created_at) AS first_at FROM notifications
              WHERE mail_id IS NULL AND read_at IS NULL AND archived_at IS NULL AND kind <> 'invitation'
                AND created_at > $4 GROUP BY user_id) n
          JOIN users u ON u.id = n.user_id LEFT JOIN user_settings s ON s.user_id = u.id
          CROSS JOIN LATERAL (
            SELECT date_trunc('day', n.first_at, 'UTC') + make_interval(hours => $3) AS at) digest
        WHERE {_WANTS_MAIL} ORDER BY n.user_id
        ON CONFLICT (user_id) WHERE finished_at IS NULL DO UPDATE SET due_at = EXCLUDED.due_at
          WHERE m.attempts = 0 AND m.due_at <> EXCLUDED.due_at
        """,  # noqa: S608
        now,
        delay,
        digest_hour,
        oldest,
    )


async def claim_mail(conn: Conn, now: datetime, lease: float, oldest: datetime) -> DueMail | None:
    """Begin an attempt of the mail that is due first, and no other process repeats it for `lease` seconds.

    The first attempt settles what the mail is about: later notifications are for the next one.
    """
    row = await conn.fetchrow(
        f"""
        WITH due AS (
            SELECT id FROM mail_outbox WHERE finished_at IS NULL AND due_at <= $1
            ORDER BY due_at, id LIMIT 1 FOR UPDATE SKIP LOCKED),
          claimed AS (
            UPDATE mail_outbox m SET attempts = m.attempts + 1, due_at = $1 + make_interval(secs => $2)
            FROM due WHERE m.id = due.id RETURNING m.id, m.user_id, m.attempts, m.created_at),
          filled AS (
            UPDATE notifications n SET mail_id = c.id FROM claimed c
            WHERE c.attempts = 1 AND n.user_id = c.user_id AND n.mail_id IS NULL AND n.read_at IS NULL
              AND n.archived_at IS NULL AND n.kind <> 'invitation' AND n.created_at > $3)
        SELECT c.id, c.user_id, CASE WHEN {_WANTS_MAIL} THEN u.email END AS email, c.attempts, c.created_at
        FROM claimed c JOIN users u ON u.id = c.user_id LEFT JOIN user_settings s ON s.user_id = u.id
        """,  # noqa: S608
        now,
        lease,
        oldest,
    )
    return DueMail(**row) if row else None


async def finish_mail(conn: Conn, mail_id: UUID, outcome: str, now: datetime) -> None:
    """`outcome`: sent, empty or given_up."""
    await conn.execute("UPDATE mail_outbox SET finished_at = $3, outcome = $2 WHERE id = $1", mail_id, outcome, now)


async def postpone_mail(conn: Conn, mail_id: UUID, due_at: datetime) -> None:
    await conn.execute("UPDATE mail_outbox SET due_at = $2 WHERE id = $1 AND finished_at IS NULL", mail_id, due_at)


async def find_next_due(conn: Conn) -> datetime | None:
    """Find when the next mail is due."""
    due: datetime | None = await conn.fetchval("SELECT min(due_at) FROM mail_outbox WHERE finished_at IS NULL")
    return due


async def turn_off_mail(conn: Conn, user_id: UUID) -> bool:
    """Set the person's setting `email` to false. Return False if there is no such account any more."""
    done: bool | None = await conn.fetchval(
        """
        INSERT INTO user_settings AS s (user_id, notifications)
        SELECT id, '{"email": false}' FROM users WHERE id = $1 AND deleted_at IS NULL
        ON CONFLICT (user_id) DO UPDATE SET notifications = s.notifications || '{"email": false}' RETURNING true
        """,
        user_id,
    )
    return bool(done)

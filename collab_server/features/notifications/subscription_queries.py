"""SQL of subscriptions, under the row-level security of their person."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from collab_server.adapters.postgres import Conn

Subject = Literal["document", "workspace"]


@dataclass(frozen=True, slots=True)
class Subscription:
    """`effective`: of a document also where the level is its workspace's."""

    level: str | None
    reason: str | None
    effective: str | None


async def find_of_document(conn: Conn, document_id: UUID) -> Subscription:
    row = await conn.fetchrow(
        """
        SELECT s.level, s.reason, app.subscription_level(app.user_id(), d.id, d.workspace_id) AS effective
        FROM documents d LEFT JOIN subscriptions s ON s.document_id = d.id AND s.user_id = app.user_id() WHERE d.id = $1
        """,
        document_id,
    )
    return Subscription(**row) if row else Subscription(None, None, None)


async def find_of_workspace(conn: Conn, workspace_id: UUID) -> Subscription:
    row = await conn.fetchrow(
        "SELECT level, reason, level AS effective FROM subscriptions "
        "WHERE workspace_id = $1 AND user_id = app.user_id()",
        workspace_id,
    )
    return Subscription(**row) if row else Subscription(None, None, None)


async def upsert_subscription(conn: Conn, subject: Subject, subject_id: UUID, level: str) -> None:
    """Raises InsufficientPrivilege or ForeignKeyViolation where the user may not see it."""
    await conn.execute(
        f"""
        INSERT INTO subscriptions (user_id, {subject}_id, level) VALUES (app.user_id(), $1, $2)
        ON CONFLICT (user_id, {subject}_id) DO UPDATE SET level = $2, reason = 'chosen', updated_at = now()
        """,  # noqa: S608
        subject_id,
        level,
    )


async def delete_subscription(conn: Conn, subject: Subject, subject_id: UUID) -> None:
    await conn.execute(
        f"DELETE FROM subscriptions WHERE user_id = app.user_id() AND {subject}_id = $1",  # noqa: S608
        subject_id,
    )

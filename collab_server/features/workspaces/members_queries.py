"""SQL of a workspace's members, under the row-level security of the transaction's user."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from collab_server.adapters.postgres import Conn, Row


@dataclass(frozen=True, slots=True)
class Member:
    """`permissions`: departures from the role."""

    user_id: UUID
    email: str
    display_name: str | None
    avatar_url: str | None
    role: str
    permissions: dict[str, Any]
    is_active: bool
    joined_at: datetime
    last_accessed_at: datetime | None


_MEMBER = """
    SELECT m.user_id, u.email, u.display_name, u.avatar_url, m.role::text, m.permissions, m.is_active, m.joined_at,
           m.last_accessed_at
    FROM workspace_members m JOIN users u ON u.id = m.user_id AND u.deleted_at IS NULL
"""


def _row_to_member(row: Row) -> Member:
    fields = dict(row)
    fields["permissions"] = json.loads(fields["permissions"])
    return Member(**fields)


async def list_members(
    conn: Conn, workspace_id: UUID, limit: int, after: tuple[datetime, UUID] | None, *, containing: str, inactive: bool
) -> list[Member]:
    """List members by the time of joining. `containing`: part of a name or address, case-insensitive; '' for all.
    `inactive`: include suspended members.
    """
    rows = await conn.fetch(
        _MEMBER
        + """
        WHERE m.workspace_id = $1 AND (m.is_active OR $5)
          AND ($3::uuid IS NULL OR (m.joined_at, m.user_id) > ($6::timestamptz, $3))
          AND ($4 = '' OR strpos(lower(coalesce(u.display_name, '')), lower($4)) > 0
               OR strpos(lower(u.email), lower($4)) > 0)
        ORDER BY m.joined_at, m.user_id LIMIT $2
        """,
        workspace_id,
        limit,
        after[1] if after else None,
        containing,
        inactive,
        after[0] if after else None,
    )
    return [_row_to_member(row) for row in rows]


async def find_member(conn: Conn, workspace_id: UUID, user_id: UUID) -> Member | None:
    row = await conn.fetchrow(_MEMBER + "WHERE m.workspace_id = $1 AND m.user_id = $2", workspace_id, user_id)
    return _row_to_member(row) if row else None


async def update_member(
    conn: Conn,
    workspace_id: UUID,
    user_id: UUID,
    role: str | None,
    permissions: dict[str, bool] | None,
    *,
    is_active: bool | None,
) -> bool:
    """Update a member; None leaves a field unchanged. False for an unknown member.

    Raises RestrictViolation for the owner, InsufficientPrivilege for rights beyond those of the transaction's user,
    CheckViolation at the member limit.
    """
    done: bool | None = await conn.fetchval(
        """
        UPDATE workspace_members
        SET role = coalesce($3::workspace_role, role), permissions = coalesce($4::jsonb, permissions),
            is_active = coalesce($5, is_active)
        WHERE workspace_id = $1 AND user_id = $2 RETURNING true
        """,
        workspace_id,
        user_id,
        role,
        None if permissions is None else json.dumps(permissions),
        is_active,
    )
    return bool(done)


async def delete_member(conn: Conn, workspace_id: UUID, user_id: UUID) -> bool:
    """Delete a member. False for an unknown member. Raises the errors of `update_member`."""
    # Not RETURNING: after leaving, the row may be invisible.
    done = await conn.execute(
        "DELETE FROM workspace_members WHERE workspace_id = $1 AND user_id = $2", workspace_id, user_id
    )
    return done == "DELETE 1"

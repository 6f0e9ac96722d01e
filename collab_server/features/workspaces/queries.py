"""SQL of workspaces, under the row-level security of the transaction's user."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from collab_server.adapters.postgres import Conn, Row


@dataclass(frozen=True, slots=True)
class Workspace:
    """`role`: of the user, or of guests. `permissions`: of the user; none in a deleted workspace. `history_bytes`: the
    part of `storage_used_bytes` that the history of documents takes.
    """

    id: UUID
    slug: str | None
    name: str
    description: str | None
    icon: str | None
    color: str | None
    kind: str
    role: str
    permissions: tuple[str, ...]
    settings: dict[str, Any]
    member_count: int
    member_limit: int
    storage_used_bytes: int
    history_bytes: int
    attachment_bytes: int
    storage_limit_bytes: int
    owner_id: UUID
    created_at: datetime
    updated_at: datetime
    archived_at: datetime | None
    deleted_at: datetime | None
    row_version: int
    position: str


_WORKSPACE = """
    SELECT w.id, w.slug, w.name, w.description, w.icon, w.color, w.kind,
           coalesce(m.role::text, app.setting('guest_role'), 'viewer') AS role,
           app.workspace_permissions(w.id) AS permissions, w.settings,
           coalesce(u.active_members, 0) AS member_count, w.member_limit,
           coalesce(u.storage_used_bytes + u.history_bytes, 0) AS storage_used_bytes,
           coalesce(u.history_bytes, 0) AS history_bytes, coalesce(u.attachment_bytes, 0) AS attachment_bytes,
           w.storage_limit_bytes, w.owner_id, w.created_at, w.updated_at,
           w.archived_at, w.deleted_at, w.row_version, lower(w.name) AS position
    FROM workspaces w
    LEFT JOIN workspace_usage u ON u.workspace_id = w.id
    LEFT JOIN workspace_members m ON m.workspace_id = w.id AND m.user_id = app.user_id()
"""


def _row_to_workspace(row: Row) -> Workspace:
    fields = dict(row)
    fields["permissions"] = tuple(sorted(fields["permissions"]))
    fields["settings"] = json.loads(fields["settings"])
    return Workspace(**fields)


async def list_workspaces(
    conn: Conn, limit: int, after: tuple[str, UUID] | None, *, archived: bool | None, deleted: bool
) -> list[Workspace]:
    """List workspaces by name. `after`: (position, id) of the last one of the previous page. `archived` None: both.
    `deleted`: restorable workspaces of the user instead.
    """
    rows = await conn.fetch(
        _WORKSPACE
        + """
        WHERE CASE WHEN $4 THEN w.deleted_at IS NOT NULL AND w.owner_id = app.user_id() ELSE w.deleted_at IS NULL END
          AND ($3::boolean IS NULL OR (w.archived_at IS NOT NULL) = $3)
          AND ($2::uuid IS NULL OR (lower(w.name), w.id) > ($5::text, $2))
        ORDER BY lower(w.name), w.id LIMIT $1
        """,
        limit,
        after[1] if after else None,
        archived,
        deleted,
        after[0] if after else None,
    )
    return [_row_to_workspace(row) for row in rows]


async def find_workspace(conn: Conn, workspace_id: UUID) -> Workspace | None:
    """Return a workspace, also a deleted one for its owner; None without access."""
    row = await conn.fetchrow(_WORKSPACE + "WHERE w.id = $1", workspace_id)
    return _row_to_workspace(row) if row else None


async def make_slug(conn: Conn, name: str, ending: str = "") -> str:
    """Make a slug from a name, with `ending` appended."""
    slug: str = await conn.fetchval("SELECT app.slugify(left($1, 80 - length($2)) || $2)", name, ending)
    return slug


async def insert_workspace(conn: Conn, fields: dict[str, Any]) -> UUID:
    """A team of the transaction's user. Raises UniqueViolation where the slug is taken."""
    created: UUID = await conn.fetchval(
        """
        INSERT INTO workspaces (owner_id, kind, name, slug, description, icon, color, settings)
        VALUES (app.user_id(), 'team', $1, $2, $3, $4, $5, $6::jsonb) RETURNING id
        """,
        fields["name"],
        fields["slug"],
        fields["description"],
        fields["icon"],
        fields["color"],
        json.dumps(fields["settings"]),
    )
    return created


CHANGEABLE = ("name", "slug", "description", "icon", "color", "settings")


async def update_workspace(conn: Conn, workspace_id: UUID, fields: dict[str, Any], version: int | None) -> bool:
    """Update a workspace. `fields`: of CHANGEABLE. False without a row of this id and version, or without the right.
    Raises UniqueViolation for a used slug.
    """
    values = [json.dumps(v) if name == "settings" else v for name, v in fields.items()]
    sets = ", ".join(
        f"{name} = ${n}{'::jsonb' if name == 'settings' else ''}"
        for n, name in enumerate(fields, 3)
        if name in CHANGEABLE
    )
    done: bool | None = await conn.fetchval(
        f"UPDATE workspaces SET {sets or 'name = name'} "  # noqa: S608
        "WHERE id = $1 AND deleted_at IS NULL AND ($2::bigint IS NULL OR row_version = $2) RETURNING true",
        workspace_id,
        version,
        *values,
    )
    return bool(done)


async def update_limits(
    conn: Conn, workspace_id: UUID, member_limit: int | None, storage_limit_bytes: int | None
) -> bool:
    """False where the transaction's user does not administer the server."""
    done: bool = await conn.fetchval(
        "SELECT app.set_limits($1, $2, $3)", workspace_id, member_limit, storage_limit_bytes
    )
    return done


async def update_archived(conn: Conn, workspace_id: UUID, *, archived: bool) -> None:
    """Harmless where it is so already."""
    await conn.execute(
        """
        UPDATE workspaces SET archived_at = CASE WHEN $2 THEN now() END
        WHERE id = $1 AND deleted_at IS NULL AND (archived_at IS NOT NULL) <> $2
        """,
        workspace_id,
        archived,
    )


async def mark_deleted(conn: Conn, workspace_id: UUID, version: int | None) -> bool:
    """Delete a workspace softly. False without a row of this id and version. Raises RestrictViolation for a personal
    workspace.
    """
    done: bool | None = await conn.fetchval(
        """
        UPDATE workspaces SET deleted_at = now()
        WHERE id = $1 AND deleted_at IS NULL AND ($2::bigint IS NULL OR row_version = $2) RETURNING true
        """,
        workspace_id,
        version,
    )
    return bool(done)


async def restore_deleted(conn: Conn, workspace_id: UUID, slug: str | None) -> bool:
    """Restore a workspace, with `slug` if given. False if it does not belong to the user or is not deleted. Raises
    UniqueViolation if another workspace has the slug now.
    """
    done: bool | None = await conn.fetchval(
        """
        UPDATE workspaces SET deleted_at = NULL, slug = coalesce($2, slug)
        WHERE id = $1 AND owner_id = app.user_id() AND deleted_at IS NOT NULL RETURNING true
        """,
        workspace_id,
        slug,
    )
    return bool(done)


async def transfer_workspace(conn: Conn, workspace_id: UUID, to: UUID) -> str:
    """done, same, not_owner, not_team or not_member."""
    outcome: str = await conn.fetchval("SELECT app.transfer_workspace($1, $2)", workspace_id, to)
    return outcome


async def note_visit(conn: Conn, workspace_id: UUID) -> None:
    await conn.execute("SELECT app.note_visit($1)", workspace_id)


async def count_documents(conn: Conn, workspace_id: UUID) -> tuple[int, int]:
    """(documents, deleted documents)"""
    row = await conn.fetchrow(
        """
        SELECT count(*) FILTER (WHERE deleted_at IS NULL), count(*) FILTER (WHERE deleted_at IS NOT NULL)
        FROM documents WHERE workspace_id = $1
        """,
        workspace_id,
    )
    assert row is not None
    return row[0], row[1]

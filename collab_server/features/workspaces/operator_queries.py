"""SQL of workspaces for the command line (under app_service)."""

from dataclasses import dataclass
from uuid import UUID

from collab_server.adapters.postgres import Conn


async def find_by_slug(conn: Conn, slug: str) -> UUID | None:
    """Find a workspace with members (not the playground)."""
    found: UUID | None = await conn.fetchval(
        "SELECT id FROM workspaces WHERE slug = $1 AND deleted_at IS NULL AND kind <> 'playground'", slug
    )
    return found


async def list_members(conn: Conn, workspace_id: UUID) -> list[tuple[str, str, bool]]:
    """(e-mail, role, active)"""
    rows = await conn.fetch(
        """
        SELECT u.email, m.role::text, m.is_active FROM workspace_members m JOIN users u ON u.id = m.user_id
        WHERE m.workspace_id = $1 ORDER BY m.role, m.joined_at, u.email
        """,
        workspace_id,
    )
    return [(row[0], row[1], row[2]) for row in rows]


async def insert_invitation(conn: Conn, workspace_id: UUID, email: str, role: str, token_hash: bytes) -> None:
    """Insert an invitation by the operator. Raises UniqueViolation for an address with an open invitation."""
    await conn.execute(
        """
        INSERT INTO invitations (workspace_id, email, role, token_hash) VALUES ($1, $2, $3::workspace_role, $4)
        """,
        workspace_id,
        email,
        role,
        token_hash,
    )


@dataclass(frozen=True, slots=True)
class Owned:
    """`owner_id`: None for the playground."""

    id: UUID
    owner_id: UUID | None


async def count_documents(conn: Conn, workspace_id: UUID) -> int:
    """Count documents outside the trash."""
    count: int = await conn.fetchval(
        "SELECT count(*) FROM documents WHERE workspace_id = $1 AND deleted_at IS NULL", workspace_id
    )
    return count


async def find_workspace_with_owner(conn: Conn, slug: str) -> Owned | None:
    row = await conn.fetchrow("SELECT id, owner_id FROM workspaces WHERE slug = $1 AND deleted_at IS NULL", slug)
    return Owned(row[0], row[1]) if row else None


async def find_person(conn: Conn, email: str) -> UUID | None:
    """Find the user with this address."""
    found: UUID | None = await conn.fetchval("SELECT id FROM users WHERE email = $1 AND is_active", email)
    return found


async def update_limits(
    conn: Conn, workspace_id: UUID, member_limit: int | None, storage_limit_bytes: int | None, version: int | None
) -> bool:
    """Update limits; None leaves a limit unchanged. False without a row of this id and version."""
    done: bool | None = await conn.fetchval(
        """
        UPDATE workspaces SET member_limit = coalesce($2, member_limit),
            storage_limit_bytes = coalesce($3, storage_limit_bytes)
        WHERE id = $1 AND deleted_at IS NULL AND ($4::bigint IS NULL OR row_version = $4) RETURNING true
        """,
        workspace_id,
        member_limit,
        storage_limit_bytes,
        version,
    )
    return bool(done)

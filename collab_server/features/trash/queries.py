"""SQL of deleting, restoring and moving documents, under the caller's row-level security."""

from uuid import UUID

from collab_server.adapters.postgres import Conn


async def delete_softly(conn: Conn, document_id: UUID, *, expected_version: int | None) -> bool:
    """Move a document to the trash. False if it is already deleted, or at another version. Raises
    InsufficientPrivilege.
    """
    done: bool | None = await conn.fetchval(
        """
        UPDATE documents SET deleted_at = now(), deleted_by = app.user_id()
        WHERE id = $1 AND deleted_at IS NULL AND ($2::bigint IS NULL OR row_version = $2) RETURNING true
        """,
        document_id,
        expected_version,
    )
    return bool(done)


async def delete_again(conn: Conn, document_id: UUID) -> bool:
    """Renew the deletion of a document in the trash; False if it is not there. Raises InsufficientPrivilege."""
    done: bool | None = await conn.fetchval(
        """
        UPDATE documents SET deleted_at = now(), deleted_by = app.user_id()
        WHERE id = $1 AND deleted_at IS NOT NULL RETURNING true
        """,
        document_id,
    )
    return bool(done)


async def restore(conn: Conn, document_id: UUID) -> bool:
    """Take a document out of the trash, without its name if another document has it now.

    Raises UniqueViolation if the name is taken concurrently, InsufficientPrivilege.
    """
    done: bool | None = await conn.fetchval(
        """
        UPDATE documents d SET deleted_at = NULL, deleted_by = NULL,
          name = CASE WHEN NOT EXISTS (SELECT FROM documents other WHERE other.workspace_id = d.workspace_id
                                       AND other.name = d.name AND other.deleted_at IS NULL) THEN d.name END
        WHERE id = $1 AND deleted_at IS NOT NULL RETURNING true
        """,
        document_id,
    )
    return bool(done)


async def delete_for_good(conn: Conn, document_id: UUID) -> bool:
    """False where it is not in the trash, or not the user's to delete."""
    done: bool | None = await conn.fetchval(
        "DELETE FROM documents WHERE id = $1 AND deleted_at IS NOT NULL RETURNING true", document_id
    )
    return bool(done)


async def move(conn: Conn, document_id: UUID, workspace_id: UUID, category_id: UUID | None) -> None:
    """Move a document. Raises InsufficientPrivilege, UniqueViolation (used name), ForeignKeyViolation (unknown
    category).
    """
    await conn.execute("SELECT app.move_document($1, $2, $3)", document_id, workspace_id, category_id)

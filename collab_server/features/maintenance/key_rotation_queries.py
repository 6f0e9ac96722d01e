"""SQL of encrypting stored secrets anew, for any table. Under app_service."""

from dataclasses import dataclass
from uuid import UUID

from collab_server.adapters.postgres import Conn


@dataclass(frozen=True, slots=True)
class Sealed:
    """A column of sealed values, in a table with a primary key `id` of type uuid. Names, never input."""

    table: str
    column: str


async def lock_sealed_otherwise(
    conn: Conn, place: Sealed, head: bytes, after: UUID, limit: int
) -> list[tuple[UUID, bytes]]:
    """Return (id, value) of encrypted values without the prefix `head`, in the order of ids, after `after`."""
    rows = await conn.fetch(
        f"""
        SELECT id, {place.column} FROM {place.table}
        WHERE id > $2 AND {place.column} IS NOT NULL
          AND substring({place.column} FROM 1 FOR octet_length($1::bytea)) <> $1
        ORDER BY id LIMIT $3 FOR UPDATE
        """,  # noqa: S608
        head,
        after,
        limit,
    )
    return [(row[0], row[1]) for row in rows]


async def update_sealed(conn: Conn, place: Sealed, row_id: UUID, sealed: bytes) -> None:
    await conn.execute(f"UPDATE {place.table} SET {place.column} = $2 WHERE id = $1", row_id, sealed)  # noqa: S608

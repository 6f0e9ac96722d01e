"""SQL of pictures. Needs app_service."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from collab_server.adapters.postgres import Conn

SIZES = (48, 128, 512)
"""Pixels of a side."""
_COLUMNS = dict(zip(SIZES, ("small", "medium", "large"), strict=True))
Owner = Literal["user_id", "workspace_id"]


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture in one size, as WebP."""

    id: UUID
    checksum: bytes
    octets: bytes

    @property
    def address(self) -> str:
        return address_of(self.id, self.checksum)


def address_of(picture_id: UUID, checksum: bytes) -> str:
    """Return the address of a picture. Another picture has another address."""
    return f"/api/v1/pictures/{picture_id}/{checksum.hex()[:16]}"


async def insert_picture(conn: Conn, owner: Owner, owner_id: UUID, checksum: bytes, squares: dict[int, bytes]) -> str:
    """Insert a picture, and return its address. It is kept while `users.avatar_url` or `workspaces.icon` has it.

    `squares`: WebP by size.
    """
    picture_id: UUID = await conn.fetchval(
        f"INSERT INTO pictures ({owner}, checksum, small, medium, large) "  # noqa: S608 - constants
        "VALUES ($1, $2, $3, $4, $5) RETURNING id",
        owner_id,
        checksum,
        *(squares[size] for size in SIZES),
    )
    return address_of(picture_id, checksum)


async def find_picture(conn: Conn, picture_id: UUID, size: int) -> Picture | None:
    """Find a picture. `size`: one of SIZES."""
    row = await conn.fetchrow(
        f"SELECT id, checksum, {_COLUMNS[size]} FROM pictures WHERE id = $1",  # noqa: S608 - constants
        picture_id,
    )
    return Picture(*row) if row else None


async def find_picture_of(conn: Conn, owner: Owner, owner_id: UUID, size: int) -> Picture | None:
    """Find the picture of a user or the icon of a workspace. `size`: one of SIZES."""
    row = await conn.fetchrow(
        f"SELECT id, checksum, {_COLUMNS[size]} FROM pictures WHERE {owner} = $1 "  # noqa: S608 - constants
        "ORDER BY created_at DESC LIMIT 1",
        owner_id,
    )
    return Picture(*row) if row else None

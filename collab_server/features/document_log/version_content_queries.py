"""SQL of the content of versions. Needs app_service; the caller checks permissions."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from collab_server.adapters.postgres import Conn
from collab_server.errors import NotFound

NO_VERSION: Final = "there is no such version"


@dataclass(frozen=True, slots=True)
class VersionContent:
    """A document as one of its versions has it. seq: the row of the log before it. snapshot: compressed, see
    core.history.answers.open_snapshot.
    """

    title: str
    content: str
    content_hash: str
    truncated: bool
    generation: int
    seq: int
    snapshot: bytes
    created_at: datetime


async def get_content(conn: Conn, document_id: UUID, number: int) -> VersionContent:
    """Return the content of a version. Raises NotFound."""
    row = await conn.fetchrow(
        """
        SELECT title, content, content_hash, content_truncated, generation, yjs_clock, yjs_snapshot, created_at
        FROM document_versions WHERE document_id = $1 AND version_number = $2
        """,
        document_id,
        number,
    )
    if row is None:
        raise NotFound(NO_VERSION)
    return VersionContent(*row)

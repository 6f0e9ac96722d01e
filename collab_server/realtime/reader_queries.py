"""SQL of notices about what people read."""

from collections.abc import Iterable
from uuid import UUID

from collab_server.adapters.postgres import Conn

IDS_IN_NOTICE = 200
"""A notice of PostgreSQL has at most 8,000 bytes."""


async def tell(conn: Conn, channel: str, places: Iterable[UUID]) -> None:
    """Send notices on the channel with these ids, separated by spaces."""
    ids = sorted(map(str, places))
    payloads = [" ".join(ids[start : start + IDS_IN_NOTICE]) for start in range(0, len(ids), IDS_IN_NOTICE)]
    await conn.execute("SELECT pg_notify($1, payload) FROM unnest($2::text[]) payload", channel, payloads)

"""SQL of the clock that all nodes share."""

from collab_server.adapters.postgres import Conn


async def find_time(conn: Conn) -> float:
    """The database's time in seconds since 1970."""
    now: float = await conn.fetchval("SELECT extract(epoch FROM clock_timestamp())::float8")
    return now

"""SQL of maintenance, under app_service. Each purge takes a bounded number of rows and returns how many it took."""

from collab_server.adapters.postgres import Conn

_LOCK = "hashtextextended('collab_server/maintenance', 0)"


async def try_lock(conn: Conn) -> bool:
    """Whether this transaction has the right to maintain until its end. A lock of the session would outlive a server
    behind a pooler in transaction mode.
    """
    # The transaction is idle while the jobs run on another connection.
    await conn.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
    got: bool = await conn.fetchval(f"SELECT pg_try_advisory_xact_lock({_LOCK})")
    return got


async def expire_documents(conn: Conn) -> int:
    """Expired documents, into the trash."""
    return await _count(conn, "SELECT app.expire_documents()")


async def expire_shares(conn: Conn) -> int:
    """End shares whose time is over, at most 100. Return their number."""
    return await _count(conn, "SELECT app.expire_shares()")


async def next_expiry(conn: Conn) -> float | None:
    """Return the seconds until the next expiry, negative if overdue; None without one."""
    due: float | None = await conn.fetchval("SELECT app.next_expiry()")
    return due


async def purge_documents(conn: Conn, days: int) -> int:
    """Documents in the trash, or in a deleted workspace, for so many days; archived."""
    return await _count(conn, "SELECT app.purge_documents($1)", days)


async def purge_workspaces(conn: Conn, days: int) -> int:
    """Deleted so many days ago."""
    return await _count(conn, "SELECT app.purge_workspaces($1)", days)


async def recount_storage(conn: Conn) -> int:
    """Recount workspaces with a count older than a day."""
    return await _count(conn, "SELECT app.recount_storage()")


async def purge_archive(conn: Conn, days: int) -> int:
    return await _count(conn, "SELECT app.purge_archive($1)", days)


async def expire_invitations(conn: Conn) -> int:
    return await _count(conn, "SELECT app.expire_invitations()")


async def purge_invitations(conn: Conn) -> int:
    """Answered, revoked or expired 90 days ago."""
    return await _count(conn, "SELECT app.purge_invitations()")


async def purge_activity(conn: Conn, days: int) -> int:
    """Delete activity older than so many days."""
    return await _count(conn, "SELECT app.purge_activity($1)", days)


async def purge_presence(conn: Conn) -> int:
    """Delete presence of dead servers, and of people last seen a week ago."""
    return await _count(conn, "SELECT app.purge_presence()")


async def _count(conn: Conn, query: str, *arguments: int) -> int:
    count: int = await conn.fetchval(query, *arguments)
    return count

"""Checks of /health/ready."""

import asyncio

from collab_server.adapters.bus import Bus
from collab_server.adapters.postgres import Database
from collab_server.errors import CollabError
from collab_server.features.changes import queries
from collab_server.realtime.service import RealtimeService
from collab_server.settings import Settings
from collab_server.web import health

PATIENCE = 3.0
"""Seconds within which the database must answer."""


async def examine(
    settings: Settings, db: Database, realtime: RealtimeService, bus: Bus, *, leaving: bool, login: str
) -> dict[str, str]:
    """Check name -> 'ok' or the fault; `health.REQUIRED` names the checks that make the server unavailable.

    `login`: fault of the database's login; empty for none.
    """
    found = {"server": "draining" if leaving or realtime.hub.draining else "ok"}
    overloaded = "too many edits wait for the database, or for too long: sockets are refused"
    found["load"] = overloaded if realtime.group_commit.overloaded else "ok"
    try:
        async with asyncio.timeout(PATIENCE), db.as_service() as conn:
            await conn.execute("SELECT 1")
        found["database"] = "ok"
        found["feed"] = await _feed(db, settings.feed_lag_seconds)
    except (CollabError, TimeoutError):
        found["database"] = "cannot be reached"
    lag = realtime.oldest_unsaved()
    found["commit_lag"] = "ok" if lag < health.COMMIT_LAG else f"an edit has waited {lag:.1f} s for its commit"
    blocked = len(realtime.group_commit.blocked)
    found["documents"] = f"edits of {blocked} locked documents wait for their commit" if blocked else "ok"
    found["bus"] = "ok" if bus.connected else "cannot be reached: other servers' edits come late"
    found["login"] = login or "ok"
    return found


async def _feed(db: Database, most: float) -> str:
    """Check the change feed; the fault names the sessions or prepared transactions that hold it up."""
    try:
        async with asyncio.timeout(PATIENCE), db.as_service() as conn:
            lag = await queries.find_lag(conn)
            if lag < most:
                return "ok"
            holders = await queries.list_holders(conn)
    except (CollabError, TimeoutError):
        return "cannot be examined"
    by = "; ".join(_told(holder) for holder in holders) or "one that has ended meanwhile"
    return f"an open transaction has kept changes from the feed for {lag:.0f} s: {by}"


def _told(holder: queries.Holder) -> str:
    if holder.prepared:
        return f"prepared transaction {holder.prepared!r} in database {holder.database}, {holder.seconds:.0f} s old"
    age = (
        "of unknown age: this login may not see other roles' sessions (GRANT pg_read_all_stats TO app_service)"
        if holder.seconds is None
        else f"{holder.seconds:.0f} s old"
    )
    name = f" ({holder.application})" if holder.application else ""
    return f"pid {holder.pid}{name} in database {holder.database}, {age}"

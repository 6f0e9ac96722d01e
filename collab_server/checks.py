"""What /health/ready looks at."""

import asyncio

from collab_server.backends.bus import Bus
from collab_server.backends.db import Database
from collab_server.changes import queries
from collab_server.errors import CollabError
from collab_server.realtime.hub import Hub
from collab_server.settings import Settings
from collab_server.web import health

PATIENCE = 3.0
"""Seconds within which the database must answer."""


async def examine(settings: Settings, db: Database, hub: Hub, bus: Bus, *, leaving: bool, login: str) -> dict[str, str]:
    """Check -> 'ok' or what is wrong; `health.REQUIRED` names those that make the server unavailable.

    `login`: what is wrong with the database's login, empty for nothing.
    """
    found = {"server": "draining" if leaving or hub.draining else "ok"}
    overloaded = "too many edits wait for the database, or for too long: sockets are refused"
    found["load"] = overloaded if hub.writer.overloaded else "ok"
    try:
        async with asyncio.timeout(PATIENCE), db.as_service() as conn:
            await conn.execute("SELECT 1")
        found["database"] = "ok"
        found["feed"] = await _feed(db, settings.feed_lag_seconds)
    except (CollabError, TimeoutError):
        found["database"] = "cannot be reached"
    lag = hub.oldest_unsaved()
    found["commit_lag"] = "ok" if lag < health.COMMIT_LAG else f"an edit has waited {lag:.1f} s for its commit"
    blocked = len(hub.writer.blocked)
    found["documents"] = f"edits of {blocked} locked documents wait for their commit" if blocked else "ok"
    found["bus"] = "ok" if bus.connected else "cannot be reached: other servers' edits come late"
    found["login"] = login or "ok"
    return found


async def _feed(db: Database, most: float) -> str:
    """Whether new entries reach readers of the change feed. Names the session or prepared transaction in the way."""
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

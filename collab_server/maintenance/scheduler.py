"""Maintenance within a server: every hour, in one process of all that share a database."""

import asyncio

from collab_server.backends.db import Database
from collab_server.errors import CollabError
from collab_server.maintenance.jobs import run_once
from collab_server.settings import Settings
from collab_server.telemetry import log

FIRST = 60.0
"""Seconds after the start, when everybody has come back."""
INTERVAL = 3600.0


async def run(db: Database, settings: Settings) -> None:
    """Until cancelled."""
    await asyncio.sleep(FIRST)
    while True:
        try:
            await run_once(db, settings)
        except CollabError as error:
            log.warning("maintenance has to wait", extra={"error": error.detail})
        except Exception:
            log.exception("maintenance failed")
        await asyncio.sleep(INTERVAL)

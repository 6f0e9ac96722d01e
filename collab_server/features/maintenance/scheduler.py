"""Hourly maintenance, in one process of all servers with the same database."""

from collab_server.adapters.object_store import ObjectStore
from collab_server.adapters.postgres import Database
from collab_server.adapters.workers import Workers
from collab_server.background import run_periodically
from collab_server.features.maintenance.jobs import run_once
from collab_server.settings import Settings

FIRST = 60.0
"""Seconds after the start, when clients have reconnected."""
INTERVAL = 3600.0
RETRY = (60.0, 3600.0)


async def run(db: Database, workers: Workers, settings: Settings, store: ObjectStore) -> None:
    """Run until cancelled."""

    async def maintain() -> None:
        await run_once(db, workers, settings, store)

    await run_periodically("maintenance", maintain, INTERVAL, first=FIRST, retry=RETRY)

"""PostgreSQL that takes its time: commits of document updates wait while the block runs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from tests.server import Server


@asynccontextmanager
async def stalled_commits(server: Server) -> AsyncIterator[None]:
    """Hold a lock that every commit of an edit needs; reading goes on."""
    connection = await asyncpg.connect(server.owner_dsn)
    try:
        async with connection.transaction():
            await connection.execute("LOCK TABLE document_updates IN SHARE MODE")
            yield
    finally:
        await connection.close()

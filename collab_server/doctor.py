"""What `collab-server doctor` looks at."""

from typing import Protocol

from collab_server.backends import db, migrate
from collab_server.documents import log_queries
from collab_server.errors import CollabError
from collab_server.settings import Settings

EXTENSIONS = ("pg_trgm", "btree_gin")


class Tell(Protocol):
    def __call__(self, name: str, *, ok: bool, detail: str) -> None: ...


async def examine(settings: Settings, dsn: str, tell: Tell) -> None:
    """Tell one line for each thing looked at; nothing raises for a fault that was found."""
    where = f"embedded in {settings.data_dir}" if settings.embedded else "COLLAB_DATABASE_URL"
    tell("guests", ok=True, detail=f"{settings.effective_guest_role} in the playground workspace")
    try:
        tell("PostgreSQL", ok=True, detail=f"{await db.check(dsn)}, {where}")
        status = await migrate.status(dsn)
    except CollabError as error:
        tell("PostgreSQL", ok=False, detail=error.detail)
        return
    pending = f"{len(status.pending)} migrations to apply" if status.pending else "up to date"
    tell("schema", ok=not status.pending, detail=f"{status.current}, {pending}")
    database = db.Database(dsn, pool_size=1)
    await database.open()
    try:
        async with database.as_service() as conn:
            synchronous = await conn.fetchval("SHOW synchronous_commit")
            flushing = await conn.fetchval("SHOW fsync")
            installed = {row[0] for row in await conn.fetch("SELECT extname FROM pg_extension")}
            waiting = len(await log_queries.list_backlog(conn, 1000))
    finally:
        await database.close()
    durable = synchronous not in ("off", "local") and flushing == "on"
    tell("durability", ok=durable, detail=f"synchronous_commit={synchronous}, fsync={flushing}")
    for name in EXTENSIONS:
        here = name in installed
        tell(name, ok=True, detail="installed" if here else "absent: search works, slower")
    tell("log", ok=True, detail=f"{waiting} documents wait to be folded")

"""The jobs, and running each of them once."""

from collections.abc import Awaitable, Callable

from collab_server.accounts import throttle_queries
from collab_server.backends.db import Conn, Database
from collab_server.changes import queries as feed_queries
from collab_server.documents import base_queries
from collab_server.maintenance import queries
from collab_server.settings import Settings
from collab_server.sync import mutation_queries
from collab_server.telemetry import log

Job = Callable[[Conn], Awaitable[int]]

MOST_ROUNDS = 1000
"""Of one job in one run: the rest waits for the next."""


def jobs(settings: Settings) -> dict[str, Job]:
    """By name, in their order: a workspace's documents are archived before it goes."""
    return {
        "expired documents": queries.expire_documents,
        "documents": lambda conn: queries.purge_documents(conn, settings.trash_days),
        "workspaces": lambda conn: queries.purge_workspaces(conn, settings.trash_days),
        "archive": lambda conn: queries.purge_archive(conn, settings.archive_days),
        "expired invitations": queries.expire_invitations,
        "invitations": queries.purge_invitations,
        "activity": lambda conn: queries.purge_activity(conn, settings.activity_days),
        "offline mutations": mutation_queries.purge,
        "sync log": lambda conn: feed_queries.purge(conn, settings.sync_days),
        "presence": queries.purge_presence,
        "sign-ins": lambda conn: _forget_sign_ins(conn, settings.session_cleanup_days),
        "bases": base_queries.purge_bases,
        "storage": queries.recount_storage,
    }


async def _forget_sign_ins(conn: Conn, session_days: int) -> int:
    """Sessions, links and counted attempts that mean nothing any more."""
    await throttle_queries.delete_outdated(conn, session_days)
    return 0


class _TakenOver(Exception):
    """Another process maintains."""


async def run_once(db: Database, settings: Settings) -> dict[str, int | None] | None:
    """How many each job took, None for one that failed (the log says why); None where another process is at it.

    Each batch of a job is a transaction that holds the right to maintain: none is idle while another one works, for
    PostgreSQL ends idle transactions. Where another process takes over between two batches, what is left is that one's:
    the answer has the jobs that were done. Raises Unavailable.
    """
    done: dict[str, int | None] = {}
    async with db.as_service() as conn:
        for name, job in jobs(settings).items():
            try:
                done[name] = await _run(name, job, conn)
            except _TakenOver:
                log.info("maintenance left to another process", extra={"job": name})
                return done or None
    return done


async def _run(name: str, job: Job, conn: Conn) -> int | None:
    """Raises _TakenOver."""
    taken = 0
    try:
        for _ in range(MOST_ROUNDS):
            async with conn.transaction():
                if not await queries.try_lock(conn):
                    raise _TakenOver
                count = await job(conn)
            taken += count
            if not count:
                break
    except _TakenOver:
        raise
    except Exception:
        log.exception("maintenance failed", extra={"job": name})
        return None
    if taken:
        log.info("maintenance", extra={"job": name, "count": taken})
    return taken

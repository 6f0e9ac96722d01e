"""The jobs, and running each of them once."""

from collections.abc import Awaitable, Callable

from collab_server.adapters.object_store import ObjectStore
from collab_server.adapters.postgres import Conn, Database
from collab_server.adapters.workers import Workers
from collab_server.features.attachments import queries as attachment_queries
from collab_server.features.attachments.cleaning import ObjectCleaner
from collab_server.features.auth import throttle_queries
from collab_server.features.changes import queries as feed_queries
from collab_server.features.content import merge_base_queries
from collab_server.features.maintenance import queries, version_queries
from collab_server.features.maintenance.retention import Retention
from collab_server.features.notifications import queries as notification_queries
from collab_server.features.sync import mutation_queries
from collab_server.observability.logging import log
from collab_server.settings import Settings

Job = Callable[[Conn], Awaitable[int]]

MOST_ROUNDS = 1000
"""Maximum batches of one job in one run; the next run continues."""


def make_jobs(db: Database, settings: Settings, workers: Workers, store: ObjectStore) -> dict[str, Job]:
    """Return the jobs of one run by name, in order: documents are archived before their workspace is deleted."""
    retention = Retention(workers, settings.history_days, settings.history_document_bytes)
    return {
        "expired documents": queries.expire_documents,
        "expired shares": queries.expire_shares,
        "documents": lambda conn: queries.purge_documents(conn, settings.trash_days),
        "workspaces": lambda conn: queries.purge_workspaces(conn, settings.trash_days),
        "archive": lambda conn: queries.purge_archive(conn, settings.archive_days),
        "expired invitations": queries.expire_invitations,
        "invitations": queries.purge_invitations,
        "activity": lambda conn: queries.purge_activity(conn, settings.activity_days),
        "notifications": lambda conn: notification_queries.purge(conn, settings.notification_days),
        "offline mutations": mutation_queries.purge,
        "sync log": lambda conn: feed_queries.purge(conn, settings.sync_days),
        "presence": queries.purge_presence,
        "sign-ins": lambda conn: _delete_sign_ins(conn, settings.session_cleanup_days),
        "versions": version_queries.thin_versions,
        "history authors": retention.forget_authors,
        "former generations": retention.forget_generations,
        "histories": retention.collapse_old,
        "large histories": retention.collapse_large,
        "bases": merge_base_queries.purge_bases,
        "attachments": lambda conn: attachment_queries.purge_deleted(conn, settings.trash_days),
        "objects": ObjectCleaner(db, store).clean_one,
        "storage": queries.recount_storage,
        "full workspaces": retention.free_storage,
    }


async def _delete_sign_ins(conn: Conn, session_days: int) -> int:
    """Delete outdated sessions, links and attempts."""
    await throttle_queries.delete_outdated(conn, session_days)
    return 0


class _TakenOver(Exception):
    """Another process maintains."""


async def run_once(
    db: Database, workers: Workers, settings: Settings, store: ObjectStore
) -> dict[str, int | None] | None:
    """Run all jobs; `workers` read the histories of documents. Return the number of affected rows by job, None for a
    failed job (see the log). Return None if another process holds the maintenance lock.

    Each batch of a job is a transaction with the lock, because PostgreSQL ends idle transactions. If another process
    takes the lock between two batches, the answer has the finished jobs only. Raises Unavailable.
    """
    done: dict[str, int | None] = {}
    async with db.as_service() as conn:
        for name, job in make_jobs(db, settings, workers, store).items():
            try:
                done[name] = await _run(name, job, conn)
            except _TakenOver:
                log.info("maintenance is running in another process", extra={"job": name})
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

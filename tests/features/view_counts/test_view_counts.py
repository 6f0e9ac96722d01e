"""The counting of views while PostgreSQL is away."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from collab_server.access.identity import Identity
from collab_server.adapters.postgres import Database
from collab_server.errors import Unavailable
from collab_server.features.view_counts.queries import Visit, note_visits
from collab_server.features.view_counts.view_counts import ONE_VIEW_SECONDS, Views
from tests import databases
from tests.site import PLAYGROUND, SYSTEM_USER


async def stored(db: Database, document_id: UUID) -> int:
    async with db.as_service() as conn:
        views: int = await conn.fetchval("SELECT view_count FROM document_stats WHERE document_id = $1", document_id)
        return views


async def test_what_postgresql_did_not_take_is_written_later_and_once() -> None:
    async with databases.migrated() as database:
        db, away = Database(database.login_dsn), Database("postgresql://nobody@127.0.0.1:1/none")
        await db.open()
        away._service = await away._pool({})
        try:
            async with db.as_service() as conn:
                insert = "INSERT INTO documents (workspace_id, title) VALUES ($1, 'T') RETURNING id"
                document_id = await conn.fetchval(insert, PLAYGROUND)
            views = Views()
            ann, ed = (Identity("user", SYSTEM_USER, name) for name in ("Ann", "Ed"))
            views.record_view(ann, document_id, 0.0)
            views.record_view(ann, document_id, 1.0)
            views.record_view(ed, document_id, 2.0)
            views.record_view(ed, uuid4(), 2.0)  # gone by the time it is written
            with pytest.raises(Unavailable):
                await views.flush(away, 3.0)
            views.record_view(ann, document_id, ONE_VIEW_SECONDS + 1)
            await views.flush(db, ONE_VIEW_SECONDS + 2)
            await views.flush(db, ONE_VIEW_SECONDS + 3)
            assert await stored(db, document_id) == 3
        finally:
            await db.close()
            await away.close()


async def test_a_visit_that_begins_later_keeps_the_end_of_the_one_before() -> None:
    start = datetime(2026, 1, 5, 9, tzinfo=UTC)

    def at(minutes: int) -> datetime:
        return start + timedelta(minutes=minutes)

    async with databases.migrated() as database:
        db = Database(database.login_dsn)
        await db.open()
        try:
            async with db.as_service() as conn:
                insert = "INSERT INTO documents (workspace_id, title) VALUES ($1, 'T') RETURNING id"
                document_id = await conn.fetchval(insert, PLAYGROUND)

            async def visit(opened: int | None, seen: int) -> datetime | None:
                pair = document_id, SYSTEM_USER
                async with db.as_service() as conn:
                    known = Visit(at(opened) if opened is not None else None, at(seen))
                    assert await note_visits(conn, {pair: known, (uuid4(), SYSTEM_USER): known}) == set()
                    found: datetime | None = await conn.fetchval(
                        "SELECT previous_at FROM document_views WHERE (document_id, user_id) = ($1, $2)", *pair
                    )
                    return found

            assert await visit(0, 0) is None
            assert await visit(None, 180) is None
            assert await visit(184, 190) is None, "a lost connection"
            assert await visit(300, 300) == at(190)
            assert await visit(None, 400) == at(190)
            assert await visit(1000, 1000) == at(400)
            async with db.as_service() as holder, holder.transaction(), db.as_service() as conn:
                await holder.execute("SELECT FROM documents WHERE id = $1 FOR UPDATE", document_id)
                later = {(document_id, SYSTEM_USER): Visit(at(2000), at(2000))}
                assert await note_visits(conn, later) == {document_id}
            assert await visit(None, 1001) == at(400)
        finally:
            await db.close()


def test_a_visit_that_waits_begins_first_and_ends_last() -> None:
    views, document_id = Views(), uuid4()
    ann = Identity("user", SYSTEM_USER, "Ann")
    views.record_visit(ann, document_id, opened=True)
    views.record_visit(ann, document_id, opened=False)
    views.record_visit(Identity("guest", None, "Ed"), document_id, opened=True)
    [(pair, visit)] = views._waiting.visits.items()
    assert pair == (document_id, SYSTEM_USER)
    assert visit.opened is not None
    assert visit.seen >= visit.opened

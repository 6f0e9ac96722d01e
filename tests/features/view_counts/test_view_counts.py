"""The counting of views while PostgreSQL is away."""

from uuid import UUID, uuid4

import pytest

from collab_server.access.identity import Identity
from collab_server.adapters.postgres import Database
from collab_server.errors import Unavailable
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

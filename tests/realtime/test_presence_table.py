"""The rows of presence that a process writes, and the notices that it sends with them."""

import json
import time
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import asyncpg
import pytest
from asyncpg.connection import LoggedQuery

from collab_server.access.identity import GUEST, Identity
from collab_server.adapters.postgres import Database
from collab_server.realtime.presence import queries as presence_queries
from collab_server.realtime.presence.presence_table import BEAT, LATE, PresenceTable
from tests import databases
from tests.features.api_harness import PLAYGROUND
from tests.peers import awareness_payload
from tests.realtime.document_harness import DocumentHarness
from tests.waiting import until


class Watched:
    """A mirror on a database, and the statements it sends."""

    def __init__(self, db: Database, owner: asyncpg.Connection) -> None:
        self.db = db
        self.owner = owner
        self.mirror = PresenceTable(db, "here:1", "0a")
        self.desks = 0
        self.seen: list[str] = []
        self.heard_notices: list[str] = []

    def heard(self, query: LoggedQuery) -> None:
        self.seen.append(query.query)

    async def desk(self) -> DocumentHarness:
        desk = DocumentHarness()
        self.desks += 1
        # As in a process, no two connections have the same key.
        desk._keys = 10_000 * self.desks
        add = "INSERT INTO documents (id, workspace_id, title) VALUES ($1, $2, 'x')"
        await self.owner.execute(add, desk.document.id, UUID(PLAYGROUND))
        return desk

    async def count(self) -> int:
        count: int = await self.owner.fetchval("SELECT count(*) FROM active_presence")
        return count

    async def announced(self) -> list[UUID]:
        """The documents that were announced since the last call."""
        heard, self.heard_notices = await self.notices(), []
        for notice in heard:
            assert len(notice) < 8000
            assert {line.split()[0] for line in notice.splitlines()} == {PLAYGROUND}
        return [UUID(line.split()[1]) for notice in heard for line in notice.splitlines()]

    async def notices(self) -> list[str]:
        """All notices of presence until now, in the order of their commits."""
        await self.owner.execute(f"SELECT pg_notify('{presence_queries.CHANNEL}', 'last')")
        await until(lambda: "last" in self.heard_notices, "the last notice")
        return [notice for notice in self.heard_notices if notice != "last"]

    def hear(self, *notice: object) -> None:
        self.heard_notices.append(str(notice[3]))


@pytest.fixture
async def watched() -> AsyncIterator[Watched]:
    async with databases.migrated() as database:
        db = Database(database.login_dsn, pool_size=1)
        await db.open()
        owner = await asyncpg.connect(database.owner_dsn)
        found = Watched(db, owner)
        assert db._service is not None
        async with db._service.acquire() as conn:
            conn.add_query_logger(found.heard)
        await owner.add_listener(presence_queries.CHANNEL, found.hear)
        yield found
        await owner.close()
        await db.close()


async def test_one_statement_carries_any_number_of_connections(watched: Watched) -> None:
    desk = await watched.desk()
    mirror, now = watched.mirror, time.monotonic()
    await mirror.flush(now)
    watched.seen.clear()
    members = [desk.seat() for _ in range(500)]
    for member in members:
        mirror.joined(desk.document, member)
    await mirror.flush(now)
    assert len(watched.seen) == 1
    assert await watched.count() == 500
    for round_ in range(3):
        for number, member in enumerate(members):
            payload = awareness_payload([(number + 1, round_ + 1, json.dumps({"cursor": round_}))])
            desk.document.receive_awareness(member, payload)
            mirror.moved(member)
        await mirror.flush(now + 1)
    assert len(watched.seen) == 1, "cursors wait for the next beat"
    await mirror.flush(now + BEAT)
    assert len(watched.seen) == 2
    assert await watched.owner.fetchval("SELECT count(*) FROM presence WHERE cursor_position = '2'") == 500
    for member in members[:100]:
        mirror.left(member)
    await mirror.flush(now + BEAT + 1)
    assert len(watched.seen) == 3
    assert await watched.count() == 400


async def test_who_came_and_went_between_two_flushes_is_never_written(watched: Watched) -> None:
    desk = await watched.desk()
    await watched.mirror.flush(0)
    watched.seen.clear()
    member = desk.seat()
    watched.mirror.joined(desk.document, member)
    watched.mirror.left(member)
    watched.mirror.left(member)
    await watched.mirror.flush(BEAT)
    assert watched.seen == []


async def test_typing_ends_when_nobody_types(watched: Watched) -> None:
    desk = await watched.desk()
    member = desk.seat()
    mirror = watched.mirror
    mirror.joined(desk.document, member)
    await mirror.flush(BEAT)
    query = "SELECT is_typing FROM presence"
    mirror.typed(member)
    await mirror.flush(2 * BEAT)
    assert await watched.owner.fetchval(query) is True
    await mirror.flush(3 * BEAT)
    assert await watched.owner.fetchval(query) is False
    watched.seen.clear()


async def test_a_server_that_starts_ends_what_its_forerunner_left(watched: Watched) -> None:
    desk = await watched.desk()
    user = await watched.owner.fetchval("INSERT INTO users (email, display_name) VALUES ('a@b.c', 'Ann') RETURNING id")
    ann = Identity("user", user, "Ann")
    for identity in (GUEST, ann):
        watched.mirror.joined(desk.document, desk.seat(identity=identity))
    await watched.mirror.flush(0)
    elsewhere = PresenceTable(watched.db, "elsewhere:1", "0c")
    elsewhere.joined(desk.document, desk.seat())
    await elsewhere.flush(0)
    assert await watched.count() == 3
    await PresenceTable(watched.db, "here:1", "0b").flush(0)
    assert await watched.count() == 1
    rows = await watched.owner.fetch("SELECT node_id, user_id FROM presence WHERE disconnected_at IS NOT NULL")
    assert [tuple(row) for row in rows] == [("here:1/0a", user)]
    # A process that lives on, though somebody started in its place, says so again.
    await watched.mirror.flush(BEAT)
    await watched.mirror.flush(BEAT + 1)
    assert await watched.count() == 3
    await watched.mirror.end()
    assert await watched.count() == 1


async def test_joins_and_leaves_are_announced_once_for_each_document_and_cursors_never(watched: Watched) -> None:
    desks = [await watched.desk() for _ in range(250)]
    mirror, here = watched.mirror, desks[0].document
    members = [desk.seat() for desk in desks] + [desks[0].seat(), desks[0].seat()]
    for desk, member in zip([*desks, desks[0], desks[0]], members, strict=True):
        mirror.joined(desk.document, member)
    await mirror.flush(BEAT)
    found = await watched.announced()
    assert len(found) == 250 and set(found) == {desk.document.id for desk in desks}
    for member in members:
        mirror.moved(member)
        mirror.typed(member)
    await mirror.flush(BEAT + 1)
    await mirror.flush(2 * BEAT)
    assert await watched.announced() == []
    for member in (members[0], members[-1]):
        mirror.left(member)
    await mirror.flush(2 * BEAT + 1)
    assert await watched.announced() == [here.id]
    await mirror.end()
    assert set(await watched.announced()) == set(found)


async def test_the_name_of_a_guest_is_announced_as_soon_as_it_is_there_and_with_each_change(watched: Watched) -> None:
    desk = await watched.desk()
    guest, mirror = desk.seat(), watched.mirror
    mirror.joined(desk.document, guest)
    await mirror.flush(BEAT)
    assert await watched.announced() == [desk.document.id]

    async def says(clock: int, name: str, now: float) -> tuple[list[UUID], str | None]:
        desk.document.receive_awareness(
            guest, awareness_payload([(1, clock, json.dumps({"user": {"name": name}, "cursor": clock}))])
        )
        mirror.moved(guest)
        await mirror.flush(now)
        return await watched.announced(), await watched.owner.fetchval("SELECT guest_name FROM presence")

    assert await says(1, "", BEAT + 1) == ([], None)
    assert await says(2, "Ann", BEAT + 2) == ([desk.document.id], "Ann")
    assert await says(3, "Ann", 2 * BEAT) == ([], "Ann")
    assert await says(4, "Anna", 2 * BEAT + 1) == ([], "Ann"), "a change waits for the next beat"
    assert await says(5, "Anna", 3 * BEAT) == ([desk.document.id], "Anna")


async def test_who_may_have_expired_meanwhile_is_announced_again(watched: Watched) -> None:
    desk = await watched.desk()
    watched.mirror.joined(desk.document, desk.seat())
    await watched.mirror.flush(BEAT)
    await watched.mirror.flush(2 * BEAT)
    assert await watched.announced() == [desk.document.id]
    await watched.mirror.flush(2 * BEAT + LATE + 1)
    assert await watched.announced() == [desk.document.id]


async def test_a_failed_write_is_announced_by_the_next_one(watched: Watched) -> None:
    desk = await watched.desk()
    await watched.mirror.flush(0)
    came, gone = desk.seat(), desk.seat()
    watched.mirror.joined(desk.document, came)
    watched.mirror.joined(desk.document, gone)
    await watched.db.close()
    with pytest.raises(AssertionError):
        await watched.mirror.flush(BEAT)
    watched.mirror.left(gone)
    await watched.db.open()
    await watched.mirror.flush(BEAT + 1)
    assert await watched.announced() == [desk.document.id]
    assert await watched.count() == 1


async def test_what_expires_is_found_once_and_tells_when_to_look_again(watched: Watched) -> None:
    desk, lasting = await watched.desk(), await watched.desk()
    for where in (desk, lasting):
        watched.mirror.joined(where.document, where.seat())
    async with watched.db.as_service() as conn:
        first = await presence_queries.find_expired(conn, None)
        assert (first.documents, first.next) == ([], None)
    await watched.mirror.flush(0)
    expire = "UPDATE presence SET expires_at = now() WHERE document_id = $1"
    await watched.owner.execute(expire, desk.document.id)
    async with watched.db.as_service() as conn:
        second = await presence_queries.find_expired(conn, first.at)
        assert second.documents == [(UUID(PLAYGROUND), desk.document.id)]
        assert second.next is not None and 0 < second.next <= 14
        third = await presence_queries.find_expired(conn, second.at)
        assert third.documents == []


async def test_people_outlive_their_server_by_the_seconds_of_the_setting(watched: Watched) -> None:
    desk = await watched.desk()
    lasting = PresenceTable(watched.db, "there:1", "0d", 300.0)
    lasting.joined(desk.document, desk.seat())
    watched.mirror.joined(desk.document, desk.seat())
    for mirror in (lasting, watched.mirror):
        await mirror.flush(0)
        await mirror.flush(BEAT)
    left = "SELECT extract(epoch FROM expires_at - last_activity_at) FROM presence WHERE node_id = $1"
    assert 290 < await watched.owner.fetchval(left, "there:1/0d") < 310
    assert 10 < await watched.owner.fetchval(left, "here:1/0a") < 20


async def test_of_a_person_one_row_tells_when_they_were_last_there(watched: Watched) -> None:
    desk = await watched.desk()
    user = await watched.owner.fetchval("INSERT INTO users (email) VALUES ('a@b.c') RETURNING id")
    for _ in range(3):
        members = [desk.seat(identity=Identity("user", user, "Ann")) for _ in range(2)]
        for member in members:
            watched.mirror.joined(desk.document, member)
        await watched.mirror.flush(0)
        for member in members:
            watched.mirror.left(member)
        await watched.mirror.flush(0)
    assert await watched.owner.fetchval("SELECT count(*) FROM presence") == 1
    await watched.owner.execute("UPDATE presence SET disconnected_at = now() - interval '8 days'")
    assert await watched.owner.fetchval("SELECT app.purge_presence()") == 1


async def test_documents_that_are_gone_and_moves_between_workspaces_are_no_trouble(watched: Watched) -> None:
    desk, other = await watched.desk(), await watched.desk()
    for where in (desk, other):
        watched.mirror.joined(where.document, where.seat())
    gone = desk.document.id
    await watched.owner.execute("DELETE FROM documents WHERE id = $1", gone)
    await watched.mirror.flush(0)
    assert await watched.count() == 1
    elsewhere = await watched.owner.fetchval(
        "INSERT INTO workspaces (owner_id, name, kind) VALUES ($1, 'W', 'team') RETURNING id", UUID(int=1)
    )
    await watched.owner.execute("UPDATE documents SET workspace_id = $1 WHERE id = $2", elsewhere, other.document.id)
    assert await watched.owner.fetchval("SELECT workspace_id FROM presence") == elsewhere
    await watched.owner.execute("DELETE FROM documents WHERE id = $1", other.document.id)
    assert await watched.count() == 0


async def test_a_connection_that_leaves_during_a_move_of_its_document_is_ended_after_it(watched: Watched) -> None:
    desk = await watched.desk()
    mirror, now = watched.mirror, time.monotonic()
    stays, leaves = desk.seat(), desk.seat()
    for connection in (stays, leaves):
        mirror.joined(desk.document, connection)
    await mirror.flush(now)
    assert await watched.count() == 2
    async with watched.owner.transaction():
        # As a move does: it changes the workspace of the document's rows.
        await watched.owner.execute(
            "UPDATE presence SET device_name = 'moving' WHERE document_id = $1", desk.document.id
        )
        mirror.left(leaves)
        await mirror.flush(now + 1)
    assert await watched.count() == 2
    await mirror.flush(now + BEAT)
    await mirror.flush(now + BEAT + 1)
    assert await watched.count() == 1
    await mirror.flush(now + 2 * BEAT)
    assert await watched.count() == 1


async def test_refreshing_rows_touches_no_index(watched: Watched) -> None:
    desk = await watched.desk()
    members = [desk.seat() for _ in range(200)]
    for member in members:
        watched.mirror.joined(desk.document, member)
    await watched.mirror.flush(0)
    for number in range(1, 6):
        for member in members:
            watched.mirror.moved(member)
        await watched.mirror.flush(number * BEAT)
    await watched.owner.execute("SELECT pg_stat_force_next_flush()")
    await watched.db.close()
    await watched.db.open()

    async def counted() -> bool:
        row = await watched.owner.fetchrow(
            "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'presence'"
        )
        assert row is not None
        return tuple(row) == (1000, 1000)

    await until(counted, "1000 updates within their pages")


def test_ids_of_connections_say_nothing_of_the_machine() -> None:
    desk = DocumentHarness()
    assert PresenceTable(Database(""), "secret-host:1", uuid4().hex)._connection(desk.seat()).find("secret") == -1

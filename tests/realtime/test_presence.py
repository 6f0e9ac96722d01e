"""Who is in which document, as PostgreSQL and the API tell it."""

import json
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from asyncpg.connection import LoggedQuery

from collab_server.access.identity import GUEST, Identity
from collab_server.backends.db import Database
from collab_server.realtime.devices import device_of
from collab_server.realtime.mirror import BEAT, Mirror
from tests import databases
from tests.documents.office import PLAYGROUND, Office, open_office
from tests.peers import Peer, awareness_payload
from tests.people import Person, fetch
from tests.realtime.desk import Desk
from tests.waiting import until

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture(scope="module")
async def office(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    async with open_office(tmp_path_factory.mktemp("presence")) as running:
        yield running


async def presence(who: Person, document_id: str) -> Any:
    answer = await who.get(f"/documents/{document_id}/presence")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def shows(who: Person, document_id: str, people: int) -> Any:
    """What the document's presence is once it counts so many people."""
    found: Any = None

    async def counted() -> bool:
        nonlocal found
        found = await presence(who, document_id)
        return bool(found["people"] == people)

    await until(counted, f"{people} people")
    return found


def state(name: str, **more: object) -> str:
    return json.dumps({"user": {"name": name, "color": "#ff0000"}, **more})


async def test_it_tells_who_is_there_with_what_and_where(office: Office) -> None:
    made = await office.make()
    peer = Peer(office.server, "yws", made["id"], token=office.editor.token, headers=[("user-agent", FIREFOX)])
    await peer.sync()
    cursor = {"anchor": {"assoc": 0, "item": {"client": 1, "clock": 2}}, "head": {"assoc": -1}}
    peer.announce((7, 1, state("somebody else", cursor=cursor, blockId="b-1", typing=True)))
    await shows(office.viewer, made["id"], 1)

    async def told() -> bool:
        return bool((await presence(office.viewer, made["id"]))["items"][0]["current_block_id"])

    await until(told, "the cursor")
    [item] = (await presence(office.viewer, made["id"]))["items"]
    assert (item["user_id"], item["name"], item["guest"]) == (office.editor.id, "editor", False)
    assert (item["device_type"], item["device_name"]) == ("desktop", "Firefox on Linux")
    assert (item["cursor_position"], item["selection_range"]) == (cursor["head"], cursor)
    assert (item["current_block_id"], item["is_typing"]) == ("b-1", True)
    await peer.close()
    gone = await shows(office.viewer, made["id"], 0)
    assert [seen["user_id"] for seen in gone["recent"]] == [office.editor.id]
    assert gone["recent"][0]["last_seen_at"] >= item["connected_at"]


async def test_a_person_counts_once_and_every_guest_counts(office: Office) -> None:
    made = await office.make(office.guest, PLAYGROUND, title="Open to all")
    person = [await Peer(office.server, "yws", made["id"], token=office.editor.token).sync() for _ in range(2)]
    guests = [await Peer(office.server, family, made["id"]).sync() for family in ("yws", "hocus")]
    guests[0].announce((1, 1, state("Quiet\tHeron")))
    found = await shows(office.editor, made["id"], 3)
    assert len(found["items"]) == 4
    listed = await office.editor.get(f"/workspaces/{PLAYGROUND}/presence")
    [busy] = [item for item in listed.json()["items"] if item["document_id"] == made["id"]]
    assert busy["people"] == 3

    async def named() -> bool:
        items = (await presence(office.editor, made["id"]))["items"]
        return {item["name"] for item in items if item["guest"]} == {"Quiet Heron", None}

    await until(named, "the guest's own name")
    document = (await office.editor.get(f"/documents/{made['id']}")).json()
    assert document["people"] == 3
    assert sorted(who["name"] or "" for who in document["present"]) == ["", "Quiet Heron", "editor"]
    # A guest shares no workspace with the editor.
    for who in (await presence(office.guest, made["id"]))["items"]:
        assert who["name"] in (None, "Quiet Heron")
    assert office.editor.email not in (await office.guest.get(f"/documents/{made['id']}/presence")).text
    for peer in (*person, *guests):
        await peer.close()
    ended = await shows(office.editor, made["id"], 0)
    assert [seen["user_id"] for seen in ended["recent"]] == [office.editor.id]
    kept = await fetch(office.server, "SELECT user_id FROM presence WHERE document_id = $1", UUID(made["id"]))
    assert [row["user_id"] for row in kept] == [UUID(office.editor.id)]


async def test_who_bears_a_connect_token_learns_no_names_of_people(office: Office) -> None:
    made = await office.make()
    peer = await Peer(office.server, "yws", made["id"], token=office.editor.token).sync()
    token = await office.server.connect_token(made["id"], "viewer", office.editor.token)
    bearer = Person(office.server, "bearer", "", UUID(int=0), UUID(int=0), token)
    [item] = (await shows(bearer, made["id"], 1))["items"]
    assert (item["guest"], item["name"]) == (False, None)
    assert (await bearer.get(f"/documents/{made['id']}")).json()["present"] == []
    assert (await bearer.get(f"/workspaces/{office.team}/presence")).status_code == 404
    await peer.close()


async def test_states_that_postgresql_cannot_hold_do_not_stop_the_mirror(office: Office) -> None:
    made = await office.make(office.guest, PLAYGROUND)
    hostile = [
        '{"cursor":"\\u0000"}',
        '{"cursor":{"head":"\\ud800","anchor":1}}',
        '{"cursor":1e999}',
        '{"selection":[1e400]}',
        '{"user":{"name":"\\ud800\\u0000\\u202e"},"blockId":"\\u0000"}',
        '{"user":7,"cursor":[],"blockId":{},"typing":"yes"}',
        json.dumps({"cursor": "x" * 30_000, "blockId": "y" * 30_000}),
        "[]",
        '"' + "z" * 100 + '"',
    ]
    peers = [await Peer(office.server, "yws", made["id"]).sync() for _ in hostile]
    await shows(office.viewer, made["id"], len(peers))
    for number, (peer, text) in enumerate(zip(peers, hostile, strict=True)):
        peer.announce((number + 1, 1, text))

    async def all_written() -> bool:
        rows = await fetch(
            office.server,
            "SELECT last_activity_at > connected_at AS renewed FROM active_presence WHERE document_id = $1",
            UUID(made["id"]),
        )
        return len(rows) == len(peers) and all(row["renewed"] for row in rows)

    await until(all_written, "every connection written again")
    assert (await presence(office.viewer, made["id"]))["people"] == len(peers)
    for peer in peers:
        assert peer.connected
        await peer.close()


async def test_a_document_that_is_deleted_and_people_who_are_removed_are_seen_nowhere(office: Office) -> None:
    made = await office.make()
    peer = await Peer(office.server, "yws", made["id"], token=office.editor.token).sync()
    await shows(office.viewer, made["id"], 1)
    await office.editor.delete(f"/documents/{made['id']}")
    answer = (await office.viewer.get(f"/workspaces/{office.team}/presence")).json()
    assert made["id"] not in [item["document_id"] for item in answer["items"]]
    assert (await office.viewer.get(f"/documents/{made['id']}/presence")).status_code == 404
    await peer.close()


async def test_after_a_crash_of_postgresql_everybody_is_there_again(tmp_path: Path) -> None:
    """The table is emptied by a crash; nobody's socket is disturbed."""
    async with open_office(tmp_path) as office:
        made = await office.make()
        peers = [
            await Peer(office.server, "yws", made["id"], token=who.token).sync()
            for who in (office.editor, office.owner)
        ]
        await shows(office.viewer, made["id"], 2)
        os.kill(office.server.postgres_pid, signal.SIGKILL)
        mark = peers[0].type_mark()
        await peers[1].sees(mark)

        async def back() -> bool:
            answer = await office.viewer.get(f"/documents/{made['id']}/presence")
            return answer.status_code == 200 and answer.json()["people"] == 2

        await until(back, "both people again", 60)
        assert all(peer.connected for peer in peers)
        await peers[0].saved()
        for peer in peers:
            await peer.close()


class Watched:
    """A mirror on a database, and the statements it sends."""

    def __init__(self, db: Database, owner: asyncpg.Connection) -> None:
        self.db = db
        self.owner = owner
        self.mirror = Mirror(db, "here:1", "0a")
        self.seen: list[str] = []

    def heard(self, query: LoggedQuery) -> None:
        self.seen.append(query.query)

    async def desk(self) -> Desk:
        desk = Desk()
        add = "INSERT INTO documents (id, workspace_id, title) VALUES ($1, $2, 'x')"
        await self.owner.execute(add, desk.document.id, UUID(PLAYGROUND))
        return desk

    async def count(self) -> int:
        count: int = await self.owner.fetchval("SELECT count(*) FROM active_presence")
        return count


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
        mirror.joined(member)
    await mirror.flush(now)
    assert len(watched.seen) == 1
    assert await watched.count() == 500
    for round_ in range(3):
        for number, member in enumerate(members):
            payload = awareness_payload([(number + 1, round_ + 1, json.dumps({"cursor": round_}))])
            member.document.awareness(member, payload)
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
    watched.mirror.joined(member)
    watched.mirror.left(member)
    watched.mirror.left(member)
    await watched.mirror.flush(BEAT)
    assert watched.seen == []


async def test_typing_ends_when_nobody_types(watched: Watched) -> None:
    desk = await watched.desk()
    member = desk.seat()
    mirror = watched.mirror
    mirror.joined(member)
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
        watched.mirror.joined(desk.seat(identity=identity))
    await watched.mirror.flush(0)
    elsewhere = Mirror(watched.db, "elsewhere:1", "0c")
    elsewhere.joined(desk.seat())
    await elsewhere.flush(0)
    assert await watched.count() == 3
    await Mirror(watched.db, "here:1", "0b").flush(0)
    assert await watched.count() == 1
    rows = await watched.owner.fetch("SELECT node_id, user_id FROM presence WHERE disconnected_at IS NOT NULL")
    assert [tuple(row) for row in rows] == [("here:1/0a", user)]
    # A process that lives on, though somebody started in its place, says so again.
    await watched.mirror.flush(BEAT)
    await watched.mirror.flush(BEAT + 1)
    assert await watched.count() == 3
    await watched.mirror.end()
    assert await watched.count() == 1


async def test_people_outlive_their_server_by_the_seconds_of_the_setting(watched: Watched) -> None:
    desk = await watched.desk()
    lasting = Mirror(watched.db, "there:1", "0d", 300.0)
    lasting.joined(desk.seat())
    watched.mirror.joined(desk.seat())
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
            watched.mirror.joined(member)
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
        watched.mirror.joined(where.seat())
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


async def test_refreshing_rows_touches_no_index(watched: Watched) -> None:
    desk = await watched.desk()
    members = [desk.seat() for _ in range(200)]
    for member in members:
        watched.mirror.joined(member)
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


@pytest.mark.parametrize(
    ("agent", "device"),
    [
        ("", (None, None)),
        (FIREFOX, ("desktop", "Firefox on Linux")),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Mobile/15E148 Safari/604.1",
            ("mobile", "Safari on iOS"),
        ),
        ("Mozilla/5.0 (Linux; Android 15) Chrome/140.0 Mobile Safari/537.36", ("mobile", "Chrome on Android")),
        ("Mozilla/5.0 (Linux; Android 15) Chrome/140.0 Safari/537.36", ("tablet", "Chrome on Android")),
        ("python-websockets/15.0", ("program", "python-websockets")),
        ("\x01", ("program", None)),
    ],
)
def test_devices_are_named_as_people_know_them(agent: str, device: tuple[str | None, str | None]) -> None:
    assert device_of(agent) == device


def test_ids_of_connections_say_nothing_of_the_machine() -> None:
    desk = Desk()
    assert Mirror(Database(""), "secret-host:1", uuid4().hex)._connection(desk.seat()).find("secret") == -1

"""Cursors, pages, retention and waiting, over REST."""

import asyncio
import base64
import json
from uuid import UUID

import pytest

from tests.features.changes.reading import begin
from tests.features.changes.test_entries import new_document
from tests.features.workspaces.teams import PLAYGROUND, join, ok, refused, team
from tests.people import Person, fetch, nobody, people, run
from tests.server import Server
from tests.waiting import until


def altered(cursor: str, **parts: object) -> str:
    """A cursor with some of its parts replaced."""
    names = ("scope", "epoch", "xid", "id")
    held = dict(zip(names, json.loads(base64.urlsafe_b64decode(cursor + "==")), strict=True))
    return base64.urlsafe_b64encode(json.dumps([*{**held, **parts}.values()]).encode()).decode().rstrip("=")


async def waiting(server: Server, count: int) -> None:
    """Until so many requests wait."""

    async def holds() -> bool:
        async with nobody(server) as client:
            text = (await client.get(f"{server.http}/metrics")).text
        return f"feed_waiters {float(count)}" in text

    await until(holds, f"{count} requests that wait")


async def test_pages_of_one_skip_and_repeat_nothing(server: Server) -> None:
    (ann,) = await people(server, "ann")
    space = (await team(ann))["id"]
    one, all_, whole = await begin(ann, space), await begin(ann), await begin(ann)
    plans = [await new_document(ann, space) for _ in range(7)]
    expected = [("create", "document", plan) for plan in plans]
    assert await whole.take(7) == expected
    for reader in (one, all_):
        assert await reader.take(7, limit=1) == expected
        assert reader.last["more"] is False
    item = whole.items[2]
    again = ok(await ann.get("/sync", params={"cursor": item["cursor"]}))
    assert [i["entity_id"] for i in again["items"]] == plans[3:], "an entry's own cursor goes on after it"


async def test_nobody_hears_of_workspaces_of_others(server: Server) -> None:
    ann, eve = await people(server, "ann", "eve")
    space = (await team(ann))["id"]
    reader = await begin(eve)
    plan = await new_document(ann, space)
    own = await new_document(eve, eve.personal)
    assert await reader.take(1) == [("create", "document", own)]
    assert set(reader.last["workspaces"]) == {eve.personal, PLAYGROUND}
    assert space not in json.dumps(reader.last) and plan not in json.dumps(reader.last)
    for parameters in ({}, {"cursor": reader.cursor}, {"cursor": reader.cursor, "wait": "20"}):
        assert refused(await eve.get(f"/workspaces/{space}/sync", params=parameters)) == (404, "not_found")


async def test_guests_follow_the_playground(server: Server) -> None:
    (ann,) = await people(server, "ann")
    guest = nobody(server)
    reader, playground = await begin(guest), await begin(guest, PLAYGROUND)
    assert reader.last["workspaces"] == [PLAYGROUND]
    await new_document(ann, ann.personal)
    plan = ok(await guest.post(f"/workspaces/{PLAYGROUND}/documents", json={"title": "Ours"}), 201)["id"]
    assert await reader.take(1) == await playground.take(1) == [("create", "document", plan)]
    assert reader.items[0]["changed_by"] is None
    assert refused(await guest.get(f"/workspaces/{ann.personal}/sync")) == (404, "not_found")
    document = await server.connect_token(plan, "editor")
    bearer = {"authorization": f"Bearer {document}"}
    assert refused(await guest.get("/sync", headers=bearer)) == (403, "forbidden")


@pytest.mark.parametrize(
    "cursor",
    ["x", "%%%", "W10", "WzFd", "bnVsbA", "e30", "a" * 5000, "WyIiLDEsMiwzXQ" + "\u00e9"],
)
async def test_what_is_no_cursor_is_refused(server: Server, cursor: str) -> None:
    (ann,) = await people(server, "ann")
    for path in ("/sync", f"/workspaces/{ann.personal}/sync"):
        assert refused(await ann.get(path, params={"cursor": cursor})) == (400, "malformed")


async def test_cursors_that_were_tampered_with(server: Server) -> None:
    ann, eve = await people(server, "ann", "eve")
    space = (await team(ann))["id"]
    reader, one = await begin(ann), await begin(ann, space)
    plan = await new_document(ann, space)
    await reader.take(1)
    for bad in (
        altered(reader.cursor, xid=-1),
        altered(reader.cursor, id=-(2**63)),
        altered(reader.cursor, epoch=-1),
        altered(reader.cursor, xid="1"),
        altered(reader.cursor, xid=2**64),
        altered(reader.cursor, xid=1.5),
        altered(reader.cursor, scope=None),
        altered(reader.cursor, scope=ann.personal),
        one.cursor.swapcase(),
    ):
        assert refused(await ann.get(f"/workspaces/{space}/sync", params={"cursor": bad})) == (400, "malformed")
    assert refused(await ann.get("/sync", params={"cursor": one.cursor})) == (400, "malformed"), "of one, for all"
    assert ok(await ann.get(one.path, params={"cursor": reader.cursor}))["items"] == [], "of all, for one"
    # A stranger's cursor opens nothing.
    from_the_beginning = altered(reader.cursor, xid=0, id=0)
    told = ok(await eve.get("/sync", params={"cursor": from_the_beginning, "limit": 500}))
    assert plan not in json.dumps(told) and space not in json.dumps(told)
    for parameters in ({"limit": 0}, {"limit": 501}, {"wait": 31}, {"wait": -1}, {"wait": "x"}):
        assert refused(await ann.get("/sync", params=parameters)) == (422, "invalid")


async def test_a_cursor_of_another_history_begins_anew(server: Server) -> None:
    (ann,) = await people(server, "ann")
    reader = await begin(ann)
    for strange in (altered(reader.cursor, epoch=1), altered(reader.cursor, xid=2**62)):
        page = ok(await ann.get("/sync", params={"cursor": strange, "wait": 20}))
        assert page["items"] == [] and set(page["resync"]) == {ann.personal, PLAYGROUND}
        one = f"/workspaces/{ann.personal}/sync"
        answer = await ann.get(one, params={"cursor": strange})
        assert refused(answer) == (410, "cursor_expired")
        assert ok(await ann.get(one, params={"cursor": answer.json()["next_cursor"]}))["items"] == []
        plan = await new_document(ann, ann.personal)
        reader.cursor = page["next_cursor"]
        assert await reader.take(1) == [("create", "document", plan)], "the new cursor was taken before the state"


async def test_what_is_not_kept_any_more_is_announced(server: Server) -> None:
    (ann,) = await people(server, "ann")
    old, fresh = (await team(ann))["id"], (await team(ann))["id"]
    reader, one, other = await begin(ann), await begin(ann, old), await begin(ann, fresh)
    await new_document(ann, old)
    kept = await new_document(ann, old)
    await run(
        server,
        "UPDATE sync_log SET created_at = now() - interval '89 days' WHERE entity_id = $1::text::uuid",
        [(kept,)],
    )
    outdate = "UPDATE sync_log SET created_at = now() - interval '91 days' WHERE workspace_id = $1 AND entity_id <> $2"
    await run(server, outdate, [(UUID(old), UUID(kept))])
    plan = await new_document(ann, fresh)
    await server.maintain()
    assert await fetch(server, "SELECT FROM sync_log WHERE created_at < now() - interval '90 days'") == []
    answer = await ann.get(one.path, params={"cursor": one.cursor, "wait": 20})
    assert refused(answer) == (410, "cursor_expired")
    assert await other.take(1) == [("create", "document", plan)]
    items = await reader.page()
    assert reader.last["resync"] == [old] and plan in {item["entity_id"] for item in items}
    assert await reader.page() == [] and reader.last["resync"] == []
    one.cursor = answer.json()["next_cursor"]
    latest = await new_document(ann, old)
    assert await one.take(1) == [("create", "document", latest)]


async def test_missing_entries_of_shared_documents_are_announced(server: Server) -> None:
    ann, ben = await people(server, "ann", "ben")
    space = (await team(ann))["id"]
    plan, other = await new_document(ann, space), await new_document(ann, space)
    body = {"kind": "user", "user_id": ben.id, "permission": "read"}
    ok(await ann.post(f"/documents/{plan}/shares", json=body), 201)
    reader, one = await begin(ben), await begin(ben, space)
    assert reader.last["shared"] == [plan]
    ok(await ann.patch(f"/documents/{plan}", json={"title": "Missed"}))
    ok(await ann.patch(f"/documents/{other}", json={"title": "Not his"}))
    outdate = "UPDATE sync_log SET created_at = now() - interval '91 days' WHERE workspace_id = $1"
    await run(server, outdate, [(UUID(space),)])
    await server.maintain()
    assert refused(await ben.get(one.path, params={"cursor": one.cursor})) == (410, "cursor_expired")
    assert await reader.page() == []
    assert (reader.last["resync"], reader.last["resync_shared"]) == ([], [plan]), "he cannot list the workspace"
    await reader.page()
    assert reader.last["resync_shared"] == []
    restarted = ok(await ben.get("/sync", params={"cursor": altered(reader.cursor, epoch=1)}))
    assert restarted["resync_shared"] == [plan]
    assert set(restarted["resync"]) == {ben.personal, PLAYGROUND}


async def test_an_idle_cursor_moves_on_with_everybody(server: Server) -> None:
    ann, ben = await people(server, "ann", "ben")
    idle = await begin(ben)
    first = idle.cursor
    await new_document(ann, ann.personal)

    async def moved() -> bool:
        assert await idle.page() == []
        return idle.cursor != first

    await until(moved, "the cursor to move")


async def test_who_waits_hears_of_a_commit(server: Server) -> None:
    ann, ben, eve = await people(server, "ann", "ben", "eve")
    space = (await team(ann))["id"]
    await join(server, space, "viewer", ben)
    one, all_, stranger = await begin(ben, space), await begin(ben), await begin(eve)
    held = [asyncio.create_task(reader.page(wait=30)) for reader in (one, all_, stranger)]
    await waiting(server, 3)
    plan = await new_document(ann, space)
    told = await asyncio.wait_for(asyncio.gather(*held[:2]), 10)
    assert [[item["entity_id"] for item in items] for items in told] == [[plan], [plan]]
    assert not held[2].done()
    own = await new_document(eve, eve.personal)
    assert [item["entity_id"] for item in await asyncio.wait_for(held[2], 10)] == [own]
    await waiting(server, 0)
    assert await one.page(wait=0.3) == [], "nothing came"


async def test_who_is_signed_out_or_put_out_waits_no_longer(server: Server) -> None:
    ann, ben, cat = await people(server, "ann", "ben", "cat")
    space = (await team(ann))["id"]
    await join(server, space, "viewer", ben)

    async def held(person: Person, workspace: str) -> asyncio.Task[tuple[int, str]]:
        reader = await begin(person, workspace)

        async def asked() -> tuple[int, str]:
            return refused(await person.get(reader.path, params={"cursor": reader.cursor, "wait": 30}))

        return asyncio.create_task(asked())

    removed, revoked = await held(ben, space), await held(await cat.with_scope("read"), cat.personal)
    await waiting(server, 2)
    ok(await ann.delete(f"/workspaces/{space}/members/{ben.id}"), 204)
    await run(server, "UPDATE access_tokens SET revoked_at = now() WHERE user_id = $1", [(UUID(cat.id),)])
    assert await asyncio.wait_for(removed, 10) == (404, "not_found")
    assert await asyncio.wait_for(revoked, 10) == (401, "unauthenticated")


async def test_who_hangs_up_waits_no_longer(server: Server) -> None:
    (ann,) = await people(server, "ann")
    reader = await begin(ann)
    task = asyncio.create_task(reader.page(wait=30))
    await waiting(server, 1)
    task.cancel()
    await waiting(server, 0)


async def test_devices_are_remembered(server: Server) -> None:
    (ann,) = await people(server, "ann")
    reader = await begin(ann)
    await ann.get("/sync", params={"cursor": reader.cursor, "device_id": "phone 1", "client_version": "3"})
    await ann.get("/sync", headers={"x-device-id": "laptop"})
    query = (
        "SELECT id, client_version, acked_cursor, last_sync_at IS NOT NULL FROM devices WHERE user_id = $1 ORDER BY id"
    )
    rows = await fetch(server, query, UUID(ann.id))
    assert [tuple(row) for row in rows] == [("laptop", None, None, True), ("phone 1", "3", reader.cursor, True)]


async def test_the_end_of_the_server_ends_all_waiting(server: Server) -> None:
    (ann,) = await people(server, "ann")
    reader = await begin(ann)
    task = asyncio.create_task(reader.page(wait=30))
    await waiting(server, 1)
    stopped = asyncio.create_task(server.terminate())
    try:
        assert await asyncio.wait_for(task, 15) == []
        assert await stopped == 0
    finally:
        await stopped
        await server.start()

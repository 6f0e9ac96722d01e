"""Live events of pages: `GET /sync/stream`."""

import json
from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from tests.features.changes.test_feed import altered
from tests.features.workspaces.teams import join, ok, refused, team
from tests.peers import Peer
from tests.people import nobody, people, run
from tests.realtime.streams import page
from tests.server import Server
from tests.waiting import until


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with Server(tmp_path_factory.mktemp("streams"), guest_role="none") as running:
        yield running


async def test_members_receive_an_event_for_every_change_and_no_values(server: Server) -> None:
    ann, ben, eve = await people(server, "ann", "ben", "eve")
    space = (await team(ann))["id"]
    await join(server, space, "viewer", ben)
    async with page(ben) as reader, page(eve) as stranger:
        plan = ok(await ann.post(f"/workspaces/{space}/documents", json={"title": "Secret plan"}), 201)
        ok(await ann.patch(f"/documents/{plan['id']}", json={"title": "Secret plan of ours"}))
        tag = ok(await ann.post(f"/workspaces/{space}/tags", json={"name": "secret tag"}), 201)
        own = ok(await eve.post(f"/workspaces/{eve.personal}/documents", json={"title": "Mine"}), 201)
        await reader.receives(
            ("create", "document", plan["id"]), ("update", "document", plan["id"]), ("create", "tag", tag["id"])
        )
        await stranger.receives(("create", "document", own["id"]))
        assert [event[2] for event in stranger.changes] == [own["id"]]
    name, event = next(each for each in reader.named if each[1].get("operation") == "create")
    assert name == "change"
    assert set(event) == {
        "type",
        "entity_type",
        "entity_id",
        "document_id",
        "workspace_id",
        "operation",
        "row_version",
        "at",
    }
    assert event["workspace_id"] == space and event["document_id"] == plan["id"]
    assert "secret" not in json.dumps(reader.named).lower()


async def test_a_new_member_receives_events_at_once_and_a_removed_one_no_more(server: Server) -> None:
    ann, ben = await people(server, "ann", "ben")
    space = (await team(ann))["id"]
    async with page(ben) as reader:
        await join(server, space, "editor", ben)
        during = ok(await ann.post(f"/workspaces/{space}/documents", json={"title": "During"}), 201)
        await reader.receives(("create", "workspace", space), ("create", "document", during["id"]))
        ok(await ann.delete(f"/workspaces/{space}/members/{ben.id}"), 204)
        after = ok(await ann.post(f"/workspaces/{space}/documents", json={"title": "After"}), 201)
        own = ok(await ben.post(f"/workspaces/{ben.personal}/documents", json={"title": "Mine"}), 201)
        await reader.receives(("delete", "workspace", space), ("create", "document", own["id"]))
        assert after["id"] not in {event[2] for event in reader.changes}


async def test_a_person_receives_events_of_a_document_while_it_is_shared(server: Server) -> None:
    ann, ben = await people(server, "ann", "ben")
    space = (await team(ann))["id"]
    plan, other = [
        ok(await ann.post(f"/workspaces/{space}/documents", json={"title": "Plan"}), 201)["id"] for _ in range(2)
    ]
    async with page(ben) as reader:
        body = {"kind": "user", "user_id": ben.id, "permission": "read"}
        share = ok(await ann.post(f"/documents/{plan}/shares", json=body), 201)["id"]
        await reader.receives(("create", "document", plan))
        for document in (plan, other):
            ok(await ann.patch(f"/documents/{document}", json={"title": "Plan B"}))
        await reader.receives(("update", "document", plan))
        ok(await ann.delete(f"/shares/{share}"), 204)
        await reader.receives(("delete", "document", plan))
        ok(await ann.patch(f"/documents/{plan}", json={"title": "Plan C"}))
        own = ok(await ben.post(f"/workspaces/{ben.personal}/documents", json={"title": "Mine"}), 201)["id"]
        await reader.receives(("create", "document", own))
        assert other not in {event[2] for event in reader.changes}
        assert [event[0] for event in reader.changes if event[2] == plan] == ["create", "update", "delete"]


async def test_events_for_one_person_reach_nobody_else(server: Server) -> None:
    ann, ben = await people(server, "ann", "ben")
    space = (await team(ann))["id"]
    await join(server, space, "viewer", ben)
    plan = ok(await ann.post(f"/workspaces/{space}/documents", json={"title": "Plan"}), 201)["id"]
    async with page(ann) as hers, page(ben) as his:
        ok(await ann.put(f"/documents/{plan}/favourite"), 204)
        ok(await ann.patch(f"/documents/{plan}", json={"title": "Plan B"}))
        await hers.receives(("create", "favourite", plan), ("update", "document", plan))
        await his.receives(("update", "document", plan))
        assert [event[1] for event in his.changes] == ["document"]


async def test_members_are_told_in_which_documents_people_come_and_go(server: Server) -> None:
    ann, ben, eve = await people(server, "ann", "ben", "eve")
    space = (await team(ann))["id"]
    await join(server, space, "viewer", ben)
    plan, other = [
        ok(await ann.post(f"/workspaces/{space}/documents", json={"title": title}), 201)["id"] for title in "ab"
    ]
    async with page(ben) as reader, page(eve) as stranger:
        ids = len(reader.ids)
        peer = await Peer(server, "yws", plan, token=ann.token).sync()
        await until(lambda: reader.busy == [plan], "somebody came")
        assert (await ben.get(f"/workspaces/{space}/presence")).json()["items"][0]["people"] == 1
        await peer.close()
        await until(lambda: reader.busy == [plan, plan], "somebody left")
        assert (await ben.get(f"/workspaces/{space}/presence")).json()["items"] == []
        assert dict(reader.named)["presence"] == {"type": "presence", "workspace_id": space, "document_id": plan}
        assert len(reader.ids) == ids, "a browser that reconnects names the last change"
        last = await Peer(server, "hocus", other, token=ann.token).sync()
        made = ok(await eve.post(f"/workspaces/{eve.personal}/documents", json={"title": "Own"}), 201)["id"]
        own = await Peer(server, "yws", made, token=eve.token).sync()
        await until(lambda: other in reader.busy and made in stranger.busy, "both documents")
        assert not {plan, other} & set(stranger.busy)
        for each in (last, own):
            await each.close()


async def test_a_page_is_told_when_presence_may_have_been_missed(server: Server) -> None:
    (ann,) = await people(server, "ann")
    made = ok(await ann.post(f"/workspaces/{ann.personal}/documents", json={"title": "One"}), 201)["id"]
    async with page(ann) as reader:
        listeners = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1"
        await run(server, listeners, [("collab_server notices",)])
        await reader.wait_for("resync")
        peer = await Peer(server, "yws", made, token=ann.token).sync()
        await until(lambda: reader.busy == [made], "somebody came")
        assert [name for name, _ in reader.named].count("resync") == 1
        await peer.close()


async def test_a_page_that_reconnects_receives_what_it_missed(server: Server) -> None:
    (ann,) = await people(server, "ann")
    async with page(ann) as first:
        one = ok(await ann.post(f"/workspaces/{ann.personal}/documents", json={"title": "One"}), 201)["id"]
        await first.receives(("create", "document", one))
    two = ok(await ann.post(f"/workspaces/{ann.personal}/documents", json={"title": "Two"}), 201)["id"]
    async with page(ann, last_event_id=first.ids[-1]) as second:
        await second.receives(("create", "document", two))
        assert ("create", "document", one) not in second.changes
    async with page(ann, last_event_id=first.ids[0]) as third:
        await third.receives(("create", "document", one), ("create", "document", two))


async def test_a_page_with_a_cursor_of_another_epoch_is_told_to_read_anew(server: Server) -> None:
    (ann,) = await people(server, "ann")
    async with page(ann) as first:
        pass
    async with page(ann, last_event_id=altered(first.ids[0], epoch=1)) as second:
        await second.wait_for("resync")


async def test_a_revoked_token_ends_the_stream(server: Server) -> None:
    (ann,) = await people(server, "ann")
    async with page(ann) as reader:
        await run(server, "UPDATE access_tokens SET revoked_at = now() WHERE user_id = $1", [(UUID(ann.id),)])
        assert (await reader.wait_for("close"))["code"] == 4401


async def test_guests_without_rights_and_bad_cursors_are_refused(server: Server) -> None:
    async with nobody(server) as guest:
        assert refused(await guest.get("/sync/stream")) == (401, "unauthenticated")
    (ann,) = await people(server, "ann")
    assert refused(await ann.get("/sync/stream", params={"cursor": "not a cursor"})) == (400, "malformed")

"""The activity of a workspace over REST, and the command line's part in workspaces."""

from typing import Any

import pytest

from tests.features.workspaces.teams import join, ok, refused, team
from tests.people import people
from tests.server import Server


async def test_what_was_done_is_told_in_pages(server: Server) -> None:
    ann, ben = await people(server, "ann", "ben")
    made = await team(ann)
    path = f"/workspaces/{made['id']}"
    await join(server, made["id"], "admin", ben)
    document = ok(await ben.post(f"{path}/documents", json={"title": "Plan"}), 201)
    ok(await ben.patch(f"/documents/{document['id']}", json={"title": "Better plan"}))
    ok(await ann.patch(f"{path}/members/{ben.id}", json={"role": "viewer"}))
    assert refused(await ben.get(f"{path}/activity")) == (403, "forbidden")
    ok(await ann.post(f"{path}/archive"))
    items: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = ok(await ann.get(f"{path}/activity", params={"limit": 2, **({"cursor": cursor} if cursor else {})}))
        items += page["items"]
        cursor = page["next_cursor"]
        if not cursor:
            break
    told = [(i["actor"] and i["actor"]["name"], i["action"], i["entity_type"]) for i in items]
    assert told[:4] == [
        ("ann", "archive", "workspace"),
        ("ann", "update", "member"),
        ("ben", "update", "document"),
        ("ben", "create", "document"),
    ]
    assert told[-1] == ("ann", "create", "workspace")
    assert items[1]["data"] == {"old": {"role": "admin"}, "new": {"role": "viewer"}} and items[1]["entity_id"] == ben.id
    assert [i["entity_name"] for i in items[:3]] == [None, "ben", "Better plan"]
    assert items[2]["data"] == {"old": {"title": "Plan"}, "new": {"title": "Better plan"}}
    by_ben = ok(await ann.get(f"{path}/activity", params={"actor": ben.id}))["items"]
    assert [i["action"] for i in by_ben] == ["update", "create"]
    documents = ok(await ann.get(f"{path}/activity", params={"entity_type": "document"}))["items"]
    assert documents == by_ben
    assert ok(await ann.get(f"{path}/activity", params={"entity_type": "'; DROP TABLE x"}))["items"] == []
    for bad in ("x", "WyJhIl0", "W10"):
        assert refused(await ann.get(f"{path}/activity", params={"cursor": bad})) == (400, "malformed")
    # Another's workspace stays another's, also with a cursor from here.
    assert refused(await ben.get(f"/workspaces/{ann.personal}/activity")) == (404, "not_found")


async def test_operators_invite_and_see_members(server: Server) -> None:
    ann, ben = await people(server, "ann", "ben")
    made = await team(ann)
    link = await server.command("workspace", "invite", made["slug"], ben.email, "--role", "commenter")
    assert link.startswith(f"{server.http}/invite#token=")
    joined = ok(await ben.post("/invitations/accept", json={"token": link.partition("#token=")[2]}))
    assert (joined["id"], joined["role"]) == (made["id"], "commenter")
    members = await server.command("workspace", "members", made["slug"])
    assert members.splitlines() == [f"{ann.email}  owner", f"{ben.email}  commenter"]
    for arguments in (
        ("members", "nowhere-at-all"),
        ("members", "playground"),
        ("invite", made["slug"], ben.email),
        ("invite", made["slug"], "no address"),
        ("invite", "playground", "x@example.org"),
    ):
        with pytest.raises(AssertionError, match=r"^collab-server: ") as raised:
            await server.command("workspace", *arguments)
        assert len(str(raised.value).split("\nassert")[0].strip().splitlines()) == 1

"""Workspaces over REST: making, changing, archiving, deleting, restoring, handing over."""

import asyncio
from uuid import UUID, uuid4

import httpx

from tests.features.workspaces.teams import NOWHERE, PLAYGROUND, join, ok, refused, team
from tests.people import nobody, people, run
from tests.server import Server


async def test_a_workspace_is_made_seen_and_changed(server: Server) -> None:
    ann, eve = await people(server, "ann", "eve")
    name = f"Garden {uuid4()}"
    made = await team(ann, name=f"  {name} ", color="#2e7d32", icon="🌱", settings={"extra": {"a": [1, None]}})
    assert made["name"] == name and made["slug"] == name.lower().replace(" ", "-")
    assert (made["kind"], made["role"], made["can_create"], made["row_version"]) == ("team", "owner", True, 1)
    assert "can_manage_workspace" in made["permissions"] and made["settings"] == {"extra": {"a": [1, None]}}
    assert (made["owner_id"], made["member_count"], made["member_limit"]) == (ann.id, 1, 10)
    assert made["storage_used_bytes"] == 0 and made["storage_limit_bytes"] == 1073741824
    answer = await ann.get(f"/workspaces/{made['id']}")
    assert ok(answer) == made and answer.headers["etag"] == '"r1"'
    change: dict[str, object] = {"name": "Kitchen", "description": "d", "color": None, "settings": {}}
    answer = await ann.patch(f"/workspaces/{made['id']}", json=change)
    changed = ok(answer)
    assert (changed["name"], changed["description"], changed["color"], changed["icon"]) == ("Kitchen", "d", None, "🌱")
    assert changed["settings"] == {} and changed["row_version"] == 2 and answer.headers["etag"] == '"r2"'
    assert changed["updated_at"] > made["updated_at"] and changed["slug"] == made["slug"]
    for method in ("GET", "PATCH", "DELETE"):
        body: object = {} if method == "PATCH" else None
        assert refused(await eve.request(method, f"/workspaces/{made['id']}", json=body)) == (404, "not_found")


async def test_conditional_requests(server: Server) -> None:
    (ann,) = await people(server, "ann")
    path = f"/workspaces/{(await team(ann))['id']}"
    assert (await ann.get(path, headers={"if-none-match": '"r1"'})).status_code == 304
    assert (await ann.get(path, headers={"if-none-match": '"r2"'})).status_code == 200
    wrong = await ann.patch(path, json={"name": "x"}, headers={"if-match": '"r9"'})
    assert refused(wrong) == (412, "precondition_failed")
    assert refused(await ann.delete(path, headers={"if-match": '"r9"'})) == (412, "precondition_failed")
    assert refused(await ann.patch(path, json={}, headers={"if-match": "nonsense"})) == (400, "malformed")
    answers = await asyncio.gather(
        *(ann.patch(path, json={"name": f"n{n}"}, headers={"if-match": '"r1"'}) for n in range(5))
    )
    assert sorted(a.status_code for a in answers) == [200, 412, 412, 412, 412]
    assert ok(await ann.patch(path, json={}))["row_version"] == 2
    same = {"name": ok(await ann.get(path))["name"]}
    assert ok(await ann.patch(path, json=same))["row_version"] == 2
    assert (await ann.delete(path, headers={"if-match": '"r2"'})).status_code == 204


async def test_slugs_are_one_workspaces_own_and_free_after_its_deletion(server: Server) -> None:
    ann, ben = await people(server, "ann", "ben")
    slug = f"s-{uuid4().hex}"
    first = await team(ann, slug=slug)
    assert refused(await ben.post("/workspaces", json={"name": "x", "slug": slug})) == (409, "conflict")
    other = await team(ben)
    assert refused(await ben.patch(f"/workspaces/{other['id']}", json={"slug": slug})) == (409, "conflict")
    same = [await team(ben, name=slug) for _ in range(3)]
    assert len({w["slug"] for w in same}) == 3 and all(w["slug"].startswith(slug) for w in same)
    assert (await ann.delete(f"/workspaces/{first['id']}")).status_code == 204
    taken = await team(ben, slug=slug)
    assert taken["slug"] == slug
    back = ok(await ann.post(f"/workspaces/{first['id']}/restore"))
    assert back["slug"] != slug and back["slug"].startswith(slug) and back["deleted_at"] is None


async def test_lists_have_pages_by_name(server: Server) -> None:
    ann, ben = await people(server, "ann", "ben")
    names = ["Zoo", "alpha", "Beta", "beta", "Álpha", "gamma", "10", "9"]
    made = {(await team(ann, name=name))["id"] for name in names}
    shared = await team(ben, name="shared")
    await join(server, shared["id"], "viewer", ann)
    seen: list[str] = []
    cursor = None
    while True:
        params = {"limit": 3, **({"cursor": cursor} if cursor else {})}
        page = ok(await ann.get("/workspaces", params=params))
        assert len(page["items"]) <= 3
        seen += [w["id"] for w in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen))
    assert set(seen) == made | {shared["id"], ann.personal, PLAYGROUND}
    roles = {w["id"]: w["role"] for w in ok(await ann.get("/workspaces"))["items"]}
    assert (roles[shared["id"]], roles[PLAYGROUND], roles[ann.personal]) == ("viewer", "editor", "owner")
    for bad in ("x", "W10", "bm9wZQ", "9" * 5000):
        assert refused(await ann.get("/workspaces", params={"cursor": bad})) == (400, "malformed")
    assert refused(await ann.get("/workspaces", params={"limit": 0}))[0] == 422


async def test_an_archive_is_read_and_managed_but_not_written(server: Server) -> None:
    ann, ed = await people(server, "ann", "ed")
    path = f"/workspaces/{(await team(ann))['id']}"
    await join(server, path.rpartition("/")[2], "editor", ed)
    ok(await ed.post(f"{path}/documents", json={"title": "before"}), 201)
    assert refused(await ed.post(f"{path}/archive")) == (403, "forbidden")
    archived = ok(await ann.post(f"{path}/archive"))
    assert archived["archived_at"] and archived["permissions"] == ["can_manage_workspace", "can_read"]
    assert ok(await ann.post(f"{path}/archive"))["row_version"] == archived["row_version"]
    seen = ok(await ed.get(path))
    assert (seen["permissions"], seen["can_create"], seen["role"]) == (["can_read"], False, "editor")
    assert refused(await ed.post(f"{path}/documents", json={"title": "after"})) == (403, "forbidden")
    assert [d["title"] for d in ok(await ed.get(f"{path}/documents"))["items"]] == ["before"]
    for flag, ids in (("true", [archived["id"]]), ("false", [ed.personal, PLAYGROUND])):
        listed = {w["id"] for w in ok(await ed.get("/workspaces", params={"archived": flag}))["items"]}
        assert listed == set(ids)
    assert ok(await ann.post(f"{path}/unarchive"))["archived_at"] is None
    ok(await ed.post(f"{path}/documents", json={"title": "after"}), 201)


async def test_a_deleted_workspace_is_gone_for_all_and_its_owner_can_restore_it(server: Server) -> None:
    ann, ed = await people(server, "ann", "ed")
    made = await team(ann)
    path = f"/workspaces/{made['id']}"
    await join(server, made["id"], "admin", ed)
    document = ok(await ed.post(f"{path}/documents", json={"title": "T"}), 201)
    assert refused(await ed.delete(path)) == (403, "forbidden")
    assert (await ann.delete(path)).status_code == 204
    for person in (ann, ed):
        for gone in (path, f"{path}/members", f"{path}/usage", f"{path}/documents", f"/documents/{document['id']}"):
            assert refused(await person.get(gone)) == (404, "not_found"), gone
        assert refused(await person.patch(path, json={"name": "x"})) == (404, "not_found")
        assert refused(await person.delete(path)) == (404, "not_found")
        assert made["id"] not in {w["id"] for w in ok(await person.get("/workspaces"))["items"]}
    deleted = ok(await ann.get("/workspaces", params={"deleted": "true"}))["items"]
    assert [w["id"] for w in deleted] == [made["id"]] and deleted[0]["deleted_at"]
    assert ok(await ed.get("/workspaces", params={"deleted": "true"}))["items"] == []
    assert refused(await ed.post(f"{path}/restore")) == (404, "not_found")
    assert ok(await ann.post(f"{path}/restore"))["deleted_at"] is None
    assert ok(await ann.post(f"{path}/restore"))["slug"] == made["slug"]  # once more: nothing happens
    assert ok(await ed.get(f"/documents/{document['id']}"))["title"] == "T"


async def test_a_personal_workspace_stays_with_its_owner(server: Server) -> None:
    ann, ben = await people(server, "ann", "ben")
    path = f"/workspaces/{ann.personal}"
    assert refused(await ben.get(path)) == (404, "not_found")
    await join(server, ann.personal, "admin", ben)
    assert refused(await ben.delete(path)) == (403, "forbidden")
    assert refused(await ann.delete(path)) == (409, "conflict")
    assert refused(await ann.post(f"{path}/transfer", json={"user_id": ben.id})) == (409, "conflict")
    assert ok(await ann.get(path))["kind"] == "personal"
    assert refused(await ann.post("/workspaces", json={"name": "x", "kind": "personal"}))[0] == 422


async def test_the_playground_is_nobodys_to_manage(server: Server) -> None:
    (ann,) = await people(server, "ann")
    path = f"/workspaces/{PLAYGROUND}"
    for person, status in ((ann, 403), (nobody(server), 401)):
        seen = ok(await person.get(path))
        assert (seen["kind"], seen["role"], seen["can_create"]) == ("playground", "editor", True)
        assert (await person.patch(path, json={"name": "mine"})).status_code == status
        assert (await person.delete(path)).status_code == status
        assert (await person.get(f"{path}/members")).status_code == status
        assert (await person.get(f"{path}/activity")).status_code == status
        assert (await person.post(f"{path}/transfer", json={"user_id": ann.id})).status_code == status
        assert (await person.post(f"{path}/invitations", json={"email": "x@example.org"})).status_code == status
        assert ok(await person.get(f"{path}/usage"))["documents"] >= 0


async def test_a_workspace_is_handed_over(server: Server) -> None:
    ann, ben, eve = await people(server, "ann", "ben", "eve")
    made = await team(ann)
    path = f"/workspaces/{made['id']}"
    for person in (ben, eve):
        assert refused(await ann.post(f"{path}/transfer", json={"user_id": person.id})) == (409, "conflict")
    await join(server, made["id"], "viewer", ben)
    assert refused(await ben.post(f"{path}/transfer", json={"user_id": ben.id})) == (403, "forbidden")
    suspended = {"is_active": False}
    ok(await ann.patch(f"{path}/members/{ben.id}", json=suspended))
    assert refused(await ann.post(f"{path}/transfer", json={"user_id": ben.id})) == (409, "conflict")
    ok(await ann.patch(f"{path}/members/{ben.id}", json={"is_active": True, "permissions": {"can_comment": True}}))
    after = ok(await ann.post(f"{path}/transfer", json={"user_id": ben.id}))
    assert (after["owner_id"], after["role"], after["row_version"]) == (ben.id, "admin", 2)
    roles = {m["user_id"]: (m["role"], m["permissions"]) for m in ok(await ben.get(f"{path}/members"))["items"]}
    assert roles == {ann.id: ("admin", {}), ben.id: ("owner", {})}
    assert refused(await ann.delete(path)) == (403, "forbidden")
    assert (await ben.delete(path)).status_code == 204


async def test_of_transfers_at_once_one_happens(server: Server) -> None:
    ann, *others = await people(server, "ann", "ben", "cleo", "dan")
    made = await team(ann)
    path = f"/workspaces/{made['id']}"
    await join(server, made["id"], "editor", *others)
    answers = await asyncio.gather(*(ann.post(f"{path}/transfer", json={"user_id": p.id}) for p in others))
    assert sorted(a.status_code for a in answers) == [200, 403, 403]
    members = ok(await ann.get(f"{path}/members"))["items"]
    assert sorted(m["role"] for m in members) == ["admin", "editor", "editor", "owner"]
    owner = next(m["user_id"] for m in members if m["role"] == "owner")
    assert ok(await ann.get(path))["owner_id"] == owner


async def test_a_new_owner_who_leaves_at_the_same_time_either_owns_or_is_gone(server: Server) -> None:
    ann, ben = await people(server, "ann", "ben")
    for _ in range(8):
        made = await team(ann)
        path = f"/workspaces/{made['id']}"
        await join(server, made["id"], "editor", ben)
        handed, left = await asyncio.gather(
            ann.post(f"{path}/transfer", json={"user_id": ben.id}), ben.delete(f"{path}/members/{ben.id}")
        )
        assert (handed.status_code, left.status_code) in ((200, 409), (409, 204))
        owner = ok(await ann.get(path))["owner_id"]
        assert owner == (ben.id if handed.status_code == 200 else ann.id)


async def test_limits_are_for_administrators_of_the_server(server: Server) -> None:
    ann, ed = await people(server, "ann", "ed")
    made = await team(ann)
    path = f"/workspaces/{made['id']}"
    for change in ({"member_limit": 99}, {"storage_limit_bytes": 5}, {"name": "new", "member_limit": 99}):
        assert refused(await ann.patch(path, json=change)) == (403, "forbidden")
    assert ok(await ann.get(path)) == made
    await join(server, made["id"], "admin", ed)
    await run(server, "UPDATE users SET role = 'admin' WHERE id = $1", [(UUID(ed.id),)])
    changed = ok(await ed.patch(path, json={"member_limit": 99, "storage_limit_bytes": 5, "name": "new"}))
    assert (changed["member_limit"], changed["storage_limit_bytes"], changed["name"]) == (99, 5, "new")
    for bad in ({"member_limit": 0}, {"member_limit": None}, {"storage_limit_bytes": -1}, {"member_limit": 2**70}):
        assert refused(await ed.patch(path, json=bad))[0] == 422


async def test_an_administrator_sets_the_limits_of_a_workspace_of_others_and_sees_nothing_else_of_it(
    server: Server,
) -> None:
    ann, eve = await people(server, "ann", "eve")
    (root,) = await people(server, "root", admin=True)
    made = await team(ann, description="ours alone", settings={"extra": {"a": 1}})
    path = f"/workspaces/{made['id']}"
    answer = await root.patch(path, json={"member_limit": 99, "storage_limit_bytes": 5})
    changed = ok(answer)
    assert (changed["member_limit"], changed["storage_limit_bytes"], changed["role"]) == (99, 5, "administrator")
    assert (changed["description"], changed["settings"], changed["permissions"]) == (None, {}, [])
    assert answer.headers["etag"] == f'"r{changed["row_version"]}"'
    usage = ok(await root.get(f"{path}/usage"))
    assert usage == ok(await ann.get(f"{path}/usage"))
    assert (usage["member_limit"], usage["storage_limit_bytes"], usage["members"]) == (99, 5, 1)
    seen = ok(await ann.get(path))
    assert (seen["member_limit"], seen["description"]) == (99, "ours alone")
    # One limit leaves the other as it is, and only the version that was named changes.
    stale = await root.patch(path, json={"member_limit": 7}, headers={"if-match": '"r1"'})
    assert refused(stale) == (412, "precondition_failed")
    assert ok(await root.patch(path, json={"member_limit": 7}))["storage_limit_bytes"] == 5
    for change in ({"name": "Theirs"}, {"name": "Theirs", "member_limit": 8}):
        assert refused(await root.patch(path, json=change)) == (404, "not_found")
    for other in (path, f"{path}/members", f"{path}/documents"):
        assert refused(await root.get(other)) == (404, "not_found")
    weak = await root.with_scope("write")
    for who in (eve, weak):
        assert refused(await who.patch(path, json={"member_limit": 8})) == (404, "not_found")
        assert refused(await who.get(f"{path}/usage")) == (404, "not_found")
    for method, missing in (("PATCH", f"/workspaces/{NOWHERE}"), ("GET", f"/workspaces/{NOWHERE}/usage")):
        body = {"member_limit": 8} if method == "PATCH" else None
        assert refused(await root.request(method, missing, json=body)) == (404, "not_found")
    ok(await ann.delete(path), 204)
    assert refused(await root.patch(path, json={"member_limit": 8})) == (404, "not_found")


async def test_settings_of_a_workspace_act_or_are_refused(server: Server) -> None:
    ann, ben = await people(server, "ann", "ben")
    seeds = {"default_permissions": "viewer", "require_invitation": True, "allow_guest_access": False}
    made = await team(ann, settings={**seeds, "ai_enabled": True, "extra": {"x": 1}})
    assert made["settings"] == {**seeds, "ai_enabled": True, "extra": {"x": 1}}
    path = f"/workspaces/{made['id']}"
    invitations = f"{path}/invitations"
    assert ok(await ann.post(invitations, json={"email": ben.email}), 201)["role"] == "viewer"
    named = {"email": f"x-{ben.email}", "role": "commenter"}
    assert ok(await ann.post(invitations, json=named), 201)["role"] == "commenter"
    bad: list[dict[str, object]] = [
        {"default_permissions": "owner"},
        {"require_invitation": False},
        {"allow_guest_access": True},
        {"default_permission": "viewer"},
        {"extra": []},
    ]
    for wrong in bad:
        assert refused(await ann.patch(path, json={"settings": wrong})) == (422, "invalid"), wrong
        assert refused(await ann.post("/workspaces", json={"name": "T", "settings": wrong})) == (422, "invalid")
    ok(await ann.patch(path, json={"settings": {}}))
    assert ok(await ann.post(invitations, json={"email": f"y-{ben.email}"}), 201)["role"] == "editor"


async def test_usage_counts(server: Server) -> None:
    ann, ben = await people(server, "ann", "ben")
    path = f"/workspaces/{(await team(ann))['id']}"
    await join(server, path.rpartition("/")[2], "viewer", ben)
    documents = [ok(await ann.post(f"{path}/documents", json={"title": f"{n}"}), 201)["id"] for n in range(3)]
    await run(server, "UPDATE documents SET deleted_at = now() WHERE id = $1", [(UUID(documents[0]),)])
    text = "counted " * 1000
    ok(await ann.post(f"{path}/documents", json={"title": "long", "content": text}), 201)
    usage = ok(await ben.get(f"{path}/usage"))
    assert (usage["members"], usage["documents"], usage["deleted_documents"]) == (2, 3, 1)
    assert usage["storage_used_bytes"] >= len(text)
    assert usage["member_limit"] == 10 and usage["storage_limit_bytes"] == 1073741824


async def test_absent_and_malformed_ids_are_problems(server: Server) -> None:
    (ann,) = await people(server, "ann")
    for method, path in (
        ("GET", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("POST", "/restore"),
        ("POST", "/archive"),
        ("POST", "/unarchive"),
        ("POST", "/transfer"),
        ("GET", "/usage"),
        ("GET", "/members"),
        ("GET", "/activity"),
    ):
        body = {"user_id": ann.id} if path == "/transfer" else {} if method == "PATCH" else None

        async def ask(workspace: str, method: str = method, path: str = path, body: object = body) -> httpx.Response:
            return await ann.request(method, f"/workspaces/{workspace}{path}", json=body)

        assert refused(await ask(NOWHERE)) == (404, "not_found"), path
        assert refused(await ask("not-an-id"))[0] == 422

"""Sharing a document with people and by links, over REST."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from collab_server.security.tokens import csrf_token, new_secret, token_hash
from tests.features.api_harness import ApiHarness, code
from tests.features.search.library import index
from tests.features.shares.sharing import open_link, share, visitor, with_header
from tests.peers import Peer
from tests.people import fetch, people, run


def later(**time: float) -> str:
    return (datetime.now(UTC) + timedelta(**time)).isoformat()


async def test_a_document_is_shared_with_a_person(api: ApiHarness) -> None:
    document = await api.make(content="Figures")
    stranger, path = api.stranger, f"/documents/{document['id']}"
    assert (await stranger.get(path)).status_code == 404
    made = await share(api, document["id"], kind="user", user_id=stranger.id, permission="write")
    assert made["token"] is None
    assert made["user"]["name"] == "stranger"
    seen = (await stranger.get(path)).json()
    assert (seen["role"], seen["tags"], seen["created_by"]["name"]) == ("editor", [], "editor")
    assert seen["address"] == document["id"], "the workspace's name is not told"
    assert (await stranger.get(path + "/content")).text == "Figures"
    edited = await stranger.put(path + "/content", content="Other figures", headers={"content-type": "text/markdown"})
    assert edited.status_code == 200, edited.text
    assert (await stranger.patch(path, json={"title": "Mine"})).status_code == 200
    again = await api.editor.post(path + "/shares", json={"kind": "user", "user_id": stranger.id, "permission": "read"})
    assert code(again) == "conflict"
    mine = (await stranger.get("/documents/shared")).json()["items"]
    assert document["id"] in [each["id"] for each in mine]
    assert (await stranger.get(f"/workspaces/{api.team}")).status_code == 404
    own = await stranger.get(path + "/shares/own")
    assert (own.status_code, own.json()["id"], own.json()["permission"]) == (200, made["id"], "write")
    assert code(await api.editor.get(path + "/shares/own")) == "not_found"
    assert code(await api.guest.get(path + "/shares/own")) == "unauthenticated"
    assert (await stranger.delete(f"/shares/{made['id']}")).status_code == 204, "it may be given back"
    assert code(await stranger.get(path + "/shares/own")) == "not_found"
    assert (await stranger.get(path)).status_code == 404


async def test_links_to_a_named_document_open_it_for_whom_it_is_shared_with(api: ApiHarness) -> None:
    name = f"plan-{uuid4().hex[:10]}"
    document = await api.make(name=name)
    members_address = f"@{api.slug}/{name}"
    assert document["address"] == members_address
    made = await share(api, document["id"], kind="user", user_id=api.stranger.id, permission="write")
    told = (await api.stranger.get("/notifications")).json()["items"][0]
    [listed] = [
        each for each in (await api.stranger.get("/documents/shared")).json()["items"] if each["id"] == document["id"]
    ]
    assert told["url"] == f"/d/{document['id']}" and told["document"]["address"] == listed["address"]
    link = await share(api, document["id"])
    guest = visitor(api, link["token"])
    for address in (told["document"]["address"], listed["address"], members_address):
        for who in (api.stranger, guest):
            found = await who.get("/documents/lookup", params={"address": address})
            assert (found.status_code, found.json()["id"]) == (200, document["id"]), address
        peer = await Peer(api.server, "yws", address, token=api.stranger.token).sync()
        await peer.close()
    other = (await api.make(name=f"{name}-other"))["address"]
    for who, address in ((api.stranger, other), (guest, other), (api.guest, members_address)):
        assert code(await who.get("/documents/lookup", params={"address": address})) == "not_found"
    await api.stranger.delete(f"/shares/{made['id']}")
    assert code(await api.stranger.get("/documents/lookup", params={"address": members_address})) == "not_found"


async def test_a_share_leaves_the_workspace_to_its_members(api: ApiHarness) -> None:
    document, other = await api.make(), await api.make()
    await share(api, document["id"], kind="user", user_id=api.stranger.id, permission="write")
    path = f"/documents/{document['id']}"
    assert (await api.stranger.get(f"/documents/{other['id']}")).status_code == 404
    for change in ({"name": f"taken-{uuid4().hex}"}, {"is_template": True}, {"is_public": True}):
        assert code(await api.stranger.patch(path, json=change)) == "forbidden", change
    assert code(await api.stranger.put(path + "/tags", json={"tags": ["x"]})) in ("forbidden", "not_found")
    moved = await api.stranger.post(path + "/move", json={"workspace_id": api.stranger.personal})
    assert moved.status_code in (403, 404)
    assert code(await api.stranger.delete(path)) == "forbidden"


async def test_a_share_to_write_lets_nobody_else_in(api: ApiHarness) -> None:
    document = await api.make()
    path = f"/documents/{document['id']}/connect-tokens"
    await share(api, document["id"], kind="user", user_id=api.stranger.id, permission="write")
    assert (await api.stranger.post(path, json={"role": "editor"})).status_code == 201, "for themselves"
    assert code(await api.stranger.post(path, json={"role": "editor", "name": "Another"})) == "forbidden"
    assert (await api.editor.post(path, json={"role": "editor", "name": "Another"})).status_code == 201


async def test_an_administrator_by_share_manages_the_document(api: ApiHarness) -> None:
    document = await api.make()
    path = f"/documents/{document['id']}"
    refused = await api.editor.post(
        path + "/shares", json={"kind": "user", "user_id": api.stranger.id, "permission": "admin"}
    )
    assert code(refused) == "forbidden"
    made = await share(api, document["id"], api.owner, kind="user", user_id=api.stranger.id, permission="admin")
    link = await share(api, document["id"], api.stranger)
    assert [each["id"] for each in (await api.stranger.get(path + "/shares")).json()["items"]] == [
        made["id"],
        link["id"],
    ]
    access = (await api.stranger.get(path + "/access")).json()
    assert (access["members"], access["member_count"], access["own"]) == ([], 6, "admin")
    assert (await api.stranger.patch(path, json={"is_public": True})).status_code == 200
    assert code(await api.editor.delete(f"/shares/{made['id']}")) == "forbidden"
    assert (await api.stranger.delete(path)).status_code == 204
    assert (await api.stranger.post(path + "/restore")).status_code == 200


async def test_a_share_for_an_address_waits_for_its_owner(api: ApiHarness) -> None:
    document = await api.make()
    email = f"dana-{uuid4().hex}@example.org"
    made = await share(api, document["id"], kind="user", email=email.upper(), permission="comment")
    assert (made["user"]["id"], made["user"]["email"], made["mailed"]) == (None, email.upper(), False)
    [dana] = await people(api.server, "dana")
    await run(api.server, "UPDATE users SET email_verified = false WHERE id = $1::text::uuid", [(dana.id,)])
    await run(api.server, "UPDATE users SET email = $2 WHERE id = $1::text::uuid", [(dana.id, email)])
    assert (await dana.get(f"/documents/{document['id']}")).status_code == 404, "nobody has proved the address"
    await run(api.server, "UPDATE users SET email_verified = true WHERE id = $1::text::uuid", [(dana.id,)])
    assert (await dana.get(f"/documents/{document['id']}")).json()["role"] == "commenter"
    [told] = (await dana.get("/notifications")).json()["items"]
    assert (told["kind"], told["document"]["id"]) == ("share", document["id"])


async def test_a_link_is_opened_once_for_each_use(api: ApiHarness) -> None:
    document = await api.make(content="Secret plan")
    made = await share(api, document["id"], permission="read", max_uses=2, name="Board")
    assert made["url"].endswith(f"/s/{made['token']}")
    first = (await open_link(api, made["token"], name="Dana")).json()
    assert (first["document_id"], first["permission"]) == (document["id"], "read")
    assert (await open_link(api, made["token"])).status_code == 200
    assert code(await open_link(api, made["token"])) == "share_used_up"
    assert code(await visitor(api, made["token"]).get(f"/documents/{document['id']}")) == "share_used_up"
    [listed] = (await api.editor.get(f"/documents/{document['id']}/shares")).json()["items"]
    assert (listed["access_count"], "token" in listed) == (2, False)
    assert listed["last_accessed_at"] is not None
    guest = visitor(api, first["token"])
    assert (await guest.get(f"/documents/{document['id']}/content")).text == "Secret plan"
    assert (await guest.get("/auth/me")).json()["name"] == "Dana (link Board)"


@pytest.mark.parametrize("way", ["header", "query", "bearer"])
async def test_the_token_of_a_link_works_in_each_place(api: ApiHarness, way: str) -> None:
    document = await api.make(content="Text", tags=["secret"])
    token = (await share(api, document["id"]))["token"]
    path = f"/documents/{document['id']}/content"
    headers = {"header": {"x-share-token": token}, "bearer": {"authorization": f"Bearer {token}"}}.get(way, {})
    guest = with_header(api, headers)
    query = {"share": token} if way == "query" else {}
    assert (await guest.get(path, params=query)).text == "Text"
    seen = (await guest.get(f"/documents/{document['id']}", params=query)).json()
    assert (seen["address"], seen["tags"], seen["created_by"]) == (document["id"], [], None)
    other = await api.make()
    assert (await guest.get(f"/documents/{other['id']}", params={"share": token})).status_code in (401, 404)


async def test_a_link_adds_to_the_rights_of_who_is_signed_in(api: ApiHarness) -> None:
    document = await api.make(content="Text")
    token = (await share(api, document["id"], permission="write"))["token"]
    viewer = with_header(api, {"x-share-token": token}, api.viewer)
    path = f"/documents/{document['id']}"
    assert (await viewer.get(path)).json()["role"] == "editor"
    edited = await viewer.put(path + "/content", content="New", headers={"content-type": "text/markdown"})
    assert edited.status_code == 200
    assert (await viewer.get("/auth/me")).json()["id"] == api.viewer.id
    [row] = (await api.editor.get(path + "/shares")).json()["items"]
    assert (await api.editor.delete(f"/shares/{row['id']}")).status_code == 204
    assert (await viewer.get(path)).json()["role"] == "viewer", "a link that has ended takes nothing away"
    read_only = with_header(api, {"x-share-token": (await share(api, document["id"]))["token"]}, api.owner)
    assert (await read_only.get(path)).json()["role"] == "admin", "a link takes nothing away"


async def test_a_person_without_the_csrf_token_does_not_become_a_guest(api: ApiHarness) -> None:
    document = await api.make(content="Text")
    token = (await share(api, document["id"], permission="comment"))["token"]
    secret = new_secret()
    add = "INSERT INTO sessions (user_id, token_hash, expires_at) VALUES ($1, $2, now() + interval '1 hour')"
    await run(api.server, add, [(UUID(api.viewer.id), token_hash(secret))])
    client = with_header(api, {"x-share-token": token, "cookie": f"collab_session={secret}"})
    path = f"/documents/{document['id']}/comments"
    assert code(await client.post(path, json={"content": "Well"})) == "csrf_rejected"
    client.headers["x-csrf-token"] = csrf_token(secret)
    made = await client.post(path, json={"content": "Well"})
    assert made.json()["author"]["id"] == api.viewer.id


async def test_a_password_is_asked_for_and_counted(api: ApiHarness) -> None:
    document = await api.make(content="Text")
    made = await share(api, document["id"], password="opensesame")
    token = made["token"]
    assert made["has_password"]
    assert "password" not in made
    assert code(await visitor(api, token).get(f"/documents/{document['id']}")) == "share_password_required"
    assert code(await open_link(api, token)) == "share_password_required"
    opened = await open_link(api, token, password="opensesame")
    guest = visitor(api, opened.json()["token"])
    assert (await guest.get(f"/documents/{document['id']}/content")).text == "Text"
    answers = [code(await open_link(api, token, password=f"guess {n}")) for n in range(10)]
    assert answers[0] == "invalid_credentials"
    assert "too_many" in answers, "ten guesses a minute at most"
    changed = await api.editor.patch(f"/shares/{made['id']}", json={"password": "another one"})
    assert changed.status_code == 200
    assert code(await guest.get(f"/documents/{document['id']}")) == "share_ended", "the password is another one"
    [row] = await fetch(api.server, "SELECT password_hash FROM shares WHERE id = $1::text::uuid", made["id"])
    assert row["password_hash"].startswith("$argon2id$")


async def test_tokens_that_are_guessed_are_slowed_down(api: ApiHarness) -> None:
    await run(api.server, "DELETE FROM sign_in_attempts")
    answers = [(await open_link(api, f"csl_{n}")).status_code for n in range(11)]
    assert answers[0] == 404
    assert answers[-1] == 429
    await run(api.server, "DELETE FROM sign_in_attempts")


@pytest.mark.parametrize("ending", ["revoked", "expired", "deleted", "archived"])
async def test_a_link_ends(api: ApiHarness, ending: str) -> None:
    document = await api.make(content="Text")
    made = await share(api, document["id"], permission="write")
    opened = (await open_link(api, made["token"])).json()["token"]
    path = f"/documents/{document['id']}"
    if ending == "revoked":
        assert (await api.editor.delete(f"/shares/{made['id']}")).status_code == 204
    elif ending == "expired":
        await run(api.server, "UPDATE shares SET expires_at = now() WHERE id = $1::text::uuid", [(made["id"],)])
    elif ending == "deleted":
        assert (await api.owner.delete(path)).status_code == 204
    else:
        team = "UPDATE workspaces SET archived_at = now() WHERE id = $1::text::uuid"
        await run(api.server, team, [(api.team,)])
    try:
        for token in (made["token"], opened):
            answer = await visitor(api, token).get(path + "/content")
            if ending == "archived":
                assert answer.text == "Text"
                put = await visitor(api, token).put(
                    path + "/content", content="N", headers={"content-type": "text/plain"}
                )
                assert code(put) == "forbidden"
            else:
                assert code(answer) == ("not_found" if ending == "deleted" else "share_ended")
        if ending in ("revoked", "expired"):
            assert code(await open_link(api, made["token"])) == "share_ended"
    finally:
        await run(api.server, "UPDATE workspaces SET archived_at = NULL WHERE id = $1::text::uuid", [(api.team,)])


async def test_bad_shares_are_refused_with_a_reason(api: ApiHarness) -> None:
    document = await api.make()
    for body in (
        {"kind": "link", "permission": "admin"},
        {"kind": "link", "permission": "read", "user_id": api.stranger.id},
        {"kind": "link", "permission": "read", "expires_at": "2020-01-01T00:00:00Z"},
        {"kind": "link", "permission": "read", "expires_at": "2099-01-01T00:00:00"},
        {"kind": "link", "permission": "read", "max_uses": 0},
        {"kind": "link", "permission": "read", "password": "abc"},
        {"kind": "link", "permission": "owner"},
        {"kind": "user", "permission": "read"},
        {"kind": "user", "permission": "read", "user_id": str(uuid4())},
        {"kind": "user", "permission": "read", "email": "nobody"},
        {"kind": "user", "permission": "read", "user_id": api.stranger.id, "email": "a@example.org"},
        {"kind": "user", "permission": "read", "user_id": api.stranger.id, "password": "opensesame"},
        {"kind": "group", "permission": "read"},
        {"kind": "link", "permission": "read", "unknown": 1},
    ):
        answer = await api.editor.post(f"/documents/{document['id']}/shares", json=body)
        assert answer.status_code == 422, body
        assert code(answer) in ("unprocessable", "invalid")
    assert (await api.editor.get(f"/documents/{document['id']}/shares")).json()["items"] == []
    made = await share(api, document["id"], kind="user", user_id=api.stranger.id)
    for change in (
        {"password": "opensesame"},
        {"max_uses": 3},
        {"permission": None},
        {"expires_at": "2020-01-01T00:00:00Z"},
    ):
        assert (await api.editor.patch(f"/shares/{made['id']}", json=change)).status_code == 422, change


async def test_shares_are_listed_by_pages(api: ApiHarness) -> None:
    document = await api.make()
    made = [(await share(api, document["id"], name=f"Link {n}"))["id"] for n in range(3)]
    first = (await api.editor.get(f"/documents/{document['id']}/shares", params={"limit": 2})).json()
    rest = {"limit": 2, "cursor": first["next_cursor"]}
    second = (await api.editor.get(f"/documents/{document['id']}/shares", params=rest)).json()
    assert [each["id"] for each in first["items"] + second["items"]] == made
    assert second["next_cursor"] is None


async def test_a_share_is_changed(api: ApiHarness) -> None:
    document = await api.make()
    made = await share(api, document["id"], max_uses=3, name="Old", expires_at=later(hours=1))
    change = {"permission": "comment", "name": "New", "max_uses": None, "expires_at": None, "password": "opensesame"}
    seen = (await api.editor.patch(f"/shares/{made['id']}", json=change)).json()
    assert {key: seen[key] for key in change if key != "password"} == {
        k: v for k, v in change.items() if k != "password"
    }
    assert seen["has_password"]
    assert (await api.editor.get(f"/shares/{made['id']}")).json() == seen
    log = (await api.owner.get(f"/workspaces/{api.team}/activity")).json()["items"]
    noted = [entry for entry in log if entry["entity_type"] == "share" and entry["entity_id"] == made["id"]]
    assert {entry["action"] for entry in noted} == {"create", "update"}
    assert "argon2" not in str(noted)


async def test_whoever_asks_for_access_is_let_in_by_the_owner(api: ApiHarness) -> None:
    document = await api.make()
    path = f"/documents/{document['id']}"
    [asker] = await people(api.server, "asker")
    body = {"permission": "comment", "message": "I review the figures."}
    assert (await asker.post(path + "/access-requests", json=body)).status_code == 202
    assert (await asker.post(path + "/access-requests", json=body)).status_code == 202, "one is open already"
    assert (await asker.post(f"/documents/{uuid4()}/access-requests", json=body)).status_code == 202, "nothing is told"
    assert (await asker.get(path + "/access-requests")).status_code == 404
    [request] = (await api.owner.get(path + "/access-requests")).json()["items"]
    assert (request["user"]["email"], request["message"]) == (asker.email, body["message"])
    told = (await api.owner.get("/notifications")).json()["items"][0]
    assert (told["kind"], told["actors"][0]["name"]) == ("access_request", "asker")
    approve = f"/access-requests/{request['id']}/approve"
    assert (await api.viewer.post(approve, json={})).status_code in (403, 404)
    assert (await api.owner.post(approve, json={})).status_code == 204
    assert (await asker.get(path)).json()["role"] == "commenter"
    assert code(await api.owner.post(approve, json={})) == "not_found"
    assert (await asker.post(path + "/access-requests", json={"permission": "write"})).status_code == 202
    [more] = (await api.owner.get(path + "/access-requests")).json()["items"]
    assert (await api.owner.post(f"/access-requests/{more['id']}/deny")).status_code == 204
    assert (await asker.get(path)).json()["role"] == "commenter"


async def test_the_feed_and_the_search_have_what_is_shared(api: ApiHarness) -> None:
    word = f"kumquat{uuid4().hex[:8]}"
    document, hidden = await api.make(title=f"About {word}"), await api.make(title=f"Also {word}")
    start = (await api.stranger.get("/sync")).json()["next_cursor"]
    made = await share(api, document["id"], kind="user", user_id=api.stranger.id, permission="comment")
    await api.editor.patch(f"/documents/{document['id']}", json={"status": "published"})
    await api.editor.patch(f"/documents/{hidden['id']}", json={"status": "published"})
    page = (await api.stranger.get("/sync", params={"cursor": start})).json()
    assert document["id"] in page["shared"], page
    assert {entry["document_id"] for entry in page["items"] if entry["entity_type"] == "document"} == {document["id"]}
    assert [entry["operation"] for entry in page["items"] if entry["changed_fields"] == ["access"]] == ["create"]
    place = (await api.stranger.get(f"/workspaces/{api.team}/sync")).json()
    assert document["id"] in place["shared"]
    await index(api.server)
    found = (await api.stranger.get("/search/titles", params={"q": word})).json()["items"]
    assert [each["id"] for each in found] == [document["id"]]
    hits = (await api.stranger.get("/search", params={"q": word})).json()["items"]
    assert [each["document"]["id"] for each in hits] == [document["id"]]
    await api.editor.delete(f"/shares/{made['id']}")
    after = (await api.stranger.get("/sync", params={"cursor": page["next_cursor"]})).json()
    assert [(e["entity_id"], e["operation"]) for e in after["items"] if e["entity_type"] == "document"] == [
        (document["id"], "delete")
    ]
    assert document["id"] not in after["shared"]
    assert (await api.stranger.get("/search", params={"q": word})).json()["items"] == []

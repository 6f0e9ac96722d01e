"""Invitations over REST, from both ends, without mail: links are handed over."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

from tests.features.workspaces.teams import join, ok, refused, team
from tests.people import Person, fetch, nobody, people, run
from tests.server import Server

ABSENT = (404, "not_found")


def token_of(invitation: dict[str, Any]) -> str:
    link: str = invitation["link"]
    assert "/invite#token=" in link
    return link.partition("#token=")[2]


async def invite(owner: Person, workspace: str, email: str, role: str = "editor", **more: object) -> dict[str, Any]:
    body = {"email": email, "role": role, **more}
    return ok(await owner.post(f"/workspaces/{workspace}/invitations", json=body), 201)


async def test_an_invitation_is_accepted_by_its_link(server: Server) -> None:
    ann, ben = await people(server, "ann", "ben")
    made = await team(ann, name="Garden")
    sent = await invite(ann, made["id"], ben.email.upper(), "commenter", message="Hi\nthere")
    assert sent["link"].startswith(f"{server.http}/invite#token=")
    assert (sent["status"], sent["role"], sent["invited_by"]) == ("pending", "commenter", {"id": ann.id, "name": "ann"})
    token = token_of(sent)
    told = ok(await nobody(server).post("/invitations/open", json={"token": token}))
    assert told == {
        "workspace_name": "Garden",
        "email": ben.email.upper(),
        "role": "commenter",
        "invited_by": "ann",
        "message": "Hi\nthere",
        "expires_at": sent["expires_at"],
        "has_account": True,
    }
    assert refused(await nobody(server).post("/invitations/accept", json={"token": token})) == (401, "unauthenticated")
    joined = ok(await ben.post("/invitations/accept", json={"token": token}))
    assert (joined["id"], joined["role"], joined["member_count"]) == (made["id"], "commenter", 2)
    listed = ok(await ann.get(f"/workspaces/{made['id']}/invitations"))["items"]
    assert [(i["id"], i["status"], i["link"]) for i in listed] == [(sent["id"], "accepted", None)]
    members = ok(await ben.get(f"/workspaces/{made['id']}/members"))["items"]
    assert {(m["email"], m["role"]) for m in members} == {(ann.email, "owner"), (ben.email, "commenter")}
    assert refused(await nobody(server).post("/invitations/open", json={"token": token})) == ABSENT


async def test_an_invitation_is_accepted_from_the_list_of_ones_own(server: Server) -> None:
    ann, ben, eve = await people(server, "ann", "ben", "eve")
    teams = [await team(ann, name=f"T{n}") for n in range(3)]
    for made in teams:
        await invite(ann, made["id"], ben.email, "viewer", message="m")
    first = ok(await ben.get("/invitations", params={"limit": 2}))
    rest = ok(await ben.get("/invitations", params={"limit": 2, "cursor": first["next_cursor"]}))
    items = first["items"] + rest["items"]
    assert [i["workspace"]["name"] for i in items] == ["T2", "T1", "T0"] and rest["next_cursor"] is None
    assert items[0]["invited_by"] == {"id": ann.id, "name": "ann"} and items[0]["message"] == "m"
    assert ok(await eve.get("/invitations"))["items"] == []
    for person, answer in ((eve, "accept"), (eve, "decline"), (ann, "accept")):
        assert refused(await person.post(f"/invitations/{items[0]['id']}/{answer}")) == ABSENT
    assert ok(await ben.post(f"/invitations/{items[0]['id']}/accept"))["role"] == "viewer"
    assert (await ben.post(f"/invitations/{items[1]['id']}/decline")).status_code == 204
    assert refused(await ben.post(f"/invitations/{items[1]['id']}/accept")) == ABSENT
    assert [i["id"] for i in ok(await ben.get("/invitations"))["items"]] == [items[2]["id"]]
    statuses = {made["id"]: ok(await ann.get(f"/workspaces/{made['id']}/invitations"))["items"] for made in teams}
    assert [statuses[made["id"]][0]["status"] for made in teams] == ["pending", "declined", "accepted"]


async def test_only_a_proved_address_has_a_list_but_the_link_serves_everybody_invited(server: Server) -> None:
    ann, ben = await people(server, "ann", "ben")
    made = await team(ann)
    sent = await invite(ann, made["id"], ben.email)
    await run(server, "UPDATE users SET email_verified = false WHERE id = $1", [(UUID(ben.id),)])
    assert ok(await ben.get("/invitations"))["items"] == []
    for answer in ("accept", "decline"):
        assert refused(await ben.post(f"/invitations/{sent['id']}/{answer}")) == ABSENT
    assert ok(await ben.post("/invitations/accept", json={"token": token_of(sent)}))["id"] == made["id"]
    # The link was handed over by the inviter: it proves nothing about the address.
    (user,) = await fetch(server, "SELECT email_verified FROM users WHERE id = $1", UUID(ben.id))
    assert user["email_verified"] is False


async def test_tokens_that_are_unknown_used_or_old_get_one_answer(server: Server) -> None:
    ann, ben, *others = await people(server, "ann", "ben", "cleo", "dan", "ed", "fay")
    made = await team(ann)
    path = f"/workspaces/{made['id']}/invitations"
    cleo, dan, ed, fay = [await invite(ann, made["id"], other.email) for other in others]
    assert (await ann.delete(f"{path}/{cleo['id']}")).status_code == 204
    await run(server, "UPDATE invitations SET expires_at = now() WHERE id = $1", [(UUID(dan["id"]),)])
    assert (await nobody(server).post("/invitations/decline", json={"token": token_of(ed)})).status_code == 204
    renewed = ok(await ann.post(f"{path}/{fay['id']}/resend"))
    assert renewed["id"] == fay["id"] and renewed["expires_at"] > fay["expires_at"]
    answers = set()
    for token in ("x", uuid4().hex, "\u00e9" * 30, *map(token_of, (cleo, dan, ed, fay))):
        for person in (nobody(server), ben, *others):
            for way in ("open", "accept", "decline"):
                if way == "accept" and person.token == "":
                    continue
                answer = await person.post(f"/invitations/{way}", json={"token": token})
                assert refused(answer) == ABSENT
                answers.add(answer.text)
    assert len(answers) == 1
    assert (await ben.post("/invitations/open", json={"token": "x" * 201})).status_code == 422
    statuses = {i["id"]: i["status"] for i in ok(await ann.get(path))["items"]}
    assert statuses == {cleo["id"]: "revoked", dan["id"]: "expired", ed["id"]: "declined", fay["id"]: "pending"}
    for status in set(statuses.values()):
        only = ok(await ann.get(path, params={"status": status}))["items"]
        assert {i["id"] for i in only} == {i for i, s in statuses.items() if s == status}
    for dead in (cleo, dan, ed):
        assert refused(await ann.post(f"{path}/{dead['id']}/resend")) == (409, "conflict")
        assert refused(await ann.delete(f"{path}/{dead['id']}")) == (409, "conflict")
    assert ok(await others[3].post("/invitations/accept", json={"token": token_of(renewed)}))["id"] == made["id"]


async def test_another_account_cannot_use_the_link(server: Server) -> None:
    ann, ben, eve = await people(server, "ann", "ben", "eve")
    made = await team(ann)
    token = token_of(await invite(ann, made["id"], ben.email, "admin"))
    assert refused(await eve.post("/invitations/accept", json={"token": token})) == (403, "forbidden")
    assert refused(await eve.get(f"/workspaces/{made['id']}")) == ABSENT
    assert ok(await ben.post("/invitations/accept", json={"token": token}))["role"] == "admin"


async def test_one_open_invitation_for_an_address_and_none_for_members(server: Server) -> None:
    ann, ben = await people(server, "ann", "ben")
    made = await team(ann)
    path = f"/workspaces/{made['id']}/invitations"
    sent = await invite(ann, made["id"], ben.email)
    again = {"email": ben.email.title()}
    assert refused(await ann.post(path, json=again)) == (409, "conflict")
    answers = await asyncio.gather(*(ann.post(path, json={"email": "new@example.org"}) for _ in range(5)))
    assert sorted(a.status_code for a in answers) == [201, 409, 409, 409, 409]
    await run(server, "UPDATE invitations SET expires_at = now() WHERE id = $1", [(UUID(sent["id"]),)])
    sent = ok(await ann.post(path, json=again), 201)
    assert (await ann.delete(f"{path}/{sent['id']}")).status_code == 204
    sent = ok(await ann.post(path, json=again), 201)
    ok(await ben.post(f"/invitations/{sent['id']}/accept"))
    assert refused(await ann.post(path, json=again)) == (409, "conflict")
    assert refused(await ann.post(path, json={"email": ann.email})) == (409, "conflict")


async def test_accepting_twice_is_one_membership(server: Server) -> None:
    ann, ben = await people(server, "ann", "ben")
    made = await team(ann)
    sent = await invite(ann, made["id"], ben.email)
    ways = [(f"/invitations/{sent['id']}/accept", None), ("/invitations/accept", {"token": token_of(sent)})]
    answers = await asyncio.gather(*(ben.post(ways[n % 2][0], json=ways[n % 2][1]) for n in range(6)))
    assert [a.status_code for a in answers] == [200] * 6, [a.text for a in answers]
    assert ok(await ann.get(f"/workspaces/{made['id']}"))["member_count"] == 2
    assert (await ben.delete(f"/workspaces/{made['id']}/members/{ben.id}")).status_code == 204
    for way, body in ways:
        assert refused(await ben.post(way, json=body)) == ABSENT


async def test_parallel_accepts_stop_at_the_member_limit(server: Server) -> None:
    ann, *others = await people(server, "ann", *(f"p{n}" for n in range(8)))
    made = await team(ann)
    await run(server, "UPDATE workspaces SET member_limit = 4 WHERE id = $1", [(UUID(made["id"]),)])
    sent = [await invite(ann, made["id"], other.email) for other in others]
    pairs = list(zip(others, sent, strict=True))
    answers = await asyncio.gather(*(p.post("/invitations/accept", json={"token": token_of(i)}) for p, i in pairs))
    assert sorted(a.status_code for a in answers) == [200] * 3 + [409] * 5
    assert {refused(a) for a in answers if a.status_code == 409} == {(409, "limit_reached")}
    assert ok(await ann.get(f"/workspaces/{made['id']}"))["member_count"] == 4
    (row,) = await fetch(
        server, "SELECT count(*) FROM workspace_members WHERE workspace_id = $1 AND is_active", UUID(made["id"])
    )
    assert row["count"] == 4
    # Who came too late may come when there is room.
    late, invitation = next(p for p, a in zip(pairs, answers, strict=True) if a.status_code == 409)
    leaving = next(p for p, a in zip(others, answers, strict=True) if a.status_code == 200)
    assert refused(await late.post(f"/invitations/{invitation['id']}/accept")) == (409, "limit_reached")
    assert (await leaving.delete(f"/workspaces/{made['id']}/members/{leaving.id}")).status_code == 204
    ok(await late.post(f"/invitations/{invitation['id']}/accept"))


async def test_a_removed_member_does_not_come_back_by_an_old_invitation(server: Server) -> None:
    ann, ben, cleo = await people(server, "ann", "ben", "cleo")
    made = await team(ann)
    path = f"/workspaces/{made['id']}"
    await join(server, made["id"], "admin", ben)
    friend = await invite(ben, made["id"], cleo.email, "admin")
    other = await invite(ann, made["id"], "x@example.org")
    assert (await ann.delete(f"{path}/members/{ben.id}")).status_code == 204
    assert refused(await cleo.post("/invitations/accept", json={"token": token_of(friend)})) == ABSENT
    assert (
        ok(await nobody(server).post("/invitations/open", json={"token": token_of(other)}))["email"] == "x@example.org"
    )
    # Invited again on purpose, suspended afterwards: the suspension holds.
    again = await invite(ann, made["id"], ben.email)
    ok(await ben.post(f"/invitations/{again['id']}/accept"))
    ok(await ann.patch(f"{path}/members/{ben.id}", json={"is_active": False}))
    assert refused(await ben.post(f"/invitations/{again['id']}/accept")) == ABSENT
    # Invited while suspended: welcome back, with the new role.
    back = await invite(ann, made["id"], ben.email, "viewer")
    assert ok(await ben.post(f"/invitations/{back['id']}/accept"))["role"] == "viewer"
    assert ok(await ann.get(path))["member_count"] == 2


async def test_invitations_to_a_deleted_workspace_sleep(server: Server) -> None:
    ann, ben = await people(server, "ann", "ben")
    made = await team(ann)
    sent = await invite(ann, made["id"], ben.email)
    assert (await ann.delete(f"/workspaces/{made['id']}")).status_code == 204
    assert ok(await ben.get("/invitations"))["items"] == []
    for answer in (
        await ben.post("/invitations/open", json={"token": token_of(sent)}),
        await ben.post("/invitations/accept", json={"token": token_of(sent)}),
        await ben.post(f"/invitations/{sent['id']}/accept"),
        await ann.get(f"/workspaces/{made['id']}/invitations"),
    ):
        assert refused(answer) == ABSENT
    ok(await ann.post(f"/workspaces/{made['id']}/restore"))
    ok(await ben.post(f"/invitations/{sent['id']}/accept"))


async def test_nobody_invites_above_their_own_rights(server: Server) -> None:
    ann, vic, ben = await people(server, "ann", "vic", "ben")
    made = await team(ann)
    path = f"/workspaces/{made['id']}"
    await join(server, made["id"], "viewer", vic)
    assert refused(await vic.post(f"{path}/invitations", json={"email": ben.email})) == (403, "forbidden")
    ok(await ann.patch(f"{path}/members/{vic.id}", json={"permissions": {"can_invite_members": True}}))
    for role in ("admin", "editor", "commenter", "viewer"):
        # A viewer who may invite: viewers, who may less than that.
        answer = await vic.post(f"{path}/invitations", json={"email": f"{role}@example.org", "role": role})
        assert answer.status_code == (201 if role == "viewer" else 403), role
    assert refused(await ann.post(f"{path}/invitations", json={"email": ben.email, "role": "owner"}))[0] == 422
    strong = await invite(ann, made["id"], ben.email, "admin")
    assert refused(await vic.post(f"{path}/invitations/{strong['id']}/resend")) == (403, "forbidden")
    assert (await vic.delete(f"{path}/invitations/{strong['id']}")).status_code == 204


async def test_there_is_an_end_to_inviting(server: Server) -> None:
    (ann,) = await people(server, "ann")
    made = await team(ann)
    path = f"/workspaces/{made['id']}/invitations"
    insert = """INSERT INTO invitations (workspace_id, email, token_hash)
                VALUES ($1, $2, sha256(convert_to($2, 'UTF8')))"""
    many = [(UUID(made["id"]), f"{uuid4()}@example.org") for _ in range(100)]
    await run(server, insert, many)
    assert refused(await ann.post(path, json={"email": "x@example.org"})) == (409, "limit_reached")
    await run(
        server,
        "UPDATE invitations SET status = 'declined', responded_at = now(), invited_by = $1 WHERE workspace_id = $2",
        [(UUID(ann.id), UUID(made["id"]))],
    )
    answer = await ann.post(path, json={"email": "x@example.org"})
    assert refused(answer) == (429, "too_many") and int(answer.headers["retry-after"]) > 60
    cursor, seen = None, []
    while True:
        page = ok(await ann.get(path, params={"limit": 40, **({"cursor": cursor} if cursor else {})}))
        seen += [i["id"] for i in page["items"]]
        cursor = page["next_cursor"]
        if not cursor:
            break
    assert len(seen) == len(set(seen)) == 100

"""What people are told of, and what not."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest

from tests.features.api_harness import ApiHarness, open_api
from tests.features.notifications.discussing import (
    act,
    comes,
    comment,
    follow,
    inbox,
    kinds,
    react,
    resolve,
    unreact,
    unread,
)
from tests.people import people, run


@pytest.fixture(scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiHarness]:
    async with open_api(tmp_path_factory.mktemp("sources")) as running:
        await run(running.server, "UPDATE workspaces SET member_limit = 99 WHERE id = $1", [(UUID(running.team),)])
        yield running


async def test_a_reply_goes_to_the_author_and_a_comment_to_the_others_of_the_thread(api: ApiHarness) -> None:
    made = await api.make(title="Plan *of* the house", name=f"plan-{uuid4().hex[:6]}")
    root = await comment(api.editor, made)
    answer = await comment(api.commenter, made, "No, **it** is not", parent=root)
    (told,) = await inbox(api.editor, made)
    assert told["kind"] == "reply" and told["count"] == 1
    assert [(actor["id"], actor["name"]) for actor in told["actors"]] == [(api.commenter.id, "commenter")]
    assert told["document"] == {"id": made["id"], "title": "Plan *of* the house", "address": made["address"]}
    assert told["comment"] == {"id": answer, "thread_id": root, "excerpt": "No, it is not"}
    assert told["workspace"] == {"id": api.team, "name": "Team"}
    assert told["url"] == f"/d/{made['address']}#comment-{answer}"
    assert (told["read"], told["archived"], told["role"]) == (False, False, None)
    await comment(api.owner, made, "It is", parent=answer)
    assert await kinds(api.commenter, made) == ["reply"]
    assert await kinds(api.editor, made) == ["comment", "reply"]
    assert await kinds(api.owner, made) == await kinds(api.viewer, made) == []


async def test_a_mention_beats_a_reply_and_a_comment(api: ApiHarness) -> None:
    made = await api.make()
    await follow(api.admin, made)
    root = await comment(api.editor, made, mentions=(api.viewer, api.editor))
    assert await kinds(api.viewer, made) == ["mention"]
    assert await kinds(api.editor, made) == []
    assert await kinds(api.admin, made) == ["comment"]
    await comment(api.commenter, made, parent=root, mentions=(api.editor, api.admin))
    assert await kinds(api.editor, made) == ["mention"]
    assert await kinds(api.admin, made) == ["mention", "comment"]
    assert await kinds(api.viewer, made) == ["comment", "mention"], "who is mentioned takes part"


async def test_a_mention_that_an_edit_adds_is_told_once(api: ApiHarness) -> None:
    made = await api.make()
    await follow(api.viewer, made)
    written = UUID(await comment(api.editor, made))
    (told,) = await inbox(api.viewer, made)
    await api.viewer.patch(f"/notifications/{told['id']}", json={"read": True})
    add = ("INSERT INTO comment_mentions VALUES ($1, $2)", written, UUID(api.viewer.id))
    await act(api.editor, api.server, add)
    assert await kinds(api.viewer, made) == ["mention", "comment"]
    await act(api.editor, api.server, ("DELETE FROM comment_mentions WHERE comment_id = $1", written), add)
    assert await kinds(api.viewer, made) == ["mention", "comment"]


async def test_reactions_to_a_comment_are_one_entry_until_it_is_read(api: ApiHarness) -> None:
    made = await api.make()
    written = await comment(api.editor, made)
    staff = (api.owner, api.admin, api.commenter, api.other)
    await asyncio.gather(*(react(person, written) for person in staff))
    await react(api.editor, written)
    (told,) = await inbox(api.editor, made)
    assert (told["kind"], told["count"]) == ("reaction", 4)
    assert {actor["id"] for actor in told["actors"]} == {person.id for person in staff}
    await unreact(api.owner, written)
    (told,) = await inbox(api.editor, made)
    assert told["count"] == 3 and api.owner.id not in {actor["id"] for actor in told["actors"]}
    await api.editor.post("/notifications/read", json={"ids": [told["id"]]})
    await react(api.owner, written)
    first, second = await inbox(api.editor, made)
    assert (first["count"], first["read"], second["count"], second["read"]) == (1, False, 3, True)
    await unreact(api.owner, written)
    assert [item["id"] for item in await inbox(api.editor, made)] == [second["id"]]


async def test_a_resolved_thread_is_told_to_its_people(api: ApiHarness) -> None:
    made = await api.make()
    root = await comment(api.editor, made, mentions=(api.viewer,))
    await comment(api.commenter, made, parent=root)
    await resolve(api.commenter, root)
    await resolve(api.commenter, root, resolved=False)
    await resolve(api.commenter, root)
    assert await kinds(api.editor, made) == ["resolved", "reply"]
    assert await kinds(api.viewer, made) == ["resolved", "comment", "mention"]
    assert await kinds(api.commenter, made) == []


async def test_a_muted_document_tells_nothing_but_mentions(api: ApiHarness) -> None:
    made = await api.make()
    root = await comment(api.editor, made)
    await follow(api.editor, made, "muted")
    await comment(api.commenter, made, parent=root)
    await react(api.commenter, root)
    await resolve(api.commenter, root)
    assert await kinds(api.editor, made) == []
    await comment(api.commenter, made, parent=root, mentions=(api.editor,))
    assert await kinds(api.editor, made) == ["mention"]
    subscription = (await api.editor.get(f"/documents/{made['id']}/subscription")).json()
    assert subscription == {"level": "muted", "reason": "chosen", "effective": "muted"}


async def test_the_choice_for_a_document_beats_that_for_its_workspace(api: ApiHarness) -> None:
    made, other = await api.make(), await api.make()
    (ben,) = await people(api.server, "ben")
    add = "INSERT INTO workspace_members (workspace_id, user_id, role) VALUES ($1, $2, 'commenter')"
    await run(api.server, add, [(UUID(api.team), UUID(ben.id))])
    assert (await ben.put(f"/workspaces/{api.team}/subscription", json={"level": "follow"})).status_code == 200
    await follow(ben, other, "participating")
    await comment(api.editor, made)
    await comment(api.editor, other)
    assert (await kinds(ben, made), await kinds(ben, other)) == (["comment"], [])
    await ben.put(f"/workspaces/{api.team}/subscription", json={"level": "muted"})
    await follow(ben, other)
    await comment(ben, made)
    given = (await ben.get(f"/documents/{made['id']}/subscription")).json()
    assert given == {"level": "participating", "reason": "comment", "effective": "muted"}
    await comment(api.editor, made)
    await comment(api.editor, other)
    assert (len(await kinds(ben, made)), await kinds(ben, other)) == (1, ["comment"])


async def test_membership_roles_and_invitations_are_told(api: ApiHarness) -> None:
    ben, cleo = await people(api.server, "ben", "cleo")
    invited = await api.owner.post(f"/workspaces/{api.team}/invitations", json={"email": ben.email, "role": "viewer"})
    assert invited.status_code == 201, invited.text
    (told,) = await inbox(ben)
    assert (told["kind"], told["role"], told["url"]) == ("invitation", "viewer", "/")
    assert told["workspace"] == {"id": api.team, "name": "Team"}
    assert [actor["id"] for actor in told["actors"]] == [api.owner.id]
    assert (await ben.post(f"/invitations/{invited.json()['id']}/accept")).status_code == 200
    assert await inbox(ben) == [], "it is not open any more, and joining is one's own doing"
    await api.owner.patch(f"/workspaces/{api.team}/members/{ben.id}", json={"role": "editor"})
    (told,) = await inbox(ben)
    assert (told["kind"], told["role"], told["url"]) == ("role", "editor", f"/w/{api.slug}")
    add = "INSERT INTO workspace_members (workspace_id, user_id, role) VALUES ($1, $2, 'viewer')"
    await act(api.owner, api.server, (add, UUID(api.team), UUID(cleo.id)))
    (told,) = await inbox(cleo)
    assert (told["kind"], told["actors"][0]["name"]) == ("membership", "owner")


async def test_settings_turn_off_what_is_not_about_documents(api: ApiHarness) -> None:
    (ben,) = await people(api.server, "ben")
    for wrong in ({"email": "no"}, {"documentShared": 1}, {"digest": "weekly"}, {"systemUpdates": None}):
        refused = await ben.patch("/users/me/settings", json={"notifications": wrong})
        assert refused.status_code == 422, wrong
    off = {"documentShared": False, "systemUpdates": False, "digest": "daily"}
    kept = await ben.patch("/users/me/settings", json={"notifications": off})
    assert kept.json()["notifications"] == off
    add = "INSERT INTO workspace_members (workspace_id, user_id, role) VALUES ($1, $2, 'viewer')"
    await act(api.owner, api.server, (add, UUID(api.team), UUID(ben.id)))
    await api.owner.patch(f"/workspaces/{api.team}/members/{ben.id}", json={"role": "editor"})
    assert await inbox(ben) == []


async def test_a_session_of_edits_is_one_entry_and_never_for_ones_own(api: ApiHarness) -> None:
    made = await api.make()
    for person in (api.viewer, api.editor):
        await follow(person, made)
    content = f"/documents/{made['id']}/content"
    await api.editor.put(content, json={"content": "one"})
    told = await comes(api.viewer, made, "document_changed")
    assert [actor["id"] for actor in told["actors"]] == [api.editor.id]
    assert (told["url"], told["comment"]) == (f"/d/{made['address']}", None)
    await api.other.put(content, json={"content": "two"})
    told = await comes(api.viewer, made, "document_changed", 2)
    assert [actor["id"] for actor in told["actors"]] == [api.other.id, api.editor.id]
    assert [actor["id"] for actor in (await comes(api.editor, made, "document_changed"))["actors"]] == [api.other.id]
    assert await kinds(api.viewer, made) == ["document_changed"]
    # A pause ends the session.
    pause = "UPDATE notifications SET updated_at = now() - interval '31 minutes' WHERE id = $1"
    await run(api.server, pause, [(UUID(told["id"]),)])
    await api.editor.put(content, json={"content": "three"})
    await comes(api.viewer, made, "document_changed", 1)
    assert await kinds(api.viewer, made) == ["document_changed", "document_changed"]


async def test_who_was_removed_is_told_nothing_and_sees_nothing(api: ApiHarness) -> None:
    (ben,) = await people(api.server, "ben")
    add = "INSERT INTO workspace_members (workspace_id, user_id, role) VALUES ($1, $2, 'commenter')"
    await run(api.server, add, [(UUID(api.team), UUID(ben.id))])
    made = await api.make()
    await follow(ben, made)
    root = await comment(ben, made)
    await comment(api.editor, made, parent=root)
    assert (len(await inbox(ben, made)), await unread(ben)) == (1, 2)  # and the membership
    await api.owner.delete(f"/workspaces/{api.team}/members/{ben.id}")
    assert (await inbox(ben), await unread(ben)) == ([], 0)
    before = await api.count("notifications")
    await comment(api.editor, made, parent=root, mentions=(ben,))
    await react(api.editor, root)
    await resolve(api.editor, root)
    assert await api.count("notifications") == before
    assert (await inbox(ben), await unread(ben)) == ([], 0)


async def test_what_is_public_tells_of_changes_but_not_of_the_discussion(api: ApiHarness) -> None:
    made = await api.make()
    assert (await api.owner.patch(f"/documents/{made['id']}", json={"is_public": True})).status_code == 200
    await follow(api.stranger, made)
    await comment(api.editor, made, mentions=(api.stranger,))
    await api.editor.put(f"/documents/{made['id']}/content", json={"content": "one"})
    told = await comes(api.stranger, made, "document_changed")
    assert told["workspace"] == {"id": api.team, "name": None} and told["url"] == f"/d/{made['id']}"
    assert await kinds(api.stranger, made) == ["document_changed"]
    await api.owner.patch(f"/documents/{made['id']}", json={"is_public": False})
    assert (await inbox(api.stranger), await unread(api.stranger)) == ([], 0)


async def test_a_deleted_comment_and_a_deleted_document_take_their_entries_along(api: ApiHarness) -> None:
    made = await api.make()
    await follow(api.viewer, made)
    written = await comment(api.editor, made)
    assert await kinds(api.viewer, made) == ["comment"]
    await act(api.editor, api.server, ("UPDATE comments SET deleted_at = now() WHERE id = $1", UUID(written)))
    assert await kinds(api.viewer, made) == []
    await comment(api.editor, made)
    before = await unread(api.viewer)
    await api.owner.delete(f"/documents/{made['id']}")
    assert (await kinds(api.viewer, made), await unread(api.viewer)) == ([], before - 1)


async def test_entries_move_with_their_document(api: ApiHarness) -> None:
    made = await api.make(api.owner)
    await follow(api.owner, made)
    await comment(api.editor, made)
    there = (await api.owner.post("/workspaces", json={"name": "There"})).json()
    moved = await api.owner.post(f"/documents/{made['id']}/move", json={"workspace_id": there["id"]})
    assert moved.status_code == 200, moved.text
    (told,) = await inbox(api.owner, made)
    assert told["workspace"] == {"id": there["id"], "name": "There"}


async def test_an_erased_account_leaves_its_doings_without_its_name(api: ApiHarness) -> None:
    (ben,) = await people(api.server, "ben")
    add = "INSERT INTO workspace_members (workspace_id, user_id, role) VALUES ($1, $2, 'commenter')"
    await act(api.owner, api.server, (add, UUID(api.team), UUID(ben.id)))
    made = await api.make()
    await follow(api.viewer, made)
    await comment(ben, made)
    assert (await inbox(api.viewer, made))[0]["actors"][0]["id"] == ben.id
    deleted = await ben.request("DELETE", "/users/me", json={"confirm": ben.email})
    assert deleted.status_code == 204, deleted.text
    (told,) = await inbox(api.viewer, made)
    assert told["actors"] == [] and told["kind"] == "comment"
    left = f"notifications WHERE user_id = '{ben.id}' OR '{ben.id}' = ANY (actor_ids)"
    assert (await api.count(left), await api.count(f"subscriptions WHERE user_id = '{ben.id}'")) == (0, 0)


async def test_what_was_read_or_archived_is_purged_after_its_days_and_the_rest_after_a_year(api: ApiHarness) -> None:
    made = await api.make()
    await follow(api.viewer, made)
    ages = {"read": "read_at", "archived": "archived_at", "unread": None, "forgotten": None, "fresh": "read_at"}
    days = {"read": 91, "archived": 91, "unread": 91, "forgotten": 366, "fresh": 89}
    for name, column in ages.items():
        written = await comment(api.editor, made, name)
        for changed in ("updated_at", column):
            if changed is not None:
                change = f"UPDATE notifications SET {changed} = now() - make_interval(days => $2) WHERE comment_id = $1"
                await run(api.server, change, [(UUID(written), days[name])])
    await run(api.server, "SELECT app.purge_notifications(90)")
    left = {item["comment"]["excerpt"] for item in await inbox(api.viewer, made)}
    assert left == {"unread", "fresh"}

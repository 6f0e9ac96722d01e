"""Mentions: who is meant, who is told, and that nothing of it can be used to find out about strangers."""

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest

from tests.features.api_harness import ApiHarness, open_api, refused
from tests.features.comments.test_comments import connect, say
from tests.features.notifications.discussing import comes, inbox
from tests.features.shares.sharing import share, visitor
from tests.people import Person, fetch, people, run

NAMES = "UPDATE users SET username = $2, display_name = $3 WHERE id = $1"


@pytest.fixture(scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiHarness]:
    async with open_api(tmp_path_factory.mktemp("mentions")) as running:
        rows = [
            (UUID(running.viewer.id), "Vera.V", "Véra <b>Nováková"),
            (UUID(running.editor.id), "ed", "Ed Editor"),
            (UUID(running.stranger.id), "strange", "Stran Ger"),
        ]
        await run(running.server, NAMES, rows)
        yield running


def span(who: Person, name: str) -> str:
    return f'<span class="mention" data-user="{who.id}">@{name}</span>'


async def test_people_are_mentioned_in_three_ways(api: ApiHarness) -> None:
    document = (await api.make())["id"]
    text = (
        f"@vera.v. @ED, @[Anything](user:{api.owner.id}) but not `@ed` or me@ed, \\@ed\n\n"
        f"@nobody @strange @[Stran](user:{api.stranger.id}) @who@example.org @{api.admin.email}"
    )
    made = await say(api.commenter, document, text, mentions=[api.commenter.id, api.stranger.id])
    vera, owner = span(api.viewer, "Véra &lt;b&gt;Nováková"), span(api.owner, "owner")
    assert made["content_html"] == (
        f"<p>{vera}. {span(api.editor, 'Ed Editor')}, {owner} but not <code>@ed</code> or me@ed, @ed</p>\n"
        f"<p>@nobody @strange @Stran @who@example.org {span(api.admin, 'admin')}</p>\n"
    )
    assert [each["name"] for each in made["mentions"]] == [
        "admin", "commenter", "Ed Editor", "owner", "Véra <b>Nováková",
    ]  # fmt: skip
    assert made["unreachable"] == ["@nobody", "@strange", "@Stran", "@who@example.org", api.stranger.id]
    assert made["content"] == text


async def test_an_edit_mentions_only_those_in_the_new_text(api: ApiHarness) -> None:
    document = (await api.make())["id"]
    made = await say(api.commenter, document, "@ed @nobody")
    path = f"/comments/{made['id']}"
    changed = (await api.commenter.patch(path, json={"content": "@vera.v"})).json()
    assert [each["id"] for each in changed["mentions"]] == [api.viewer.id] and changed["unreachable"] == []
    added = (await api.commenter.patch(path, json={"mentions": [api.editor.id]})).json()
    assert {each["id"] for each in added["mentions"]} == {api.viewer.id, api.editor.id}
    assert added["content"] == "@vera.v" and refused(await api.editor.patch(path, json={"mentions": []}))[0] == 403


async def test_suspended_members_and_those_without_the_right_to_read_are_unreachable(api: ApiHarness) -> None:
    document = (await api.make())["id"]
    gone, blind = await people(api.server, "gone", "blind")
    add = (
        "INSERT INTO workspace_members (workspace_id, user_id, role, is_active, permissions) "
        "VALUES ($1, $2, 'viewer', $3, $4::text::jsonb)"
    )
    rows = [(UUID(api.team), UUID(gone.id), False, "{}"), (UUID(api.team), UUID(blind.id), True, '{"can_read": false}')]
    await run(api.server, add, rows)
    made = await say(api.commenter, document, "Hi", mentions=[gone.id, blind.id])
    assert made["mentions"] == [] and made["unreachable"] == [gone.id, blind.id]
    names = [
        each["name"]
        for each in (await api.commenter.get(f"/documents/{document}/mentionable?limit=50")).json()["items"]
    ]
    assert "gone" not in names and "blind" not in names and "Ed Editor" in names


async def test_mentionable_people_are_found_by_the_beginning_of_a_word(api: ApiHarness) -> None:
    document = (await api.make())["id"]
    path = f"/documents/{document}/mentionable"

    async def found(q: str, who: Person = api.commenter) -> list[str]:
        answer = await who.get(path, params={"q": q})
        assert answer.status_code == 200, answer.text
        return [each["id"] for each in answer.json()["items"]]

    for q in ("vera", "VÉR", "novak", "Nováko", " vera.v"):
        assert await found(q) == [api.viewer.id], q
    for q in ("era", "ovak", "strange", "example", "%", "'"):
        assert api.viewer.id not in await found(q) or q in ("%", "'"), q
        assert api.stranger.id not in await found(q), q
    assert len(await found("")) == 6
    assert (await api.commenter.get(path, params={"q": "ed"})).json()["items"] == [
        {"id": api.editor.id, "name": "Ed Editor", "username": "ed", "avatar_url": None}
    ]
    assert refused(await api.viewer.get(path)) == (403, "forbidden")
    assert refused(await api.stranger.get(path)) == (404, "not_found")
    visitor = await connect(api.editor, document, role="commenter", name="Zoe")
    assert await found("vera", visitor) == [api.viewer.id]
    assert (await say(visitor, document, f"@{api.owner.email}"))["mentions"] == []


async def test_an_erased_person_leaves_comments_without_a_name(api: ApiHarness) -> None:
    document = (await api.make())["id"]
    (iris,) = await people(api.server, "iris")
    await run(
        api.server,
        "INSERT INTO workspace_members (workspace_id, user_id, role) VALUES ($1, $2, 'editor')",
        [(UUID(api.team), UUID(iris.id))],
    )
    await run(api.server, NAMES, [(UUID(iris.id), "iris.k", "Iris Kowalski")])
    own = await say(iris, document, "My text")
    await iris.patch(f"/comments/{own['id']}", json={"content": "My other text"})
    await iris.put(f"/comments/{own['id']}/reactions/👍")
    await api.viewer.get(f"/comments/{own['id']}")
    linked = f"Ask @[Iris Kowalski](user:{iris.id.upper()}) or @iris.k"
    theirs = await say(api.commenter, document, linked)
    assert theirs["content_html"].count(span(iris, "Iris Kowalski")) == 2
    edited = await say(api.commenter, document, linked)
    await api.commenter.patch(f"/comments/{edited['id']}", json={"content": "Nobody"})
    await iris.post(f"/comments/{theirs['id']}/resolve")
    (root,) = await people(api.server, "root", admin=True)
    answer = await root.delete(f"/users/{iris.id}")
    assert answer.status_code == 204, answer.text

    left = (await api.viewer.get(f"/comments/{own['id']}")).json()
    assert left["author"] == {"id": None, "kind": "api_client", "name": "Deleted user", "avatar_url": None}
    assert left["content"] == "My other text" and left["reactions"] == []
    assert (await api.viewer.get(f"/comments/{own['id']}/edits")).json()["items"] == []
    after = (await api.viewer.get(f"/comments/{theirs['id']}")).json()
    assert after["content"] == "Ask @Deleted user or @Deleted user"
    assert after["content_html"] == "<p>Ask @Deleted user or @Deleted user</p>\n"
    assert (after["mentions"], after["edited"], after["resolved_by"]) == ([], False, None)
    assert (await api.viewer.get(f"/comments/{theirs['id']}/edits")).json()["items"] == []
    earlier = (await api.viewer.get(f"/comments/{edited['id']}/edits")).json()["items"]
    assert [each["content"] for each in earlier] == ["Ask @Deleted user or @iris.k"]
    for table in ("comments", "comment_edits", "comment_mentions", "comment_reactions"):
        kept = await fetch(
            api.server,
            f"SELECT count(*) AS n FROM {table} t WHERE t::text ILIKE '%kowalski%' OR t::text ILIKE '%' || $1 || '%'",
            iris.id,
        )
        assert kept[0]["n"] == 0, table


async def test_nobody_is_mentioned_too_often(api: ApiHarness) -> None:
    document = (await api.make())["id"]
    path = f"/documents/{document}/comments"
    answer = await api.commenter.post(path, json={"content": "x", "mentions": [str(uuid4()) for _ in range(101)]})
    assert answer.status_code == 422
    many = await say(api.commenter, document, " ".join(f"@name{number}" for number in range(1000)))
    assert many["unreachable"] == [f"@name{number}" for number in range(20)]


async def mentionable(who: Person, document: str) -> set[str]:
    answer = await who.get(f"/documents/{document}/mentionable", params={"limit": 50})
    assert answer.status_code == 200, answer.text
    return {each["id"] for each in answer.json()["items"]}


async def test_people_whom_a_document_is_shared_with_are_mentioned_and_told(api: ApiHarness) -> None:
    made, other = await api.make(name=f"plan {uuid4().hex}"), await api.make()
    document = made["id"]
    rita, carl, bygone, late = await people(api.server, "rita", "carl", "bygone", "late")
    for person, permission in ((rita, "read"), (carl, "comment"), (bygone, "read"), (late, "read")):
        shared = await share(api, document, kind="user", user_id=person.id, permission=permission)
        if person is bygone:
            assert (await api.editor.delete(f"/shares/{shared['id']}")).status_code == 204
        elif person is late:
            end = "UPDATE shares SET expires_at = now() - interval '1 second' WHERE id = $1"
            await run(api.server, end, [(UUID(shared["id"]),)])
    members = await mentionable(api.commenter, other["id"])
    assert await mentionable(api.commenter, document) == members | {rita.id, carl.id}
    text = f"@[Rita](user:{rita.id}) @{carl.email} @[Bygone](user:{bygone.id})"
    said = await say(api.commenter, document, text, mentions=[late.id])
    assert {each["id"] for each in said["mentions"]} == {rita.id, carl.id}
    assert said["unreachable"] == ["@Bygone", late.id]
    for person in (rita, carl):
        entry = await comes(person, made, "mention")
        assert entry["document"]["address"] == document, "the address with the workspace is not theirs"
        assert entry["url"] == f"/d/{document}#comment-{said['id']}"
        found = await person.get("/documents/lookup", params={"address": entry["document"]["address"]})
        assert found.json()["id"] == document
        assert (await person.get(f"/comments/{said['id']}")).json()["content"] == text
    assert "mention" not in {entry["kind"] for person in (bygone, late) for entry in await inbox(person)}
    elsewhere = await say(api.commenter, other["id"], f"@[Rita](user:{rita.id})")
    assert elsewhere["mentions"] == [], "another document is not shared with her"


async def test_a_person_whom_a_document_is_shared_with_mentions_who_takes_part(api: ApiHarness) -> None:
    made = await api.make()
    document = made["id"]
    carl, rita = await people(api.server, "carl", "rita")
    await share(api, document, kind="user", user_id=carl.id, permission="comment")
    await share(api, document, kind="user", user_id=rita.id, permission="read")
    assert await mentionable(carl, document) == {carl.id, rita.id, api.editor.id}, "not the list of members"
    await say(api.commenter, document, "Well?")
    assert await mentionable(carl, document) == {carl.id, rita.id, api.editor.id, api.commenter.id}
    said = await say(carl, document, f"@ed @[Rita](user:{rita.id}) @vera.v")
    assert {each["id"] for each in said["mentions"]} == {api.editor.id, rita.id}
    assert said["unreachable"] == ["@vera.v"]
    for person in (api.editor, rita):
        assert (await comes(person, made, "mention"))["actors"][0]["id"] == carl.id
    assert refused(await rita.get(f"/documents/{document}/mentionable")) == (403, "forbidden")
    link = await share(api, document, permission="comment")
    guest = visitor(api, link["token"])
    assert await mentionable(guest, document) == set(), "guests learn of nobody"
    assert (await say(guest, document, f"@[Rita](user:{rita.id})"))["mentions"] == []

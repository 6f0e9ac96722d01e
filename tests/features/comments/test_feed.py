"""Comments in the change feed: every change once, for members, also where a deletion is undone."""

from uuid import UUID

from tests.features.api_harness import ApiHarness
from tests.features.comments.test_comments import connect, contents, listed, say
from tests.people import Person, run

Entry = tuple[str, str, tuple[str, ...]]


async def begin(who: Person) -> str:
    return str((await who.get("/sync")).json()["next_cursor"])


async def entries(who: Person, cursor: str, *ids: str) -> list[Entry]:
    """(operation, entity type, changed fields) of these entities after the cursor."""
    answer = await who.get("/sync", params={"cursor": cursor, "limit": 200})
    assert answer.status_code == 200, answer.text
    return [
        (item["operation"], item["entity_type"], tuple(item["changed_fields"]))
        for item in answer.json()["items"]
        if item["entity_id"] in ids
    ]


async def test_each_change_of_a_comment_is_an_entry_for_members(api: ApiHarness) -> None:
    document = (await api.make())["id"]
    cursor, foreign = await begin(api.viewer), await begin(api.stranger)
    comment = (await say(api.commenter, document, "One", mentions=[api.viewer.id]))["id"]
    await api.commenter.patch(f"/comments/{comment}", json={"content": "Two"})
    await api.owner.put(f"/comments/{comment}/reactions/👍")
    await api.owner.put(f"/comments/{comment}/reactions/👍")
    await api.owner.post(f"/comments/{comment}/resolve")
    await api.owner.post(f"/comments/{comment}/resolve")
    await api.commenter.delete(f"/comments/{comment}")
    assert await entries(api.viewer, cursor, comment) == [
        ("create", "comment", ()),
        ("update", "comment", ("content", "mentions")),
        ("update", "comment", ("reactions",)),
        ("update", "comment", ("resolved",)),
        ("delete", "comment", ()),
    ]
    assert await entries(api.stranger, foreign, comment) == []
    await run(api.server, "UPDATE comments SET deleted_at = NULL WHERE id = $1", [(UUID(comment),)])
    assert [each[0] for each in await entries(api.viewer, cursor, comment)][-2:] == ["update", "update"]


async def test_a_document_that_comes_back_announces_its_comments_by_its_own_entry(api: ApiHarness) -> None:
    document = (await api.make(api.owner))["id"]
    comment = (await say(api.owner, document))["id"]
    cursor = await begin(api.viewer)
    await api.owner.delete(f"/documents/{document}")
    assert (await api.owner.post(f"/documents/{document}/restore")).status_code == 200
    found = await entries(api.viewer, cursor, document, comment)
    assert {each[1] for each in found} == {"document"} and found[-1][0] in ("create", "update")
    assert contents(await listed(api.viewer, document)) == ["Hello"]


async def test_who_has_no_account_changes_nothing_in_the_name_of_another(api: ApiHarness) -> None:
    document = (await api.make())["id"]
    cursor = await begin(api.viewer)
    comment = await say(await connect(api.editor, document, role="commenter", name="Zoe"), document)
    items = (await api.viewer.get("/sync", params={"cursor": cursor})).json()["items"]
    assert [item["changed_by"] for item in items if item["entity_id"] == comment["id"]] == [None]

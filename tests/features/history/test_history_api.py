"""The history over REST: content and authors at any moment, versions, differences, restore and rollback."""

from typing import Any

import httpx
import pytest

from tests.features.api_harness import ApiHarness, refused
from tests.peers import Family, Peer
from tests.people import Person, fetch
from tests.waiting import until


async def get(who: Person, document: dict[str, Any], path: str, **params: object) -> httpx.Response:
    answer = await who.get(f"/documents/{document['id']}/{path}", params=params)  # type: ignore[arg-type]
    assert answer.status_code == 200, answer.text
    return answer


async def typed(
    api: ApiHarness, who: Person, document: dict[str, Any], text: str, at: int, family: Family = "yws"
) -> None:
    peer = await Peer(api.server, family, document["id"], token=who.token).sync()
    peer.insert(text, at)
    await peer.saved()
    await peer.close()


async def blame(api: ApiHarness, document: dict[str, Any]) -> list[tuple[str, str | None]]:
    runs = (await get(api.viewer, document, "blame")).json()["runs"]
    return [(run["text"], run["author"]["id"]) for run in runs]


async def name_version(who: Person, document: dict[str, Any], **body: object) -> dict[str, Any]:
    answer = await who.post(f"/documents/{document['id']}/versions", json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def content(api: ApiHarness, document: dict[str, Any]) -> str:
    return (await get(api.viewer, document, "content")).text


async def test_each_character_has_its_author_before_and_after_folds(api: ApiHarness) -> None:
    made = await api.make(content="begin")
    await typed(api, api.other, made, " middle", 5)
    await typed(api, api.admin, made, " end", 12, "hocus")
    expected = [("begin", api.editor.id), (" middle", api.other.id), (" end", api.admin.id)]
    assert await blame(api, made) == expected
    # a program's edit is in the middle of a person's word
    changed = await api.editor.patch(
        f"/documents/{made['id']}/content", json={"edits": [{"find": "idd", "replace": "ost"}]}
    )
    assert changed.status_code == 200, changed.text
    assert "".join(text for text, _ in await blame(api, made)) == "begin mostle end"
    assert ("ost", api.editor.id) in await blame(api, made)
    kept = "SELECT count(*) AS n FROM document_updates WHERE document_id::text = $1"
    assert (await fetch(api.server, kept, made["id"]))[0]["n"] == 0, "blame reads what is folded"
    kinds = [run["author"]["kind"] for run in (await get(api.viewer, made, "blame")).json()["runs"]]
    assert set(kinds) == {"api_client"}, "also of the content that the document was created with"
    names = {run["author"]["name"] for run in (await get(api.viewer, made, "blame")).json()["runs"]}
    assert all(names) and len(names) == 3


async def test_programs_of_several_people_are_credited_each(api: ApiHarness) -> None:
    made = await api.make(content="aa\n")
    text = "aa\n"
    for who, line in ((api.other, "bb\n"), (api.admin, "cc\n"), (api.other, "dd\n")):
        text += line
        path, kind = f"/documents/{made['id']}/content", {"content-type": "text/markdown"}
        answer = await who.put(path, content=text, headers=kind)
        assert answer.status_code == 200, answer.text
    letters = {letter: who for run, who in await blame(api, made) for letter in run if letter.isalpha()}
    assert letters == {"a": api.editor.id, "b": api.other.id, "c": api.admin.id, "d": api.other.id}
    undone = await api.editor.post(f"/documents/{made['id']}/rollback", json={"user": api.other.id})
    assert undone.status_code == 200, undone.text
    assert [letter for letter in await content(api, made) if letter.isalpha()] == ["a", "a", "c", "c"]


async def test_the_document_at_any_row_and_time(api: ApiHarness) -> None:
    made = await api.make(content="one")
    seqs = [int((await get(api.viewer, made, "at", seq=10**6)).headers["x-document-seq"])]
    for text in (" two", " three"):
        await typed(api, api.other, made, text, len(await content(api, made)))
        seqs.append(int((await get(api.viewer, made, "at", seq=10**6)).headers["x-document-seq"]))
    texts = ["one", "one two", "one two three"]
    for seq, text in zip(seqs, texts, strict=True):
        assert (await get(api.viewer, made, "at", seq=seq)).text == text
    sessions = (await get(api.viewer, made, "history")).json()["items"]
    assert [(one["author"]["id"], one["inserted"]) for one in sessions] == [(api.other.id, 10), (api.editor.id, 3)]
    assert (await get(api.viewer, made, "at", time=sessions[0]["last_at"])).text in texts
    assert (await get(api.viewer, made, "at", time="2001-01-01T00:00:00Z")).text == ""
    assert (await get(api.viewer, made, "at", time="2200-01-01T00:00:00")).text == texts[-1]
    answer = await get(api.viewer, made, "at", seq=seqs[1], format="json")
    assert answer.json()["content"] == "one two"
    assert "<p>one two</p>" in (await get(api.viewer, made, "at", seq=seqs[1], format="html")).text


async def test_versions_are_named_listed_pinned_and_deleted(api: ApiHarness) -> None:
    made = await api.make(content="one\ntwo\n")
    first = await name_version(api.editor, made, label="First")
    await typed(api, api.other, made, "three\n", 8)
    second = await name_version(api.other, made, change_description="More lines")
    assert (first["number"], second["number"]) == (1, 2)
    assert second["changes_summary"] == {"added": 1, "removed": 0, "modified": 0}
    assert [author["id"] for author in second["authors"]] == [api.other.id]
    assert (second["size_bytes"], second["title"], second["kind"]) == (14, "Plan", "manual")
    path = f"/documents/{made['id']}/versions"
    listed = (await api.viewer.get(path, params={"limit": 1})).json()
    assert [one["number"] for one in listed["items"]] == [2]
    rest = (await api.viewer.get(path, params={"limit": 1, "cursor": listed["next_cursor"]})).json()
    assert [(one["number"], one["label"]) for one in rest["items"]] == [(1, "First")]
    assert (await api.viewer.get(f"{path}/1/content")).text == "one\ntwo\n"
    pinned = await api.editor.patch(f"{path}/2", json={"pinned": True})
    assert (pinned.json()["pinned"], pinned.json()["change_description"]) == (True, "More lines")
    assert refused(await api.viewer.patch(f"{path}/2", json={"label": "x"})) == (403, "forbidden")
    assert refused(await api.editor.delete(f"{path}/2")) == (403, "forbidden")
    assert (await api.admin.delete(f"{path}/2")).status_code == 204
    assert refused(await api.viewer.get(f"{path}/2")) == (404, "not_found")
    assert (await name_version(api.editor, made))["number"] == 3, "a number is not given twice"
    assert refused(await api.stranger.get(path)) == (404, "not_found")


async def test_differences_between_points(api: ApiHarness) -> None:
    made = await api.make(content="alpha\nbeta\n")
    first = await name_version(api.editor, made)
    await typed(api, api.other, made, "new ", 6)
    found = (await get(api.viewer, made, "versions/diff", **{"from": first["number"], "to": "now"})).json()
    assert [(piece["operation"], piece["text"]) for piece in found["pieces"]] == [
        ("equal", "alpha\n"),
        ("insert", "new "),
        ("equal", "beta\n"),
    ]
    assert found["pieces"][1]["author"]["id"] == api.other.id
    assert found["summary"] == {"added": 0, "removed": 0, "modified": 1}
    unified = (await get(api.viewer, made, "versions/diff", **{"from": "1", "format": "unified"})).text
    assert unified == "--- version 1\n+++ now\n@@ -1,2 +1,2 @@\n alpha\n-beta\n+new beta\n"
    page = (await get(api.viewer, made, "versions/diff", **{"from": "1", "format": "html"})).text
    assert "<ins>new </ins>beta" in page
    for wrong in ("yesterday", "seq:-1", "0", "time:soon", "seq:x"):
        answer = await api.viewer.get(f"/documents/{made['id']}/versions/diff", params={"from": wrong})
        assert refused(answer) == (400, "malformed"), wrong
    missing = await api.viewer.get(f"/documents/{made['id']}/versions/diff", params={"from": "77"})
    assert refused(missing) == (404, "not_found")


@pytest.mark.parametrize("family", ["yws", "hocus"])
async def test_a_restore_is_an_edit_that_everybody_sees_and_that_can_be_undone(api: ApiHarness, family: Family) -> None:
    made = await api.make(content="The first text")
    version = await name_version(api.editor, made)
    peer = await Peer(api.server, family, made["id"], token=api.other.token).sync()
    del peer.text[4:10]
    peer.insert(" and more", 8)
    await peer.saved()
    path = f"/documents/{made['id']}/versions"
    assert refused(await api.viewer.post(f"{path}/{version['number']}/restore")) == (403, "forbidden")
    answer = await api.editor.post(f"{path}/{version['number']}/restore")
    assert answer.status_code == 200, answer.text
    assert answer.json()["changed"] is True
    await peer.until(lambda: peer.content == "The first text", "the restored text")
    before = (await api.viewer.get(f"{path}/{answer.json()['version']}")).json()
    assert (before["kind"], before["created_by"]) == ("restore", api.editor.id)
    undone = await api.editor.post(f"{path}/{before['number']}/restore")
    assert undone.json()["changed"] is True
    await peer.until(lambda: peer.content == "The text and more", "the text before the restore")
    again = await api.editor.post(f"{path}/{before['number']}/restore")
    assert again.json()["changed"] is False
    await peer.close()


async def test_a_rollback_undoes_one_authors_edits_and_keeps_the_others(api: ApiHarness) -> None:
    made = await api.make(content="Ours: ")
    await typed(api, api.other, made, "spam ", 6)
    await typed(api, api.admin, made, "words", 8)
    vandal = await Peer(api.server, "yws", made["id"], token=api.other.token).sync()
    del vandal.text[0:4]
    await vandal.saved()
    await vandal.close()
    assert await content(api, made) == ": spwordsam "
    path = f"/documents/{made['id']}/rollback"
    assert refused(await api.viewer.post(path, json={"user": api.other.id})) == (403, "forbidden")
    late = await api.editor.post(path, json={"user": api.other.id, "from": "2200-01-01T00:00:00Z"})
    assert (late.json()["removed"], late.json()["restored"]) == (0, 0)
    answer = await api.editor.post(path, json={"user": api.other.id})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["removed"], answer.json()["restored"]) == (5, 4)
    assert await content(api, made) == "Ours: words"


async def test_versions_are_entries_of_the_change_feed(api: ApiHarness) -> None:
    made = await api.make(content="words")
    version = await name_version(api.editor, made)
    await api.editor.patch(f"/documents/{made['id']}/versions/{version['number']}", json={"label": "Named"})
    await api.admin.delete(f"/documents/{made['id']}/versions/{version['number']}")

    async def entries() -> list[str]:
        query = (
            "SELECT operation::text FROM sync_log WHERE document_id::text = $1 AND entity_type = 'version' ORDER BY id"
        )
        return [row["operation"] for row in await fetch(api.server, query, made["id"])]

    assert await entries() == ["create", "update", "delete"]


async def test_a_guest_is_credited_by_the_name_in_their_presence(api: ApiHarness) -> None:
    playground = "00000000-0000-0000-0000-000000000002"
    made = await api.make(api.admin, playground)
    guest = await Peer(api.server, "yws", made["id"]).sync()
    guest.announce((guest.doc.client_id, 1, '{"user": {"name": "Otter"}}'))
    guest.insert("by a guest")
    await guest.saved()
    await guest.close()

    async def credited() -> bool:
        runs = (await get(api.admin, made, "blame")).json()["runs"]
        return [(run["text"], run["author"]["kind"], run["author"]["name"]) for run in runs] == [
            ("by a guest", "guest", "Otter")
        ]

    await until(credited, "the guest's name")

"""A document in a running server becomes rich text or Markdown: who may, what stays, and what people type meanwhile."""

import asyncio
from random import Random
from typing import Any
from uuid import UUID

from pycrdt import XmlElement, XmlFragment, XmlText

from tests.features.api_harness import ApiHarness, code, refused
from tests.features.history.test_generations import hand_over
from tests.peers import Peer
from tests.people import Person, fetch
from tests.seeds import choose_seed
from tests.waiting import until

MARKDOWN = "# Plan\n\nSome **bold** words\n\n* one\n* two\n"
WRITTEN = "# Plan\n\nSome **bold** words\n\n- one\n- two"


async def convert(api: ApiHarness, document: dict[str, Any], to: str, who: Person | None = None) -> dict[str, Any]:
    answer = await (who or api.editor).post(f"/documents/{document['id']}/convert", json={"to": to})
    assert answer.status_code == 200, answer.text
    done: dict[str, Any] = answer.json()
    return done


async def content(api: ApiHarness, document: dict[str, Any]) -> str:
    return (await api.viewer.get(f"/documents/{document['id']}/content")).text


async def details(api: ApiHarness, document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = (await api.viewer.get(f"/documents/{document['id']}")).json()
    return found


async def nodes(api: ApiHarness, document: dict[str, Any]) -> list[str]:
    """The types of the blocks of a rich text."""
    answer = await api.viewer.get(f"/documents/{document['id']}/content", params={"format": "prosemirror"})
    return [block["type"] for block in answer.json()["content"]]


async def test_markdown_becomes_rich_text_and_markdown_again(api: ApiHarness) -> None:
    made = await api.make(content=MARKDOWN, tags=["garden"], description="All of it")
    path = f"/documents/{made['id']}"
    done = await convert(api, made, "rich_text", api.other)
    assert (done["generation"], done["kind"], done["version"]) == (1, "rich_text", 1)
    assert await nodes(api, made) == ["heading", "paragraph", "bulletList"]
    now = await details(api, made)
    assert now["settings"]["editor_mode"] == "wysiwyg"
    assert (now["title"], now["description"], [tag["name"] for tag in now["tags"]]) == ("Plan", "All of it", ["garden"])
    assert now["updated_by"]["id"] == api.other.id
    # What lists and search have is the new text.
    assert now["content_bytes"] == len((await content(api, made)).encode())
    [stored] = await fetch(api.server, "SELECT content FROM documents WHERE id = $1", UUID(made["id"]))
    assert stored["content"] == WRITTEN
    blame = (await api.viewer.get(f"{path}/blame")).json()
    assert {run["author"]["id"] for run in blame["runs"]} == {api.editor.id}
    assert (await api.viewer.get(f"{path}/at", params={"seq": done["seq"]})).text == stored["content"]

    back = await convert(api, made, "markdown")
    assert (back["generation"], back["kind"], back["version"]) == (2, "markdown", 2)
    # Nobody has changed it: it is as it was typed.
    assert await content(api, made) == MARKDOWN
    assert (await details(api, made))["settings"]["editor_mode"] == "edit"
    versions = (await api.viewer.get(f"{path}/versions")).json()["items"]
    assert [(one["kind"], one["change_description"], one["created_by"]) for one in versions] == [
        ("conversion", "Before it became Markdown", api.editor.id),
        ("conversion", "Before it became rich text", api.other.id),
    ]


async def test_versions_of_both_kinds_are_restored(api: ApiHarness) -> None:
    made = await api.make(content=MARKDOWN)
    path = f"/documents/{made['id']}"
    await convert(api, made, "rich_text")
    body = {"edits": [{"find": "words", "replace": "letters"}]}
    assert (await api.editor.patch(f"{path}/content", json=body)).is_success
    answer = await api.editor.post(f"{path}/versions/1/restore")
    assert (answer.status_code, answer.json()["changed"]) == (200, True), answer.text
    assert await nodes(api, made) == ["heading", "paragraph", "bulletList"]
    assert await content(api, made) == WRITTEN
    await convert(api, made, "markdown")
    # The version before the restore is rich text.
    undone = await api.editor.post(f"{path}/versions/{answer.json()['version']}/restore")
    assert undone.status_code == 200, undone.text
    assert "Some **bold** letters" in await content(api, made)
    await convert(api, made, "rich_text")
    again = await api.editor.post(f"{path}/versions/{answer.json()['version']}/restore")
    assert again.status_code == 200, again.text
    assert await nodes(api, made) == ["heading", "paragraph", "bulletList"]
    shown = await api.viewer.get(f"{path}/versions/1/content")
    assert shown.text == MARKDOWN


async def test_comments_and_suggestions_stay_on_their_words(api: ApiHarness) -> None:
    made = await api.make(content=MARKDOWN)
    path = f"/documents/{made['id']}"
    anchor = {"quote": "Some **bold** words"}
    thread = await api.commenter.post(f"{path}/comments", json={"content": "Which?", "anchor": anchor})
    assert thread.status_code == 201, thread.text
    edit = {"edits": [{"find": "words", "replace": "letters"}]}
    suggestion = await api.commenter.post(f"{path}/suggestions", json=edit)
    assert suggestion.status_code == 201, suggestion.text
    for to in ("rich_text", "markdown"):
        await convert(api, made, to)
        [comment] = (await api.viewer.get(f"{path}/comments")).json()["items"]
        text = await content(api, made)
        position = comment["anchor"]
        assert not position["orphaned"]
        assert text[position["start"] : position["end"]] == "Some **bold** words"
    await convert(api, made, "rich_text")
    accepted = await api.editor.post(f"/suggestions/{suggestion.json()['id']}/accept")
    assert accepted.status_code == 200, accepted.text
    assert "Some **bold** letters" in await content(api, made)


async def test_who_may_write_may_convert_and_the_rest_is_refused(api: ApiHarness) -> None:
    made = await api.make(content=MARKDOWN)
    path = f"/documents/{made['id']}/convert"
    for person, status in ((api.viewer, 403), (api.commenter, 403), (api.stranger, 404)):
        assert (await person.post(path, json={"to": "rich_text"})).status_code == status
    assert refused(await api.editor.post(path, json={"to": "markdown"})) == (409, "conflict")
    assert (await api.editor.post(path, json={"to": "html"})).status_code == 422
    secret = await api.make(type="password", content_encrypted="c2VjcmV0", encryption={"algorithm": "AES-GCM"})
    assert refused(await api.editor.post(f"/documents/{secret['id']}/convert", json={"to": "rich_text"}))[0] == 422
    mindmap = await api.make(type="mindmap", content="x")
    answer = await api.editor.post(f"/documents/{mindmap['id']}/convert", json={"to": "rich_text"})
    assert code(answer) == "unprocessable"
    assert "mindmap" in answer.json()["detail"]
    damaged = await api.make(content=MARKDOWN)
    statement = "UPDATE documents SET yjs_state = '\\x0101' WHERE id = $1 RETURNING id"
    await fetch(api.server, statement, UUID(damaged["id"]))
    answer = await api.editor.post(f"/documents/{damaged['id']}/convert", json={"to": "rich_text"})
    assert code(answer) == "damaged_document"
    assert (await details(api, made))["row_version"] == made["row_version"]
    [entry] = await fetch(
        api.server, "SELECT count(*) AS n FROM document_versions WHERE document_id = $1", UUID(made["id"])
    )
    assert entry["n"] == 0


async def test_an_empty_document_is_converted(api: ApiHarness) -> None:
    made = await api.make()
    assert (await convert(api, made, "rich_text"))["version"] is None
    answer = await api.editor.post(f"/documents/{made['id']}/convert", json={"to": "rich_text"})
    assert refused(answer) == (409, "conflict")
    assert await nodes(api, made) == ["paragraph"]
    await convert(api, made, "markdown")
    peer = await Peer(api.server, "yws", made["id"], token=api.editor.token).sync()
    peer.insert("typed")
    await peer.saved()
    assert await content(api, made) == "typed"
    await peer.close()


async def test_open_editors_are_told_and_what_they_had_not_sent_is_carried_over(api: ApiHarness) -> None:
    made = await api.make(content=MARKDOWN)
    away = await Peer(api.server, "yws", made["id"], token=api.editor.token).sync()
    here = await Peer(api.server, "hocus", made["id"], token=api.other.token).sync()
    await away.close()
    away.insert(" and __more__", away.content.index(" words") + len(" words"))
    await convert(api, made, "rich_text")
    await here.refused()
    assert here.closes == ["stale_generation: The document was replaced; reload it"]
    for _ in range(2):
        assert (await hand_over(api, away, api.editor, 0))["generation"] == 1
    assert await content(api, made) == "# Plan\n\nSome **bold** words and **more**\n\n- one\n- two"
    await convert(api, made, "markdown")
    # Through both conversions, once more, with something new.
    away.insert("First.\n\n", 0)
    assert (await hand_over(api, away, api.editor, 0))["generation"] == 2
    text = await content(api, made)
    assert text.startswith("First.\n\n# Plan")
    assert text.count("more") == 1
    await here.close()


def type_mark(peer: Peer, random: Random, mark: str) -> None:
    """Types at the end of a line, in whatever kind of text there is."""
    fragment = peer.doc.get("default", type=XmlFragment)
    if len(fragment.children):
        random.choice([found for block in fragment.children for found in _texts(block)]).insert(0, mark)
        return
    lines = [match for match, sign in enumerate(peer.content) if sign == "\n"] + [len(peer.content)]
    peer.insert(mark, len(peer.content[: random.choice(lines)].encode()))


def _texts(node: Any) -> list[XmlText]:
    if isinstance(node, XmlText):
        return [node]
    return [text for child in node.children for text in _texts(child)] if isinstance(node, XmlElement) else []


async def test_nothing_is_lost_or_doubled_while_people_type_and_the_document_is_converted(api: ApiHarness) -> None:
    made = await api.make(content="One paragraph\n\nand another one\n")
    random = Random(choose_seed())
    stop = asyncio.Event()
    typed: set[bytes] = set()

    async def write(person: Person, family: Any, author: str) -> None:
        peer: Peer | None = None
        number = 0
        while not stop.is_set():
            if peer is None:
                peer = Peer(api.server, family, made["id"], token=person.token, author=author, events=True)
                await peer.sync()
                continue
            mark = f"<{author}.{number}>"
            number += 1
            typed.add(mark.encode())
            type_mark(peer, random, mark)
            await peer.until(lambda one=peer: not one.unacknowledged or one.closes or not one.connected)  # type: ignore[misc]
            if peer.closes or not peer.connected:
                assert peer.generation is not None
                await hand_over(api, peer, person, peer.generation)
                await peer.close()
                peer = None
        if peer is not None:
            await peer.close()
            assert peer.generation is not None
            await hand_over(api, peer, person, peer.generation)

    async def convert_often() -> None:
        path = f"/documents/{made['id']}/convert"
        for to in ("rich_text", "markdown", "rich_text", "markdown"):
            wanted = len(typed) + 4

            async def is_typed(count: int = wanted) -> bool:
                return len(typed) >= count

            await until(is_typed, "further edits")
            answer = await api.owner.post(path, json={"to": to})
            while answer.status_code == 503:
                # Somebody typed at that moment: it may be done again.
                answer = await api.owner.post(path, json={"to": to})
            assert answer.status_code == 200, answer.text
        stop.set()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(write(api.editor, "yws", "a"))
        tasks.create_task(write(api.other, "hocus", "b"))
        tasks.create_task(convert_often())
    assert (await details(api, made))["settings"]["editor_mode"] == "edit"
    [row] = await fetch(api.server, "SELECT generation FROM documents WHERE id = $1", UUID(made["id"]))
    assert row["generation"] == 4
    text = (await content(api, made)).encode()
    assert sorted(mark for mark in typed if text.count(mark) != 1) == []

"""Blame, restore and rollback of documents of editors, of maps and arrays, and of formatted text, over REST."""

import json
import random
from typing import Any

import pycrdt
import pytest

from collab_server.core.prosemirror.nodes import Mark, Node
from tests.core.fragments import Fragment, element, p
from tests.features.api_harness import ApiHarness
from tests.peers import Peer
from tests.people import Person
from tests.waiting import until

YJS = {"content-type": "application/octet-stream"}
MARKDOWN = {"content-type": "text/markdown"}


def words(dice: random.Random) -> str:
    return " ".join(dice.choice(["plan", "house", "a*b", "é", "漢字", "x_y"]) for _ in range(dice.randint(1, 4)))


def marked(dice: random.Random) -> Node:
    kind = dice.choice(["bold", "italic", "code", "link"])
    return Node(
        "text", text=words(dice), marks=[Mark(kind, {"href": "https://example.org/"} if kind == "link" else {})]
    )


def block(dice: random.Random) -> Node:
    """A block of a random kind, with random words."""
    row = [element(kind, p(words(dice))) for kind in ("tableHeader", "tableHeader", "tableCell", "tableCell")]
    return dice.choice(
        [
            element("heading", words(dice), level=dice.randint(1, 6)),
            p(words(dice), marked(dice), words(dice)),
            element("bulletList", *(element("listItem", p(words(dice))) for _ in range(2))),
            element("orderedList", *(element("listItem", p(marked(dice))) for _ in range(2)), start=1),
            element("taskList", element("taskItem", p(words(dice)), checked=True)),
            element("table", element("tableRow", *row[:2]), element("tableRow", *row[2:])),
            element("codeBlock", f"{words(dice)}\n  {words(dice)}", language="python"),
            element("blockquote", p(words(dice))),
            element("horizontalRule"),
        ]
    )


async def read(who: Person, path: str, **params: str) -> str:
    answer = await who.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.text


async def both(api: ApiHarness, path: str) -> tuple[str, Any]:
    """The Markdown of a document, and its ProseMirror nodes."""
    return await read(api.viewer, f"{path}/content", format="markdown"), json.loads(
        await read(api.viewer, f"{path}/content", format="prosemirror")
    )


async def check_blame(api: ApiHarness, path: str, content: str) -> dict[str, str]:
    """Compare the blame with the content, and return the text of each author."""
    found = json.loads(await read(api.viewer, f"{path}/blame"))
    assert "".join(run["text"] for run in found["runs"]) == content
    texts: dict[str, str] = {}
    for run in found["runs"]:
        texts[run["author"]["id"]] = texts.get(run["author"]["id"], "") + run["text"]
    return texts


async def keep(api: ApiHarness, path: str) -> int:
    answer = await api.editor.post(f"{path}/versions", json={})
    assert answer.status_code == 201, answer.text
    number: int = answer.json()["number"]
    return number


async def restore(api: ApiHarness, path: str, number: int) -> None:
    answer = await api.editor.post(f"{path}/versions/{number}/restore")
    assert answer.status_code == 200, answer.text
    assert answer.json()["changed"] is True


async def upload(who: Person, path: str, update: bytes) -> None:
    answer = await who.post(f"{path}/updates", content=update, headers=YJS)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("seed", range(6))
async def test_a_document_of_blocks_is_credited_and_restored_exactly(api: ApiHarness, seed: int) -> None:
    dice = random.Random(seed)
    made = await api.make()
    path = f"/documents/{made['id']}"
    await upload(api.editor, path, Fragment(*(block(dice) for _ in range(8)), p("last words")).update)
    appended = await api.other.post(f"{path}/content/append", json={"content": "## Added\n\n- by **Ŵilli**"})
    assert appended.status_code == 200, appended.text
    before = await both(api, path)
    texts = await check_blame(api, path, before[0])
    assert texts[api.other.id].strip().endswith("## Added\n\n- by **Ŵilli**")
    assert "Ŵilli" not in texts[api.editor.id]
    number = await keep(api, path)
    others = Fragment(*(block(dice) for _ in range(8)))
    written = await api.other.put(f"{path}/content", content=others.markdown.encode(), headers=MARKDOWN)
    assert written.status_code == 200, written.text
    changed = await both(api, path)
    assert changed[0] != before[0]
    await check_blame(api, path, changed[0])
    second = await keep(api, path)
    await restore(api, path, number)
    assert await both(api, path) == before
    await check_blame(api, path, before[0])
    await restore(api, path, second)
    assert await both(api, path) == changed
    assert await read(api.viewer, f"{path}/versions/{number}/content", format="markdown") == before[0]
    stored = json.loads(await read(api.viewer, f"{path}/versions/{number}/content", format="prosemirror"))
    assert stored["content"] == before[1]["content"]


@pytest.mark.parametrize("kind", ["map", "array", "both"])
async def test_a_document_of_maps_and_arrays_is_credited_and_restored_exactly(api: ApiHarness, kind: str) -> None:
    made = await api.make()
    path = f"/documents/{made['id']}"
    doc: pycrdt.Doc[Any] = pycrdt.Doc()
    if kind != "array":
        values = doc.get("map", type=pycrdt.Map)
        values["name"] = "Plan"
        values["parts"] = pycrdt.Array(["roof", 2, {"k": [None, True]}])
        values["note"] = pycrdt.Text("some text")
    if kind != "map":
        doc.get("array", type=pycrdt.Array).extend(["one", 2.5, pycrdt.Map({"inner": "value"}), None])
    await upload(api.editor, path, doc.get_update())
    before = await read(api.viewer, f"{path}/content")
    assert set((await check_blame(api, path, before)).items()) >= {(api.editor.id, before)} or kind == "both"
    number = await keep(api, path)
    other: pycrdt.Doc[Any] = pycrdt.Doc()
    other.apply_update(doc.get_update())
    doc, state = other, doc.get_state()
    if kind != "array":
        values = doc.get("map", type=pycrdt.Map)
        values["name"] = "Другой"
        del values["parts"]
    if kind != "map":
        array = doc.get("array", type=pycrdt.Array)
        del array[0:3]
        array.append("Другой")
    await upload(api.other, path, doc.get_update(state))
    changed = await read(api.viewer, f"{path}/content")
    assert json.loads(changed) != json.loads(before)
    assert '"Другой"' in (await check_blame(api, path, changed))[api.other.id]
    await restore(api, path, number)
    assert json.loads(await read(api.viewer, f"{path}/content")) == json.loads(before)
    assert await read(api.viewer, f"{path}/content") == before
    await check_blame(api, path, before)


class Character:
    """A character that somebody typed, whoever deleted it first, and who made it bold."""

    def __init__(self, sign: str, author: int) -> None:
        self.sign, self.author = sign, author
        self.deleted_by: int | None = None


@pytest.mark.parametrize("seed", range(2))
async def test_a_rollback_of_one_of_three_interleaved_authors_leaves_the_others(api: ApiHarness, seed: int) -> None:
    dice = random.Random(seed)
    made = await api.make()
    path = f"/documents/{made['id']}"
    people = [api.owner, api.admin, api.other]
    families = ("yws", "hocus", "hocus" if seed else "yws")
    peers = [
        await Peer(api.server, family, made["id"], token=person.token).sync()  # type: ignore[arg-type]
        for family, person in zip(families, people, strict=True)
    ]
    undone = seed
    letters: list[Character] = []
    bold: set[Character] = set()

    async def agree() -> None:
        text = "".join(one.sign for one in letters if one.deleted_by is None)
        for peer in peers:
            await peer.until(lambda peer=peer: peer.content == text, "the text of the others")  # type: ignore[misc]

    for turn in range(60):
        author = turn % 3
        peer = peers[author]
        await agree()
        visible = [index for index, one in enumerate(letters) if one.deleted_by is None]
        act = dice.choice(["type", "type", "delete", "format"]) if len(visible) > 5 else "type"
        start = dice.randint(0, len(visible))
        stop = min(len(visible), start + dice.randint(1, 4))
        if act == "type":
            typed = [Character(dice.choice("abcdefgh"), author) for _ in range(3)]
            # Where nothing was deleted: the text does not say on which side of that the new text is.
            bounds = [-1, *visible, len(letters)]
            start = dice.choice([at for at in range(len(visible) + 1) if bounds[at] + 1 == bounds[at + 1]] or [0])
            place = bounds[start + 1]
            letters[place:place] = typed
            peer.insert("".join(one.sign for one in typed), start)
        elif act == "delete" and start < stop:
            for index in visible[start:stop]:
                letters[index].deleted_by = author
            del peer.text[start:stop]
        elif act == "format" and start < stop:
            if author != undone:
                bold |= {letters[index] for index in visible[start:stop]}
            peer.text.format(start, stop, {"bold" if author != undone else "italic": True})
        await peer.saved()
    await agree()
    answer = await api.editor.post(f"{path}/rollback", json={"user": people[undone].id})
    assert answer.status_code == 200, answer.text
    left = [one for one in letters if one.author != undone and one.deleted_by in (None, undone)]
    text = "".join(one.sign for one in left)
    assert await read(api.viewer, f"{path}/content") == text
    for peer in peers:
        await peer.until(lambda peer=peer: peer.content == text, "the text without one author")  # type: ignore[misc]
        formats = [given or {} for part, given in peer.text.diff() for _ in part]
        assert all("italic" not in given for given in formats)
        for one, given in zip(left, formats, strict=True):
            # Of what was deleted meanwhile, nobody has said whether it is bold.
            assert one.deleted_by is not None or one not in bold or given.get("bold") is True, one.sign
    assert any(one.deleted_by == undone for one in left)
    for peer in peers:
        await peer.close()
    await until(lambda: not any(peer.connected for peer in peers), "the ends")

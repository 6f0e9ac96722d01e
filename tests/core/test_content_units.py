"""Characters of Yjs that the content of a document shows: exact for texts, and for the words of Markdown."""

import os
from random import Random

import pycrdt
import pytest

from collab_server.core.anchors.content_units import ContentUnits, read_content_units
from collab_server.core.anchors.fragment_source import read_source
from collab_server.core.documents.projection import project
from collab_server.core.prosemirror.nodes import Mark, Node
from collab_server.core.yjs import tree, updates, utf16
from collab_server.core.yjs.composer import Composer
from collab_server.core.yjs.structs import STRING, Branch
from collab_server.errors import UnprocessableContent
from tests.core.fragments import Fragment, element, p

SEED = int(os.environ.get("COLLAB_TEST_SEED", "7"))
WORDS = (
    "one",
    "two",
    "a",
    "2.",
    "3)",
    "x_y",
    "<b",
    "&amp;",
    "*",
    "**",
    "`",
    "|",
    "[link]",
    "😀",
    "\U0001d49cb",
    "中文",
    "e\u0301",
    "#",
    "-",
)


def check_characters(units: ContentUnits, update: bytes) -> int:
    """Each unit with an id is equal to the character of that id. Return their number."""
    shown = 0
    stack = list(tree.read_tree(update).roots.values())
    while stack:
        branch = stack.pop()
        item = branch.start
        while item is not None:
            if item.kind == STRING:
                for offset, unit in enumerate(utf16.to_units(item.content)):
                    place = units.find(item.client, item.clock + offset)
                    assert place is None or (units.units[place] == unit and not item.deleted)
                    shown += place is not None
            elif isinstance(item.content, Branch):
                stack.append(item.content)
            item = item.right
    assert shown == sum(run.length for run in units.runs)
    return shown


def random_text(random: Random) -> str:
    return random.choice(["", " "]) + " ".join(random.choices(WORDS, k=random.randint(0, 6))) + random.choice(["", " "])


def random_inline(random: Random) -> list[Node]:
    marks = ["bold", "italic", "code", "underline", "textStyle"]
    return [
        Node("hardBreak")
        if random.random() < 0.1
        else Node("text", text=text, marks=[Mark(mark) for mark in random.sample(marks, random.choice([0, 0, 1, 2]))])
        for _ in range(random.randint(0, 4))
        if (text := random_text(random))
    ]


def random_block(random: Random, depth: int = 0) -> Node:
    kind = random.randint(0, 6 if depth < 3 else 2)
    if kind < 2:
        return p(*random_inline(random))
    if kind == 2:
        return random.choice([element("heading", *random_inline(random), level=2), element("codeBlock", "a 1\n b 2\n")])
    blocks = [random_block(random, depth + 1) for _ in range(random.randint(1, 3))]
    if kind == 3:
        return element("blockquote", *blocks)
    if kind == 4:
        return element("table", element("tableRow", *(element("tableCell", p(*random_inline(random))) for _ in blocks)))
    name = "bulletList" if kind == 5 else "orderedList"
    return element(name, *(element("listItem", p(*random_inline(random)), block) for block in blocks))


def letters(text: str) -> str:
    return "".join(sign for sign in text if sign.isalpha())


def test_words_of_random_markdown_keep_their_characters() -> None:
    random = Random(SEED)
    for _ in range(150):
        fragment = Fragment(*(random_block(random) for _ in range(random.randint(1, 6))))
        units = read_content_units(fragment.update)
        assert units.content == project(fragment.update).content
        assert units.format == "markdown"
        check_characters(units, fragment.update)
        source = read_source(fragment.branch)
        order = {
            (item.client, item.clock + offset): start + offset
            for start, item in source.pieces
            for offset in range(item.length)
        }
        shown = [order[client, clock + at] for _, client, clock, length in units.runs for at in range(length)]
        assert shown == sorted(shown), SEED
        text = utf16.to_units("".join(source.texts))
        assert letters("".join(text[at] for at in shown)) == letters(text), (SEED, units.content)


def test_signs_of_markdown_have_no_character() -> None:
    fragment = Fragment(
        element("heading", "A *b*", level=2),
        element("orderedList", element("listItem", p("1. x")), element("listItem", p("2"))),
        element("table", element("tableRow", element("tableCell", p("a|b")), element("tableCell", p("c")))),
        p("q", Node("text", text="bold", marks=[Mark("bold")]), "."),
    )
    units = read_content_units(fragment.update)
    seen = "".join(sign if sign == "\n" or units.id_at(at) else "·" for at, sign in enumerate(units.units))
    assert seen == "···A ·*b·*\n\n···1·. x\n···2\n\n·······\n·············\n··a·|b···c··\n\nq··bold··."


def test_a_word_that_occurs_again_is_the_one_of_its_own_block() -> None:
    fragment = Fragment(p("same"), element("bulletList", element("listItem", p("same"))), p("same same"))
    units = read_content_units(fragment.update)
    clocks = [units.id_at(at) for at in range(len(units)) if units.units[at : at + 4] == "same"]
    assert len(set(clocks)) == 4


def edited_text(random: Random, edits: int, alphabet: str) -> bytes:
    """A text that several clients have edited."""
    docs = [pycrdt.Doc({"content": pycrdt.Text()}, client_id=number) for number in (300, 1, 77_777)]
    for _ in range(edits):
        doc = random.choice(docs)
        text = doc.get("content", type=pycrdt.Text)
        size = len(str(text))
        at = random.randint(0, size)
        if size and random.random() < 0.3:
            del text[at : min(size, at + random.randint(1, 4))]
        else:
            text.insert(at, "".join(random.choices(alphabet, k=random.randint(1, 5))))
        if random.random() < 0.3:
            random.choice(docs).apply_update(doc.get_update())
    for doc in docs:
        docs[0].apply_update(doc.get_update())
    update: bytes = docs[0].get_update()
    return update


def test_each_character_of_an_edited_text_is_found() -> None:
    random = Random(SEED)
    for _ in range(20):
        update = edited_text(random, 120, "abc d\n")
        units = read_content_units(update)
        assert units.content == project(update).content
        assert check_characters(units, update) == len(units)
        again = [units.find(client, clock + at) for _, client, clock, length in units.runs for at in range(length)]
        assert again == list(range(len(units)))


def text_update(text: str, client: int = 3) -> bytes:
    composer = Composer(client, 0)
    composer.text("content", None, None, text)
    return composer.update()


def test_units_are_counted_as_in_utf_16() -> None:
    units = read_content_units(text_update("a😀b"))
    assert (len(units), units.ids(1, 4), units.text(1, 3)) == (4, [(3, 1, 4)], "😀")
    assert [units.cuts_pair(at) for at in range(5)] == [False, False, True, False, False]


def test_u_0000_is_not_in_the_content() -> None:
    units = read_content_units(text_update("a\0\0b\0"))
    assert (units.content, units.ids(0, 2)) == ("ab", [(3, 0, 1), (3, 3, 4)])
    assert (units.find(3, 3), units.find(3, 1)) == (1, None)


def test_neighbours_of_a_place_are_found() -> None:
    units = read_content_units(Fragment(p("ab"), element("bulletList", element("listItem", p("c")))).update)
    assert units.content == "ab\n\n- c"
    assert [units.visible_left(at) for at in range(8)] == [None, 0, 1, 1, 1, 1, 1, 6]
    assert [units.visible_right(at) for at in range(8)] == [0, 1, 6, 6, 6, 6, 6, None]
    assert len(units.ids(2, 6)) == 0


def test_what_a_state_does_not_know_is_left_out() -> None:
    composer = Composer(9, 0)
    composer.text("content", (3, 1), (3, 2), "XY")
    update = updates.merge([text_update("abcd"), composer.update()])
    assert read_content_units(update).content == "abXYcd"
    assert read_content_units(update, {3: 4}).content == "abcd"
    assert read_content_units(update, {3: 3, 9: 1}).content == "abXc"


def test_a_long_content_is_cut_as_in_the_projection() -> None:
    update = text_update("äöü😀" * 10)
    units = read_content_units(update, limit=25)
    assert units.content == project(update, 25).content
    assert sum(run.length for run in units.runs) == len(units)


def test_an_empty_document_has_no_units() -> None:
    assert len(read_content_units(updates.EMPTY_UPDATE)) == 0


def test_json_has_no_positions() -> None:
    doc = pycrdt.Doc({"data": pycrdt.Map({"a": 1})})
    with pytest.raises(UnprocessableContent, match="JSON"):
        read_content_units(doc.get_update())

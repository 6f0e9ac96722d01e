"""Anchors follow their characters, find words that are inserted anew, and never point at other text."""

import os
import re
from random import Random
from typing import Any

import pycrdt
import pytest

from collab_server.core.anchors.anchor import decode_anchor
from collab_server.core.anchors.locating import Located, locate
from collab_server.core.anchors.placing import place
from collab_server.core.anchors.renewing import renew
from collab_server.core.anchors.wishes import OffsetWish, QuoteWish
from collab_server.core.documents.apply_edit import content_hash
from collab_server.core.documents.projection import project
from collab_server.core.history.bring_back import compose_difference
from collab_server.core.history.encoded_tree import read_encoded_tree
from collab_server.core.yjs import tree, updates, utf16
from collab_server.core.yjs.structs import STRING, Id
from collab_server.errors import UnprocessableContent

SEED = int(os.environ.get("COLLAB_TEST_SEED", "11"))
ROUNDS = int(os.environ.get("COLLAB_ANCHOR_ROUNDS", "4"))
EDITS = 1500
SENTENCE = "the quick brown fox jumps over a lazy dog while seven wizards quietly brew some strong tea"
WORDS = SENTENCE.split()
LETTERS = "abcdefghijklmnopqrstuvwxyz"


class Document:
    """What several clients edit."""

    docs: list[pycrdt.Doc[Any]]

    def sync(self) -> None:
        for doc in self.docs:
            for other in self.docs:
                if other is not doc:
                    other.apply_update(doc.get_update(other.get_state()))

    @property
    def update(self) -> bytes:
        update: bytes = self.docs[0].get_update()
        return update

    @property
    def content(self) -> str:
        return project(self.update).content


class Text(Document):
    """A plain text with several clients."""

    def __init__(self, text: str, clients: int = 3) -> None:
        self.docs = [pycrdt.Doc[Any](client_id=number * 1000 + 1) for number in range(clients)]
        for doc in self.docs:
            doc["content"] = pycrdt.Text()
        self.docs[0]["content"] += text
        self.sync()

    def text(self, client: int = 0) -> pycrdt.Text:
        text: pycrdt.Text = self.docs[client]["content"]
        return text

    def replace(self, old: str, new: str, client: int = 0) -> None:
        """Replace the first occurrence."""
        at = len(str(self.text(client))[: str(self.text(client)).index(old)].encode())
        if old:
            del self.text(client)[at : at + len(old.encode())]
        if new:
            self.text(client).insert(at, new)
        self.sync()

    def insert(self, before: str, new: str, client: int = 0) -> None:
        text = str(self.text(client))
        self.text(client).insert(len(text[: text.index(before)].encode()) if before else len(text.encode()), new)
        self.sync()


def anchored(update: bytes, quote: str, prefix: str = "", suffix: str = "") -> bytes:
    return place(update, QuoteWish(quote, prefix, suffix)).anchor


def shown(update: bytes, located: Located) -> str | None:
    """The text of an anchor, or None for an orphan."""
    if located.start is None or located.end is None:
        return None
    return utf16.from_units(utf16.to_units(project(update).content)[located.start : located.end])


def found(document: Text, anchor: bytes) -> str | None:
    [located] = locate(document.update, [anchor])
    assert located.orphaned == (located.start is None) == (located.relative_start is None)
    return shown(document.update, located)


def visible_ids(update: bytes) -> list[tuple[Id, str]]:
    """The visible characters of all types in order, found without the code under test."""
    signs: list[tuple[Id, str]] = []
    stack = [branch.start for branch in tree.read_tree(update).roots.values()]
    while stack:
        item = stack.pop()
        while item is not None:
            if item.kind == STRING and not item.deleted:
                units = utf16.to_units(item.content)
                signs += [((item.client, item.clock + offset), unit) for offset, unit in enumerate(units)]
            elif not item.deleted and hasattr(item.content, "start"):
                stack.append(item.right)
                item = item.content.start
                continue
            item = item.right
    return signs


def edit_text(random: Random, document: Text) -> None:
    client = random.randrange(len(document.docs))
    text = document.text(client)
    size = len(str(text))
    at = random.randint(0, size)
    if size > 300 and random.random() < 0.5:
        del text[at : min(size, at + random.randint(1, 6))]
    else:
        text.insert(at, random.choice(WORDS)[: random.randint(1, 5)])
    if random.random() < 0.2:
        document.sync()


def test_an_anchor_on_40_words_follows_its_characters_through_random_edits_of_a_text() -> None:
    random = Random(SEED)
    for _ in range(ROUNDS):
        document = Text(" ".join(random.choices(WORDS, k=120)))
        content = document.content
        start = content.index(" ", 150) + 1
        end = start + len(" ".join(content[start:].split(" ")[:40]))
        wanted = OffsetWish(start, end, content_hash(content))
        anchor = place(document.update, wanted).anchor
        ids = {id_ for id_, _ in visible_ids(document.update)[start:end]}
        for step in range(EDITS):
            edit_text(random, document)
            if step % 50:
                continue
            document.sync()
            signs = visible_ids(document.update)
            places = [at for at, (id_, _) in enumerate(signs) if id_ in ids]
            [located] = locate(document.update, [anchor])
            if not places:
                assert located.orphaned, SEED
                break
            assert (located.start, located.end) == (places[0], places[-1] + 1), (SEED, step)
            assert not located.changed


class Page(Document):
    """A fragment as editors write it: paragraphs with a text each."""

    def __init__(self, *paragraphs: str, clients: int = 3) -> None:
        self.docs = [pycrdt.Doc[Any](client_id=number * 1000 + 1) for number in range(clients)]
        for doc in self.docs:
            doc["default"] = pycrdt.XmlFragment()
        for paragraph in paragraphs:
            self.add(paragraph)
        self.sync()

    def fragment(self, client: int = 0) -> pycrdt.XmlFragment:
        fragment: pycrdt.XmlFragment = self.docs[client]["default"]
        return fragment

    def paragraph(self, index: int, client: int = 0) -> pycrdt.XmlText:
        element: Any = self.fragment(client).children[index]
        text: pycrdt.XmlText = element.children[0]
        return text

    def add(self, text: str, index: int | None = None, client: int = 0) -> None:
        children = self.fragment(client).children
        element = pycrdt.XmlElement("paragraph", {}, [pycrdt.XmlText(text)])
        children.insert(len(children) if index is None else index, element)

    def split(self, index: int, at: int, client: int = 0) -> None:
        """As an editor splits a paragraph: the end is deleted, and inserted anew in another one."""
        text = self.paragraph(index, client)
        rest = str(text)[at:]
        del text[at : at + len(rest)]
        self.add(rest, index + 1, client)


def edit_page(random: Random, page: Page) -> None:
    client = random.randrange(len(page.docs))
    index = random.randrange(len(page.fragment(client).children))
    text = page.paragraph(index, client)
    size = len(text)
    at = random.randint(0, size)
    choice = random.random()
    if choice < 0.02:
        page.add(" ".join(random.choices(WORDS, k=5)), index, client)
    elif size > 60 and choice < 0.5:
        del text[at : min(size, at + random.randint(1, 5))]
    elif choice < 0.55 and size:
        first = random.randrange(size)
        text.format(first, min(size, first + 5), {random.choice(["bold", "italic"]): {}})
    else:
        text.insert(at, random.choice(["*", "_a", " ", "1. ", *WORDS])[:5])
    if random.random() < 0.1:
        page.sync()


def test_an_anchor_on_40_words_follows_its_characters_through_random_edits_of_a_fragment() -> None:
    random = Random(SEED)
    for _ in range(ROUNDS // 2):
        page = Page(*(" ".join(random.choices(WORDS, k=30)) for _ in range(5)))
        content = page.content
        start = content.index(" ", 250) + 1
        end = start + len(" ".join(content[start:].split(" ")[:40]))
        placed = place(page.update, OffsetWish(start, end, content_hash(content)))
        ids = {
            (client, clock) for client, first, stop in decode_anchor(placed.anchor).ids for clock in range(first, stop)
        }
        signs = visible_ids(page.update)
        assert "".join(unit for id_, unit in signs if id_ in ids) == placed.text.replace("\n", "")
        for step in range(EDITS):
            edit_page(random, page)
            if step % 50:
                continue
            page.sync()
            signs = visible_ids(page.update)
            places = [at for at, (id_, _) in enumerate(signs) if id_ in ids]
            [located] = locate(page.update, [placed.anchor])
            assert located.orphaned == (not places)
            if not places:
                break
            expected = letters("".join(unit for _, unit in signs[places[0] : places[-1] + 1]))
            text = re.sub("</?[a-z]+>", "", shown(page.update, located) or "")
            assert letters(text) == expected, (SEED, step)


def letters(text: str) -> str:
    return "".join(filter(str.isalpha, text))


def test_text_typed_at_the_edges_is_outside_and_text_typed_inside_is_inside() -> None:
    document = Text("aaa bbb ccc")
    anchor = anchored(document.update, "bbb")
    document.insert("bbb", "X")
    document.insert(" ccc", "Y")
    assert (document.content, found(document, anchor)) == ("aaa XbbbY ccc", "bbb")
    document.insert("bbY", "-", 1)
    assert found(document, anchor) == "b-bb"


def test_words_that_are_gone_make_an_orphan_that_text_in_their_gap_does_not_end() -> None:
    document = Text("one two three")
    anchor = anchored(document.update, "two")
    document.replace("two", "")
    assert found(document, anchor) is None
    document.insert(" three", "other")
    assert found(document, anchor) is None


def test_another_copy_of_the_words_is_not_the_anchor() -> None:
    document = Text("two. one two three. two")
    anchor = anchored(document.update, "two", "one ", " three")
    text = document.text()
    del text[9:12]
    document.sync()
    assert document.content == "two. one  three. two"
    assert found(document, anchor) is None


def test_words_that_are_typed_again_are_the_anchor_from_then_on() -> None:
    document = Text("one two three")
    anchor = anchored(document.update, "two")
    document.replace("two", "")
    document.insert(" three", "two", 1)
    [located] = locate(document.update, [anchor])
    assert located.changed
    assert shown(document.update, located) == "two"
    document.insert("one", "two ")
    [again] = locate(document.update, [located.anchor])
    assert (again.start, again.end, again.changed) == (8, 11, False)


def test_words_that_are_typed_letter_by_letter_by_two_people_are_found() -> None:
    document = Text("one two three")
    anchor = anchored(document.update, "two")
    document.replace("two", "")
    for number, letter in enumerate("two"):
        document.insert(" three", letter, number % 2)
    assert found(document, anchor) == "two"


def test_words_that_are_typed_at_two_places_go_to_the_one_with_the_better_context() -> None:
    document = Text("one two three, four")
    anchor = anchored(document.update, "two")
    document.replace("two", "")
    document.insert("", " two")
    document.insert(" three", "two")
    [located] = locate(document.update, [anchor])
    assert located.start == 4


def test_words_that_are_typed_at_two_places_without_a_context_are_no_anchor() -> None:
    document = Text("two")
    anchor = anchored(document.update, "two")
    document.replace("two", "")
    document.insert("", "two two")
    assert found(document, anchor) is None


def test_part_of_the_words_is_the_anchor_until_all_of_them_are_there_again() -> None:
    document = Text("say hello world again. world")
    anchor = anchored(document.update, "hello world")
    text = document.text()
    del text[10:15]
    document.sync()
    assert (document.content, found(document, anchor)) == ("say hello  again. world", "hello ")
    document.insert(" again", "world")
    assert found(document, anchor) == "hello world"


@pytest.mark.parametrize("old", ["apple ", "apple pie "])
def test_a_restore_that_inserts_the_words_one_letter_later_is_recognised(old: str) -> None:
    document = Text(f"take {old}and go")
    anchor = anchored(document.update, "apple")
    document.replace(old, "")
    assert found(document, anchor) is None
    document.insert("nd go", old[1:] + "a")
    assert (document.content, found(document, anchor)) == (f"take {old}and go", "apple")


def test_a_restore_that_inserts_the_words_one_letter_earlier_is_recognised() -> None:
    document = Text("a sea end")
    anchor = anchored(document.update, "sea")
    del document.text()[1:5]
    document.sync()
    document.insert("a", "a se")
    assert (document.content, found(document, anchor)) == ("a sea end", "sea")


def test_old_letters_beside_new_ones_are_not_the_words() -> None:
    document = Text("apple and then")
    anchor = anchored(document.update, "apple")
    document.replace("apple ", "")
    document.insert("nd then", "pple ")
    assert (document.content, found(document, anchor)) == ("apple nd then", None)


def test_an_anchor_survives_the_split_of_its_paragraph() -> None:
    page = Page("The first words of it", "another paragraph")
    anchor = anchored(page.update, "words of")
    page.split(0, 13)
    page.sync()
    [located] = locate(page.update, [anchor])
    assert page.content == "The first wor\n\nds of it\n\nanother paragraph"
    assert (shown(page.update, located), located.changed) == ("wor\n\nds of", True)


def test_an_anchor_goes_with_a_paragraph_that_is_inserted_anew() -> None:
    page = Page("words", "other", "words")
    wanted = OffsetWish(0, 5, content_hash(page.content))
    anchor = place(page.update, wanted).anchor
    del page.fragment().children[0]
    page.sync()
    assert locate(page.update, [anchor])[0].orphaned
    page.add("words", 0, 1)
    page.sync()
    [located] = locate(page.update, [anchor])
    assert (located.start, located.end) == (0, 5)


def restored(present: bytes, former: bytes) -> bytes:
    """The document with the content of a former state, as a restore makes it."""
    edit = compose_difference(read_encoded_tree(present), read_encoded_tree(former), 4242)
    return updates.merge([present, edit.update])


def test_anchors_come_back_with_a_restore_of_a_text() -> None:
    random = Random(SEED)
    for _ in range(10 * ROUNDS):
        document = Text(" ".join("".join(random.choices(LETTERS, k=random.randint(2, 9))) for _ in range(40)))
        former, content = document.update, document.content
        start = content.index(" ", 50) + 1
        end = content.index(" ", start + 12)
        placed = place(former, OffsetWish(start, end, content_hash(content)))
        first = random.randint(0, start)
        del document.text()[first : random.randint(end, len(content))]
        document.insert("", "something else, ")
        assert locate(document.update, [placed.anchor])[0].orphaned
        update = restored(document.update, former)
        [located] = locate(update, [placed.anchor])
        assert (located.start, located.end) == (start, end), (SEED, content, first)


def test_anchors_come_back_with_a_restore_of_a_fragment() -> None:
    page = Page("The first words of it", "another paragraph", "the last one")
    former = page.update
    quotes = ["words of", "other para", "it another", "last one"]
    anchors = [anchored(former, quote) for quote in quotes]
    del page.fragment().children[0:2]
    page.sync()
    assert [each.orphaned for each in locate(page.update, anchors)] == [True, True, True, False]
    located = locate(restored(page.update, former), anchors)
    assert [(each.start, each.end) for each in located] == [(10, 18), (25, 35), (19, 30), (46, 54)]


def test_emoji_stay_whole() -> None:
    document = Text("a 😀😁 b")
    anchor = anchored(document.update, "😀😁")
    document.insert("a", "😁 ")
    [located] = locate(document.update, [anchor])
    assert (located.start, located.end) == (5, 9)
    document.replace("😀😁", "")
    document.insert(" b", "😀😁")
    assert found(document, anchor) == "😀😁"


def test_anchors_go_over_to_a_copy_with_other_ids() -> None:
    document = Text("one two three four")
    anchors = [anchored(document.update, quote) for quote in ("two", "three", "four")]
    document.replace("three", "")
    document.insert("wo", "-")
    other = pycrdt.Doc[Any](client_id=99)
    other["content"] = pycrdt.Text("one t-wo  four")
    renewed = renew(document.update, other.get_update(), [*anchors, b"?"])
    assert [(each.start, each.end) for each in renewed] == [(4, 8), (None, None), (10, 14), (None, None)]
    again = locate(other.get_update(), [each.anchor for each in renewed])
    assert [(each.start, each.end) for each in again] == [(4, 8), (None, None), (10, 14), (None, None)]
    assert decode_anchor(renewed[1].anchor).ids == ()
    other["content"].insert(9, "three")
    assert [each.start for each in locate(other.get_update(), [renewed[1].anchor])] == [9]


def test_random_deletions_and_insertions_never_lead_to_other_text() -> None:
    """Whatever is done, an anchor is on its own characters, or on its whole quote in newer ones."""
    random = Random(SEED)
    for _ in range(40 * ROUNDS):
        document = Text(" ".join(random.choices(WORDS[:4], k=12)))
        content = document.content
        start = random.choice([0, *(at + 1 for at, sign in enumerate(content) if sign == " ")])
        end = content.find(" ", start)
        end = len(content) if end < 0 else end
        placed = place(document.update, OffsetWish(start, end, content_hash(content)))
        before = dict(visible_ids(document.update))
        own = {id_ for id_, _ in visible_ids(document.update)[start:end]}
        for _ in range(8):
            at = random.randint(0, len(document.content))
            if random.random() < 0.5:
                del document.text()[at : min(len(document.content), at + random.randint(1, 12))]
            else:
                document.text().insert(at, random.choice([placed.text, *WORDS[:4], " "]))
            document.sync()
            [located] = locate(document.update, [placed.anchor])
            if located.start is None or located.end is None:
                continue
            signs = visible_ids(document.update)[located.start : located.end]
            if own & {id_ for id_, _ in signs}:
                continue
            assert "".join(unit for _, unit in signs) == placed.text, SEED
            assert 2 * sum(id_ in before for id_, _ in signs) <= len(signs), SEED


def test_json_has_no_anchors() -> None:
    doc = pycrdt.Doc[Any]({"data": pycrdt.Map({"a": 1})})
    with pytest.raises(UnprocessableContent):
        locate(doc.get_update(), [b""])

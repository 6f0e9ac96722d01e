"""A document that becomes rich text or Markdown keeps content and authors, and edits of before are carried over."""

import re
from html.parser import HTMLParser
from itertools import groupby
from operator import itemgetter
from random import Random
from typing import Any

import pycrdt
import pytest

from collab_server.core.anchors.locating import locate
from collab_server.core.anchors.placing import place
from collab_server.core.anchors.renewing import renew
from collab_server.core.anchors.wishes import QuoteWish
from collab_server.core.conversion.convert import Converted, Wish, convert
from collab_server.core.documents.apply_edit import Put
from collab_server.core.documents.new_text import new_rich_document, new_text_document
from collab_server.core.documents.projection import project
from collab_server.core.documents.text_kind import TextKind, rewrite_markdown
from collab_server.core.generations.carrying_over import Seam, carry_over
from collab_server.core.history.answers import read_blame, read_sessions
from collab_server.core.history.folding import RowHeader
from collab_server.core.history.reverting import Rollback, undo_author
from collab_server.core.history.segment import HistoryAuthor
from collab_server.core.history.stored_history import StoredHistory
from collab_server.core.markdown.inline_reader import add_html_tags
from collab_server.core.markdown.parser import new_parser
from collab_server.core.suggestions.proposing import accept_hunks, find_places, propose
from collab_server.core.suggestions.proposing import carry_over as carry_suggestions
from collab_server.core.yjs import updates
from collab_server.errors import Conflict, UnprocessableContent
from tests.features.exports.examples import examples
from tests.require import ROOT

FRESH = 900_000_000
GFM = [
    "| foo | bar |\n| --- | --- |\n| baz | bim |\n",
    "| f\\|oo  |\n| ------ |\n| b `\\|` az |\n| b **\\|** im |\n",
    "| abc | def |\n| --- | --- |\n| bar | baz |\n> bar\n",
    "| abc | def |\n| --- | --- |\n| bar |\n| bar | baz | boo |\n",
    "- [ ] foo\n- [x] bar\n",
    "- [x] foo\n  - [ ] bar\n  - [x] baz\n- [ ] bim\n",
    "~~Hi~~ Hello, ~there~ world!\n",
    "This ~~has a\n\nnew paragraph~~.\n",
    "H<sub>2</sub>O, x<sup>2</sup>, <u>under</u> and <mark>high</mark>\n",
]
"""Examples of the specification of GFM, and the tags for marks."""
TEXTS = [
    *("README.md", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "docs/guides/history.md"),
    *("docs/guides/rich-text.md", "docs/guides/files.md", "docs/reference/protocol.md", "docs/internals/glossary.md"),
]
DIFFERENT = {
    "a line feed that is written as an entity": [39],
    "the language of a code block that is no word": [144],
    "a link without an address": [200, 485, 486, 567],
    "code with another mark within a link": [516, 530],
    "a paragraph or a quote with nothing in it": [218, 239, 240, 484, 487],
    "a list with lines between its items": [300],
    "a picture within a link": [517, 531],
    "a picture within a line": [579, 587],
}
"""The numbers of CommonMark's examples that show something else afterwards, see docs/guides/rich-text.md."""


def row(number: int, author: str, update: bytes) -> tuple[RowHeader, bytes]:
    return RowHeader(number, 1_000 * number, HistoryAuthor("user", author)), update


def history(*rows: tuple[RowHeader, bytes]) -> StoredHistory:
    return StoredHistory([], [header for header, _ in rows], [update for _, update in rows])


def converted(update: bytes, to: TextKind, origin: bytes | None = None, client: int = FRESH) -> Converted:
    return convert(history(row(1, "ada", update)), Wish(to, "markdown", origin), client, 1, 9_000_000)


def to_rich(markdown: str) -> bytes:
    return converted(new_text_document(markdown, 7).snapshot, "rich_text").copy.update


def text_of(update: bytes) -> str:
    return project(update).content


class Shown(HTMLParser):
    """What HTML shows: its blocks and pieces of text with their marks, in whatever order these are nested."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple[str, ...]]] = []
        self.marks: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = " ".join([tag, *(f"{name}={' '.join((value or '').split())}" for name, value in attrs)])
        if tag in MARKS and not (tag == "code" and self.found and self.found[-1][0] == "<pre>"):
            self.marks.append(said)
        else:
            self.found.append((f"<{said}>", tuple(self.marks) if tag == "img" else ()))

    def handle_endtag(self, tag: str) -> None:
        last = next((mark for mark in reversed(self.marks) if mark.split()[0] == tag), None)
        if last is not None:
            self.marks.remove(last)
        else:
            self.found.append((f"</{tag}>", ()))

    def handle_data(self, data: str) -> None:
        marks = {mark for mark in self.marks if mark != "code"}
        if "code" in self.marks:
            # A link stays a link, and other marks give way to code.
            marks = {mark for mark in marks if mark.startswith("a ")} or {"code"}
        # White space has no look.
        self.found += [(letter, () if letter.isspace() else tuple(sorted(marks))) for letter in data]


MARKS = {"strong", "em", "s", "a", "code", "u", "mark", "sub", "sup"}


def render(markdown: str) -> str:
    """What the Markdown shows. A list may have lines between its items."""
    parser = new_parser(max_nesting=100)
    add_html_tags(parser)
    tokens = parser.parse(markdown)
    tight = re.sub(
        r"(?<=<li>)\s*<p>(.*?)</p>", r"\1", parser.renderer.render(tokens, parser.options, {}), flags=re.DOTALL
    )
    shown = Shown()
    shown.feed(tight)
    joined: list[str] = []
    for marks, pieces in groupby(shown.found, key=itemgetter(1)):
        text = "".join(piece for piece, _ in pieces)
        joined.append(f"{text}{list(marks)}" if marks else text)
    return re.sub(r"(?<=>)\s+|\s+(?=<)", "", re.sub(r"\s+", " ", "".join(joined))).strip()


def test_commonmarks_examples_become_rich_text_and_markdown_again() -> None:
    different = set()
    for number, markdown in enumerate(examples(), start=1):
        if not markdown.strip():
            continue
        back = converted(to_rich(markdown), "markdown", client=FRESH + 50)
        if render(back.projection.content) != render(markdown):
            different.add(number)
    assert different == {number for numbers in DIFFERENT.values() for number in numbers}


@pytest.mark.parametrize("markdown", GFM)
def test_examples_of_gfm_become_rich_text_and_markdown_again(markdown: str) -> None:
    assert render(text_of(converted(to_rich(markdown), "markdown", client=FRESH + 50).copy.update)) == render(markdown)


@pytest.mark.parametrize("name", TEXTS)
def test_texts_become_rich_text_and_markdown_again(name: str) -> None:
    markdown = (ROOT / name).read_text()
    former = new_text_document(markdown, 7).snapshot
    rich = converted(former, "rich_text").copy.update
    assert updates.validate(rich).deletes == ()
    back = converted(rich, "markdown", client=FRESH + 50).projection
    assert back.content == rewrite_markdown(markdown)
    assert render(back.content) == render(markdown)
    # What nobody has changed is as it was typed, also beside what somebody has changed.
    assert converted(rich, "markdown", former, FRESH + 50).projection.content.rstrip("\n") == markdown.rstrip("\n")
    doc = pycrdt.Doc[Any]()
    doc.apply_update(rich)
    before = doc.get_state()
    doc.get("default", type=pycrdt.XmlFragment).children.append(
        pycrdt.XmlElement("paragraph", {}, [pycrdt.XmlText("The last words.")])
    )
    edited = updates.merge([rich, doc.get_update(before)])
    restored = converted(edited, "markdown", former, FRESH + 50).projection.content
    assert restored == markdown.rstrip("\n") + "\n\nThe last words." + markdown[len(markdown.rstrip("\n")) :]


def test_what_markdown_does_not_have_comes_back_with_the_nodes_that_nobody_has_changed() -> None:
    doc = pycrdt.Doc[Any](client_id=3)
    fragment = doc.get("default", type=pycrdt.XmlFragment)
    for words, colour in (("one", "red"), ("two", "blue")):
        paragraph = fragment.children.append(pycrdt.XmlElement("paragraph", {"textAlign": "right"}))
        paragraph.children.append(pycrdt.XmlText("")).insert(0, words, {"textStyle": {"color": colour}})
    former = doc.get_update()
    made = converted(former, "markdown").copy.update
    assert text_of(made) == "one\n\ntwo"
    text = pycrdt.Doc[Any]()
    text.apply_update(made)
    content = text.get("content", type=pycrdt.Text)
    content += " and more"
    rich = converted(text.get_update(), "rich_text", former, FRESH + 50).copy.update
    read = pycrdt.Doc[Any]()
    read.apply_update(rich)
    shown = str(read.get("default", type=pycrdt.XmlFragment))
    assert shown.count('textAlign="right"') == 2
    assert "red" in shown
    assert text_of(rich) == "one\n\ntwo and more"


def test_the_authors_of_a_text_are_those_of_the_converted_one() -> None:
    doc = pycrdt.Doc[Any](client_id=11)
    rows = []
    pieces = [
        ("ada", "# A *title*\n\n"),
        ("bob", "- one\n- two 😀\n\n"),
        ("ada", "Last [link](http://e.org) &amp; end"),
    ]
    for number, (author, piece) in enumerate(pieces, start=1):
        writer = pycrdt.Doc[Any](client_id=20 + number)
        writer.apply_update(doc.get_update())
        before = writer.get_state()
        content = writer.get("content", type=pycrdt.Text)
        content += piece
        rows.append(row(number, author, writer.get_update(before)))
        doc.apply_update(rows[-1][1])
    stored = history(*rows)
    made = convert(stored, Wish("rich_text", "markdown"), FRESH, 3, 9_000_000)
    assert text_of(made.copy.update) == "# A *title*\n\n- one\n- two 😀\n\nLast [link](http://e.org) & end"
    runs = read_blame(StoredHistory([made.copy.segment.payload], [], [])).runs
    said = [(run.text, run.credit and run.credit.author.id) for run in runs]
    assert said == [
        ("# A *title*\n\n", "ada"),
        ("- one\n- two 😀\n\n", "bob"),
        ("Last [link](http://e.org) & end", "ada"),
    ]
    back = convert(
        StoredHistory([made.copy.segment.payload], [], []),
        Wish("markdown", "markdown"),
        FRESH + 50,
        made.copy.segment.last_seq,
        9_500_000,
    )
    again = read_blame(StoredHistory([back.copy.segment.payload], [], [])).runs
    assert [(run.text, run.credit and run.credit.author.id) for run in again] == said


def test_a_picture_is_by_whoever_wrote_its_markdown() -> None:
    doc = pycrdt.Doc[Any](client_id=11)
    rows = []
    for number, (author, piece) in enumerate(
        (("ada", "one\n\n---\n\ntwo"), ("bob", "\n\n![x](y.png)\n\nthree")), start=1
    ):
        writer = pycrdt.Doc[Any](client_id=20 + number)
        writer.apply_update(doc.get_update())
        before = writer.get_state()
        content = writer.get("content", type=pycrdt.Text)
        content += piece
        rows.append(row(number, author, writer.get_update(before)))
        doc.apply_update(rows[-1][1])
    made = convert(history(*rows), Wish("rich_text", "markdown"), FRESH, 2, 9_000_000)
    kept = StoredHistory([made.copy.segment.payload], [], [])
    assert {session.author.id for session in read_sessions(kept)} == {"ada", "bob"}
    without = undo_author([made.copy.update], 99, kept, Rollback("bob"))
    assert text_of(updates.merge([made.copy.update, without.update])) == "one\n\n***\n\ntwo"


def seam(update: bytes, to: TextKind, client: int = FRESH) -> Seam:
    made = converted(update, to, client=client).copy
    return Seam(update, made.update, made.state_vector, to)


class Typist:
    """Somebody with a copy of a document."""

    def __init__(self, update: bytes, client: int) -> None:
        self.doc = pycrdt.Doc[Any](client_id=client)
        self.doc.apply_update(update)

    def type(self, random: Random, mark: str) -> None:
        fragment = self.doc.get("default", type=pycrdt.XmlFragment)
        if not len(fragment.children):
            text = self.doc.get("content", type=pycrdt.Text)
            _insert(text, random, mark)
            return
        texts = [found for block in fragment.children for found in _texts(block)]
        _insert(random.choice(texts), random, mark)


def _insert(text: Any, random: Random, mark: str) -> None:
    """Inserts a mark that is no part of another one."""
    borders = [found.start() for found in re.finditer(r"(?<![a-z0-9])|(?![a-z0-9])", str(text))]
    text.insert(random.choice(borders), mark)


def _texts(node: Any) -> list[Any]:
    return [node] if isinstance(node, pycrdt.XmlText) else [text for child in node.children for text in _texts(child)]


@pytest.mark.parametrize("to", ["rich_text", "markdown"])
@pytest.mark.parametrize("seed", range(8))
def test_edits_of_before_are_carried_over_once(seed: int, to: TextKind) -> None:
    random = Random(seed)
    markdown = "# Title\n\nSome words here\n\n- one\n- two\n\n> quoted\n"
    make = new_text_document if to == "rich_text" else new_rich_document
    former = make(markdown, 7).snapshot
    between = seam(former, to)
    away, there = Typist(former, 31), Typist(between.next, 32)
    marks = [f"x{number}x" for number in range(6)]
    for mark in marks[:3]:
        away.type(random, mark)
    first = carry_over(between, away.doc.get_update(), 41)
    there.doc.apply_update(first.update)
    for mark in marks[3:]:
        there.type(random, f"y{mark}y")
    again = carry_over(first.seam, away.doc.get_update(), 42)
    assert again.update == first.update
    away.type(random, "zlastz")
    last = carry_over(first.seam, away.doc.get_update(), 43, (), [there.doc.get_update()])
    assert carry_over(last.seam, away.doc.get_update(), 44).update == last.update
    there.doc.apply_update(last.update)
    text = text_of(there.doc.get_update())
    assert [text.count(mark) for mark in (*marks, "zlastz")] == [1] * 7


def test_edits_pass_through_a_conversion_and_the_one_back() -> None:
    former = new_text_document("* one\n* two\n", 7).snapshot
    away = Typist(former, 31)
    first = seam(former, "rich_text")
    second = seam(first.next, "markdown", FRESH + 50)
    text = away.doc.get("content", type=pycrdt.Text)
    text.insert(len("* one"), " **bold**")
    carried = carry_over(first, away.doc.get_update(), 41)
    assert text_of(carried.seam.next) == "- one **bold**\n- two"
    twice = carry_over(second, carried.update, 42)
    assert text_of(twice.seam.next) == "- one **bold**\n- two"
    assert carry_over(twice.seam, carried.update, 43).update == twice.update


def test_an_empty_document_is_converted_and_takes_what_was_typed_before() -> None:
    for to, typed in (("rich_text", "hello"), ("markdown", "hello")):
        kind: TextKind = "rich_text" if to == "markdown" else "markdown"
        empty = updates.EMPTY_UPDATE
        made = convert(StoredHistory([], [], []), Wish(to, kind), FRESH, 0, 9)  # type: ignore[arg-type]
        between = Seam(empty, made.copy.update, made.copy.state_vector, to)  # type: ignore[arg-type]
        away = new_rich_document(typed, 31) if to == "markdown" else new_text_document(typed, 31)
        assert text_of(carry_over(between, away.snapshot, 41).seam.next) == typed


def test_other_roots_stay_beside_the_text() -> None:
    doc = pycrdt.Doc[Any](client_id=3)
    text = doc.get("content", type=pycrdt.Text)
    text += "Some *words*"
    doc.get("meta", type=pycrdt.Map)["answer"] = 42.0
    former = doc.get_update()
    between = seam(former, "rich_text")
    read = pycrdt.Doc[Any]()
    read.apply_update(between.next)
    assert read.get("meta", type=pycrdt.Map)["answer"] == 42
    doc.get("meta", type=pycrdt.Map)["further"] = "yes"
    text += " more"
    carried = carry_over(between, doc.get_update(), 41)
    read.apply_update(carried.update)
    assert read.get("meta", type=pycrdt.Map)["further"] == "yes"
    assert text_of(read.get_update()) == "Some *words* more"


def test_what_cannot_be_converted_is_refused() -> None:
    rich = new_rich_document("words", 7).snapshot
    with pytest.raises(Conflict, match="rich text already"):
        converted(rich, "rich_text")
    with pytest.raises(Conflict, match="Markdown already"):
        converted(new_text_document("words", 7).snapshot, "markdown")
    both = updates.merge([rich, new_text_document("words", 8).snapshot])
    with pytest.raises(UnprocessableContent, match="besides its Markdown"):
        converted(both, "rich_text")
    doc = pycrdt.Doc[Any]()
    doc.get("nodes", type=pycrdt.Array).append(1.0)
    with pytest.raises(UnprocessableContent, match="JSON"):
        converted(doc.get_update(), "rich_text")


def anchored(update: bytes, quote: str) -> bytes:
    return place(update, QuoteWish(quote)).anchor


def shown_at(update: bytes, anchor: bytes) -> str | None:
    [found] = locate(update, [anchor])
    return None if found.start is None else text_of(update)[found.start : found.end]


def test_comments_stay_on_their_words() -> None:
    markdown = (
        "Title\n=====\n\nSome __bold__ words and a [link](http://e.org/x), twice: words\n\n* one\n* two\n\n"
        "[gone]: /url\n"
    )
    former = new_text_document(markdown, 7).snapshot
    rich = to_rich(markdown)
    quotes = {
        "Title": "Title",
        "Some __bold__ words": "Some **bold** words",
        "and a [link](http://e.org/x), twice": "and a [link](http://e.org/x), twice",
        "* one\n* two": "one\n- two",
        "http://e.org/x": "link",
        "twice: words": "twice: words",
        "[gone]: /url": None,
    }
    anchors = [anchored(former, quote) for quote in quotes]
    renewed = renew(former, rich, anchors)
    assert [shown_at(rich, each.anchor) for each in renewed] == list(quotes.values())
    # They follow further edits, and the conversion back.
    markdown_again = converted(rich, "markdown", former, FRESH + 50).copy.update
    back = renew(rich, markdown_again, [each.anchor for each in renewed])
    assert [shown_at(markdown_again, each.anchor) for each in back] == [
        "Title",
        "Some __bold__ words",
        "and a [link](http://e.org/x), twice",
        "one\n* two",
        "link",
        "twice: words",
        None,
    ]


def test_suggestions_are_those_of_the_converted_text() -> None:
    former = new_rich_document("Some **bold** words\n\nmore", 7).snapshot
    hunks = propose(former, Put("Some **bold** letters\n\nmore and more"), None)
    made = converted(former, "markdown").copy.update
    [carried] = carry_suggestions(former, made, [hunks])
    assert None not in find_places(made, [carried])[0]
    accepted = accept_hunks([made], 99, carried)
    assert accepted.result.stale == ()
    assert text_of(updates.merge([made, accepted.update])) == "Some **bold** letters\n\nmore and more"


def test_suggestions_whose_markdown_is_written_in_another_way_do_not_fit_any_more() -> None:
    markdown = "* one\n* two\n\nSome words\n"
    former = new_text_document(markdown, 7).snapshot
    words = propose(former, Put(markdown.replace("words", "letters")), None)
    signs = propose(former, Put(markdown.replace("* one", "1. one")), None)
    end = propose(former, Put(f"{markdown}\nThe end."), None)
    rich = to_rich(markdown)
    carried = carry_suggestions(former, rich, [words, signs, end])
    [fits], [does_not], [last] = find_places(rich, carried)
    assert fits is not None
    assert last is not None
    assert does_not is None
    added = accept_hunks([rich], 99, carried[2])
    assert text_of(updates.merge([rich, added.update])).endswith("Some words\n\nThe end.")
    accepted = accept_hunks([rich], 99, carried[0])
    assert text_of(updates.merge([rich, accepted.update])) == "- one\n- two\n\nSome letters"


def test_a_converted_document_can_be_read_by_editors() -> None:
    rich = to_rich("# T\n\n- [x] done\n\n| a |\n| --- |\n| b |\n\nx<sup>2</sup>")
    doc = pycrdt.Doc[Any]()
    doc.apply_update(rich)
    names = [child.tag for child in doc.get("default", type=pycrdt.XmlFragment).children]
    assert names == ["heading", "taskList", "table", "paragraph"]
    assert "<superscript>" in str(doc.get("default", type=pycrdt.XmlFragment))

"""How a client names the text of an anchor: quotes, offsets, positions of ProseMirror, relative positions."""

import hashlib
from typing import Any

import pycrdt
import pytest

from collab_server.core.anchors.anchor import MAX_CHARACTERS
from collab_server.core.anchors.content_units import read_content_units
from collab_server.core.anchors.locating import locate
from collab_server.core.anchors.placing import Placed, place
from collab_server.core.anchors.relative_position import RelativePosition, decode_relative_position
from collab_server.core.anchors.wishes import KnownText, OffsetWish, QuoteWish, RelativeWish, Wish
from collab_server.core.prosemirror.nodes import Mark, Node
from collab_server.core.yjs import updates
from collab_server.core.yjs.composer import Composer
from collab_server.errors import BaseUnknown, Malformed, PreconditionFailed, UnprocessableContent
from tests.core.fragments import Fragment, element, p

OTHER = 900


def bold(text: str) -> Node:
    return Node("text", text=text, marks=[Mark("bold")])


def text_update(text: str, client: int = 3) -> bytes:
    composer = Composer(client, 0)
    composer.text("content", None, None, text)
    return composer.update()


def hash_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


PAGE = Fragment(
    element("heading", "The plan", level=1),
    p("We ", bold("really"), " need it.", Node("hardBreak"), "Now"),
    element("bulletList", element("listItem", p("first point")), element("listItem", p("second point"))),
    p("The end of it"),
)
"""
# The plan

We **really** need it.\\
Now

- first point
- second point

The end of it
"""


def quote_of(update: bytes, *wanted: str) -> str:
    placed = place(update, QuoteWish(*wanted))
    assert read_content_units(update).text(placed.start, placed.end).split()[0].strip("*") == placed.text.split()[0]
    return placed.text


@pytest.mark.parametrize(
    ("quote", "text"),
    [
        ("We really need", "We really need"),
        ("**really** need", "really need"),
        ("  need   it.\n", "need it."),
        ("need it. Now", "need it.\nNow"),
        ("plan\n\nWe", "plan\nWe"),
        ("first point second", "first point\nsecond"),
        ("first point\n- second", "first point\nsecond"),
    ],
)
def test_a_quote_is_found_with_and_without_signs_of_markdown(quote: str, text: str) -> None:
    assert quote_of(PAGE.update, quote) == text


@pytest.mark.parametrize("quote", ["Wereally", "plans", "we really", "- ", "first  second"])
def test_what_is_not_there_is_no_quote(quote: str) -> None:
    with pytest.raises(UnprocessableContent, match="the quote is not in the document"):
        place(PAGE.update, QuoteWish(quote))


def test_a_quote_that_occurs_twice_needs_its_context() -> None:
    update = PAGE.update
    with pytest.raises(UnprocessableContent, match="2 times: give the text before or behind it"):
        place(update, QuoteWish("point"))
    with pytest.raises(UnprocessableContent, match="2 times: give more of the text"):
        place(update, QuoteWish("point", "XYZ "))
    first, second = place(update, QuoteWish("point", "first ")), place(update, QuoteWish("point", "", "\nThe end"))
    content = read_content_units(update).content
    assert (first.start, second.start) == (content.index("point"), content.rindex("point"))
    assert quote_of(update, "The", "", " end of") == "The"


def test_overlapping_occurrences_are_ambiguous() -> None:
    with pytest.raises(UnprocessableContent, match="2 times"):
        place(text_update("aXaXa"), QuoteWish("aXa"))


def test_a_quote_of_white_space_is_refused() -> None:
    with pytest.raises(UnprocessableContent, match="empty"):
        place(text_update("a b"), QuoteWish(" \n"))


def at(start: int, end: int, content: str, **more: Any) -> OffsetWish:
    return OffsetWish(start, end, hash_of(content), **more)


def test_offsets_count_utf_16_units() -> None:
    content = "a😀b 😀c"
    placed = place(text_update(content), at(3, 7, content))
    assert (placed.text, placed.start, placed.end) == ("b 😀", 3, 7)
    assert [(each.start, each.end) for each in locate(text_update(content), [placed.anchor])] == [(3, 7)]


@pytest.mark.parametrize(
    ("start", "end", "why"),
    [
        (1, 1, "begin before it ends"),
        (3, 2, "begin before it ends"),
        (0, 8, "beyond the end of the content, which is at 7"),
        (2, 4, "within a character of two"),
        (0, 2, "within a character of two"),
    ],
)
def test_offsets_that_name_no_text_are_refused(start: int, end: int, why: str) -> None:
    content = "a😀b c!"
    with pytest.raises(UnprocessableContent, match=why):
        place(text_update(content), at(start, end, content))


def test_signs_of_markdown_alone_are_no_text() -> None:
    content = PAGE.markdown
    with pytest.raises(UnprocessableContent, match="no visible text"):
        place(PAGE.update, at(0, 2, content))
    placed = place(PAGE.update, at(0, 5, content))
    assert (placed.text, placed.start, placed.end) == ("The", 2, 5)


def test_an_anchor_has_a_greatest_length() -> None:
    content = "x" * (MAX_CHARACTERS + 1)
    assert place(text_update(content), at(1, len(content), content)).end == len(content)
    with pytest.raises(UnprocessableContent, match="at most"):
        place(text_update(content), at(0, len(content), content))


def edited(update: bytes, *edits: tuple[int, int, str]) -> bytes:
    """A text after deletions and insertions (start, end, text) by another client."""
    doc = pycrdt.Doc[pycrdt.Text](client_id=OTHER)
    doc["content"] = text = pycrdt.Text()
    doc.apply_update(update)
    for start, end, new in edits:
        if start < end:
            del text[start:end]
        if new:
            text.insert(start, new)
    made: bytes = doc.get_update()
    return made


BASE = "one two three four"


def placed_on_base(update: bytes, start: int, end: int, **more: Any) -> Placed:
    base = KnownText(BASE, updates.state_vector(text_update(BASE)))
    return place(update, at(start, end, BASE, **more), base)


def test_offsets_of_a_former_text_are_carried_over() -> None:
    update = edited(text_update(BASE), (0, 0, "zero "), (10, 11, ""))
    placed = placed_on_base(update, 8, 13)
    assert (placed.text, placed.start) == ("three", 12)
    assert locate(update, [placed.anchor])[0].start == 12


def test_offsets_of_a_former_text_whose_words_have_changed_are_refused() -> None:
    for update in (edited(text_update(BASE), (10, 11, "")), edited(text_update(BASE), (9, 9, "x"))):
        with pytest.raises(PreconditionFailed, match="words"):
            placed_on_base(update, 8, 13)
    with pytest.raises(PreconditionFailed, match="not the quote"):
        placed_on_base(edited(text_update(BASE), (0, 0, "x")), 8, 13, quote="two")
    with pytest.raises(UnprocessableContent, match="beyond the end"):
        placed_on_base(edited(text_update(BASE), (0, 1, "x")), 8, 99)


def test_a_former_text_that_nobody_remembers_is_unknown() -> None:
    with pytest.raises(BaseUnknown):
        place(text_update("other"), at(0, 2, BASE))


def test_offsets_of_a_former_page_are_carried_over() -> None:
    base = KnownText(PAGE.markdown, updates.state_vector(PAGE.update))
    start = PAGE.markdown.index("second")
    doc = pycrdt.Doc[Any](client_id=OTHER)
    doc["default"] = fragment = pycrdt.XmlFragment()
    doc.apply_update(PAGE.update)
    fragment.children.insert(0, pycrdt.XmlElement("paragraph", {}, [pycrdt.XmlText("new second")]))
    update = doc.get_update()
    placed = place(update, at(start, start + 6, PAGE.markdown), base)
    assert placed.start == len("new second\n\n") + start
    assert placed.text == "second"
    del fragment.children[4]
    update = doc.get_update()
    placed = place(update, at(start, start + 6, PAGE.markdown), base)
    assert (placed.text, placed.start) == ("second", len("new second\n\n") + start)
    with pytest.raises(PreconditionFailed, match="read it again"):
        place(update, at(1, 4, PAGE.markdown, is_nodes=True), base)


def test_offsets_by_a_state_vector_count_what_it_knows() -> None:
    update = edited(text_update("one two three"), (0, 0, "zero "), (9, 9, "-"))
    vector = updates.encode_state_vector({3: 13})
    placed = place(update, OffsetWish(4, 7, state_vector=vector, quote="two"))
    assert (placed.text, placed.start, placed.end) == ("two", 10, 13)
    with pytest.raises(PreconditionFailed, match="not the quote"):
        place(update, OffsetWish(4, 7, state_vector=vector, quote="one"))
    with pytest.raises(UnprocessableContent, match="beyond"):
        place(update, OffsetWish(4, 14, state_vector=vector))
    with pytest.raises(PreconditionFailed, match="send them first"):
        place(update, OffsetWish(4, 7, state_vector=updates.encode_state_vector({3: 14})))
    with pytest.raises(Malformed):
        place(update, OffsetWish(4, 7, state_vector=b"\5"))


def nodes(start: int, end: int) -> OffsetWish:
    return at(start, end, PAGE.markdown, is_nodes=True)


@pytest.mark.parametrize(
    ("start", "end", "text"),
    [
        (1, 4, "The"),  # <heading> is 0 to 1
        (0, 9, "The plan"),
        (11, 13, "We"),  # 9: behind the text, 10: behind the heading
        (14, 20, "really"),
        (28, 33, ".\nNow"),  # the break counts 1
        (36, 42, "first"),  # list, item, paragraph
        (7, 13, "an\nWe"),
    ],
)
def test_positions_of_prosemirror_count_nodes(start: int, end: int, text: str) -> None:
    assert place(PAGE.update, nodes(start, end)).text == text


def test_positions_of_prosemirror_are_of_fragments_and_within_them() -> None:
    size = len("The plan") + 2 + len("We really need it.Now") + 3 + len("first pointsecond point") + 10 + 15
    assert place(PAGE.update, nodes(size - 3, size)).text == "it"
    with pytest.raises(UnprocessableContent, match=f"`to` is beyond the end of the document, which is at {size}"):
        place(PAGE.update, nodes(size - 3, size + 1))
    with pytest.raises(UnprocessableContent, match="no visible text"):
        place(PAGE.update, nodes(9, 11))
    with pytest.raises(UnprocessableContent, match="no fragment"):
        place(text_update("abc"), at(0, 2, "abc", is_nodes=True))


def relative(start: RelativePosition, end: RelativePosition) -> Wish:
    return RelativeWish(start.encode(), end.encode())


def test_relative_positions_name_characters_and_ends() -> None:
    update = edited(text_update("one two three"), (4, 7, ""))
    # "one  three"; the characters 4 to 6 of client 3 are deleted.
    for start, end, text in [
        (RelativePosition(item=(3, 0)), RelativePosition(item=(3, 2), behind=True), "one"),
        (RelativePosition(item=(3, 0)), RelativePosition(item=(3, 3)), "one"),
        (RelativePosition(item=(3, 1)), RelativePosition(item=(3, 5)), "ne "),
        (RelativePosition(item=(3, 6)), RelativePosition(root="content"), " three"),
        (RelativePosition(root="content", behind=True), RelativePosition(item=(3, 1)), "o"),
    ]:
        assert place(update, relative(start, end)).text == text


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (RelativePosition(item=(3, 1)), RelativePosition(item=(3, 1))),
        (RelativePosition(item=(3, 2)), RelativePosition(item=(3, 1))),
        (RelativePosition(item=(3, 1)), RelativePosition(item=(3, 99))),
        (RelativePosition(item=(4, 1)), RelativePosition(item=(3, 2))),
        (RelativePosition(root="other"), RelativePosition(item=(3, 2))),
        (RelativePosition(type=(3, 900)), RelativePosition(item=(3, 2))),
    ],
)
def test_relative_positions_that_name_no_text_are_refused(start: RelativePosition, end: RelativePosition) -> None:
    with pytest.raises(UnprocessableContent):
        place(text_update("one"), relative(start, end))
    with pytest.raises(UnprocessableContent):
        place(updates.EMPTY_UPDATE, relative(start, end))


def test_relative_positions_at_ends_of_types_are_found_in_fragments() -> None:
    ids = PAGE.ids()
    client, clock = ids["first point"]
    end = RelativePosition(type=(client, clock))
    start = RelativePosition(type=(client, clock), behind=True)
    assert place(PAGE.update, relative(start, end)).text == "first point"
    behind = RelativePosition(item=(client, clock), behind=True)
    assert place(PAGE.update, relative(RelativePosition(item=(client, clock)), behind)).text == "first point"


@pytest.mark.parametrize("encoded", [b"", b"\3", b"\0\1", b"\0\1\1\0\0", b"\1\5ab", b"\0\1\1\x80\1"])
def test_garbage_is_no_relative_position(encoded: bytes) -> None:
    with pytest.raises(Malformed):
        decode_relative_position(encoded)


def test_a_relative_position_without_assoc_is_read() -> None:
    assert decode_relative_position(b"\0\1\2") == RelativePosition(item=(1, 2))
    for position in (
        RelativePosition(item=(2**40, 5), behind=True),
        RelativePosition(root="content"),
        RelativePosition(type=(1, 2), behind=True),
    ):
        assert decode_relative_position(position.encode()) == position

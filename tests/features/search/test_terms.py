"""What is read out of a search field, and how what was found is shown."""

import pytest

from collab_server.errors import UnprocessableContent
from collab_server.features.search.snippets import highlight
from collab_server.features.search.terms import Terms, read


@pytest.mark.parametrize(
    ("typed", "text", "last"),
    [
        ("house", "", "house"),
        ("  Old HOUSE ", "Old", "house"),
        ("an ox", "an ox", None),  # too short to be the beginning of something
        ('"old house"', '"old house"', None),
        ('"old house', '"old house', None),
        ('"old" house', '"old"', "house"),
        ("old -house", "old -house", None),
        ("old or house", "old or house", None),
        ("floor", "", "floor"),
        ("a.b.example", "", "a.b.example"),
        ("see DS-7604N", "see", "ds-7604n"),
        ("-a.b.example x", "-a.b.example x", None),
        ("c++", "c++", None),
        ("x 数据", "x 数据", None),
        ("été", "", "été"),
        ("cafe\u0301", "", "caf\u00e9"),
        ("it's", "it's", None),
    ],
)
def test_only_the_last_word_may_be_unfinished(typed: str, text: str, last: str | None) -> None:
    assert read(typed) == Terms(text, last)


@pytest.mark.parametrize(
    "typed", ["-", '""', "or", "OR or", "-house", '-"old house"', "&|!():*", "' \\", "-a -b", "___"]
)
def test_there_must_be_something_to_look_for(typed: str) -> None:
    with pytest.raises(UnprocessableContent):
        read(typed)


def test_hits_are_marked_and_other_text_is_escaped() -> None:
    marked = "\x02<b>\x03 & \x02old\x03 \x02house\x03\n\n\"of\"  '\x02数\x03\x02据\x03'"
    assert highlight(marked) == (
        "<mark>&lt;b&gt;</mark> &amp; <mark>old house</mark> &quot;of&quot; &#x27;<mark>数据</mark>&#x27;"
    )

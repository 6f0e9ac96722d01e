"""Marks of ranges get into the parsed text, and change nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collab_server.core.markdown import places
from collab_server.core.markdown.parser import new_parser

SOURCE = (
    "# Ti *tle* #\n\nA **bold** `code x` [link](http://a.b/c) \U0001f600 text  \nnext snake_case_ x\n\n"
    "1. 1\n2. b\n\n> ```\n> abc def\n> ```\n\n    ind code\n\n| a | b\\|c |\n|---|---|\n| dd | d |\n"
)


def marked(source: str, *ranges: tuple[int, int]) -> str:
    """The HTML, with « and » for marks."""
    parser = new_parser()
    places.add_place_rules(parser)
    places.mark_ranges(parser, [places.Range(start, end) for start, end in ranges])
    page = parser.render(source)
    assert places.MARKS.sub("", page) == new_parser().render(source)
    return places.MARKS.sub(lambda mark: "»" if places.read_mark(mark[0])[1] else "«", page)


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("tle", "<em>«tle»</em>"),
        ("**bold**", "«<strong>bold</strong>»"),
        ("bold", "<strong>«bold»</strong>"),
        ("ode x` [l", '«<code>code x</code> <a href="http://a.b/c">l»ink</a>'),
        ("a.b", '<a href="http://a.b/c">«link</a>»'),
        ("\U0001f600 te", "«\U0001f600 te»xt"),
        ("text  \nne", "«text<br />\nne»xt"),
        ("snake", "«snake»_case_"),
        ("1\n2. b", "<li>«1</li>\n<li>b»</li>"),
        ("bc d", "a«bc d»ef"),
        ("nd co", "i«nd co»de"),
        ("b\\|c", "<th>«b|c»</th>"),
        ("dd | d", "<td>«dd</td>\n<td>d»</td>"),
    ],
)
def test_a_range_is_marked_where_its_words_are(words: str, shown: str) -> None:
    start = SOURCE.index(words)
    assert shown in marked(SOURCE, (start, start + len(words)))


def test_a_range_without_text_has_no_marks() -> None:
    start = SOURCE.index("|---|")
    assert "«" not in marked(SOURCE, (start, start + 5))
    assert "«" not in marked(SOURCE, (3, 3))
    assert "«" not in marked("", (0, 0))


def test_a_checkbox_stays_one() -> None:
    assert marked("- [x] done", (2, 10)) == "<ul>\n<li>[x] «done»</li>\n</ul>\n"


@given(
    st.text("ab *_`[]()!<>\\|#-\n~1.", max_size=60),
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=4),
)
def test_marks_change_nothing_of_any_text(source: str, ranges: list[tuple[int, int]]) -> None:
    shown = marked(source, *((min(each), max(each)) for each in ranges))
    assert shown.count("«") == shown.count("»")

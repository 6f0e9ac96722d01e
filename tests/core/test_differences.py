"""Differences of random texts: a unified diff makes one of the other, pieces rejoin, and the page escapes all text."""

import re
import subprocess
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from collab_server.core.text.side_by_side import write_side_by_side
from collab_server.core.text.unified import count_lines, diff_words, write_unified
from tests.require import needs
from tests.seeds import count_examples

LINES = st.sampled_from(["", "one", "two", "- x", "+++ b", "--- a", "@@ -1 +1 @@", "\\ No newline", " ", "é😀", "a\rb"])
ENDS = st.sampled_from(["\n", "\n", "\n", "\r\n"])


@st.composite
def pairs(draw: st.DrawFn) -> tuple[str, str]:
    """Two texts, of which the second is often the first with some lines changed."""
    lines = draw(st.lists(st.builds(str.__add__, LINES, ENDS), max_size=30))
    changed = list(lines)
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(changed)))
        stop = min(len(changed), start + draw(st.integers(0, 3)))
        changed[start:stop] = draw(st.lists(st.builds(str.__add__, LINES, ENDS), max_size=3))
    last = st.sampled_from(["", "", "end", "one"])
    return "".join(lines) + draw(last), "".join(changed) + draw(last)


def apply_unified(old: str, patch: str) -> str:
    """What a patch makes of a text. Fails where the patch does not fit it."""
    before = re.findall(r"[^\n]*\n|[^\n]+\Z", old)
    written: list[str] = []
    position = 0
    for header, body in hunks_of(patch):
        start, length, other, other_length = header
        first = start - 1 if length else start
        assert first >= position
        written += before[position:first]
        position = first
        assert len(written) == (other - 1 if other_length else other)
        taken, made = position, len(written)
        for sign, line in body:
            if sign in " -":
                assert before[position] == line
                position += 1
            if sign in " +":
                written.append(line)
        assert (position - taken, len(written) - made) == (length, other_length)
    return "".join([*written, *before[position:]])


def hunks_of(patch: str) -> Iterator[tuple[tuple[int, int, int, int], list[tuple[str, str]]]]:
    """((first line, lines, other first line, other lines), lines with their signs) of each hunk."""
    lines = re.findall(r"[^\n]*\n", patch)
    assert "".join(lines) == patch
    assert not lines or (lines[0] == "--- before\n" and lines[1] == "+++ after\n")
    found: list[tuple[tuple[int, int, int, int], list[tuple[str, str]]]] = []
    for line in lines[2:]:
        if line[0] == "@":
            match = re.fullmatch(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@\n", line)
            assert match is not None, line
            start, length, other, other_length = (1 if one is None else int(one) for one in match.groups())
            found.append(((start, length, other, other_length), []))
        elif line[0] == "\\":
            sign, text = found[-1][1][-1]
            found[-1][1][-1] = (sign, text.removesuffix("\n"))
        else:
            assert line[0] in " +-", line
            found[-1][1].append((line[0], line[1:]))
    return iter(found)


@settings(max_examples=count_examples(500))
@given(pairs())
@example(("", "a"))
@example(("a", ""))
@example(("a", "a\n"))
@example(("\n", ""))
@example(("a\n" * 20 + "b", "a\n" * 8 + "c\n" + "a\n" * 11 + "b"))
def test_a_unified_diff_makes_one_text_of_the_other(texts: tuple[str, str]) -> None:
    old, new = texts
    patch = write_unified(old, new, "before", "after")
    assert apply_unified(old, patch) == new
    assert (patch == "") == (old == new)
    signs = [sign for _, body in hunks_of(patch) for sign, _ in body]
    counts = count_lines(old, new)
    assert signs.count("+") == counts.added + counts.modified
    assert signs.count("-") == counts.removed + counts.modified


@settings(max_examples=count_examples(40))
@given(pairs().filter(lambda texts: texts[0] != texts[1]))
def test_the_program_patch_reads_a_unified_diff(texts: tuple[str, str]) -> None:
    needs("patch")
    old, new = texts
    with TemporaryDirectory() as folder:
        before, after = Path(folder, "old"), Path(folder, "new")
        before.write_bytes(old.encode())
        patch = write_unified(old, new, "before", "after").encode()
        command = ["patch", "--binary", "--fuzz=0", "--silent", f"--output={after}", str(before)]
        done = subprocess.run(command, input=patch, capture_output=True)
        assert done.returncode == 0, done
        assert after.read_bytes().decode() == new


WORDS = st.lists(st.sampled_from(["one", "two", " ", "  ", "\n", ".", "é", "😀", "漢字", "x" * 50]), max_size=30)


@settings(max_examples=count_examples(500))
@given(st.one_of(pairs(), st.tuples(WORDS.map("".join), WORDS.map("".join)), st.tuples(st.text(), st.text())))
def test_the_pieces_of_two_texts_rejoin_to_both(texts: tuple[str, str]) -> None:
    old, new = texts
    pieces = diff_words(old, new)
    assert "".join(piece.text for piece in pieces if piece.operation != "insert") == old
    assert "".join(piece.text for piece in pieces if piece.operation != "delete") == new
    assert all(piece.text for piece in pieces)
    if old == new:
        assert {piece.operation for piece in pieces} <= {"equal"}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("two apples", "two oranges", ["=two ", "-apples", "+oranges"]),
        ("cherries\nplums", "berries\nplums", ["-cherries", "+berries", "=\nplums"]),
        ("a word.", "a words.", ["=a ", "-word", "+words", "=."]),
        ("cafe\u0301s open", "cafes open", ["-cafe\u0301s", "+cafes", "= open"]),
        ("x\u0301_y z", "x\u0301_w z", ["-x\u0301_y", "+x\u0301_w", "= z"]),
        ("漢字があります", "漢語があります", ["=漢", "-字", "+語", "=があります"]),
        ("zwei Wörter", "zwei Worte", ["=zwei ", "-Wörter", "+Worte"]),
        ("one  two", "one two", ["=one", "-  ", "+ ", "=two"]),
        ("same", "same", ["=same"]),
        ("", "new text", ["+new text"]),
    ],
)
def test_pieces_are_whole_words(old: str, new: str, expected: list[str]) -> None:
    signs = {"equal": "=", "delete": "-", "insert": "+"}
    assert [signs[piece.operation] + piece.text for piece in diff_words(old, new)] == expected


class Page(HTMLParser):
    """The tags of a page, and the cells of each row of its table."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.rows: list[list[str]] = []
        self.title = ""
        self._inside = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag in ("td", "th", "title", "style"):
            self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th", "title", "style"):
            self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside in ("td", "th"):
            self.rows[-1][-1] += data
        elif self._inside == "title":
            self.title += data


TAGS = {
    "html",
    "head",
    "meta",
    "title",
    "style",
    "body",
    "table",
    "colgroup",
    "col",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
}
MARKS = {"del", "ins"}
MARKUP = st.lists(
    st.sampled_from(
        [
            "<script>",
            "</td>",
            "<img src=x onerror=y>",
            "&amp;",
            "&",
            "<",
            ">",
            '"',
            "'",
            "word",
            "\n",
            "\n",
            "]]>",
            "<!--",
        ]
    ),
    max_size=20,
).map("".join)


@settings(max_examples=count_examples(300))
@given(MARKUP, MARKUP, MARKUP.map(lambda text: text.replace("\n", " ")))
def test_a_page_side_by_side_escapes_texts_and_shows_each_changed_line(old: str, new: str, name: str) -> None:
    page = Page(write_side_by_side(old, new, name, "now"))
    assert page.tags <= TAGS | MARKS
    assert page.attributes <= {"charset", "class", "colspan", "scope"}
    assert page.title == f"{name} and now"
    assert page.rows[0] == [name, "now"]
    before, after = old.split("\n"), new.split("\n")
    shown: tuple[set[int], set[int]] = (set(), set())
    for row in page.rows[1:]:
        if len(row) == 1:
            continue
        for side, lines in enumerate((before, after)):
            number, text = row[2 * side : 2 * side + 2]
            if number:
                assert text == lines[int(number) - 1]
                shown[side].add(int(number))
            else:
                assert text == ""
    counts = count_lines(old, new)
    assert len(shown[0]) >= counts.removed + counts.modified
    assert len(shown[1]) >= counts.added + counts.modified

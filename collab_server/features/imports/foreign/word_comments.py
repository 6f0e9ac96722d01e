"""Comments of Word documents: their ranges become marks in the text, and their texts go to its end. Pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from collab_server.core.markdown import places
from collab_server.features.imports.foreign import word_xml as xml
from collab_server.features.imports.foreign.word_xml import Xml

STYLE: Final = "comment-reference => sup"
"""Has mammoth write comments."""
_APART: Final = "\ufdd4"
"""Begins the paragraph with the references of all comments."""
_ENTRY: Final = re.compile(r'<dt id="comment-(\d{1,9})">.*?</dt><dd>(.*?)</dd>', re.DOTALL)
_BACK: Final = re.compile(r'<a href="#comment-ref-\d{1,9}">[^<]{0,5}</a>')
_MAX_QUOTE: Final = 2_000
_LEFT_OUT: Final = ("w:del", "w:moveFrom")


@dataclass(slots=True)
class WordComment:
    """`parent`: number of the comment that it replies to. `date`: as the file has it, or ''. `quote`: the text of its
    range. `page`: its text as HTML.
    """

    number: int
    author: str
    date: str
    parent: int | None = None
    resolved: bool = False
    quote: str = ""
    page: str = ""


@dataclass(slots=True)
class _Open:
    """A range that has begun. `first`, `last`: the elements with its first and last text."""

    texts: list[str] = field(default_factory=list)
    first: Xml | None = None
    last: Xml | None = None


class WordComments:
    """The comments of a document. `comments`: by their numbers."""

    def __init__(self, part: Xml | None, states: Xml | None) -> None:
        """`part`: with the texts. `states`: with replies and what is resolved (commentsExtended)."""
        self.comments: dict[int, WordComment] = {}
        by_paragraph: dict[str, int] = {}
        for element in xml.children(part, "w:comment"):
            number = xml.number(element, "id")
            if number is None or number in self.comments:
                continue
            author, date = xml.value(element, "author") or "", xml.value(element, "date") or ""
            self.comments[number] = WordComment(number, author, date)
            for paragraph in element.iter("{*}p"):
                if (identity := _attribute(paragraph, "paraId")) is not None:
                    by_paragraph[identity] = number
        for state in states if states is not None else ():
            number = by_paragraph.get(_attribute(state, "paraId") or "")
            if number is None:
                continue
            comment = self.comments[number]
            comment.resolved = _attribute(state, "done") in ("1", "true", "on")
            parent = by_paragraph.get(_attribute(state, "paraIdParent") or "")
            comment.parent = parent if parent != number else None

    def mark(self, root: Xml) -> None:
        """Put marks into the body of a document, and the references of all comments to its end."""
        open_: dict[int, _Open] = {}
        for element in list(root.iter()):
            kind = xml.name(element)
            if kind == "w:t" and element.text and not _is_left_out(element):
                element.text = places.RESERVED.sub("\ufffd", element.text)
                for each in open_.values():
                    each.texts.append(element.text)
                    each.first = each.first if each.first is not None else element
                    each.last = element
            elif kind == "w:p":
                for each in open_.values():
                    if each.texts:
                        each.texts.append("\n")
            elif kind in ("w:commentRangeStart", "w:commentRangeEnd"):
                number = xml.number(element, "id")
                if number not in self.comments:
                    continue
                if kind == "w:commentRangeStart":
                    open_.setdefault(number, _Open())
                elif (found := open_.pop(number, None)) is not None:
                    self._finish(number, found)
        for number, found in open_.items():
            self._finish(number, found)
        body = xml.child(root, "w:body")
        if self.comments and body is not None:
            body.append(self._write_references(body))

    def _finish(self, number: int, found: _Open) -> None:
        self.comments[number].quote = " ".join("".join(found.texts).split(" ")).strip()[:_MAX_QUOTE]
        if found.first is None or found.last is None:
            return
        found.first.text = places.make_mark(number, end=False) + found.first.text
        found.last.text = found.last.text + places.make_mark(number, end=True)

    def _write_references(self, like: Xml) -> Xml:
        paragraph = xml.make(like, "p")
        run = xml.make(like, "r")
        text = xml.make(like, "t")
        text.text = _APART
        run.append(text)
        for number in self.comments:
            run.append(xml.make(like, "commentReference", id=str(number)))
        paragraph.append(run)
        return paragraph

    def take(self, page: str) -> str:
        """Return mammoth's page without the texts of comments, and keep these."""
        at = page.rfind(_APART)
        if at < 0:
            return page
        for found in _ENTRY.finditer(page, at):
            if (comment := self.comments.get(int(found[1]))) is not None:
                comment.page = _BACK.sub("", found[2])
        notes = re.search(r"<ol>.*</ol>(?=<dl>)", page[at:], re.DOTALL)
        return page[: page.rfind("<p>", 0, at)] + (notes[0] if notes else "")


def _is_left_out(element: Xml) -> bool:
    return any(xml.name(each) in _LEFT_OUT for each in element.iterancestors())


def _attribute(element: Xml, local: str) -> str | None:
    """An attribute of any namespace."""
    for name, value in element.attrib.items():
        if name.rpartition("}")[2] == local:
            return str(value)
    return None


def read_ranges(text: str) -> tuple[str, dict[int, tuple[int, int]]]:
    """Return (a text without its marks; the range of each number that has both marks: code points)."""
    parts: list[str] = []
    begun: dict[int, int] = {}
    ranges: dict[int, tuple[int, int]] = {}
    at = size = 0
    for found in places.MARKS.finditer(text):
        parts.append(text[at : found.start()])
        size += found.start() - at
        at = found.end()
        number, end = places.read_mark(found[0])
        if not end:
            begun[number] = size
        elif number in begun:
            ranges[number] = begun[number], size
    return "".join([*parts, text[at:]]), ranges


def move_ranges(former: str, text: str, ranges: dict[int, tuple[int, int]]) -> dict[int, tuple[int, int]]:
    """Return the ranges of a text in one that has other signs of Markdown at some places."""
    if former == text:
        return ranges
    wanted = sorted({offset for each in ranges.values() for offset in each})
    moved: dict[int, int] = {}
    at = 0
    for place, offset in _align(former, text):
        while at < len(wanted) and wanted[at] <= place:
            moved[wanted[at]] = offset
            at += 1
    for rest in wanted[at:]:
        moved[rest] = len(text)
    return {number: (moved[start], moved[end]) for number, (start, end) in ranges.items()}


def _align(former: str, text: str) -> Iterator[tuple[int, int]]:
    """Yield places in one text, and those in the other."""
    one = other = 0
    while one < len(former) and other < len(text):
        if former[one] == text[other]:
            yield one, other
            one, other = one + 1, other + 1
            continue
        # The shortest leap after which both go on alike.
        for leap in range(1, 40):
            if text[other + leap : other + leap + 8] == former[one : one + 8]:
                other += leap
                break
            if former[one + leap : one + leap + 8] == text[other : other + 8]:
                one += leap
                break
        else:
            one, other = one + 1, other + 1


def order(comments: Sequence[WordComment]) -> list[list[WordComment]]:
    """The threads: each with its first comment at the beginning."""
    by_number = {each.number: each for each in comments}
    threads: dict[int, list[WordComment]] = {}
    for each in comments:
        root, seen = each, {each.number}
        while root.parent is not None and root.parent in by_number and root.parent not in seen:
            root = by_number[root.parent]
            seen.add(root.number)
        threads.setdefault(root.number, []).append(each)
    return [sorted(found, key=lambda each: each.number != number) for number, found in threads.items()]

"""Inline nodes as runs of text with marks, with white space where Markdown can have it.

Marks keep their sense and lose their names: bold and strong are `strong`. Those that say nothing about the text
(colours, fonts, comments) are left out, and links to javascript:, vbscript:, file: and data:, which renderers refuse.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from collab_server.crdt.prosemirror import TEXT, Mark, Node, canonical

MARKS: Final = {
    "bold": "strong",
    "strong": "strong",
    "italic": "em",
    "em": "em",
    "emphasis": "em",
    "strike": "s",
    "strikethrough": "s",
    "s": "s",
    "del": "s",
    "code": "code",
    "inlinecode": "code",
    "link": "link",
    "underline": "u",
    "u": "u",
    "highlight": "mark",
    "mark": "mark",
    "subscript": "sub",
    "sub": "sub",
    "superscript": "sup",
    "sup": "sup",
}
_BREAKS: Final = frozenset({"hardbreak", "linebreak", "br"})
_IMAGES: Final = frozenset({"image", "img", "inlineimage", "imageblock", "imageresize"})
_LABELS: Final = ("label", "text", "latex", "emoji", "name", "title", "caption", "value", "id")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]+")
SPACES: Final = " \t"
"""What Markdown takes from the ends of a line; others are part of the text."""
REFUSED: Final = re.compile(r"(?:javascript|vbscript|file|data):", re.IGNORECASE)

LinkTarget = tuple[str, str, str]
"""("link", address, title)"""

MarkKey = str | LinkTarget


@dataclass(slots=True)
class Run:
    """`kind`: text, code, break or image, whose `text` is its alternative. `marks`: names, and links as LinkTarget."""

    kind: str
    text: str
    marks: frozenset[MarkKey]
    image: LinkTarget | None = None

    @property
    def blank(self) -> bool:
        return self.kind == "break" or (self.kind == "text" and self.text.isspace())

    def cut(self, offset: int) -> tuple["Run", "Run"]:
        return Run(self.kind, self.text[:offset], self.marks), Run(self.kind, self.text[offset:], self.marks)

    def without(self, mark: str) -> "Run":
        return Run(self.kind, self.text, self.marks - {mark}, self.image)


def runs_of(nodes: Iterable[Node], tight_marks: Iterable[str]) -> list[Run]:
    """The runs of all lines; at both ends of what has one of `tight_marks`, and of a line, is no white space."""
    runs = _trimmed(_joined(_split_lines(_runs(nodes, frozenset()))))
    _mark_breaks(runs)
    for mark in tight_marks:
        runs = _without_outer_space(runs, mark)
    return runs


def raw_runs(nodes: Iterable[Node]) -> list[Run]:
    """The runs of all lines as they are in the document, white space included."""
    return list(_split_lines(_runs(nodes, frozenset())))


def is_break(node: Node) -> bool:
    return canonical(node.type) in _BREAKS


def is_image(node: Node) -> bool:
    return canonical(node.type) in _IMAGES


def _runs(nodes: Iterable[Node], outer: frozenset[MarkKey]) -> Iterator[Run]:
    for node in nodes:
        if node.type == TEXT:
            marks = outer | frozenset(key for mark in node.marks if (key := mark_key(mark)) is not None)
            yield Run("code" if "code" in marks else "text", node.text, marks - {"code"})
        elif is_break(node):
            yield Run("break", "", outer)
        elif is_image(node):
            yield _image(node.attributes, outer)
        elif node.content:
            link = mark_key(Mark("link", node.attributes)) if canonical(node.type) in ("link", "autolink") else None
            yield from _runs(node.content, outer if link is None else outer | {link})
        else:
            yield from _leaf(node, outer)


def _leaf(node: Node, outer: frozenset[MarkKey]) -> Iterator[Run]:
    """A node of a type that is not known, without content: by what its attributes call it, linked to its source."""
    attributes = node.attributes
    label = next((str(attributes[key]) for key in _LABELS if isinstance(attributes.get(key), str | int)), "")
    link = mark_key(Mark("link", {"href": attributes.get("src") or attributes.get("url")}))
    if canonical(node.type) == "mention":
        label = f"{attributes.get('mentionSuggestionChar') or '@'}{label}" if label else ""
    if link is not None:
        yield Run("text", label or link[1], outer | {link})
    elif label and canonical(node.type) != "embed":
        yield Run("text", label, outer)


def mark_key(mark: Mark) -> MarkKey | None:
    """What a mark says in Markdown, None for nothing."""
    name = MARKS.get(canonical(mark.type))
    if name != "link":
        return name
    target = address(mark.attributes.get("href") or mark.attributes.get("url"))
    return ("link", target, _string(mark.attributes.get("title"))) if target else None


def _image(attributes: dict[str, Any], outer: frozenset[MarkKey]) -> Run:
    # An image within the document (data:) would be most of its text.
    source = address(attributes.get("src") or attributes.get("url"))
    alternative = next((attributes[key] for key in ("alt", "caption", "name") if attributes.get(key)), "")
    target = ("link", source, _string(attributes.get("title")))
    return Run("image", _CONTROL.sub(" ", _string(alternative)), outer, target)


def address(value: object) -> str:
    """Where a link or an image leads, as far as Markdown says it."""
    text = _CONTROL.sub("", _string(value)).strip()
    return "" if REFUSED.match(text) else text


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""


def _split_lines(runs: Iterable[Run]) -> Iterator[Run]:
    """Runs of text without line feeds: those become breaks, in code spaces."""
    for run in runs:
        text = run.text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
        if run.kind == "code":
            text = text.replace("\n", " ")
        if run.kind != "text" or "\n" not in text:
            if text or run.kind in ("break", "image"):
                yield Run(run.kind, text, run.marks, run.image)
            continue
        for index, line in enumerate(text.split("\n")):
            if index:
                yield Run("break", "", run.marks)
            if line:
                yield Run("text", line, run.marks)


def _joined(runs: Iterable[Run]) -> Iterator[Run]:
    """Neighbours with equal marks as one run: two pieces of code in a row would have their signs together."""
    last: Run | None = None
    for run in runs:
        if last is not None and run.kind == last.kind and run.kind in ("text", "code") and run.marks == last.marks:
            last.text += run.text
            continue
        if last is not None:
            yield last
        last = run
    if last is not None:
        yield last


def _trimmed(runs: Iterable[Run]) -> list[Run]:
    """Without white space where lines begin and end, and without breaks at both ends, as Markdown reads it."""
    trimmed: list[Run] = []
    at_start = True
    for run in runs:
        if run.kind == "text" and at_start:
            run.text = run.text.lstrip(SPACES)
            if not run.text:
                continue
        if run.kind == "break":
            _trim_end(trimmed)
            if not trimmed:
                continue
        at_start = run.kind == "break"
        trimmed.append(run)
    while trimmed:
        _trim_end(trimmed)
        if not trimmed or trimmed[-1].kind != "break":
            break
        trimmed.pop()
    return trimmed


def _mark_breaks(runs: Sequence[Run]) -> None:
    """A break has the marks that go on behind it: editors keep none for it."""
    after: frozenset[MarkKey] = frozenset()
    for run in reversed(runs):
        if run.kind == "break":
            run.marks = after
        after = run.marks
    before: frozenset[MarkKey] = frozenset()
    for run in runs:
        if run.kind == "break":
            run.marks &= before
        before = run.marks


def _trim_end(runs: list[Run]) -> None:
    while runs and runs[-1].kind == "text":
        runs[-1].text = runs[-1].text.rstrip(SPACES)
        if runs[-1].text:
            return
        runs.pop()


def _without_outer_space(runs: list[Run], mark: str) -> list[Run]:
    """Take the mark from white space and breaks at the ends of what it marks: `**bold **` is not bold."""
    result: list[Run] = []
    index = 0
    while index < len(runs):
        if mark not in runs[index].marks:
            result.append(runs[index])
            index += 1
            continue
        start = index
        while index < len(runs) and mark in runs[index].marks:
            index += 1
        before, inner, after = _outer_space(runs[start:index])
        result += [*(run.without(mark) for run in before), *inner, *(run.without(mark) for run in after)]
    return result


def _outer_space(runs: list[Run]) -> tuple[list[Run], list[Run], list[Run]]:
    """(white space before, the rest, white space after)"""
    first, last = 0, len(runs)
    before: list[Run] = []
    after: list[Run] = []
    while first < last and runs[first].blank:
        before.append(runs[first])
        first += 1
    while first < last and runs[last - 1].blank:
        last -= 1
        after.append(runs[last])
    inner = runs[first:last]
    if inner and inner[0].kind == "text" and inner[0].text[0].isspace():
        space, inner[0] = inner[0].cut(len(inner[0].text) - len(inner[0].text.lstrip()))
        before.append(space)
    if inner and inner[-1].kind == "text" and inner[-1].text[-1].isspace():
        inner[-1], space = inner[-1].cut(len(inner[-1].text.rstrip()))
        after.append(space)
    return before, inner, after[::-1]

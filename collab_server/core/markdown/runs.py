"""Converts inline nodes to runs of text with marks, with white space only at places valid in Markdown.

Marks are unified by meaning: bold and strong are `strong`. Marks without a meaning for the text (colours, fonts,
comments) are left out. So are links to javascript:, vbscript:, file: and data:, because renderers refuse them.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from collab_server.core.markdown.rules.footnotes import LABEL
from collab_server.core.markdown.rules.formulas import write_latex
from collab_server.core.prosemirror.nodes import TEXT, Mark, Node, canonical

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
"""White space that Markdown removes from the ends of lines; other white space is text."""
REFUSED_ADDRESS: Final = re.compile(r"(?:javascript|vbscript|file|data):", re.IGNORECASE)

LinkTarget = tuple[str, str, str]
"""("link", address, title)"""

MarkKey = str | LinkTarget


@dataclass(slots=True)
class Run:
    """A run of text. `kind`: text, code, formula (`text` is then LaTeX), footnote (its label), break or image (its
    alternative text). `marks`: names and LinkTargets.
    """

    kind: str
    text: str
    marks: frozenset[MarkKey] = frozenset()
    image: LinkTarget | None = None

    @property
    def bold(self) -> bool:
        return "strong" in self.marks

    @property
    def italic(self) -> bool:
        return "em" in self.marks

    @property
    def strike(self) -> bool:
        return "s" in self.marks

    @property
    def blank(self) -> bool:
        return self.kind == "break" or (self.kind == "text" and self.text.isspace())

    def cut(self, offset: int) -> tuple["Run", "Run"]:
        return Run(self.kind, self.text[:offset], self.marks), Run(self.kind, self.text[offset:], self.marks)

    def without(self, mark: str) -> "Run":
        return Run(self.kind, self.text, self.marks - {mark}, self.image)


def read_runs(nodes: Iterable[Node], tight_marks: Iterable[str]) -> list[Run]:
    """The runs of all lines, without white space at line ends and at both ends of each mark in `tight_marks`."""
    runs = _trimmed(join_runs(_runs(nodes, frozenset())))
    _mark_breaks(runs)
    for mark in tight_marks:
        runs = _without_outer_space(runs, mark)
    return runs


def join_runs(runs: Iterable[Run]) -> Iterator[Run]:
    """The runs, split at line feeds, and neighbours with equal marks joined."""
    return _joined(_split_lines(runs))


def read_raw_runs(nodes: Iterable[Node]) -> list[Run]:
    """The runs of all lines with the white space of the document."""
    return list(_split_lines(_runs(nodes, frozenset())))


def is_break(node: Node) -> bool:
    return canonical(node.type) in _BREAKS


def is_image(node: Node) -> bool:
    return canonical(node.type) in _IMAGES


def is_footnote(node: Node) -> bool:
    """Whether it is a reference to a footnote that Markdown can show."""
    label = node.attributes.get("label")
    return canonical(node.type) == "footnotereference" and LABEL.fullmatch(str(label)) is not None


def is_formula(node: Node) -> bool:
    """Whether it is a formula in a text that Markdown can show."""
    latex = node.attributes.get("latex")
    return canonical(node.type) == "inlinemath" and isinstance(latex, str) and bool(write_latex(latex))


def _runs(nodes: Iterable[Node], outer: frozenset[MarkKey]) -> Iterator[Run]:
    for node in nodes:
        if node.type == TEXT:
            marks = outer | frozenset(key for mark in node.marks if (key := mark_key(mark)) is not None)
            yield Run("code" if "code" in marks else "text", node.text, marks - {"code"})
        elif is_break(node):
            yield Run("break", "", outer)
        elif is_image(node):
            yield _image(node.attributes, outer)
        elif is_footnote(node):
            yield Run("footnote", str(node.attributes["label"]), outer)
        elif is_formula(node):
            yield Run("formula", " ".join(write_latex(node.attributes["latex"]).split("\n")), outer)
        elif node.content:
            link = mark_key(Mark("link", node.attributes)) if canonical(node.type) in ("link", "autolink") else None
            yield from _runs(node.content, outer if link is None else outer | {link})
        else:
            yield from _leaf(node, outer)


def _leaf(node: Node, outer: frozenset[MarkKey]) -> Iterator[Run]:
    """An unknown node without content: its label from its attributes, linked to its source."""
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
    """The meaning of a mark in Markdown, or None."""
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
    """The address of a link or an image in Markdown; '' for refused ones."""
    text = _CONTROL.sub("", _string(value)).strip()
    return "" if REFUSED_ADDRESS.match(text) else text


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""


def _split_lines(runs: Iterable[Run]) -> Iterator[Run]:
    """Split text runs at line feeds into runs and breaks; line feeds in code become spaces."""
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
    """Join neighbours with equal marks, because delimiters of adjacent code runs would merge."""
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
    """Remove white space at line ends, and breaks at both ends, as Markdown does."""
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
    """Give breaks the marks of the text after them; editors keep none for breaks."""
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
    """Remove the mark from outer white space and breaks: `**bold **` is not bold."""
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

"""Text with marks as one line or more of Markdown, escaped so that CommonMark reads the same text back.

strong, em, strike (GFM), code and links in Markdown; underline, highlight, subscript and superscript, for which Markdown
has no signs, as HTML, and so the first three where CommonMark would not take the signs (`a**(b)**c`). Other marks
(colours, fonts, comments) are left out, and links to javascript:, vbscript:, file: and data:, which renderers refuse.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from collab_server.crdt.prosemirror import TEXT, Mark, Node, canonical

_MARKS: Final = {
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
_SIGNS: Final = {"strong": "**", "em": "*", "s": "~~"}
_ORDER: Final = ("link", "strong", "em", "s", "u", "mark", "sub", "sup")
_BREAKS: Final = frozenset({"hardbreak", "linebreak", "br"})
_IMAGES: Final = frozenset({"image", "img", "inlineimage", "imageblock", "imageresize"})
_LABELS: Final = ("label", "text", "latex", "emoji", "name", "title", "caption", "value", "id")

_REFUSED: Final = re.compile(r"(?:javascript|vbscript|file|data):", re.IGNORECASE)
_PLAIN_DESTINATION: Final = re.compile(r"[^\s<>()\\\x00-\x20\x7f]+")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]+")
_ENTITY: Final = re.compile(r"&(?=#?\w+;)")
_SPECIAL: Final = re.compile(
    r"[\\`*\[\]~]"
    r"|&(?=#?\w+;)"
    r"|<(?=[A-Za-z/!?]|\Z)"
    r"|(?<![^\W_])_|_(?![^\W_])"
    r"|!\Z"
)
_LINE_START: Final = re.compile(
    r"#{1,6}(?=[ \t]|\Z)|[-+](?=[ \t]|\Z)|-(?=[-|: \t]*\Z)|=(?==*[ \t]*\Z)|>|:(?=-)|\|"
    r"|(?P<number>[0-9]{1,9})(?=[.)](?:[ \t]|\Z))"
)

LinkTarget = tuple[str, str, str]
_MarkKey = str | LinkTarget


@dataclass(slots=True)
class _Run:
    """`kind`: text, code, break, or raw for Markdown that is already written. `marks`: names, links as LinkTarget."""

    kind: str
    text: str
    marks: frozenset[_MarkKey]

    @property
    def blank(self) -> bool:
        return self.kind == "break" or (self.kind == "text" and self.text.isspace())

    def cut(self, offset: int) -> tuple["_Run", "_Run"]:
        return _Run(self.kind, self.text[:offset], self.marks), _Run(self.kind, self.text[offset:], self.marks)


@dataclass(slots=True)
class _Piece:
    """What is written next: text as it is, or the opening or closing of a mark; `pair` is shared by the two."""

    text: str
    mark: str = ""
    pair: int = 0
    opens: bool = False


def render(nodes: Iterable[Node], *, one_line: bool = False) -> str:
    """Inline nodes as the lines of a paragraph; with `one_line` as a heading or a table's cell takes them.

    A hard break, or a line feed in a text, is a backslash and a new line, or <br> in one line.
    """
    runs = _trimmed(_joined(_split_lines(_runs(nodes, frozenset()))))
    for mark in _SIGNS:
        runs = _without_outer_space(runs, mark)
    if one_line:
        return _write(_pieces(runs, "<br>"))
    return "\n".join(map(_escape_line_start, _write(_pieces(runs, "\\\n")).split("\n")))


def is_break(node: Node) -> bool:
    return canonical(node.type) in _BREAKS


def is_image(node: Node) -> bool:
    return canonical(node.type) in _IMAGES


def _runs(nodes: Iterable[Node], outer: frozenset[_MarkKey]) -> Iterator[_Run]:
    for node in nodes:
        if node.type == TEXT:
            marks = outer | frozenset(key for mark in node.marks if (key := _mark_key(mark)) is not None)
            yield _Run("code" if "code" in marks else "text", node.text, marks - {"code"})
        elif is_break(node):
            yield _Run("break", "", outer)
        elif is_image(node):
            yield _Run("raw", _image(node.attributes), outer)
        elif node.content:
            link = _mark_key(Mark("link", node.attributes)) if canonical(node.type) in ("link", "autolink") else None
            yield from _runs(node.content, outer if link is None else outer | {link})
        else:
            yield from _leaf(node, outer)


def _leaf(node: Node, outer: frozenset[_MarkKey]) -> Iterator[_Run]:
    """A node of a type that is not known, without content: by what its attributes call it, linked to its source."""
    attributes = node.attributes
    label = next((str(attributes[key]) for key in _LABELS if isinstance(attributes.get(key), str | int)), "")
    link = _mark_key(Mark("link", {"href": attributes.get("src") or attributes.get("url")}))
    if canonical(node.type) == "mention":
        label = f"{attributes.get('mentionSuggestionChar') or '@'}{label}" if label else ""
    if link is not None:
        yield _Run("text", label or link[1], outer | {link})
    elif label and canonical(node.type) != "embed":
        yield _Run("text", label, outer)


def _mark_key(mark: Mark) -> _MarkKey | None:
    name = _MARKS.get(canonical(mark.type))
    if name != "link":
        return name
    target = mark.attributes.get("href") or mark.attributes.get("url")
    title = mark.attributes.get("title")
    if not isinstance(target, str) or _REFUSED.match(_CONTROL.sub("", target).strip()):
        return None
    return ("link", target, title if isinstance(title, str) else "")


def _split_lines(runs: Iterable[_Run]) -> Iterator[_Run]:
    """Runs of text without line feeds: those become breaks, in code spaces."""
    for run in runs:
        text = run.text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
        if run.kind == "code":
            text = text.replace("\n", " ")
        if run.kind != "text" or "\n" not in text:
            if text or run.kind == "break":
                yield _Run(run.kind, text, run.marks)
            continue
        for index, line in enumerate(text.split("\n")):
            if index:
                yield _Run("break", "", run.marks)
            if line:
                yield _Run("text", line, run.marks)


def _joined(runs: Iterable[_Run]) -> Iterator[_Run]:
    """Neighbours with equal marks as one run: two pieces of code in a row would have their signs together."""
    last: _Run | None = None
    for run in runs:
        if last is not None and run.kind == last.kind and run.kind in ("text", "code") and run.marks == last.marks:
            last.text += run.text
            continue
        if last is not None:
            yield last
        last = run
    if last is not None:
        yield last


def _trimmed(runs: Iterable[_Run]) -> list[_Run]:
    """Without white space where lines begin and end, and without breaks at both ends, as Markdown reads it."""
    trimmed: list[_Run] = []
    at_start = True
    for run in runs:
        if run.kind == "text" and at_start:
            run.text = run.text.lstrip()
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


def _trim_end(runs: list[_Run]) -> None:
    while runs and runs[-1].kind == "text":
        runs[-1].text = runs[-1].text.rstrip()
        if runs[-1].text:
            return
        runs.pop()


def _without_outer_space(runs: list[_Run], mark: str) -> list[_Run]:
    """Take the mark from white space and breaks at the ends of what it marks: `**bold **` is not bold."""
    result: list[_Run] = []
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
        result += [_Run(run.kind, run.text, run.marks - {mark}) for run in before]
        result += inner
        result += [_Run(run.kind, run.text, run.marks - {mark}) for run in after]
    return result


def _outer_space(runs: list[_Run]) -> tuple[list[_Run], list[_Run], list[_Run]]:
    """(white space before, the rest, white space after)"""
    first, last = 0, len(runs)
    before: list[_Run] = []
    after: list[_Run] = []
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


def _pieces(runs: list[_Run], line_break: str) -> list[_Piece]:
    """The runs with openings and closings of marks between them, properly nested, links outermost."""
    pieces: list[_Piece] = []
    stack: list[tuple[_MarkKey, int]] = []
    pairs = 0
    for index, run in enumerate(runs):
        links = sorted(mark for mark in run.marks if isinstance(mark, tuple))[:1]
        wanted: list[_MarkKey] = [*links, *(name for name in _ORDER if name in run.marks)]
        kept = 0
        while kept < len(stack) and stack[kept][0] in wanted and (kept or stack[0][0] in links or not links):
            kept += 1
        while len(stack) > kept:
            mark, pair = stack.pop()
            pieces.append(_closing(mark, pair))
        new = [mark for mark in wanted if all(mark != opened for opened, _ in stack)]
        new.sort(key=lambda mark: (isinstance(mark, str), -_extent(runs, index, mark)))
        for mark in new:
            pairs += 1
            stack.append((mark, pairs))
            text, name = ("[", "link") if isinstance(mark, tuple) else ("", mark)
            pieces.append(_Piece(text, name, pairs, opens=True))
        pieces.append(_Piece(_run_text(run, line_break)))
    for mark, pair in reversed(stack):
        pieces.append(_closing(mark, pair))
    return pieces


def _extent(runs: list[_Run], index: int, mark: _MarkKey) -> int:
    """How many runs from this one on have the mark."""
    end = index
    while end < len(runs) and mark in runs[end].marks:
        end += 1
    return end - index


def _closing(mark: _MarkKey, pair: int) -> _Piece:
    return _Piece(_target(mark), "link", pair) if isinstance(mark, tuple) else _Piece("", mark, pair)


def _run_text(run: _Run, line_break: str) -> str:
    if run.kind == "break":
        return line_break
    if run.kind == "code":
        return _code(run.text)
    return run.text if run.kind == "raw" else _SPECIAL.sub(r"\\\g<0>", run.text)


def _code(text: str) -> str:
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    # One space at both ends is taken off again, unless there is nothing but spaces.
    padded = text[0] == "`" or text[-1] == "`" or (text[0] == text[-1] == " " and not text.isspace())
    return f"{fence} {text} {fence}" if padded else f"{fence}{text}{fence}"


def _target(link: LinkTarget) -> str:
    return f"]({_destination(link[1], link[2])})"


def _destination(url: str, title: str) -> str:
    url = _ENTITY.sub(r"\\&", _CONTROL.sub("", url).strip().replace("\\", "\\\\"))
    if not _PLAIN_DESTINATION.fullmatch(url):
        url = "<" + url.replace("<", r"\<").replace(">", r"\>") + ">"
    if not title:
        return url
    title = _CONTROL.sub(" ", title).replace("\\", "\\\\").replace('"', r"\"")
    title = _ENTITY.sub(r"\\&", title)
    return f'{url} "{title}"'


def _image(attributes: dict[str, Any]) -> str:
    url = attributes.get("src") or attributes.get("url")
    if not isinstance(url, str) or _REFUSED.match(_CONTROL.sub("", url).strip()):
        # An image within the document (data:) would be most of its text.
        url = ""
    alt = next((attributes[key] for key in ("alt", "caption", "name") if isinstance(attributes.get(key), str)), "")
    title = attributes.get("title")
    alt = _SPECIAL.sub(r"\\\g<0>", _CONTROL.sub(" ", alt))
    return f"![{alt}]({_destination(url, title if isinstance(title, str) else '')})"


def _write(pieces: list[_Piece]) -> str:
    """All pieces in one string, each mark in signs if CommonMark takes those for what they are, otherwise in HTML."""
    tagged: set[int] = set()
    while True:
        texts = [_sign(piece, tagged) for piece in pieces]
        refused = _misread(pieces, texts, tagged)
        if not refused:
            return "".join(texts)
        tagged |= refused


def _sign(piece: _Piece, tagged: set[int]) -> str:
    if not piece.mark or piece.mark == "link":
        return piece.text
    if piece.mark in _SIGNS and piece.pair not in tagged:
        return _SIGNS[piece.mark]
    return f"<{piece.mark}>" if piece.opens else f"</{piece.mark}>"


def _misread(pieces: list[_Piece], texts: list[str], tagged: set[int]) -> set[int]:
    """The pairs whose signs would not be taken for an opening and a closing."""
    refused: set[int] = set()
    written = [bool(piece.mark in _SIGNS and piece.pair not in tagged) for piece in pieces]
    index = 0
    while index < len(pieces):
        if not written[index]:
            index += 1
            continue
        first = index
        while index < len(pieces) and written[index] and texts[index][0] == texts[first][0]:
            index += 1
        run = pieces[first:index]
        before = texts[first - 1][-1] if first else " "
        after = texts[index][0] if index < len(pieces) else " "
        if any(piece.opens != run[0].opens for piece in run):
            # `**a***b*` is ambiguous: what opens right behind a closing is written in HTML.
            refused |= {piece.pair for piece in run if piece.opens}
        if not (_flanks(after, before) if run[0].opens else _flanks(before, after)):
            refused |= {piece.pair for piece in run}
    return refused


def _flanks(inner: str, outer: str) -> bool:
    """CommonMark's rule for a run of signs between these two characters, with its two notions of punctuation."""
    if inner.isspace():
        return False
    return unicodedata.category(inner)[0] not in "PS" or outer.isspace() or unicodedata.category(outer)[0] == "P"


def _escape_line_start(line: str) -> str:
    """Keep a line of a paragraph from being read as the start of another block."""
    match = _LINE_START.match(line)
    if match is None:
        return line
    at = match.end("number") if match["number"] else 0
    return f"{line[:at]}\\{line[at:]}"

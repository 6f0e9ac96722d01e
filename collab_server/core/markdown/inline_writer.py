"""Writes inline nodes as lines of Markdown, escaped for an exact round trip through CommonMark.

strong, em, strike (GFM), code and links have Markdown syntax. Underline, highlight, subscript and superscript are HTML.
The first three are HTML too if CommonMark would misread their delimiters (`a**(b)**c`).
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from collab_server.core.markdown.rules.formulas import may_hold_formula
from collab_server.core.markdown.runs import LinkTarget, MarkKey, Run, read_runs
from collab_server.core.prosemirror.nodes import Node

MARK_DELIMITERS: Final = {"strong": "**", "em": "*", "s": "~~"}
_ORDER: Final = ("link", "strong", "em", "s", "u", "mark", "sub", "sup")
_PLAIN_DESTINATION: Final = re.compile(r"[^\s<>()\\\x00-\x20\x7f]+")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]+")
_ENTITY: Final = re.compile(r"&(?=#?\w+;)")
_SPECIAL: Final = re.compile(
    r"[\\`*\[\]~]"
    r"|&(?=#?\w+;)"
    r"|<(?=[A-Za-z/!?]|\Z)"
    r"|(?<![^\W_])_|_(?![^\W_])"
    r"|!\Z|\A\^"
)
_LINE_START: Final = re.compile(
    r"#{1,6}(?=[ \t]|\Z)|[-+](?=[ \t]|\Z)|-(?=[-|: \t]*\Z)|=(?==*[ \t]*\Z)|>|:(?=-)|\|"
    r"|(?P<number>[0-9]{1,9})(?=[.)](?:[ \t]|\Z))"
)

_LOOK_AHEAD: Final = 50
_ATTEMPTS: Final = 20
"""Limit of rounds: HTML at one place can invalidate delimiters at the next. After it, all marks are HTML."""


@dataclass(slots=True)
class _Piece:
    """A text, or the opening or closing of a mark; `pair`: common number of both."""

    text: str
    mark: str = ""
    pair: int = 0
    opens: bool = False


def write_inline(nodes: Iterable[Node], *, one_line: bool = False) -> str:
    """Render inline nodes as the lines of a paragraph, or as one line for headings and table cells.

    A hard break or a line feed is a backslash and a new line; in one line it is <br>.
    """
    runs = read_runs(nodes, MARK_DELIMITERS)
    if one_line:
        return _write(_pieces(runs, "<br>"))
    return "\n".join(map(_escape_line_start, _write(_pieces(runs, "\\\n")).split("\n")))


def _pieces(runs: list[Run], line_break: str) -> list[_Piece]:
    """The runs with openings and closings of marks, properly nested, with links outermost."""
    pieces: list[_Piece] = []
    stack: list[tuple[MarkKey, int]] = []
    pairs = 0
    formulas = {index for index, run in enumerate(runs) if run.kind == "formula"}
    dollars = bool(formulas) or may_hold_formula("".join(run.text for run in runs))
    for index, run in enumerate(runs):
        links = sorted(mark for mark in run.marks if isinstance(mark, tuple))[:1]
        wanted: list[MarkKey] = [*links, *(name for name in _ORDER if name in run.marks)]
        kept = 0
        while kept < len(stack) and stack[kept][0] in wanted and (kept or stack[0][0] in links or not links):
            kept += 1
        while len(stack) > kept:
            mark, pair = stack.pop()
            pieces.append(_closing(mark, pair))
        new = [mark for mark in wanted if all(mark != opened for opened, _ in stack)]
        new.sort(key=lambda mark: (isinstance(mark, str), -_count_runs(runs, index, mark)))
        for mark in new:
            pairs += 1
            stack.append((mark, pairs))
            text, name = ("[", "link") if isinstance(mark, tuple) else ("", mark)
            pieces.append(_Piece(text, name, pairs, opens=True))
        text = _run_text(run, line_break, dollars=dollars)
        if run.kind == "text" and formulas:
            text = _keep_digits_apart(text, after=index - 1 in formulas, before=index + 1 in formulas)
        pieces.append(_Piece(text))
    for mark, pair in reversed(stack):
        pieces.append(_closing(mark, pair))
    return pieces


def _count_runs(runs: list[Run], index: int, mark: MarkKey) -> int:
    """The number of consecutive runs with the mark, up to a limit."""
    end = index
    while end < min(len(runs), index + _LOOK_AHEAD) and mark in runs[end].marks:
        end += 1
    return end - index


def _closing(mark: MarkKey, pair: int) -> _Piece:
    return _Piece(_target(mark), "link", pair) if isinstance(mark, tuple) else _Piece("", mark, pair)


def _run_text(run: Run, line_break: str, *, dollars: bool) -> str:
    """The source of a run. `dollars`: whether dollar signs are escaped."""
    if run.kind == "break":
        return line_break
    if run.kind == "code":
        return _code(run.text)
    if run.kind == "footnote":
        return f"[^{run.text}]"
    if run.kind == "formula":
        return f"${run.text}$"
    text = _SPECIAL.sub(r"\\\g<0>", run.text)
    if dollars:
        text = text.replace("$", r"\$")
    return text if run.image is None else f"![{text}{_target(run.image)}"


def _keep_digits_apart(text: str, *, after: bool, before: bool) -> str:
    """A text beside formulas, whose dollar signs count only if no digit is beside them."""
    if before and text[-1] in "0123456789":
        text = f"{text[:-1]}&#{ord(text[-1])};"
    if after and text[0] in "0123456789":
        text = f"&#{ord(text[0])};{text[1:]}"
    return text


def _code(text: str) -> str:
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    # One space at both ends is taken off again, unless there is nothing but spaces.
    padded = text[0] == "`" or text[-1] == "`" or (text[0] == text[-1] == " " and not text.isspace())
    return f"{fence} {text} {fence}" if padded else f"{fence}{text}{fence}"


def _target(link: LinkTarget) -> str:
    return f"]({_destination(link[1], link[2])})"


def _destination(url: str, title: str) -> str:
    url = _CONTROL.sub("", url).strip()
    plain = _PLAIN_DESTINATION.fullmatch(url)
    url = _ENTITY.sub(r"\\&", url.replace("\\", "\\\\"))
    if not plain:
        url = "<" + url.replace("<", r"\<").replace(">", r"\>") + ">"
    if not title:
        return url
    title = _CONTROL.sub(" ", title).replace("\\", "\\\\").replace('"', r"\"")
    title = _ENTITY.sub(r"\\&", title)
    return f'{url} "{title}"'


def _write(pieces: list[_Piece]) -> str:
    """Join the pieces; a mark has delimiters if CommonMark reads them correctly, otherwise HTML."""
    tagged: set[int] = set()
    for _ in range(_ATTEMPTS):
        texts = [_delimiter(piece, tagged) for piece in pieces]
        refused = _misread(pieces, texts, tagged)
        if not refused:
            return "".join(texts)
        tagged |= refused
    tagged.update(piece.pair for piece in pieces)
    return "".join(_delimiter(piece, tagged) for piece in pieces)


def _delimiter(piece: _Piece, tagged: set[int]) -> str:
    if not piece.mark or piece.mark == "link":
        return piece.text
    if piece.mark in MARK_DELIMITERS and piece.pair not in tagged:
        return MARK_DELIMITERS[piece.mark]
    return f"<{piece.mark}>" if piece.opens else f"</{piece.mark}>"


def _misread(pieces: list[_Piece], texts: list[str], tagged: set[int]) -> set[int]:
    """The pairs with misread delimiters."""
    refused: set[int] = set()
    written = [bool(piece.mark in MARK_DELIMITERS and piece.pair not in tagged) for piece in pieces]
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
        if not (_is_flanking(after, before) if run[0].opens else _is_flanking(before, after)):
            refused |= {piece.pair for piece in run}
    return refused


def _is_flanking(inner: str, outer: str) -> bool:
    """CommonMark's rule for a delimiter run between two characters, with its two definitions of punctuation."""
    if inner.isspace():
        return False
    around = unicodedata.category(outer)
    return unicodedata.category(inner)[0] not in "PS" or around == "Zs" or outer in "\t\n\f\r" or around[0] == "P"


def _escape_line_start(line: str) -> str:
    """Escape the beginning of a paragraph's line if it would begin another block."""
    match = _LINE_START.match(line)
    if match is None:
        return line
    position = match.end("number") if match["number"] else 0
    return f"{line[:position]}\\{line[position:]}"

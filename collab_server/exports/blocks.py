"""Markdown as a tree of blocks and runs of text, from which files of other kinds are written. Pure."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from markdown_it.token import Token

from collab_server.crdt import front_matter, markdown_work
from collab_server.documents import markup

_SAFE_LINK: Final = re.compile(r"(?:https?://|mailto:|tel:)", re.IGNORECASE)

Align = Literal["", "left", "center", "right"]


@dataclass(frozen=True, slots=True)
class Run:
    """Text of one look, or a line break (`text` is then a line feed). `link`: an address that is safe to follow."""

    text: str
    bold: bool = False
    italic: bool = False
    strike: bool = False
    code: bool = False
    link: str = ""


@dataclass(slots=True)
class Heading:
    level: int
    runs: list[Run]


@dataclass(slots=True)
class Paragraph:
    runs: list[Run]


@dataclass(slots=True)
class Quote:
    blocks: list["Block"]


@dataclass(slots=True)
class Item:
    """`checked`: None where it is no task."""

    blocks: list["Block"]
    checked: bool | None = None


@dataclass(slots=True)
class List:
    """`start`: the first number, None for bullets."""

    start: int | None
    items: list[Item] = field(default_factory=list)


@dataclass(slots=True)
class Code:
    text: str
    language: str = ""


@dataclass(slots=True)
class Table:
    """`rows`: cells of runs, the first row is the header; all have as many cells as `aligns`."""

    aligns: list[Align]
    rows: list[list[list[Run]]] = field(default_factory=list)


@dataclass(slots=True)
class Rule:
    pass


Block = Heading | Paragraph | Quote | List | Code | Table | Rule


def read(markdown: str) -> list[Block]:
    """What the sanitised HTML of this Markdown would show, as blocks. Raises TooMuchWork."""
    markdown_work.check(markdown)
    return _Reader(markup.parser().parse(front_matter.split(markdown)[1])).blocks("")


def is_right_to_left(runs: Sequence[Run]) -> bool:
    """By the first character that has a direction."""
    for run in runs:
        for character in run.text:
            direction = unicodedata.bidirectional(character)
            if direction in ("L", "R", "AL"):
                return direction != "L"
    return False


class _Reader:
    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._at = 0

    def blocks(self, end: str) -> list[Block]:
        """Those up to the token `end`, which is read too."""
        found: list[Block] = []
        while self._at < len(self._tokens):
            token = self._tokens[self._at]
            self._at += 1
            if token.type == end:
                break
            if (block := self._block(token)) is not None:
                found.append(block)
        return found

    def _block(self, token: Token) -> Block | None:
        match token.type:
            case "heading_open":
                return Heading(int(token.tag[1:]), self._runs_until("heading_close"))
            case "paragraph_open":
                return Paragraph(self._runs_until("paragraph_close"))
            case "blockquote_open":
                return Quote(self.blocks("blockquote_close"))
            case "bullet_list_open":
                return List(None, self._items("bullet_list_close"))
            case "ordered_list_open":
                return List(int(token.attrs.get("start", 1)), self._items("ordered_list_close"))
            case "fence" | "code_block":
                return Code(token.content.removesuffix("\n"), (token.info.split() or [""])[0])
            case "table_open":
                return self._table()
            case "hr":
                return Rule()
        return None

    def _items(self, end: str) -> list[Item]:
        items: list[Item] = []
        while self._at < len(self._tokens):
            token = self._tokens[self._at]
            self._at += 1
            if token.type == end:
                break
            checked = self._take_checkbox()
            items.append(Item(self.blocks("list_item_close"), checked))
        return items

    def _take_checkbox(self) -> bool | None:
        """Of the paragraph that comes next, without it; see `markup.parser`."""
        first = self._tokens[self._at : self._at + 2]
        if len(first) < 2 or first[1].type != "inline" or not first[1].children:
            return None
        box = first[1].children[0]
        if box.type != "html_inline" or not box.content.startswith("<input"):
            return None
        del first[1].children[0]
        return "checked" in box.content

    def _table(self) -> Table:
        table = Table([])
        row: list[list[Run]] = []
        while (token := self._tokens[self._at]).type != "table_close":
            self._at += 1
            if token.type == "tr_open":
                row = []
            elif token.type in ("th_open", "td_open"):
                if token.type == "th_open":
                    table.aligns.append(_align(token))
                row.append(self._runs_until(token.type.replace("open", "close")))
            elif token.type == "tr_close":
                table.rows.append(row)
        self._at += 1
        return table

    def _runs_until(self, end: str) -> list[Run]:
        runs: list[Run] = []
        while (token := self._tokens[self._at]).type != end:
            self._at += 1
            runs += _joined(_runs(token.children or []))
        self._at += 1
        return runs


def _align(token: Token) -> Align:
    value = token.attrs.get("align", "")
    return value if value in ("left", "center", "right") else ""  # type: ignore[return-value]


def _runs(tokens: Sequence[Token]) -> Iterator[Run]:
    look = Run("")
    depth = {"strong": 0, "em": 0, "s": 0}
    for token in tokens:
        if token.tag in depth:
            depth[token.tag] += token.nesting
            look = replace(look, bold=depth["strong"] > 0, italic=depth["em"] > 0, strike=depth["s"] > 0)
        match token.type:
            case "text" | "text_special":
                yield replace(look, text=token.content)
            case "code_inline":
                yield replace(look, text=token.content, code=True)
            case "softbreak":
                yield replace(look, text=" ")
            case "hardbreak":
                yield replace(look, text="\n")
            case "link_open":
                look = replace(look, link=_followed(str(token.attrs.get("href", ""))))
            case "link_close":
                look = replace(look, link="")
            case "image":
                # The file holds no picture that would have to be fetched from elsewhere: its words, linked to it.
                source = _followed(str(token.attrs.get("src", "")))
                yield replace(look, text=_text(token.children or []) or source or "image", link=look.link or source)


def _followed(address: str) -> str:
    return address if _SAFE_LINK.match(address) else ""


def _text(tokens: Sequence[Token]) -> str:
    return "".join(run.text for run in _runs(tokens))


def _joined(runs: Iterator[Run]) -> Iterator[Run]:
    """Neighbours of one look as one run."""
    last: Run | None = None
    for run in runs:
        if not run.text:
            continue
        if last is not None and run.text != "\n" != last.text and replace(run, text="") == replace(last, text=""):
            last = replace(last, text=last.text + run.text)
            continue
        if last is not None:
            yield last
        last = run
    if last is not None:
        yield last

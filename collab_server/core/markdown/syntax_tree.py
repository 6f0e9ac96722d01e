"""The blocks of a Markdown text: the one tree from which editors' nodes (`reader`) and exported files are made.

It keeps what some of them lack: the alignment of columns, empty table headers, and lists with tasks and other items.
"""

import re
from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from markdown_it.common.utils import unescapeAll
from markdown_it.token import Token

from collab_server.core.markdown.inline_reader import read_inline
from collab_server.core.markdown.runs import Run

_BOX: Final = re.compile(r"\[[ xX]\](?:[ \t]+|\Z)")

Align = Literal["", "left", "center", "right"]
ALIGNMENTS: Final = get_args(Align)


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
    """`box`: the source of its checkbox with the space after it, or ''."""

    blocks: list["Block"]
    box: str = ""

    @property
    def checked(self) -> bool | None:
        """The state of the checkbox, None without one."""
        return self.box[1] != " " if self.box else None


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

    aligns: list[Align] = field(default_factory=list)
    rows: list[list[list[Run]]] = field(default_factory=list)


@dataclass(slots=True)
class Rule:
    pass


@dataclass(slots=True)
class Callout:
    """`kind`: one of callouts.KINDS."""

    kind: str
    blocks: list["Block"]


@dataclass(slots=True)
class Toggle:
    """`summary`: what is seen while the blocks are hidden."""

    summary: list[Run]
    blocks: list["Block"]


@dataclass(slots=True)
class Formula:
    latex: str


@dataclass(slots=True)
class Footnote:
    label: str
    runs: list[Run]


Block = Heading | Paragraph | Quote | List | Code | Table | Rule | Callout | Toggle | Formula | Footnote


def build_blocks(tokens: Sequence[Token], marks: Container[str], *, empty_tasks: bool = False) -> list[Block]:
    """The blocks of a parsed text. The parser must not join escaped characters with the text: `\\[ ]` is no checkbox.

    marks: names of marks; signs of others are text. empty_tasks: whether a checkbox may stand alone. GFM requires text
    after it, but `writer` writes an empty task so.
    """
    return _Builder(tokens, marks, empty_tasks=empty_tasks).blocks("")


class _Builder:
    def __init__(self, tokens: Sequence[Token], marks: Container[str], *, empty_tasks: bool) -> None:
        self._tokens = tokens
        self._at = 0
        self._marks = marks
        self._empty_tasks = empty_tasks

    def blocks(self, end: str) -> list[Block]:
        """Read the blocks up to the token `end`, inclusive."""
        blocks: list[Block] = []
        while self._at < len(self._tokens):
            token = self._next()
            if token.type == end:
                break
            if (block := self._block(token)) is not None:
                blocks.append(block)
        return blocks

    def _next(self) -> Token:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _block(self, token: Token) -> Block | None:
        match token.type:
            case "heading_open":
                return Heading(int(token.tag[1:]), self._runs())
            case "paragraph_open":
                return Paragraph(self._runs())
            case "blockquote_open":
                return Quote(self.blocks("blockquote_close"))
            case "bullet_list_open":
                return List(None, self._items("bullet_list_close"))
            case "ordered_list_open":
                return List(int(token.attrs.get("start", 1)), self._items("ordered_list_close"))
            case "fence" | "code_block":
                return Code(token.content.removesuffix("\n"), (unescapeAll(token.info).split() or [""])[0])
            case "table_open":
                return self._table()
            case "hr":
                return Rule()
            case "callout_open":
                return Callout(token.info, self.blocks("callout_close"))
            case "toggle_open":
                self._at += 1
                summary = self._runs()
                return Toggle(summary, self.blocks("toggle_close"))
            case "footnote_open":
                return Footnote(token.info, self._runs())
            case "formula_block":
                return Formula(token.content)
        return None

    def _runs(self) -> list[Run]:
        """Read the inline token of a block, and the token that closes the block."""
        runs = read_inline(self._next().children or [], self._marks)
        self._at += 1
        return runs

    def _items(self, end: str) -> list[Item]:
        items: list[Item] = []
        while self._next().type != end:
            box = self._take_box()
            items.append(Item(self.blocks("list_item_close"), box))
        return items

    def _take_box(self) -> str:
        """Remove the checkbox from the next paragraph; returns its source."""
        first = self._tokens[self._at : self._at + 2]
        if len(first) < 2 or first[0].type != "paragraph_open" or not first[1].children:
            return ""
        text = first[1].children[0]
        match = _BOX.match(text.content) if text.type == "text" else None
        if match is None:
            return ""
        if match[0].endswith("]") and (not self._empty_tasks or len(first[1].children) > 1):
            return ""
        text.content = text.content[match.end() :]
        return match[0]

    def _table(self) -> Table:
        table = Table()
        while (token := self._next()).type != "table_close":
            if token.type == "tr_open":
                table.rows.append([])
            elif token.type in ("th_open", "td_open"):
                if token.type == "th_open":
                    table.aligns.append(_alignment(token))
                table.rows[-1].append(self._runs())
        return table


def _alignment(header: Token) -> Align:
    style = str(header.attrs.get("style", "")).removeprefix("text-align:")
    return next((align for align in ALIGNMENTS if align == style), "")

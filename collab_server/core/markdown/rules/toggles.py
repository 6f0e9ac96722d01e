"""The rules of markdown-it for toggles: `<details>` with a `<summary>`, each on a line of its own.

A tag without a counterpart in the same quote or list item is text.
"""

import re
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

_OPEN: Final = re.compile(
    r"<details(?:[ \t]+open(?:=\"\")?)?>[ \t]*(?:<summary>(.*?)</summary>[ \t]*)?\Z", re.IGNORECASE
)
_SUMMARY: Final = re.compile(r"<summary>(.*?)</summary>[ \t]*\Z", re.IGNORECASE)
_CLOSE: Final = re.compile(r"</details>[ \t]*\Z", re.IGNORECASE)
_FOLLOWS: Final = ["paragraph", "reference", "blockquote", "list"]


def add_toggle_rules(parser: MarkdownIt) -> None:
    """Have the parser make tokens `toggle_open`, `summary_open`, `inline`, `summary_close` ... `toggle_close`."""
    parser.block.ruler.after("blockquote", "toggle", _find_tags, {"alt": _FOLLOWS})
    parser.core.ruler.after("block", "toggles", _pair)


def _find_tags(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001 - markdown-it's signature
    def read_line(at: int) -> str:
        return state.src[state.bMarks[at] + state.tShift[at] : state.eMarks[at]]

    text = read_line(start)
    if not text.startswith("<") or state.is_code_block(start):
        return False
    opens = _OPEN.match(text)
    if opens is None and not _CLOSE.match(text):
        return False
    if silent:
        return True
    behind = start + 1
    token = state.push("toggle_open" if opens else "toggle_close", "details", 0)
    summary = opens[1] if opens else None
    if opens and summary is None and behind < end and state.sCount[behind] >= state.blkIndent:
        below = read_line(behind)
        if (found := _SUMMARY.match(below)) and not state.is_code_block(behind):
            summary, text, behind = found[1], f"{text}\n{below}", behind + 1
    token.content, token.block, token.map = text, True, [start, behind]
    token.meta["summary"] = (summary or "").strip(" \t")
    state.line = behind
    return True


def _pair(state: StateCore) -> None:
    """Give the tags that have a counterpart their nesting, and make paragraphs of the others."""
    tokens = state.tokens
    if not any(token.type == "toggle_open" or token.type == "toggle_close" for token in tokens):
        return
    pairs: set[int] = set()
    # The tags that are open in each container around the token.
    containers: list[list[int]] = [[]]
    for index, token in enumerate(tokens):
        if token.type == "toggle_open":
            containers[-1].append(index)
        elif token.type == "toggle_close":
            if containers[-1]:
                pairs |= {containers[-1].pop(), index}
        elif token.nesting == 1:
            containers.append([])
        elif token.nesting == -1:
            containers.pop()
    result: list[Token] = []
    # For each pair around the token, whether it is one: too deep ones are text.
    deeper: list[bool] = []
    depth = 0
    for index, token in enumerate(tokens):
        level = token.level + depth
        if index not in pairs:
            if token.type in ("toggle_open", "toggle_close"):
                result += _as_text(token, level)
                continue
            token.level = level
            result.append(token)
        elif token.type == "toggle_open":
            deeper.append(level + 1 < state.md.options.maxNesting)
            depth += deeper[-1]
            result += _open(token, level) if deeper[-1] else _as_text(token, level)
        elif deeper.pop():
            depth -= 1
            token.nesting, token.level, token.content = -1, level - 1, ""
            result.append(token)
        else:
            result += _as_text(token, level)
    state.tokens = result


def _open(token: Token, level: int) -> list[Token]:
    token.nesting, token.level, token.content = 1, level, ""
    inline = _inline(token.meta["summary"], token, level + 2)
    assert token.map is not None
    inline.map = [token.map[1] - 1, token.map[1]]
    return [token, *_around(inline, "summary", "summary")]


def _as_text(token: Token, level: int) -> list[Token]:
    return _around(_inline(token.content, token, level + 1), "paragraph", "p")


def _around(inline: Token, name: str, tag: str) -> list[Token]:
    """The tokens of a block with this content."""
    opening, closing = Token(f"{name}_open", tag, 1), Token(f"{name}_close", tag, -1)
    for each in (opening, closing):
        each.level, each.block, each.map = inline.level - 1, True, inline.map
    return [opening, inline, closing]


def _inline(content: str, token: Token, level: int) -> Token:
    inline = Token("inline", "", 0, content=content, map=token.map, level=level, block=True)
    inline.children = []
    return inline

"""Rules of markdown-it for formulas of LaTeX: `$x$` in a text, and `$$` around lines of their own.

The pages have the same rules (static/src/editor/markdown/formula-rules.js). Those of mdit-py-plugins let a block go on
behind the end of a list item, and find no formula at the start of a text that ends with a digit.
"""

import re
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline

_DOLLAR: Final = re.compile(r"(?<!\\)((?:\\\\)*)\$")
_LAST_BACKSLASH: Final = re.compile(r"(?<!\\)(?:\\\\)*\\\Z")
_MAY_BE_READ: Final = re.compile(r"(?<!\d)\$(?:\$[^$]*[^\s$]|(?=[^\s$])[^$]*[^\s$])\$", re.ASCII)
_FOLLOWS: Final = ["paragraph", "reference", "blockquote", "list"]


def add_formula_rules(parser: MarkdownIt) -> None:
    """Have the parser make tokens `formula` and `formula_block`. `markup` of a formula is `$` or `$$`."""
    parser.inline.ruler.before("escape", "formula", _find_formula)
    parser.block.ruler.after("blockquote", "formula_block", _find_block, {"alt": _FOLLOWS})


def may_hold_formula(text: str) -> bool:
    """Whether the rules may find a formula in a text; True in cases of doubt."""
    return text.count("$") > 1 and (_MAY_BE_READ.search(text) is not None or "$$" in text)


def write_latex(latex: str) -> str:
    """LaTeX that may stand between dollar signs: without empty lines and with escaped dollar signs."""
    lines = (line.strip() for line in re.split(r"[\r\n\0]+", latex))
    text = _DOLLAR.sub(r"\1\\$", "\n".join(filter(None, lines)))
    # It would escape the dollar sign behind it.
    return _LAST_BACKSLASH.sub(lambda found: found[0][:-1], text).strip()


def _is_escaped(text: str, position: int) -> bool:
    count = 0
    while count < position and text[position - 1 - count] == "\\":
        count += 1
    return count % 2 == 1


def _find_formula(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - markdown-it's signature
    text, start = state.src, state.pos
    if text[start] != "$" or (start and text[start - 1] in "0123456789") or _is_escaped(text, start):
        return False
    sign = "$$" if text.startswith("$$", start) else "$"
    first = start + len(sign)
    end = text.find(sign, first)
    while end >= 0 and _is_escaped(text, end):
        end = text.find(sign, end + 1)
    behind = end + len(sign)
    if end < 0 or behind > state.posMax or (behind < state.posMax and text[behind] in "0123456789"):
        return False
    content = text[first:end]
    if not content.strip() or (sign == "$" and content != content.strip()):
        return False
    if not silent:
        token = state.push("formula", "", 0)
        token.content, token.markup = content.strip(), sign
    state.pos = behind
    return True


def _find_block(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001 - markdown-it's signature
    def read_line(at: int) -> str:
        return state.src[state.bMarks[at] + state.tShift[at] : state.eMarks[at]]

    line, first = start, read_line(start)
    if state.is_code_block(start) or not first.startswith("$$"):
        return False
    lines = [first[2:]]
    while not lines[-1].rstrip().endswith("$$"):
        line += 1
        if line >= end or state.isEmpty(line) or state.sCount[line] < state.blkIndent:
            return False
        lines.append(read_line(line))
    content = "\n".join(lines).rstrip()[:-2]
    if not content.strip() or "$$" in content:
        return False
    if silent:
        return True
    token = state.push("formula_block", "", 0)
    token.content, token.block, token.map = content.strip(), True, [start, line + 1]
    state.line = line + 1
    return True

"""Rules of markdown-it for footnotes: `[^1]` in a text, and `[^1]: text` as a paragraph of its own, as GFM has them.

A footnote is one paragraph, which stays where it is written. The pages have the same rules
(static/src/editor/markdown/footnote-rules.js).
"""

import re
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

LABEL: Final = re.compile(r"[\w.+-]{1,40}", re.ASCII)
_REFERENCE: Final = re.compile(rf"\[\^({LABEL.pattern})\]", re.ASCII)
_DEFINITION: Final = re.compile(rf"\[\^({LABEL.pattern})\]:", re.ASCII)
_ENV: Final = "footnotes"


def add_footnote_rules(parser: MarkdownIt, *, any_reference: bool = False) -> None:
    """Have the parser make tokens `footnote_reference`, and `footnote_open`, `inline`, `footnote_close`.

    `info` is the label. any_reference: also references to no footnote, which GFM takes for text.
    """

    def find_reference(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - markdown-it's signature
        found = _REFERENCE.match(state.src, state.pos, state.posMax)
        if found is None or not (any_reference or found[1] in state.env.get(_ENV, ())):
            return False
        if not silent:
            token = state.push("footnote_reference", "sup", 0)
            token.info = found[1]
        state.pos = found.end()
        return True

    parser.inline.ruler.before("link", "footnote_reference", find_reference)
    parser.block.ruler.before("reference", "footnote", _find_definition)


def _find_definition(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001 - as above
    def read_line(at: int) -> str:
        return state.src[state.bMarks[at] + state.tShift[at] : state.eMarks[at]]

    first = read_line(start)
    found = None if state.is_code_block(start) else _DEFINITION.match(first)
    if found is None:
        return False
    if silent:
        return True
    lines = [first[found.end() :]]
    line = start + 1
    while line < end and not state.isEmpty(line) and state.sCount[line] >= state.blkIndent:
        text = read_line(line)
        if _DEFINITION.match(text):
            break
        lines.append(text)
        line += 1
    state.env.setdefault(_ENV, set()).add(found[1])
    for name, nesting in (("footnote_open", 1), ("inline", 0), ("footnote_close", -1)):
        token: Token = state.push(name, "div" if nesting else "", nesting)  # type: ignore[arg-type]
        token.info, token.map = found[1], [start, line]
        if not nesting:
            token.content, token.children = "\n".join(lines).strip(" \t\n"), []
    state.line = line
    return True

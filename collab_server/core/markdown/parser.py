"""Configuration of markdown-it: the CommonMark and GFM parser for all Markdown in the package."""

import re
from types import FunctionType
from typing import Any, Final

from markdown_it import MarkdownIt, rules_block
from markdown_it.rules_inline import StateInline

from collab_server.core.markdown.rules.callouts import add_callout_rule
from collab_server.core.markdown.rules.footnotes import add_footnote_rules
from collab_server.core.markdown.rules.formulas import add_formula_rules
from collab_server.core.markdown.rules.toggles import add_toggle_rules

_BREAK: Final = re.compile(r"<br\s*/?>", re.IGNORECASE)


def new_parser(*, max_nesting: int = 20) -> MarkdownIt:
    """A parser for CommonMark with GFM's tables and strikethrough.

    HTML is text, except `<br>`, because table cells have no other line breaks. Task lists are left to the caller.
    """
    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": max_nesting}).enable(["table", "strikethrough"])
    keep_spaces(parser)
    parser.inline.ruler.before("autolink", "break", _line_break)
    return parser


def new_document_parser(*, max_nesting: int = 20) -> MarkdownIt:
    """A parser for documents: `new_parser` with formulas, callouts, toggles and footnotes."""
    parser = new_parser(max_nesting=max_nesting)
    add_formula_rules(parser)
    add_callout_rule(parser)
    add_toggle_rules(parser)
    add_footnote_rules(parser)
    return parser


def new_heading_parser() -> MarkdownIt:
    """A parser for headings in their source form: HTML blocks may hide headings, and strikethrough stays in titles."""
    return MarkdownIt("commonmark", {"maxNesting": 20}).enable(["table"])


def keep_spaces(parser: MarkdownIt) -> None:
    """Make the parser trim texts as CommonMark does: spaces and tabs, but no other white space.

    Chinese and Japanese paragraphs are indented with ideographic spaces.
    """
    for name, rule, ends in (
        ("paragraph", rules_block.paragraph, []),
        ("lheading", rules_block.lheading, []),
        ("heading", rules_block.heading, ["paragraph", "reference", "blockquote"]),
        ("table", rules_block.table, ["paragraph", "reference"]),
    ):
        function: Any = rule
        trimming = FunctionType(
            function.__code__, {**function.__globals__, "mdTrim": _trim}, name, function.__defaults__
        )
        parser.block.ruler.at(name, trimming, {"alt": ends})


def _trim(text: str) -> str:
    return text.strip(" \t\n")


def _line_break(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - markdown-it's signature
    match = _BREAK.match(state.src, state.pos)
    if match is None:
        return False
    if not silent:
        state.push("hardbreak", "br", 0)
    state.pos = match.end()
    return True

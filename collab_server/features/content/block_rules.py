"""HTML of callouts, toggles and formulas. Pure; for a worker process."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict

from collab_server.core.markdown.rules.callouts import callout_title
from collab_server.features.content import formulas

TAGS: Final = frozenset({"details", "div", "span", "summary"}) | formulas.TAGS
ATTRIBUTES: Final[Mapping[str, frozenset[str]]] = {
    "a": frozenset({"aria-label", "href", "id", "title"}),
    "div": frozenset({"aria-label", "class", "id", "role", "tabindex"}),
    "p": frozenset({"class"}),
    "span": frozenset({"class"}),
    "sup": frozenset({"class"}),
    "code": frozenset({"class", "title"}),
    **dict.fromkeys(formulas.TAGS, formulas.ATTRIBUTES),
}
"""HTML in Markdown is text, so only these rules write attributes: no document chooses a class."""


def add_block_rules(parser: MarkdownIt, *, as_text: bool = False) -> None:
    """Have a parser for documents write these blocks. `as_text`: formulas stay LaTeX."""
    for name, rule in (_RULES | _PLAIN_FORMULAS if as_text else _RULES).items():
        parser.add_render_rule(name, rule)


def _callout_open(_: RendererHTML, tokens: Sequence[Token], index: int, __: OptionsDict, ___: Any) -> str:
    kind = tokens[index].info
    return f'<div class="callout {kind}" role="note"><p class="callout-title">{callout_title(kind)}</p>\n'


def _callout_close(_: RendererHTML, __: Sequence[Token], ___: int, ____: OptionsDict, _____: Any) -> str:
    return "</div>\n"


def _inline_formula(_: RendererHTML, tokens: Sequence[Token], index: int, __: OptionsDict, ___: Any) -> str:
    token = tokens[index]
    if token.markup == "$":
        return formulas.write_formula(token.content, display=False)
    # `$$x$$` within a paragraph, where no block can stand.
    formula = formulas.write_formula(rf"\displaystyle {token.content}", display=False)
    return f'<span class="formula">{formula}</span>'


def _formula(_: RendererHTML, tokens: Sequence[Token], index: int, __: OptionsDict, ___: Any) -> str:
    return formulas.write_formula(tokens[index].content, display=True)


def _latex(_: RendererHTML, tokens: Sequence[Token], index: int, __: OptionsDict, ___: Any) -> str:
    return escape(tokens[index].content)


def _latex_block(_: RendererHTML, tokens: Sequence[Token], index: int, __: OptionsDict, ___: Any) -> str:
    return f"<p>{escape(tokens[index].content)}</p>\n"


def _footnote_reference(_: RendererHTML, tokens: Sequence[Token], index: int, __: OptionsDict, env: Any) -> str:
    label = tokens[index].info
    seen = env.setdefault("footnote_references", set())
    # A place to come back to is the first one.
    name = "" if label in seen else f' id="note-ref-{label}"'
    seen.add(label)
    return f'<sup class="footnote-ref"><a href="#note-{label}"{name}>{label}</a></sup>'


def _footnote_open(_: RendererHTML, tokens: Sequence[Token], index: int, __: OptionsDict, ___: Any) -> str:
    label = tokens[index].info
    return f'<div class="footnote" id="note-{label}"><p><sup>{label}</sup> '


def _footnote_close(_: RendererHTML, tokens: Sequence[Token], index: int, __: OptionsDict, ___: Any) -> str:
    back = f'<a href="#note-ref-{tokens[index].info}" aria-label="Back to the text">\u21a9</a>'
    return f" {back}</p></div>\n"


_RULES: Final = {
    "footnote_reference": _footnote_reference,
    "footnote_open": _footnote_open,
    "footnote_close": _footnote_close,
    "callout_open": _callout_open,
    "callout_close": _callout_close,
    "formula": _inline_formula,
    "formula_block": _formula,
}
_PLAIN_FORMULAS: Final = {"formula": _latex, "formula_block": _latex_block}

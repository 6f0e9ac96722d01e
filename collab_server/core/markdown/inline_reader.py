"""Reads the inline tokens of markdown-it as runs of text."""

import re
from collections.abc import Container, Iterator, Sequence
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from collab_server.core.markdown.runs import LinkTarget, MarkKey, Run, join_runs

_TAG: Final = re.compile(r"<(/?)(strong|b|em|i|s|del|u|mark|sub|sup)>", re.IGNORECASE)
_MARK_OF_TAG: Final = {"b": "strong", "i": "em", "del": "s"}
TAG_MARKS: Final = frozenset({"strong", "em", "s", "u", "mark", "sub", "sup"})
"""Marks that the writer writes as HTML tags, always or where their signs would be misread."""
_MAX_DEPTH: Final = 20
"""Nesting limit of tags of one name; deeper ones are text."""


def add_tag_rule(parser: MarkdownIt) -> None:
    """Have the parser make tokens `tag` of the HTML tags for marks."""
    parser.inline.ruler.before("autolink", "tag", read_tag)


def add_html_tags(parser: MarkdownIt) -> None:
    """Have the parser's HTML contain the tags for marks. Tags without a counterpart are text."""
    add_tag_rule(parser)
    parser.core.ruler.push("tags", _keep_pairs)


def _keep_pairs(state: StateCore) -> None:
    for token in state.tokens:
        children = token.children or []
        paired = _pair_tags(children, TAG_MARKS) if any(child.type == "tag" for child in children) else {}
        for index, child in enumerate(children):
            if index in paired:
                name, opens = paired[index]
                child.type, child.content = "html_inline", f"<{name}>" if opens else f"</{name}>"
            elif child.type == "tag":
                child.type = "text"


def read_tag(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - markdown-it's signature
    """Rule of markdown-it: make a token `tag` of an HTML tag for a mark."""
    match = _TAG.match(state.src, state.pos)
    if match is None:
        return False
    if not silent:
        state.push("tag", "", 0).content = match[0]
    state.pos = match.end()
    return True


def read_inline(tokens: Sequence[Token], marks: Container[str]) -> list[Run]:
    """The runs of a block, neighbours of equal marks joined. Signs of other marks and unknown tokens are text."""
    return list(join_runs(_read(tokens, marks)))


def _read(tokens: Sequence[Token], known: Container[str]) -> Iterator[Run]:
    paired = _pair_tags(tokens, known)
    marks: list[MarkKey] = []
    for index, token in enumerate(tokens):
        match token.type:
            case "text" | "text_special":
                yield Run("text", token.content, frozenset(marks))
            case "code_inline":
                yield Run("code", token.content, frozenset(marks))
            case "formula":
                yield Run("formula", token.content, frozenset(marks))
            case "footnote_reference":
                yield Run("footnote", token.info, frozenset(marks))
            case "softbreak":
                yield Run("text", " ", frozenset(marks))
            case "hardbreak":
                yield Run("break", "", frozenset(marks))
            case "image":
                yield Run("image", _alternative(token), frozenset(marks), _target(token, "src"))
            case "strong_open" | "em_open" | "s_open" if token.tag in known:
                marks.append(token.tag)
            case "strong_close" | "em_close" | "s_close" if token.tag in known:
                marks.remove(token.tag)
            case "link_open":
                marks.append(_target(token, "href"))
            case "link_close":
                marks.remove(next(mark for mark in marks if isinstance(mark, tuple)))
            case "tag" if index in paired:
                name, opens = paired[index]
                marks.append(name) if opens else marks.remove(name)
            case _:
                yield Run("text", token.content or token.markup, frozenset(marks))


def _pair_tags(tokens: Sequence[Token], known: Container[str]) -> dict[int, tuple[str, bool]]:
    """(mark, whether it opens) by index, for each tag with a counterpart."""
    pairs: dict[int, tuple[str, bool]] = {}
    opened: dict[str, list[int]] = {}
    for index, token in enumerate(tokens):
        if token.type != "tag" or (tag := _TAG.match(token.content)) is None:
            continue
        name = tag[2].lower()
        mark = _MARK_OF_TAG.get(name, name)
        if mark not in known:
            continue
        if not tag[1]:
            opened.setdefault(name, []).append(index)
        elif starts := opened.get(name):
            start = starts.pop()
            if len(starts) < _MAX_DEPTH:
                pairs[start] = (mark, True)
                pairs[index] = (mark, False)
    return pairs


def _target(token: Token, attribute: str) -> LinkTarget:
    return ("link", str(token.attrs.get(attribute, "")), str(token.attrs.get("title", "") or ""))


def _alternative(image: Token) -> str:
    parts: list[str] = []
    for token in image.children or []:
        if token.type == "image":
            parts.append(_alternative(token))
        elif token.type in ("softbreak", "hardbreak"):
            parts.append(" ")
        elif token.type in ("text", "text_special", "code_inline"):
            parts.append(token.content)
        elif token.type == "formula":
            parts.append(f"{token.markup}{token.content}{token.markup}")
    return "".join(parts)

"""Conversion of a comment's Markdown to safe HTML. Pure; for a worker process, because it may be slow.

Paragraphs, emphasis, code, lists, links, quotes and mentions. Everything else, HTML too, is text.
"""

import re
from collections.abc import Iterable, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import nh3
from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import OptionsDict

from collab_server.core.markdown.parser import new_parser
from collab_server.features.comments.mentions import MAX_UNREACHABLE, Reader, Readers
from collab_server.features.content.markup import LANGUAGE, LINK_RELATION, TooLong, limit_time

MAX_SECONDS: Final = 3.0
MAX_HTML_BYTES: Final = 1_000_000

_TAGS: Final = frozenset(
    ["a", "blockquote", "br", "code", "em", "li", "ol", "p", "pre", "s", "span", "strong", "ul"],
)
_ATTRIBUTES: Final = {"a": {"href", "title"}, "code": {"class"}, "ol": {"start"}, "span": {"class", "data-user"}}
_USER: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Rendered:
    """`mentioned`: ids of people in the text. `unreachable`: mentions of nobody who reads the document, as written."""

    html: str
    mentioned: tuple[UUID, ...]
    unreachable: tuple[str, ...]


@dataclass(slots=True)
class _Found:
    readers: Readers
    mentioned: dict[UUID, None] = field(default_factory=dict)
    unreachable: dict[str, None] = field(default_factory=dict)


def render(content: str, readers: Iterable[Reader]) -> Rendered:
    """Convert a comment. `readers`: the people whom it may mention. Raises TooLong."""
    found = _Found(Readers(readers))
    with limit_time(MAX_SECONDS):
        page = nh3.clean(
            _make_parser().render(content, {"found": found}),
            tags=set(_TAGS),
            attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
            attribute_filter=_kept,
            url_schemes={"http", "https", "mailto", "tel"},
            link_rel=LINK_RELATION,
        )
    if len(page.encode()) > MAX_HTML_BYTES:
        raise TooLong(f"the result has more than {MAX_HTML_BYTES} bytes")
    return Rendered(page, tuple(found.mentioned), tuple(found.unreachable)[:MAX_UNREACHABLE])


def _make_parser() -> MarkdownIt:
    parser = new_parser().disable(["heading", "lheading", "hr", "table", "image"])
    parser.options["breaks"] = True
    # nh3 checks links later, and better.
    parser.validateLink = lambda _: True  # type: ignore[assignment,method-assign]
    parser.inline.ruler.before("link", "mention", _mention)
    parser.inline.add_terminator_char("@")
    parser.add_render_rule("mention", _render_mention)
    return parser


def _mention(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - markdown-it's signature
    if state.src[state.pos] != "@":
        return False
    found: _Found = state.env["found"]
    mention = found.readers.find_mention(state.src, state.pos)
    if mention is None or mention.end > state.posMax:
        return False
    if not silent:
        if mention.reader is None:
            found.unreachable[mention.written] = None
            state.append_pending(mention.written)
        else:
            found.mentioned[mention.reader.id] = None
            token = state.push("mention", "", 0)
            token.meta = {"id": str(mention.reader.id)}
            token.content = mention.reader.name
    state.pos = mention.end
    return True


def _render_mention(
    _: RendererHTML, tokens: list[Token], index: int, __: OptionsDict, ___: MutableMapping[str, Any]
) -> str:
    token = tokens[index]
    return f'<span class="mention" data-user="{token.meta["id"]}">@{escapeHtml(token.content)}</span>'


def _kept(tag: str, attribute: str, value: str) -> str | None:
    """Return an attribute's value, None without one."""
    if (tag, attribute) == ("code", "class"):
        return value if LANGUAGE.fullmatch(value) else None
    if tag == "span":
        wanted = value == "mention" if attribute == "class" else _USER.fullmatch(value)
        return value if wanted else None
    return value

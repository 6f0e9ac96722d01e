"""Conversion of Markdown to safe HTML and to plain text. Pure; for a worker process, because it may be slow."""

import html
import re
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Final, Literal, Protocol

import nh3
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from collab_server.core.markdown import front_matter, places
from collab_server.core.markdown.inline_reader import add_html_tags
from collab_server.core.markdown.parser import new_document_parser
from collab_server.features.content import block_rules

RENDERER: Final = 4
"""Version of the output. Increase it with each change of the HTML, so that cached HTML is dropped."""

MAX_SECONDS: Final = 3.0
MAX_RENDERED_BYTES: Final = 8_000_000

LINK_RELATION: Final = "noopener noreferrer nofollow ugc"

Format = Literal["html", "text"]

_TAGS: Final = frozenset(
    [
        "a",
        "blockquote",
        "br",
        "code",
        "em",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "img",
        "input",
        "li",
        "mark",
        "ol",
        "p",
        "pre",
        "s",
        "strong",
        "sub",
        "sup",
        "table",
        "tbody",
        "td",
        "th",
        "thead",
        "tr",
        "u",
        "ul",
    ]
)
_ATTRIBUTES: Final = {
    **block_rules.ATTRIBUTES,
    "img": {"src", "alt", "title"},
    "input": {"checked"},
    "ol": {"start"},
    "td": {"align"},
    "th": {"align"},
}
_IMAGE_DATA: Final = re.compile(r"data:image/(?:png|jpeg|gif|webp|avif);base64,[A-Za-z0-9+/=\s]*", re.IGNORECASE)
LANGUAGE: Final = re.compile(r"language-[\w+#.-]{1,40}")
_TASK: Final = re.compile(r"\[([ xX])\][ \t]+")
_BOX: Final = re.compile(r"<input[^<>]*>")
_ALIGNED: Final = re.compile(r"text-align:\s*(left|center|right)")


class TooLong(Exception):
    """The result needs too much time or space."""


def render(markdown: str, kind: Format, ranges: Sequence[places.Range] = ()) -> str:
    """Sanitised HTML, or its text without tags; front matter is not shown. `ranges`: of the text without front matter;
    the HTML gets their marks, see core.markdown.places. Raises TooLong.
    """
    with limit_time(MAX_SECONDS):
        parser = _make_parser(kind)
        if ranges:
            places.add_place_rules(parser)
            places.mark_ranges(parser, ranges)
        rendered = _sanitise(parser.render(front_matter.split_front_matter(markdown)[1]))
        if kind == "text":
            rendered = _extract_text(rendered)
    if len(rendered.encode()) > MAX_RENDERED_BYTES:
        raise TooLong(f"the result has more than {MAX_RENDERED_BYTES} bytes")
    return rendered


def _make_parser(kind: Format) -> MarkdownIt:
    """CommonMark with GFM's tables, strikethrough and task lists, and what `new_document_parser` adds.

    A task's box is an `html_inline` token.
    """
    # HTML within Markdown is shown as text: deeply nested HTML would take the sanitiser minutes.
    parser = new_document_parser()
    block_rules.add_block_rules(parser, as_text=kind == "text")
    add_task_rule(parser, _write_box)
    add_html_tags(parser)
    parser.core.ruler.push("alignment", _alignment)
    # nh3 checks links later, and better.
    parser.validateLink = lambda _: True  # type: ignore[assignment,method-assign]
    return parser


class WriteBox(Protocol):
    """Returns the HTML of a task's checkbox, with a space."""

    def __call__(self, *, checked: bool) -> str: ...


def add_task_rule(parser: MarkdownIt, write_box: WriteBox) -> None:
    """Have `- [ ] text` and `- [x] text` begin with a box, an `html_inline` token."""

    def find_tasks(state: StateCore) -> None:
        _find_tasks(state, write_box)

    # Before escaped characters are joined with the text: `\[ ]` begins no task.
    parser.core.ruler.before("text_join", "tasks", find_tasks)


def _write_box(*, checked: bool) -> str:
    return f'<input type="checkbox" disabled{" checked" if checked else ""}> '


def _find_tasks(state: StateCore, write_box: WriteBox) -> None:
    opened: list[Token] = state.tokens
    for item, paragraph, inline in zip(opened, opened[1:], opened[2:], strict=False):
        if item.type != "list_item_open" or paragraph.type != "paragraph_open" or not inline.children:
            continue
        first = inline.children[0]
        found = _TASK.match(first.content) if first.type == "text" else None
        if found is None:
            continue
        first.content = first.content[found.end() :]
        box = Token("html_inline", "", 0, content=write_box(checked=found[1] != " "))
        inline.children.insert(0, box)


def _alignment(state: StateCore) -> None:
    """Columns are aligned by an attribute: no style survives."""
    for token in state.tokens:
        if token.type in ("th_open", "td_open") and (found := _ALIGNED.match(str(token.attrs.pop("style", "")))):
            token.attrs["align"] = found[1]


def _kept(tag: str, attribute: str, value: str) -> str | None:
    """Return an attribute's value, None without one."""
    if (tag, attribute) == ("code", "class"):
        return value if LANGUAGE.fullmatch(value) or value == "bad-formula" else None
    return value if is_safe_address(tag, attribute, value) else None


def is_safe_address(tag: str, attribute: str, value: str) -> bool:
    """Whether an address that the sanitiser lets pass may stay: of data, only pictures may."""
    if not value.lstrip().lower().startswith("data:"):
        return True
    return (tag, attribute) == ("img", "src") and _IMAGE_DATA.fullmatch(value.strip()) is not None


def _sanitise(page: str) -> str:
    return nh3.clean(
        page,
        tags=set(_TAGS | block_rules.TAGS),
        attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
        attribute_filter=_kept,
        set_tag_attribute_values={"input": {"type": "checkbox", "disabled": ""}},
        url_schemes={"http", "https", "mailto", "tel", "data"},
        link_rel=LINK_RELATION,
    )


def _extract_text(page: str) -> str:
    """The text of sanitised HTML: no tags, entities resolved, at most one empty line between paragraphs."""
    page = re.sub(r"<(?:br|hr)>\n?", "\n", page)
    page = _BOX.sub(lambda box: "[x]" if "checked" in box[0] else "[ ]", page)
    text = html.unescape(nh3.clean(page, tags=set()))
    return re.sub(r"\n{3,}", "\n\n", text).strip("\n") + "\n" if text.strip() else ""


@contextmanager
def limit_time(seconds: float) -> Iterator[None]:
    """Raise TooLong after `seconds` of CPU time, in the main thread only (as in worker processes), because it needs
    signals. CPU time does not depend on the load of the machine.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(_: int, __: FrameType | None) -> None:
        raise TooLong(f"it takes longer than {seconds:g} s")

    before = signal.signal(signal.SIGPROF, ring)
    signal.setitimer(signal.ITIMER_PROF, seconds, 0.1)  # again: where Python cannot pass it on, an exception is lost
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)

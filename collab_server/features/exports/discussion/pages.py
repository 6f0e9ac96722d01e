"""Comments in HTML: highlighted words with numbers, and a section at the end. Pure; for a worker process."""

import html
import re
from collections.abc import Sequence
from typing import Final

import nh3

from collab_server.core.markdown import places
from collab_server.features.content import markup
from collab_server.features.exports.discussion.threads import Discussion, Thread, format_moment

STYLE: Final = """\
mark.comment { background: color-mix(in srgb, gold 35%, transparent); color: inherit; }
sup.comment { line-height: 0; }
.comments { margin-top: 3em; border-top: 1px solid color-mix(in srgb, currentcolor 30%, transparent); font-size: .92em; }
.comments .resolved { opacity: .7; }
.comments article article { margin-inline-start: 1.5em; }
.comments .by { font-size: .92em; }
"""  # noqa: E501

_PART: Final = re.compile(r'<[^<>"]*(?:"[^"]*"[^<>"]*)*>|' + places.MARKS.pattern)
_TAGS: Final = {"a", "blockquote", "br", "code", "em", "li", "ol", "p", "pre", "s", "span", "strong", "ul"}


def render(discussion: Discussion) -> str:
    """Return sanitised HTML of the body, with its comments. Raises TooLong."""
    found = discussion.arrange()
    page = markup.render(found.front + found.text, "html", found.ranges)
    page, shown = _highlight(page, len(found.placed))
    numbered = [(number, found.placed[index]) for number, index in enumerate(shown, 1)]
    missing = [each for index, each in enumerate(found.placed) if index not in set(shown)]
    numbered += enumerate([*missing, *found.others], len(numbered) + 1)
    return page + _write_section(numbered, len(shown))


def _highlight(page: str, ranges: int) -> tuple[str, list[int]]:
    """Return (the page with elements for its marks, the ranges in it, in the order of their ends)."""
    begun: set[int] = set()
    whole: list[int] = []
    for found in places.MARKS.finditer(page):
        number, end = places.read_mark(found[0])
        if not end:
            begun.add(number)
        elif number in begun and number < ranges:
            whole.append(number)
    numbers = {index: number for number, index in enumerate(whole, 1)}
    parts: list[str] = []
    open_: dict[int, None] = {}
    at = 0
    for found in _PART.finditer(page):
        parts.append(_mark(page[at : found.start()], [numbers[index] for index in open_]))
        at = found.end()
        if found[0].startswith("<"):
            parts.append(found[0])
            continue
        index, end = places.read_mark(found[0])
        if index not in numbers:
            continue
        if not end:
            open_[index] = None
        else:
            open_.pop(index, None)
            number = numbers[index]
            parts.append(
                f'<sup class="comment" id="comment-ref-{number}"><a href="#comment-{number}">[{number}]</a></sup>'
            )
    parts.append(page[at:])
    return "".join(parts), whole


def _mark(text: str, numbers: Sequence[int]) -> str:
    if not numbers or not text.strip():
        return text
    return f'<mark class="comment" data-comments="{" ".join(map(str, numbers))}">{text}</mark>'


def _write_section(numbered: Sequence[tuple[int, Thread]], placed: int) -> str:
    if not numbered:
        return ""
    parts = ['<section class="comments">\n<h2>Comments</h2>\n']
    for number, thread in numbered:
        state = " resolved" if thread.resolved else ""
        parts.append(f'<article class="thread{state}" id="comment-{number}">\n')
        link = f'<a href="#comment-ref-{number}">[{number}]</a>' if number <= placed else f"[{number}]"
        quote = html.escape(thread.quote) if thread.quote is not None else "On the document"
        shown = f"<q>{quote}</q>" if thread.quote is not None else quote
        gone = " (these words are no longer in the text)" if thread.quote is not None and thread.start is None else ""
        parts.append(f"<p>{link} {shown}{gone}{' &#183; resolved' if thread.resolved else ''}</p>\n")
        for place, entry in enumerate(thread.entries):
            by = f'<p class="by"><strong>{html.escape(entry.author)}</strong>, {format_moment(entry.at)}</p>\n'
            body = by + _sanitise(entry.html)
            parts.append(f"<article>\n{body}</article>\n" if place else body)
        parts.append("</article>\n")
    parts.append("</section>\n")
    return "".join(parts)


def _sanitise(page: str) -> str:
    return nh3.clean(
        page,
        tags=set(_TAGS),
        attributes={"a": {"href", "title"}, "ol": {"start"}, "span": {"class"}},
        url_schemes={"http", "https", "mailto", "tel"},
        link_rel=markup.LINK_RELATION,
    )

"""Finds a quote in a content.

White space and the ends of blocks match each other. Signs of Markdown may be in the quote, all of them or none.
"""

from collections.abc import Iterator
from typing import Final

from collab_server.core.anchors.content_units import ContentUnits
from collab_server.core.anchors.visible_text import VisibleText, agreement, read_visible, squeeze
from collab_server.core.anchors.wishes import QuoteWish
from collab_server.errors import UnprocessableContent

MAX_OCCURRENCES: Final = 10_000
"""Occurrences of a quote that are compared with its context."""
MAX_CONTEXT: Final = 1_000
"""UTF-16 units of a context that are compared."""


def find_quote(units: ContentUnits, wanted: QuoteWish) -> tuple[int, int]:
    """Where the quote is: UTF-16 units of the content, from its first to its last visible character.

    Raises UnprocessableContent where it is absent or ambiguous.
    """
    quote = squeeze(wanted.quote)
    if not quote:
        raise UnprocessableContent("the quote is empty")
    found: dict[tuple[int, int], int] = {}
    readings = [VisibleText(units)]
    if units.format == "markdown":
        readings.append(VisibleText(units, with_signs=True))
    for reading in readings:
        for start, end, agreed in _find_in(units, reading, quote, wanted):
            first, last = units.visible_right(start), units.visible_left(end)
            if first is not None and last is not None and start <= first <= last < end:
                found[first, last + 1] = max(agreed, found.get((first, last + 1), 0))
    if not found:
        raise UnprocessableContent("the quote is not in the document")
    if len(found) == 1:
        return next(iter(found))
    best = max(found.values())
    places = [place for place, agreed in found.items() if agreed == best]
    if len(places) > 1 or not best:
        hint = "give more of the text" if wanted.prefix or wanted.suffix else "give the text"
        raise UnprocessableContent(f"the quote is in the document {len(found)} times: {hint} before or behind it")
    return places[0]


def _find_in(
    units: ContentUnits, reading: VisibleText, quote: str, wanted: QuoteWish
) -> Iterator[tuple[int, int, int]]:
    """(start, end, agreement of the context) of the quote's occurrences."""
    prefix, suffix = squeeze(wanted.prefix)[-MAX_CONTEXT:], squeeze(wanted.suffix)[:MAX_CONTEXT]
    words = wanted.quote.split()
    for number, at in enumerate(reading.occurrences(quote)):
        if number >= MAX_OCCURRENCES:
            raise UnprocessableContent(f"the quote is in the document more than {MAX_OCCURRENCES} times")
        end = at + len(quote)
        start, stop = reading.place(at), reading.place(end - 1) + 1
        read = units.text(start, stop) if reading.with_signs else read_visible(units, start, stop)
        if read.split() != words:
            continue
        before, behind = reading.text[max(0, at - len(prefix)) : at], reading.text[end : end + len(suffix)]
        yield start, stop, agreement(prefix, before, suffix, behind)

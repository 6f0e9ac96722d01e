"""What PostgreSQL marked, as HTML."""

import html
import re

START, END = "\x02", "\x03"
"""Around what was found; nowhere else in what `app.search_marked` gives."""

_BETWEEN = re.compile(rf"{END}([ \t]*|[-_./\\:@+#~'\u2019]){START}")
"""Between two words of a phrase, and between two parts of a compound."""


def highlighted(marked: str) -> str:
    """Escaped text on one line, with <mark> around what was found."""
    text = _BETWEEN.sub(r"\1", " ".join(marked.split()))
    return html.escape(text).replace(START, "<mark>").replace(END, "</mark>")

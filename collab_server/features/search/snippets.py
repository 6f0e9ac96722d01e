"""Conversion of marked snippets to HTML."""

import html
import re

START, END = "\x02", "\x03"
"""Marks around matches; `app.search_marked` uses them for nothing else."""

_BETWEEN = re.compile(rf"{END}([ \t]*|[-_./\\:@+#~'\u2019]){START}")
"""Signs between two words of a phrase, or between two parts of a compound."""


def highlight(marked: str) -> str:
    """Return escaped text on one line, with <mark> around matches."""
    text = _BETWEEN.sub(r"\1", " ".join(marked.split()))
    return html.escape(text).replace(START, "<mark>").replace(END, "</mark>")

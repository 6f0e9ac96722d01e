"""Media types of a document's content."""

from typing import Final

MARKDOWN: Final = "text/markdown"
JSON: Final = "application/json"

FORMATS: Final = {"markdown": MARKDOWN, "text": "text/plain", "html": "text/html", "json": JSON}


def choose_format(accept: str) -> str:
    """Choose the first media type of the header Accept that is offered; Markdown if there is none."""
    for part in accept.split(","):
        kind = part.partition(";")[0].strip().lower()
        if kind in FORMATS.values():
            return kind
    return MARKDOWN

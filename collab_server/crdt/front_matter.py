"""The front matter of a Markdown text: lines of YAML between two lines of `---` at its very beginning.

It is told by its shape, since whoever only skips it need not read YAML: every line that is not indented is a key with
its value, an item of a list, or a comment.
"""

import re
from typing import Final

MAX_CHARACTERS: Final = 32_768
"""What is longer is text."""
LANGUAGE: Final = "frontmatter"
"""Of the code block that keeps it in a document of an editor, where text has no such place."""

_KEY: Final = re.compile(r"""(?:"[^"]{0,200}"|'[^']{0,200}'|[^\s#\-\[\]{}|>*&!%@`"',:][^:]{0,200})\s*:(?:\s|\Z)""")
_OTHER: Final = re.compile(r"\s|\Z|#|-(?:\s|\Z)|[\]}]\s*\Z")


def split(text: str) -> tuple[str, str]:
    """(the front matter with the lines around it, '' where there is none; the text behind it)"""
    if not text.startswith("---"):
        return "", text
    head = text[: MAX_CHARACTERS + 1]
    # What is cut off could be the rest of the last line.
    lines = head.split("\n") if len(head) <= MAX_CHARACTERS else head.split("\n")[:-1]
    if not lines or lines[0].rstrip() != "---":
        return "", text
    keys = 0
    size = len(lines[0]) + 1
    for line in lines[1:]:
        size += len(line) + 1
        if line.rstrip() in ("---", "..."):
            return (text[:size], text[size:]) if keys else ("", text)
        if _KEY.match(line):
            keys += 1
        elif not _OTHER.match(line):
            break
    return "", text


def inner(block: str) -> str:
    """The lines between the first and the last of what `split` found."""
    return "\n".join(block.rstrip().split("\n")[1:-1])

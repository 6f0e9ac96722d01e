"""Front matter of Markdown texts: lines of YAML between two lines of `---` at the beginning.

It is recognized without a YAML parser: every unindented line is a key with its value, a list item, or a comment.
"""

import re
from typing import Final

MAX_CHARACTERS: Final = 32_768
"""Length limit; longer front matter is text."""
LANGUAGE: Final = "frontmatter"
"""Language of the code block for front matter in editors' documents."""

_KEY: Final = re.compile(r"""(?:"[^"]{0,200}"|'[^']{0,200}'|[^\s#\-\[\]{}|>*&!%@`"',:][^:]{0,200})\s*:(?:\s|\Z)""")
_OTHER: Final = re.compile(r"\s|\Z|#|-(?:\s|\Z)|[\]}]\s*\Z")


def split_front_matter(text: str) -> tuple[str, str]:
    """Split a text: (front matter with its delimiter lines, or ''; the text after it)."""
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


def front_matter_lines(block: str) -> str:
    """The lines between the delimiter lines."""
    return "\n".join(block.rstrip().split("\n")[1:-1])

"""Line ends in texts: stored texts have line feeds only.

Editors count a line end as one character, so a carriage return in a Y.Text shifts all later positions of an editor by
one.
"""

import re
from typing import Final

from collab_server.core.text.diff import Change

_RETURN: Final = re.compile("\r\n?")


def normalize_line_ends(text: str) -> str:
    """Replace each CR LF and each CR by a line feed."""
    return _RETURN.sub("\n", text) if "\r" in text else text


def line_end_changes(text: str) -> list[Change]:
    """The changes of `normalize_line_ends`; they leave existing line feeds in place."""
    return [
        Change(match.start(), match.start() + 1, "" if len(match[0]) == 2 else "\n") for match in _RETURN.finditer(text)
    ]

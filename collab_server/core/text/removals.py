"""Large removals: edits before which the text is kept as a version."""

from typing import Final

LARGE_REMOVAL: Final = 200
"""Characters. An edit that removes as many, and more than half of the text, is a large removal."""


def is_large_removal(removed: int, length: int) -> bool:
    """Whether an edit that removes so many characters of a text of this length is a large removal."""
    return removed >= LARGE_REMOVAL and removed * 2 > length

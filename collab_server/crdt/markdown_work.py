"""How much work a Markdown text is to read, told before it is read.

markdown-it takes time for signs, not for letters: some 10 us for each unit counted here, in texts made to be slow. Its
time is linear in their number.
"""

from typing import Final

from collab_server.errors import TooMuchWork

MAX_WORK: Final = 200_000
"""Units: about two seconds of the processor. A megabyte of prose with its links and emphasis has half of that."""
_UNITS: Final = {"[": 4, "\n": 5, "*": 2, "_": 2, "~": 2, **dict.fromkeys("`<&|>#\\-+!", 1)}


def work_of(text: str) -> int:
    """Units."""
    return sum(text.count(sign) * units for sign, units in _UNITS.items())


def check(text: str) -> None:
    """Raises TooMuchWork."""
    if work_of(text) > MAX_WORK:
        raise TooMuchWork("this text has more signs of Markdown (brackets, lines, emphasis) than the server reads")

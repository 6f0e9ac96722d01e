"""Estimates the cost of parsing a Markdown text before parsing.

The cost of markdown-it depends on syntax characters: some 10 us per unit in the slowest texts, and linear in their
number.
"""

from typing import Final

from collab_server.errors import TooMuchWork

MAX_COST: Final = 200_000
"""Limit in units: about two seconds of CPU time. A megabyte of prose with links and emphasis has half of it."""
_UNITS: Final = {"[": 4, "\n": 5, "*": 2, "_": 2, "~": 2, **dict.fromkeys("`<&|>#\\-+!$", 1)}


def parsing_cost(text: str) -> int:
    """The cost in units."""
    return sum(text.count(sign) * units for sign, units in _UNITS.items())


def check_parsing_cost(text: str) -> None:
    """Raise TooMuchWork for a cost above the limit."""
    if parsing_cost(text) > MAX_COST:
        raise TooMuchWork("this text has more signs of Markdown (brackets, lines, emphasis) than the server reads")

"""In which columns the cells of a table stand, some of which span columns or rows."""

from typing import Any, Final

from collab_server.crdt.prosemirror import Node

MAX_COLUMNS: Final = 100
_MAX_ROWS: Final = 65_534
"""That a cell may span, as browsers have it."""


def placed(row: Node, spanned: dict[int, tuple[int, Node]]) -> list[tuple[Node, int]]:
    """The cells of a row, each with the column it stands in.

    spanned: by column, over how many rows from this one on a cell above goes, and that cell; it is brought forward to
    the next row.
    """
    found: list[tuple[Node, int]] = []
    beyond = {column: (left - 1, cell) for column, (left, cell) in spanned.items() if left > 1}
    at = 0
    for cell in row.content:
        while at in spanned:
            at += 1
        found.append((cell, at))
        down = integer(cell.attributes.get("rowspan"), 1, 1, _MAX_ROWS)
        if down > 1:
            covered = range(at, min(at + columns(cell), MAX_COLUMNS))
            beyond.update(dict.fromkeys(covered, (down - 1, cell)))
        at += columns(cell)
    spanned.clear()
    spanned.update(beyond)
    return found


def columns(cell: Node) -> int:
    """How many a cell spans."""
    return integer(cell.attributes.get("colspan"), 1, 1, MAX_COLUMNS)


def integer(value: Any, default: int, least: int, most: int) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        return default
    return min(max(number, least), most)

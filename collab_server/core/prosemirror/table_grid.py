"""Computes the columns of table cells, including cells over several columns or rows."""

from typing import Any, Final

from collab_server.core.prosemirror.nodes import Node

MAX_COLUMNS: Final = 100
_MAX_ROWS: Final = 65_534
"""Limit of rowspan, as in browsers."""


def place_cells(row: Node, spanned: dict[int, tuple[int, Node]]) -> list[tuple[Node, int]]:
    """The cells of a row with their columns.

    spanned: by column, the cells of rows above with their number of remaining rows; updated for the next row.
    """
    cells: list[tuple[Node, int]] = []
    remaining = {column: (left - 1, cell) for column, (left, cell) in spanned.items() if left > 1}
    column = 0
    for cell in row.content:
        while column in spanned:
            column += 1
        cells.append((cell, column))
        down = read_integer(cell.attributes.get("rowspan"), 1, 1, _MAX_ROWS)
        if down > 1:
            covered = range(column, min(column + column_span(cell), MAX_COLUMNS))
            remaining.update(dict.fromkeys(covered, (down - 1, cell)))
        column += column_span(cell)
    spanned.clear()
    spanned.update(remaining)
    return cells


def column_span(cell: Node) -> int:
    """The number of columns of a cell."""
    return read_integer(cell.attributes.get("colspan"), 1, 1, MAX_COLUMNS)


def read_integer(value: Any, default: int, minimum: int, maximum: int) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        return default
    return min(max(number, minimum), maximum)

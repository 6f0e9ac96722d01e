"""An HTML page with two texts side by side."""

from collections.abc import Iterator
from html import escape
from typing import Final

from collab_server.core.text.sequence_diff import diff_sequences
from collab_server.core.text.unified import CONTEXT, diff_words, split_lines

MARKED_CHARACTERS: Final = 10_000
"""Changed lines of up to this length are compared by words."""

_STYLE: Final = """
:root { color-scheme: light dark; font: 14px/1.5 system-ui, sans-serif }
body { margin: 1rem }
table { border-collapse: collapse; width: 100%; table-layout: fixed }
th { text-align: left; padding: .25rem .5rem }
td { vertical-align: top; padding: 0 .5rem; white-space: pre-wrap; overflow-wrap: anywhere }
td { font-family: ui-monospace, monospace }
td.n { width: 3.5rem; text-align: right; opacity: .6; user-select: none }
td.removed { background: light-dark(#ffebe9, #4a2325) } td.added { background: light-dark(#e6ffec, #1d3a26) }
del { background: light-dark(#ffc1bc, #8a3236); text-decoration: none }
ins { background: light-dark(#abf2bc, #2a6b3c); text-decoration: none }
tr.gap td { text-align: center; opacity: .6 }
col.n { width: 3.5rem }
"""


def write_side_by_side(old: str, new: str, old_name: str, new_name: str) -> str:
    """Write an HTML page with the changed lines of two texts and the lines around them; changed words are marked."""
    rows = "".join(_write_rows(old, new)) or '<tr class="gap"><td colspan="4">No differences</td></tr>'
    title = f"{escape(old_name)} and {escape(new_name)}"
    return (
        f'<!doctype html><html><head><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style></head><body>'
        '<table><colgroup><col class="n"><col><col class="n"><col></colgroup>'
        f'<thead><tr><th colspan="2" scope="col">{escape(old_name)}</th>'
        f'<th colspan="2" scope="col">{escape(new_name)}</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></body></html>"
    )


def _write_rows(old: str, new: str) -> Iterator[str]:
    before, after = split_lines(old), split_lines(new)
    position = other = 0
    is_first = True
    for a, b, c, d in diff_sequences(before, after):
        equal = a - position
        shown = CONTEXT if is_first else 2 * CONTEXT
        if equal > shown:
            if not is_first:
                yield from _write_equal(before, position, other, CONTEXT)
            yield '<tr class="gap"><td colspan="4">…</td></tr>'
            skipped = equal - CONTEXT
            position, other = position + skipped, other + skipped
            equal = CONTEXT
        yield from _write_equal(before, position, other, equal)
        for index in range(max(b - a, d - c)):
            yield _write_changed(
                (a + index + 1, before[a + index]) if a + index < b else None,
                (c + index + 1, after[c + index]) if c + index < d else None,
            )
        position, other, is_first = b, d, False
    if not is_first:
        yield from _write_equal(before, position, other, min(CONTEXT, len(before) - position))


def _write_equal(lines: list[str], start: int, other: int, count: int) -> Iterator[str]:
    for index in range(count):
        text = escape(lines[start + index].rstrip("\n"))
        yield (
            f'<tr><td class="n">{start + index + 1}</td><td>{text}</td>'
            f'<td class="n">{other + index + 1}</td><td>{text}</td></tr>'
        )


def _write_changed(old: tuple[int, str] | None, new: tuple[int, str] | None) -> str:
    removed = escape(old[1].rstrip("\n")) if old else ""
    added = escape(new[1].rstrip("\n")) if new else ""
    if old and new and len(old[1]) + len(new[1]) <= MARKED_CHARACTERS:
        pieces = diff_words(old[1].rstrip("\n"), new[1].rstrip("\n"))
        marks = {"equal": "{}", "delete": "<del>{}</del>", "insert": "<ins>{}</ins>"}
        removed = "".join(marks[one.operation].format(escape(one.text)) for one in pieces if one.operation != "insert")
        added = "".join(marks[one.operation].format(escape(one.text)) for one in pieces if one.operation != "delete")
    return (
        f'<tr><td class="n">{old[0] if old else ""}</td><td{" class=removed" if old else ""}>{removed}</td>'
        f'<td class="n">{new[0] if new else ""}</td><td{" class=added" if new else ""}>{added}</td></tr>'
    )

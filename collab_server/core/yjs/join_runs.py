"""Joins typed texts in an encoded update: one item for a run that a client typed one character after the other.

Merging updates keeps an item for each keystroke. A Doc joins them while it reads, at quadratic cost. The joined item
means the same: where another item stands inside the run, Yjs splits it again, and the parts get the origins that they
had. See https://github.com/yjs/yjs/blob/main/INTERNALS.md.
"""

from dataclasses import dataclass

from collab_server.core.yjs.contents import is_marked, walk_structs
from collab_server.core.yjs.lib0 import read_var_uint, write_var_uint
from collab_server.core.yjs.structs import STRING


@dataclass(slots=True)
class _Run:
    """Texts to join: the position of the first struct and of its content, its right origin, and the encoded texts."""

    start: int
    content: int
    right_origin: bytes
    texts: list[bytes]


def join_runs(update: bytes) -> bytes:
    """The validated update with joined texts."""
    sections, position = read_var_uint(update, 0)
    written = [write_var_uint(sections)]
    for _ in range(sections):
        count, position = read_var_uint(update, position)
        header = position
        _, position = read_var_uint(update, position)
        client = update[header:position]
        clock, position = read_var_uint(update, position)
        first = copied = position
        pieces: list[bytes] = []
        run: _Run | None = None
        structs = count
        for kind, start, content, end, length, right_origin in walk_structs(update, first, count):
            position = end
            after: _Run | None = None
            if kind == STRING and not is_marked(update, content):
                text = update[read_var_uint(update, content)[1] : end]
                if run is not None and _continues(update, client + write_var_uint(clock - 1), run, start, right_origin):
                    after = run
                    run.texts.append(text)
                    structs -= 1
                else:
                    after = _Run(start, content, right_origin, [text])
            if after is not run and run is not None and len(run.texts) > 1:
                pieces += (update[copied : run.start], *_joined(update, run))
                copied = start
            run = after
            clock += length
        if run is not None and len(run.texts) > 1:
            pieces += (update[copied : run.start], *_joined(update, run))
            copied = position
        written += (write_var_uint(structs), update[header:first], *pieces, update[copied:position])
    written.append(update[position:])
    return b"".join(written)


def _continues(update: bytes, before: bytes, run: _Run, start: int, right_origin: bytes) -> bool:
    """Whether a text struct continues a run: it stands behind the id `before`, and has the same right origin."""
    info = 0x80 | (0x40 if run.right_origin else 0)
    return update[start] & 0xC0 == info and right_origin == run.right_origin and update.startswith(before, start + 1)


def _joined(update: bytes, run: _Run) -> tuple[bytes, ...]:
    return (update[run.start : run.content], write_var_uint(sum(map(len, run.texts))), *run.texts)

"""Operations on encoded Yjs updates (format v1) as bytes: validate, merge, compare.

Only this module and core.documents call pycrdt. Everything from outside goes through `validate` or
`decode_state_vector` first; all other functions take validated bytes only. pycrdt changes or misreads some contents:
`validate` marks them, and they are hidden while pycrdt works (see hide_contents.py).
"""

import re
from collections.abc import Callable, Sequence
from typing import Final, ParamSpec, TypeVar

import pycrdt

from collab_server.core.yjs.content_marks import mark_contents, may_be_changed
from collab_server.core.yjs.contents import MARK
from collab_server.core.yjs.hide_contents import hide_contents, restore_contents
from collab_server.core.yjs.inspection import MAX_CLOCK, UpdateSummary, inspect_with_flags
from collab_server.core.yjs.lib0 import Reader, write_var_uint
from collab_server.errors import Malformed

EMPTY_UPDATE: Final = b"\x00\x00"

MERGE_GROUP: Final = 16
"""Updates in one call of pycrdt's merge.

That merge is superlinear in their number, and from 21 on it can panic: its comparison of collected with uncollected
structs at one clock is no total order, and Rust's sort notices this only then. Upstream: not reported yet.
"""

_P = ParamSpec("_P")
_T = TypeVar("_T")

# Characters outside the BMP, by lead byte: a literal at the start makes each search several times faster than a set.
_find_surrogate_pair: Final = tuple(re.compile(rb"\x%02x[\x80-\xbf]{3}" % lead).search for lead in range(0xF0, 0xF5))


def ask_pycrdt(function: Callable[_P, _T], *arguments: _P.args, **named: _P.kwargs) -> _T:
    """Call pycrdt. Raises Malformed for its errors and panics; pyo3 raises a panic as a BaseException.

    Upstream: https://github.com/PyO3/pyo3/issues/3519.
    """
    try:
        return function(*arguments, **named)
    except ValueError as error:
        raise Malformed(str(error)) from None
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise Malformed(f"pycrdt panicked: {error}") from None


def validate(update: bytes) -> UpdateSummary:
    """Inspect an update and let pycrdt decode it, so that only readable updates reach the log and other clients.

    Contents without an exact encoding in pycrdt are marked: see UpdateSummary.marked.
    """
    summary, has_values, has_changed = inspect_with_flags(update)
    if has_changed or (has_values and (MARK in update or may_be_changed(update))):
        marked = mark_contents(update)
        if marked != update:
            summary = summary._replace(marked=marked)
        ask_pycrdt(pycrdt.get_state, hide_contents(marked))
    else:
        ask_pycrdt(pycrdt.get_state, update)
    return summary


def merge(updates: Sequence[bytes]) -> bytes:
    """Merge validated updates into one; structs with missing dependencies are kept.

    Linear: merges groups of at most 16, then the results. Returns EMPTY_UPDATE for no updates or empty ones.
    """
    pending = [update for update in updates if update != EMPTY_UPDATE]
    if len(pending) < 2:
        return pending[0] if pending else EMPTY_UPDATE
    everything = b"".join(pending)
    is_marked = MARK in everything
    if is_marked:
        pending = [hide_contents(update) for update in pending]
    while len(pending) > 1:
        pending = [
            ask_pycrdt(pycrdt.merge_updates, *group) if len(group) > 1 else group[0]
            for group in (pending[first : first + MERGE_GROUP] for first in range(0, len(pending), MERGE_GROUP))
        ]
    merged = pending[0]
    if any(find(everything) for find in _find_surrogate_pair):
        # Where updates overlap, pycrdt can cut a surrogate pair and leave a string of length 0, on which Yjs throws.
        # Decoding drops it. Upstream: https://github.com/y-crdt/y-crdt/pull/399 (closed without a fix).
        merged = ask_pycrdt(pycrdt.get_update, merged, b"\x00")
    return restore_contents(merged) if is_marked else merged


def diff(update: bytes, state_vector: bytes) -> bytes:
    """The part of a validated update beyond the state vector, and always all its deletes.

    Raises Malformed for an invalid state vector.
    """
    decode_state_vector(state_vector)
    if MARK in update:
        return restore_contents(ask_pycrdt(pycrdt.get_update, hide_contents(update), state_vector))
    return ask_pycrdt(pycrdt.get_update, update, state_vector)


def merge_and_diff(updates: Sequence[bytes], state_vector: bytes) -> bytes:
    """Merge validated updates, and return the part beyond the state vector. Raises Malformed as `diff`."""
    return diff(merge(updates), state_vector)


def state_vector(update: bytes) -> bytes:
    """The encoded state vector of a validated update: per client, the clocks from 0 on without a gap."""
    return ask_pycrdt(pycrdt.get_state, hide_contents(update))


def decode_state_vector(encoded: bytes) -> dict[int, int]:
    """Decode a state vector: {client id: number of clocks}. Raises Malformed, also for a repeated client."""
    reader = Reader(encoded)
    count = reader.var_uint()
    if count * 2 > reader.remaining:
        raise Malformed(f"{count} clients declared, {reader.remaining} bytes left")
    clocks: dict[int, int] = {}
    for _ in range(count):
        client = reader.var_uint()
        clocks[client] = clock = reader.var_uint()
        if clock > MAX_CLOCK:
            raise Malformed("a clock is greater than 2**31 - 1")
    reader.end()
    if len(clocks) != count:
        raise Malformed("a client occurs twice in a state vector")
    return clocks


def encode_state_vector(clocks: dict[int, int]) -> bytes:
    """Encode a state vector, in Yjs' order: higher client ids first. Equal mappings have equal bytes."""
    pairs = [write_var_uint(client) + write_var_uint(clocks[client]) for client in sorted(clocks, reverse=True)]
    return write_var_uint(len(pairs)) + b"".join(pairs)

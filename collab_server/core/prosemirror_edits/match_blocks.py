"""Matches old blocks with wanted ones. Pure, with bounded cost."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from collab_server.core.text.sequence_diff import diff_sequences

MAX_PAIRS: Final = 40_000
"""Limit of compared pairs of old and new blocks; above it, blocks are matched in order."""
_COMPARED: Final = 4_000
"""Number of compared characters of a block."""
_WORD: Final = re.compile(r"\w+|[^\w\s]")

Fits = Callable[[int, int], bool]
"""Whether the old block at the first index can become the new one at the second."""

Pair = tuple[int | None, int | None]


def match_blocks(old: Sequence[str], new: Sequence[str], fits: Fits) -> Iterator[Pair]:
    """Pairs of (old, new) indices, each ascending; None for a deleted or an inserted block.

    Equal blocks match. Among the others, the most similar ones match if they fit.
    """
    old_index = new_index = 0
    for a, b, c, d in diff_sequences(old, new):
        yield from zip(range(old_index, a), range(new_index, c), strict=True)
        yield from _aligned(old, new, range(a, b), range(c, d), fits)
        old_index, new_index = b, d
    yield from zip(range(old_index, len(old)), range(new_index, len(new)), strict=True)


def _aligned(old: Sequence[str], new: Sequence[str], ours: range, theirs: range, fits: Fits) -> Iterator[Pair]:
    pairs = _best(old, new, ours, theirs, fits) if len(ours) * len(theirs) <= MAX_PAIRS else _first(ours, theirs, fits)
    old_index, new_index = ours.start, theirs.start
    for one, two in [*pairs, (ours.stop, theirs.stop)]:
        yield from ((index, None) for index in range(old_index, one))
        yield from ((None, index) for index in range(new_index, two))
        if one < ours.stop and two < theirs.stop:
            yield one, two
        old_index, new_index = one + 1, two + 1


def _first(ours: range, theirs: range, fits: Fits) -> list[tuple[int, int]]:
    return [(one, other) for one, other in zip(ours, theirs, strict=False) if fits(one, other)]


def _best(old: Sequence[str], new: Sequence[str], ours: range, theirs: range, fits: Fits) -> list[tuple[int, int]]:
    """Pairs in the same order in both, with the greatest sum of similarity."""
    words = [Counter(_WORD.findall(old[one][:_COMPARED])) for one in ours]
    others = [Counter(_WORD.findall(new[other][:_COMPARED])) for other in theirs]
    rows = [[0.0] * (len(theirs) + 1) for _ in range(len(ours) + 1)]
    likeness: dict[tuple[int, int], float] = {}
    for i in range(len(ours) - 1, -1, -1):
        for j in range(len(theirs) - 1, -1, -1):
            best = max(rows[i + 1][j], rows[i][j + 1])
            if fits(ours[i], theirs[j]):
                likeness[i, j] = 0.01 + _likeness(words[i], others[j])
                best = max(best, likeness[i, j] + rows[i + 1][j + 1])
            rows[i][j] = best
    pairs: list[tuple[int, int]] = []
    i = j = 0
    while i < len(ours) and j < len(theirs):
        if (i, j) in likeness and rows[i][j] == likeness[i, j] + rows[i + 1][j + 1]:
            pairs.append((ours[i], theirs[j]))
            i, j = i + 1, j + 1
        elif rows[i][j] == rows[i + 1][j]:
            i += 1
        else:
            j += 1
    return pairs


def _likeness(one: Counter[str], other: Counter[str]) -> float:
    """The similarity of two texts by their words, from 0 to 1."""
    total = one.total() + other.total()
    return 2 * (one & other).total() / total if total else 1.0

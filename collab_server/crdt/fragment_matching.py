"""Which of the blocks that were become which of those that are wanted. Pure; cost is bounded."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from collab_server.crdt import text_diff

MAX_PAIRS: Final = 40_000
"""Of old and new blocks that are compared with each other; of more, the first become the first."""
_COMPARED: Final = 4_000
"""Characters of a block that are compared."""
_WORD: Final = re.compile(r"\w+|[^\w\s]")

Fits = Callable[[int, int], bool]
"""Whether the old block of this index may become the new one of that."""

Pair = tuple[int | None, int | None]


def matched(old: Sequence[str], new: Sequence[str], fits: Fits) -> Iterator[Pair]:
    """(old, new) by index, each in ascending order; None for what goes and for what comes. Blocks are told by what they
    say: those that say the same stay, of the others those become one another that fit and are most alike.
    """
    at = other = 0
    for a, b, c, d in text_diff.hunks(old, new):
        yield from zip(range(at, a), range(other, c), strict=True)
        yield from _aligned(old, new, range(a, b), range(c, d), fits)
        at, other = b, d
    yield from zip(range(at, len(old)), range(other, len(new)), strict=True)


def _aligned(old: Sequence[str], new: Sequence[str], ours: range, theirs: range, fits: Fits) -> Iterator[Pair]:
    pairs = _best(old, new, ours, theirs, fits) if len(ours) * len(theirs) <= MAX_PAIRS else _first(ours, theirs, fits)
    at, other = ours.start, theirs.start
    for one, two in [*pairs, (ours.stop, theirs.stop)]:
        yield from ((gone, None) for gone in range(at, one))
        yield from ((None, come) for come in range(other, two))
        if one < ours.stop and two < theirs.stop:
            yield one, two
        at, other = one + 1, two + 1


def _first(ours: range, theirs: range, fits: Fits) -> list[tuple[int, int]]:
    return [(one, other) for one, other in zip(ours, theirs, strict=False) if fits(one, other)]


def _best(old: Sequence[str], new: Sequence[str], ours: range, theirs: range, fits: Fits) -> list[tuple[int, int]]:
    """Pairs in the same order in both, with the greatest sum of likeness."""
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
    """0..1"""
    total = one.total() + other.total()
    return 2 * (one & other).total() / total if total else 1.0

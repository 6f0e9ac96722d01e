"""Differences between two sequences: Myers' algorithm, with patience diff for very different ones."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

MAX_DIFFERENCES: Final = 300
MAX_STEPS: Final = 400_000

Hunk = tuple[int, int, int, int]
"""(start, end, start, end): a differing section of the first sequence, and its counterpart in the second."""


def common_prefix(one: Sequence[object], other: Sequence[object]) -> int:
    """The number of equal first elements."""
    low, high = 0, min(len(one), len(other))
    if one[:high] == other[:high]:
        return high
    while high - low > 1:
        middle = (low + high) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle
    return low


def common_suffix(one: Sequence[object], other: Sequence[object]) -> int:
    """The number of equal last elements."""
    return common_prefix(one[::-1], other[::-1])


def diff_sequences(one: Sequence[str], other: Sequence[str]) -> Iterator[Hunk]:
    """Differing sections of two sequences, ascending, with at least one equal element between two of them."""
    stack: list[Hunk] = [(0, len(one), 0, len(other))]
    last: Hunk | None = None
    for hunk in _parts(one, other, stack):
        if last is not None and last[1] == hunk[0] and last[3] == hunk[2]:
            last = (last[0], hunk[1], last[2], hunk[3])
            continue
        if last is not None:
            yield last
        last = hunk
    if last is not None:
        yield last


def _parts(one: Sequence[str], other: Sequence[str], stack: list[Hunk]) -> Iterator[Hunk]:
    while stack:
        a, b, c, d = stack.pop()
        start = common_prefix(one[a:b], other[c:d])
        a, c = a + start, c + start
        end = common_suffix(one[a:b], other[c:d])
        b, d = b - end, d - end
        if a == b or c == d:
            if a != b or c != d:
                yield a, b, c, d
            continue
        differing = shortest_edit(one[a:b], other[c:d], MAX_DIFFERENCES)
        if differing is not None:
            yield from ((a + e, a + f, c + g, c + h) for e, f, g, h in differing)
            continue
        anchors = _anchors(one[a:b], other[c:d])
        if not anchors:
            yield a, b, c, d
            continue
        bounds = [(a, c), *((a + x, c + y) for x, y in anchors), (b, d)]
        # The anchors are equal: each begins the part behind it, whose common beginning it is.
        stack += reversed([(x, u, y, v) for (x, y), (u, v) in pairwise(bounds)])


def _anchors(one: Sequence[str], other: Sequence[str]) -> list[tuple[int, int]]:
    """Elements with one occurrence in each sequence, in the same order in both (patience diff)."""
    counts, other_counts = Counter(one), Counter(other)
    places = {unit: index for index, unit in enumerate(other) if other_counts[unit] == 1}
    pairs = [(i, places[unit]) for i, unit in enumerate(one) if counts[unit] == 1 and unit in places]
    tails: list[int] = []
    ends: list[int] = []
    before: list[int] = []
    for number, (_, place) in enumerate(pairs):
        index = bisect_left(tails, place)
        before.append(ends[index - 1] if index else -1)
        if index == len(tails):
            tails.append(place)
            ends.append(number)
        else:
            tails[index], ends[index] = place, number
    chain: list[tuple[int, int]] = []
    number = ends[-1] if ends else -1
    while number >= 0:
        chain.append(pairs[number])
        number = before[number]
    return chain[::-1]


def shortest_edit(one: Sequence[object], other: Sequence[object], limit: int) -> list[Hunk] | None:
    """Hunks of a shortest edit script (Myers), or None for more than `most` insertions and deletions, or after
    MAX_STEPS.
    """
    n, m = len(one), len(other)
    if abs(n - m) > limit:
        return None
    reach = {1: 0}
    trace: list[dict[int, int]] = []
    steps = 0
    for d in range(min(limit, n + m) + 1):
        trace.append(dict(reach))
        for k in range(-d, d + 1, 2):
            x = reach[k + 1] if k == -d or (k != d and reach[k - 1] < reach[k + 1]) else reach[k - 1] + 1
            y = x - k
            before = x
            while x < n and y < m and one[x] == other[y]:
                x += 1
                y += 1
            steps += x - before + 1
            reach[k] = x
            if x >= n and y >= m:
                return _backtrack(trace, n, m)
        if steps > MAX_STEPS:
            return None
    return None


def _backtrack(trace: list[dict[int, int]], n: int, m: int) -> list[Hunk]:
    """Backtrack from the end."""
    sections: list[Hunk] = []
    x, y = n, m
    for d in range(len(trace) - 1, 0, -1):
        reach, k = trace[d], x - y
        down = k == -d or (k != d and reach[k - 1] < reach[k + 1])
        from_k = k + 1 if down else k - 1
        from_x = reach[from_k]
        from_y = from_x - from_k
        to_x, to_y = (from_x, from_y + 1) if down else (from_x + 1, from_y)
        if sections and (to_x, to_y) == (sections[-1][0], sections[-1][2]):
            sections[-1] = (from_x, sections[-1][1], from_y, sections[-1][3])
        else:
            sections.append((from_x, to_x, from_y, to_y))
        x, y = from_x, from_y
    return sections[::-1]

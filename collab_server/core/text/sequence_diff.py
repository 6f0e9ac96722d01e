"""Differences between two sequences: Myers' algorithm, with patience diff for very different ones."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

MAX_DIFFERENCES: Final = 300
MAX_STEPS: Final = 400_000
FEW: Final = 8
"""Differences up to which steps are faster than rows of bits."""

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
    """Hunks of a shortest edit script (Myers), or None for more than `limit` insertions and deletions, or after
    MAX_STEPS.
    """
    n, m = len(one), len(other)
    if abs(n - m) > limit:
        return None
    most = min(limit, n + m)
    is_short = (most + 1) * (most + 2) // 2 + (n + m) * min(n, m) <= MAX_STEPS
    if is_short and abs(n - m) >= FEW:
        return _edit_short(one, other, limit)
    # How far in the first sequence scripts of so many edits get, on each second diagonal.
    reach: list[int] = []
    trace: list[list[int]] = []
    steps = 0
    for d in range(most + 1):
        trace.append(reach)
        # Either the last edit inserts, from the diagonal above, or it deletes, from the one below.
        if d:
            inner = [above if below < above else below + 1 for below, above in pairwise(reach)]
            reach = [reach[0], *inner, reach[-1] + 1]
        else:
            reach = [0]
        steps += d + 1
        shift = d + 2
        index = -1
        for x in reach:
            index += 1
            shift -= 2
            y = x + shift
            if x < n and y < m:
                if one[x] != other[y]:
                    continue
                x += 1
                y += 1
                while x < n and y < m and one[x] == other[y]:
                    x += 1
                    y += 1
                steps += x - reach[index]
                reach[index] = x
            if x >= n and y >= m:
                return _backtrack(trace, n, m)
        if d == FEW and is_short:
            return _edit_short(one, other, limit)
        if steps > MAX_STEPS:
            return None
    return None


def _edit_short(one: Sequence[object], other: Sequence[object], limit: int) -> list[Hunk] | None:
    """The hunks of shortest_edit for short sequences with many differences, by Hyyro's bit-parallel computation of a
    longest common subsequence (2004).
    """
    n, m = len(one), len(other)
    places: dict[object, int] = {}
    bit = 1
    for element in other:
        places[element] = places.get(element, 0) | bit
        bit <<= 1
    everything = row = bit - 1
    # A row for each beginning of the first sequence. Bit i is 0 where it has one element more in common with the first
    # i + 1 elements of the second sequence than with the first i.
    rows = [row]
    for element in one:
        if found := row & places.get(element, 0):
            row = (row + found) & everything | (row - found)
        rows.append(row)
    if n + m - 2 * (m - row.bit_count()) > limit:
        return None
    sections: list[Hunk] = []
    x, y = n, m
    while x or y:
        # Of the scripts with the fewest edits, that of Myers has all edits as late as can be, and insertions last.
        end, other_end = x, y
        while True:
            if y and rows[x] >> (y - 1) & 1:
                y -= 1
            elif x and (not y or not rows[x - 1] >> (y - 1) & 1):
                x -= 1
            else:
                break
        if x < end or y < other_end:
            sections.append((x, end, y, other_end))
        # Both beginnings end with the same element, and no edit fits here.
        while x and y and not rows[x] >> (y - 1) & 1 and rows[x - 1] >> (y - 1) & 1:
            x -= 1
            y -= 1
    return sections[::-1]


def _backtrack(trace: list[list[int]], n: int, m: int) -> list[Hunk]:
    """Backtrack from the end. trace: for each number of edits d, how far scripts of d - 1 edits got, on the diagonals
    from 1 - d to d - 1, each second one.
    """
    sections: list[Hunk] = []
    x, y = n, m
    for d in range(len(trace) - 1, 0, -1):
        reach, k = trace[d], x - y
        index = (k + d) // 2
        down = k == -d or (k != d and reach[index - 1] < reach[index])
        from_k = k + 1 if down else k - 1
        from_x = reach[index if down else index - 1]
        from_y = from_x - from_k
        to_x, to_y = (from_x, from_y + 1) if down else (from_x + 1, from_y)
        if sections and (to_x, to_y) == (sections[-1][0], sections[-1][2]):
            sections[-1] = (from_x, sections[-1][1], from_y, sections[-1][3])
        else:
            sections.append((from_x, to_x, from_y, to_y))
        x, y = from_x, from_y
    return sections[::-1]

"""What changed between two texts, and the same changes in a third: as few and as small as a reader would make them.

Positions are Python's, in code points. Time and memory are bounded: where two texts have little in common, a stretch of
one is replaced by a stretch of the other.
"""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

MAX_DIFFERENCES: Final = 300
MAX_STEPS: Final = 400_000
MAX_CHARACTERS: Final = 2_000
"""Up to so many characters, a stretch is compared character by character."""
CERTAIN: Final = 4
"""Characters that two people hardly insert in one place by chance."""

BEFORE: Final = -1
BESIDE: Final = 0
BEHIND: Final = 1

_TOKEN: Final = re.compile(r"\w+|[^\S\n]+|\n|[^\w\s]")

_Hunk = tuple[int, int, int, int]
"""(start, end) in the one and (start, end) in the other sequence, which differ there."""


@dataclass(frozen=True, slots=True)
class Change:
    """`start` to `end` of a text becomes `text`.

    near: the neighbour whose word the text is part of, where nothing goes: BEFORE or BEHIND; BESIDE for a text that
    stands for itself.
    """

    start: int
    end: int
    text: str
    near: int = field(default=BESIDE, compare=False)


def changes(old: str, new: str) -> list[Change]:
    """What makes `new` of `old`, in ascending order, disjoint."""
    found: list[Change] = []
    for a, b, c, d in _in_units(old, new, lambda text: text.splitlines(keepends=True)):
        for e, f, g, h in _in_units(old[a:b], new[c:d], _TOKEN.findall):
            found.extend(_in_characters(old[a + e : a + f], new[c + g : c + h], a + e))
    return found


def apply(text: str, edits: Sequence[Change]) -> str:
    """The text with changes in ascending order made."""
    parts: list[str] = []
    position = 0
    for edit in edits:
        parts += (text[position : edit.start], edit.text)
        position = edit.end
    return "".join((*parts, text[position:]))


def rebased(ours: Sequence[Change], theirs: Sequence[Change]) -> list[Change]:
    """Changes of a text, as changes of what others have made of the same text.

    Whatever others inserted stays, also within what is deleted here, and stands before what is inserted at the same
    place. What both did alike is done once: so a request that is sent again does nothing.
    """
    found: list[Change] = []
    alike = {(change.start, change.end): change.text for change in theirs}
    shift, index = 0, 0
    for change in ours:
        if _is_done(change, alike.get((change.start, change.end))):
            continue
        while index < len(theirs) and theirs[index].end <= change.start:
            shift += len(theirs[index].text) - (theirs[index].end - theirs[index].start)
            index += 1
        for moved in _moved(change, theirs, index, shift):
            if found and found[-1].end == moved.start:
                last = found.pop()
                moved = Change(last.start, moved.end, last.text + moved.text, last.near)
            found.append(moved)
    return found


def _is_done(change: Change, theirs: str | None) -> bool:
    if theirs is None:
        return False
    if theirs == change.text:
        return True
    certain = change.end > change.start or len(change.text) >= CERTAIN
    return bool(change.text) and certain and (theirs.startswith(change.text) or theirs.endswith(change.text))


def _moved(change: Change, theirs: Sequence[Change], index: int, shift: int) -> Iterator[Change]:
    """One change, in the others' text: it deletes what they have left of what it deletes.

    `index`: of their first change that ends behind its start; `shift`: how far the ones before it move what follows.
    """
    pieces: list[tuple[int, int]] = []
    position = change.start
    place: int | None = None
    while position < change.end or place is None:
        other = theirs[index] if index < len(theirs) else None
        if other is not None and other.start <= position and other.end > position:
            shift += len(other.text) - (other.end - other.start)
            position = other.end
            index += 1
            place = position + shift if place is None and position >= change.end else place
            continue
        if place is None:
            place = position + shift
        end = change.end if other is None else min(change.end, max(other.start, position))
        if end > position:
            pieces.append((position + shift, end + shift))
            position = end
        if other is not None and other.start == other.end == position < change.end:
            shift += len(other.text)
            index += 1
    if not pieces or pieces[0][0] != place:
        pieces.insert(0, (place, place))
    yield Change(*pieces[0], change.text, change.near)
    for start, end in pieces[1:]:
        yield Change(start, end, "")


def _in_units(old: str, new: str, split: Callable[[str], list[str]]) -> Iterator[_Hunk]:
    """Where the texts differ, by whole units."""
    ours, theirs = split(old), split(new)
    starts, other_starts = _offsets(ours), _offsets(theirs)
    for a, b, c, d in hunks(ours, theirs):
        yield starts[a], starts[b], other_starts[c], other_starts[d]


def _offsets(units: list[str]) -> list[int]:
    offsets = [0]
    for unit in units:
        offsets.append(offsets[-1] + len(unit))
    return offsets


def _in_characters(old: str, new: str, offset: int) -> Iterator[Change]:
    """Where two short texts differ; words that have little in common are replaced."""
    whole, first = old, offset
    start = common_prefix(old, new)
    end = common_suffix(old[start:], new[start:])
    old, new, offset = old[start : len(old) - end], new[start : len(new) - end], offset + start
    found = None
    if old and new and len(old) + len(new) <= MAX_CHARACTERS:
        found = _shortest(old, new, (len(old) + len(new)) // 3)
    if found is None:
        found = [(0, len(old), 0, len(new))] if old or new else []
    for a, b, c, d in found:
        near = BESIDE if not whole else BEHIND if offset + a == first else BEFORE
        yield Change(offset + a, offset + b, new[c:d], near)


def common_prefix(one: Sequence[object], other: Sequence[object]) -> int:
    """How many first elements are equal."""
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
    """How many last elements are equal."""
    return common_prefix(one[::-1], other[::-1])


def hunks(one: Sequence[str], other: Sequence[str]) -> Iterator[_Hunk]:
    """Where two sequences differ, in ascending order, with something that is equal between two hunks."""
    stack: list[_Hunk] = [(0, len(one), 0, len(other))]
    last: _Hunk | None = None
    for hunk in _parts(one, other, stack):
        if last is not None and last[1] == hunk[0] and last[3] == hunk[2]:
            last = (last[0], hunk[1], last[2], hunk[3])
            continue
        if last is not None:
            yield last
        last = hunk
    if last is not None:
        yield last


def _parts(one: Sequence[str], other: Sequence[str], stack: list[_Hunk]) -> Iterator[_Hunk]:
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
        found = _shortest(one[a:b], other[c:d], MAX_DIFFERENCES)
        if found is not None:
            yield from ((a + e, a + f, c + g, c + h) for e, f, g, h in found)
            continue
        anchors = _anchors(one[a:b], other[c:d])
        if not anchors:
            yield a, b, c, d
            continue
        bounds = [(a, c), *((a + x, c + y) for x, y in anchors), (b, d)]
        # The anchors are equal: each begins the part behind it, whose common beginning it is.
        stack += reversed([(x, u, y, v) for (x, y), (u, v) in pairwise(bounds)])


def _anchors(one: Sequence[str], other: Sequence[str]) -> list[tuple[int, int]]:
    """Elements that occur once in each, as far as they are in the same order in both (patience)."""
    counts, other_counts = Counter(one), Counter(other)
    places = {unit: index for index, unit in enumerate(other) if other_counts[unit] == 1}
    pairs = [(i, places[unit]) for i, unit in enumerate(one) if counts[unit] == 1 and unit in places]
    tails: list[int] = []
    ends: list[int] = []
    before: list[int] = []
    for number, (_, place) in enumerate(pairs):
        at = bisect_left(tails, place)
        before.append(ends[at - 1] if at else -1)
        if at == len(tails):
            tails.append(place)
            ends.append(number)
        else:
            tails[at], ends[at] = place, number
    chain: list[tuple[int, int]] = []
    number = ends[-1] if ends else -1
    while number >= 0:
        chain.append(pairs[number])
        number = before[number]
    return chain[::-1]


def _shortest(one: Sequence[object], other: Sequence[object], most: int) -> list[_Hunk] | None:
    """Hunks of a shortest edit script (Myers), None where it has more than `most` insertions and deletions, or takes
    too long to find.
    """
    n, m = len(one), len(other)
    if abs(n - m) > most:
        return None
    reach = {1: 0}
    trace: list[dict[int, int]] = []
    steps = 0
    for d in range(min(most, n + m) + 1):
        trace.append(dict(reach))
        for k in range(-d, d + 1, 2):
            x = reach[k + 1] if k == -d or (k != d and reach[k - 1] < reach[k + 1]) else reach[k - 1] + 1
            y = x - k
            begun = x
            while x < n and y < m and one[x] == other[y]:
                x += 1
                y += 1
            steps += x - begun + 1
            reach[k] = x
            if x >= n and y >= m:
                return _hunks_of(trace, n, m)
        if steps > MAX_STEPS:
            return None
    return None


def _hunks_of(trace: list[dict[int, int]], n: int, m: int) -> list[_Hunk]:
    """Follow the way back from the end."""
    found: list[_Hunk] = []
    x, y = n, m
    for d in range(len(trace) - 1, 0, -1):
        reach, k = trace[d], x - y
        down = k == -d or (k != d and reach[k - 1] < reach[k + 1])
        from_k = k + 1 if down else k - 1
        from_x = reach[from_k]
        from_y = from_x - from_k
        to_x, to_y = (from_x, from_y + 1) if down else (from_x + 1, from_y)
        if found and (to_x, to_y) == (found[-1][0], found[-1][2]):
            found[-1] = (from_x, found[-1][1], from_y, found[-1][3])
        else:
            found.append((from_x, to_x, from_y, to_y))
        x, y = from_x, from_y
    return found[::-1]

"""Where the characters of one text are in another one that says the same in other words or signs."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

from collab_server.core.text.diff import diff_texts


class Alignment:
    """The stretches that two texts have in common, in order. Positions count characters."""

    def __init__(self, old: str, new: str) -> None:
        self._pieces: list[tuple[int, int, int]] = []
        """(position in the old text, in the new one, length)"""
        position = shift = 0
        for change in [] if old == new else diff_texts(old, new):
            self._add(position, shift, change.start - position)
            length = change.end - change.start
            # A line's end within a paragraph becomes a space.
            if length == len(change.text) and old[change.start : change.end].isspace() and change.text.isspace():
                self._add(change.start, shift, length)
            position, shift = change.end, shift + len(change.text) - length
        self._add(position, shift, len(old) - position)
        self._olds = [piece[0] for piece in self._pieces]
        self._news = [piece[1] for piece in self._pieces]

    def _add(self, position: int, shift: int, length: int) -> None:
        if length > 0:
            self._pieces.append((position, position + shift, length))

    def find_new(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Find what is left of `start` to `end` of the old text in the new one: ranges, in order."""
        index = max(0, bisect_right(self._olds, start) - 1)
        for old, new, length in self._pieces[index:]:
            if old >= end:
                return
            first, stop = max(start, old), min(end, old + length)
            if first < stop:
                yield first - old + new, stop - old + new

    def find_new_place(self, position: int) -> int | None:
        """Find a place between two characters of the old text in the new one. None: both are others there."""
        # What ends at the place is before it, if both of its neighbours are in the new text.
        for start, end in ((position - 1, position), (position, position + 1)):
            for first, stop in self.find_new(start, end):
                return stop if start < position else first
        return None

    def find_old(self, position: int) -> int:
        """Find the character of the old text that one of the new text is from, or the last one before what is written
        in another way. -1: there is none.
        """
        index = bisect_right(self._news, position) - 1
        if index < 0:
            return -1
        old, new, length = self._pieces[index]
        return old + min(position - new, length - 1)

    def split_new(self, borders: Sequence[int]) -> Iterator[tuple[int, int]]:
        """Split the new text where it comes from another part of the old one: (first character, the character of the
        old text that it is from, or the last one before what is written in another way). borders: of the parts.
        """
        if not self._pieces or self._pieces[0][1] > 0:
            yield 0, 0
        for old, new, length in self._pieces:
            yield new, old
            for border in borders[bisect_right(borders, old) : bisect_left(borders, old + length)]:
                yield new + border - old, border

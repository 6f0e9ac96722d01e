"""The rows of a document's log that are known here, when several nodes write it."""


class Coverage:
    """`upto`: every row up to this number is known. Rows beyond a gap are kept as ranges until the gap is filled."""

    __slots__ = ("_ahead", "upto")

    def __init__(self) -> None:
        self.upto = 0
        self._ahead: list[tuple[int, int]] = []

    def add(self, first: int, last: int) -> None:
        """Mark rows `first` to `last` as known."""
        if first > self.upto + 1:
            self._ahead.append((first, last))
            self._ahead.sort()
            return
        self.upto = max(self.upto, last)
        while self._ahead and self._ahead[0][0] <= self.upto + 1:
            self.upto = max(self.upto, self._ahead.pop(0)[1])

    @property
    def last(self) -> int:
        """The highest row that is known."""
        return self._ahead[-1][1] if self._ahead else self.upto

    @property
    def has_gap(self) -> bool:
        """Whether rows are missing before known ones."""
        return bool(self._ahead)

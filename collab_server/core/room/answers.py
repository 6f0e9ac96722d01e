"""Answers of a room that are kept for the next client with the same state vector, within a bound of bytes."""

CACHED_ANSWERS = 64
CACHED_ANSWER_BYTES = 1_048_576
"""Size of whole answers without their large parts, which are shared."""


class Answers:
    """Whole answers, valid until the content changes, and comparisons of large parts, valid longer."""

    __slots__ = ("_bytes", "_compared", "_whole")

    def __init__(self) -> None:
        self._whole: dict[bytes, tuple[bytes, ...]] = {}
        self._bytes = 0
        self._compared: dict[bytes, dict[int, tuple[bytes, bytes]]] = {}
        """Answers by state vector and id of the part: (the part, its bytes that a client with that state lacks)."""

    def changed(self) -> None:
        """Drop whole answers: the content has changed."""
        self._whole.clear()

    def replaced(self) -> None:
        """Drop comparisons: the large parts were replaced."""
        self._compared.clear()

    def find(self, state_vector: bytes) -> tuple[bytes, ...] | None:
        return self._whole.get(state_vector)

    def keep(self, state_vector: bytes, answer: tuple[bytes, ...], large: int) -> None:
        """`large`: the size from which on parts are shared, and not counted."""
        size = sum(len(part) for part in answer if len(part) < large)
        if len(self._whole) >= CACHED_ANSWERS or self._bytes + size > CACHED_ANSWER_BYTES:
            self._whole.clear()
        self._bytes = size + (self._bytes if self._whole else 0)
        self._whole[state_vector] = answer

    def find_compared(self, part: bytes, state_vector: bytes) -> bytes | None:
        """What a client with this state lacks of the part; None where they were not compared."""
        known = self._compared.get(state_vector, {}).get(id(part))
        return None if known is None else known[1]

    def keep_compared(self, part: bytes, state_vector: bytes, lacking: bytes, most: int) -> None:
        """Keep this comparison, and of the earlier ones as many as have together at most `most` bytes."""
        known = self._compared.pop(state_vector, {})
        known[id(part)] = (part, lacking)
        self._compared[state_vector] = known
        size = sum(len(kept) for answers in self._compared.values() for _, kept in answers.values())
        while len(self._compared) > 1 and (size > most or len(self._compared) > CACHED_ANSWERS):
            dropped = self._compared.pop(next(iter(self._compared)))
            size -= sum(len(kept) for _, kept in dropped.values())

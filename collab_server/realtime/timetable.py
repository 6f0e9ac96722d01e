"""When something is to be looked at next. What is not due costs nothing."""

import heapq
from collections.abc import Hashable
from typing import Generic, TypeVar

SPARE = 64
"""Former places that the heap may have beyond as many as there are keys."""

K = TypeVar("K", bound=Hashable)


class Timetable(Generic[K]):
    """Keys with one due time each, in monotonic seconds. `len`: number of keys."""

    def __init__(self) -> None:
        self._due: dict[K, float] = {}
        self._heap: list[tuple[float, int, K]] = []
        self._count = 0

    def __len__(self) -> int:
        return len(self._due)

    def put(self, key: K, due: float) -> None:
        """Make the key due at `due`, or earlier if it is due earlier already."""
        known = self._due.get(key)
        if known is not None and known <= due:
            return
        self._due[key] = due
        if len(self._heap) > 2 * len(self._due) + SPARE:
            self._heap = [entry for entry in self._heap if self._due.get(entry[2]) == entry[0]]
            heapq.heapify(self._heap)
        # The number keeps keys from being compared.
        self._count += 1
        heapq.heappush(self._heap, (due, self._count, key))

    def take(self, now: float) -> list[K]:
        """Remove and return the keys that are due at `now`, the earliest first."""
        taken: list[K] = []
        while self._heap and self._heap[0][0] <= now:
            due, _, key = heapq.heappop(self._heap)
            # A key that was made due earlier has left its later place in the heap.
            if self._due.get(key) == due:
                del self._due[key]
                taken.append(key)
        return taken

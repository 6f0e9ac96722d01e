"""Documents whose edits PostgreSQL does not take now, while it takes those of others: their own times to try again."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from collab_server.realtime.live import LiveDocument

RETRY = (0.05, 1.0)
"""Seconds before the first and (doubling) at most between later attempts."""


@dataclass(slots=True)
class _Blocked:
    """`since`, `due`: monotonic seconds. `delay`: before the next attempt."""

    document: LiveDocument
    since: float
    due: float
    delay: float


class BlockedDocuments:
    """`wake`: called when a document is due. A document that is due stays so until it is put again or removed."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._blocked: dict[UUID, _Blocked] = {}

    def __len__(self) -> int:
        return len(self._blocked)

    def __contains__(self, document_id: UUID) -> bool:
        return document_id in self._blocked

    def put(self, document: LiveDocument) -> bool:
        """Try the document again later; whether it was not blocked before."""
        now = time.monotonic()
        before = self._blocked.get(document.id)
        delay = RETRY[0] if before is None else min(before.delay * 2, RETRY[1])
        since = now if before is None else before.since
        self._blocked[document.id] = _Blocked(document, since, now + delay, delay)
        asyncio.get_running_loop().call_later(delay, self._wake)
        return before is None

    def remove(self, document: LiveDocument) -> bool:
        """Its edits are committed, or cannot be any more; whether it was blocked."""
        return self._blocked.pop(document.id, None) is not None

    def due(self, now: float) -> list[LiveDocument]:
        """Those to try at `now` (monotonic seconds)."""
        # The timer may be a little early against the clock that it is compared with.
        return [one.document for one in self._blocked.values() if one.due <= now + 0.001]

    def since(self, document_id: UUID) -> float | None:
        """Since when (monotonic seconds) the document has been blocked; None: it is not."""
        found = self._blocked.get(document_id)
        return found.since if found is not None else None

    @property
    def unsaved_bytes(self) -> int:
        return sum(one.document.room.unsaved_bytes for one in self._blocked.values())

"""Documents whose edits PostgreSQL does not take now, while it takes those of others. Each has its own retry time."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from collab_server.realtime.documents.live_document import LiveDocument

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
    """`wake`: called when a document is due. It stays due until it is put again or removed."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._blocked: dict[UUID, _Blocked] = {}

    def __len__(self) -> int:
        return len(self._blocked)

    def __contains__(self, document_id: UUID) -> bool:
        return document_id in self._blocked

    def put(self, document: LiveDocument) -> bool:
        """Schedule a retry of the document. Returns whether it was not blocked before."""
        now = time.monotonic()
        before = self._blocked.get(document.id)
        delay = RETRY[0] if before is None else min(before.delay * 2, RETRY[1])
        since = now if before is None else before.since
        self._blocked[document.id] = _Blocked(document, since, now + delay, delay)
        asyncio.get_running_loop().call_later(delay, self._wake)
        return before is None

    def remove(self, document: LiveDocument) -> bool:
        """Remove a document whose edits were committed or dropped. Returns whether it was blocked."""
        return self._blocked.pop(document.id, None) is not None

    def list_documents(self) -> list[LiveDocument]:
        """A list that stays as it is while documents are blocked and freed."""
        return [one.document for one in self._blocked.values()]

    def due(self, now: float) -> list[LiveDocument]:
        """Documents to retry at `now` (monotonic seconds)."""
        # The timer may be a little early against the clock that it is compared with.
        return [one.document for one in self._blocked.values() if one.due <= now + 0.001]

    def since(self, document_id: UUID) -> float | None:
        """Monotonic seconds since when the document has been blocked; None: it is not."""
        found = self._blocked.get(document_id)
        return found.since if found is not None else None

    @property
    def unsaved_bytes(self) -> int:
        return sum(one.document.room.unsaved_bytes for one in self._blocked.values())

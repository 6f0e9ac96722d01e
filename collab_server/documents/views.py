"""Who looks at which document: counted in memory and written in batches, for reading must not look like editing."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from collab_server.access.identity import Identity
from collab_server.backends.db import Database, caller
from collab_server.documents import view_queries
from collab_server.telemetry import log

ONE_VIEW_SECONDS = 60.0
"""Reloads within this time are one view."""
MAX_WAITING = 50_000
"""Documents and people kept while PostgreSQL is away; what comes after is not counted."""


@dataclass(slots=True)
class _Batch:
    counts: dict[UUID, tuple[int, datetime]] = field(default_factory=dict)
    people: dict[tuple[UUID, UUID], datetime] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.counts) + len(self.people)


class Views:
    """One per process."""

    def __init__(self) -> None:
        self._waiting = _Batch()
        self._counted: dict[tuple[str, UUID], float] = {}

    def seen(self, identity: Identity, document_id: UUID, now: float) -> None:
        """Somebody has opened or read the document; `now` in monotonic seconds."""
        if len(self._waiting) >= MAX_WAITING:
            return
        moment = datetime.now(UTC)
        if identity.kind == "user" and identity.user_id is not None:
            self._waiting.people[document_id, identity.user_id] = moment
        # Guests are one person to the server: where they come from tells them apart.
        key = (identity.person if identity.user_id else f"{identity.person} {caller.get().ip}", document_id)
        before = self._counted.get(key)
        if before is not None and now - before < ONE_VIEW_SECONDS:
            return
        if len(self._counted) < MAX_WAITING:
            self._counted[key] = now
        count, _ = self._waiting.counts.get(document_id, (0, moment))
        self._waiting.counts[document_id] = (count + 1, moment)

    async def flush(self, db: Database, now: float) -> None:
        """Write what waits; if PostgreSQL does not take it (Unavailable), it goes on waiting."""
        self._counted = {key: at for key, at in self._counted.items() if now - at < ONE_VIEW_SECONDS}
        if not len(self._waiting):
            return
        batch, self._waiting = self._waiting, _Batch()
        try:
            async with db.as_service() as conn:
                locked = await view_queries.add_views(conn, batch.counts, batch.people)
        except BaseException:
            self._take_back(batch)
            raise
        if locked:
            counts = {document_id: seen for document_id, seen in batch.counts.items() if document_id in locked}
            people = {pair: moment for pair, moment in batch.people.items() if pair[0] in locked}
            self._take_back(_Batch(counts, people))

    def _take_back(self, batch: _Batch) -> None:
        later, self._waiting = self._waiting, batch
        for document_id, (count, moment) in later.counts.items():
            before = batch.counts.get(document_id, (0, moment))[0]
            batch.counts[document_id] = (before + count, moment)
        batch.people.update(later.people)

    async def flush_last(self, db: Database, now: float) -> None:
        """At the end of the process: as flush, and tells the log where that fails."""
        try:
            await self.flush(db, now)
        except Exception as error:
            log.error("views were not written", extra={"documents": len(self._waiting.counts), "error": repr(error)})

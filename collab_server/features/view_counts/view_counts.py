"""View counts and visits, collected in memory and written in batches, so that reading does not look like editing."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from uuid import UUID

from collab_server.access.identity import Identity
from collab_server.adapters.postgres import Database, caller
from collab_server.features.view_counts import queries as view_queries
from collab_server.features.view_counts.queries import Visit
from collab_server.observability.logging import log

ONE_VIEW_SECONDS = 60.0
"""Reloads within this time are one view."""
MAX_WAITING = 50_000
"""Maximum number of documents and people kept while PostgreSQL is unavailable; later views are not counted."""


@dataclass(slots=True)
class _Batch:
    counts: dict[UUID, tuple[int, datetime]] = field(default_factory=dict)
    people: dict[tuple[UUID, UUID], datetime] = field(default_factory=dict)
    visits: dict[tuple[UUID, UUID], Visit] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.counts) + len(self.people) + len(self.visits)

    def add_visit(self, pair: tuple[UUID, UUID], later: Visit) -> None:
        """Add what is known of a visit after what is known already: it began first, and was seen last."""
        before = self.visits.get(pair, later)
        self.visits[pair] = replace(later, opened=before.opened or later.opened)


class Views:
    """One per process."""

    def __init__(self) -> None:
        self._waiting = _Batch()
        self._counted: dict[tuple[str, UUID], float] = {}

    def record_view(self, identity: Identity, document_id: UUID, now: float) -> None:
        """Count a view of the document; `now` in monotonic seconds."""
        if len(self._waiting) >= MAX_WAITING:
            return
        moment = datetime.now(UTC)
        if identity.kind == "user" and identity.user_id is not None:
            self._waiting.people[document_id, identity.user_id] = moment
        # Guests share one identity, so they are distinguished by address.
        key = (identity.person if identity.user_id else f"{identity.person} {caller.get().ip}", document_id)
        before = self._counted.get(key)
        if before is not None and now - before < ONE_VIEW_SECONDS:
            return
        if len(self._counted) < MAX_WAITING:
            self._counted[key] = now
        count, _ = self._waiting.counts.get(document_id, (0, moment))
        self._waiting.counts[document_id] = (count + 1, moment)

    def record_visit(self, identity: Identity, document_id: UUID, *, opened: bool) -> None:
        """Note that a person opens a document (`opened`), or has it open until now."""
        if identity.kind != "user" or identity.user_id is None or len(self._waiting) >= MAX_WAITING:
            return
        moment = datetime.now(UTC)
        self._waiting.add_visit((document_id, identity.user_id), Visit(moment if opened else None, moment))

    async def flush(self, db: Database, now: float) -> None:
        """Write pending views. They stay pending if PostgreSQL is unavailable."""
        self._counted = {key: at for key, at in self._counted.items() if now - at < ONE_VIEW_SECONDS}
        if not len(self._waiting):
            return
        batch, self._waiting = self._waiting, _Batch()
        try:
            async with db.as_service() as conn, conn.transaction():
                locked = await view_queries.add_views(conn, batch.counts, batch.people)
                unvisited = await view_queries.note_visits(conn, batch.visits)
        except BaseException:
            self._take_back(batch)
            raise
        if locked or unvisited:
            counts = {document_id: seen for document_id, seen in batch.counts.items() if document_id in locked}
            people = {pair: moment for pair, moment in batch.people.items() if pair[0] in locked}
            visits = {pair: visit for pair, visit in batch.visits.items() if pair[0] in unvisited}
            self._take_back(_Batch(counts, people, visits))

    def _take_back(self, batch: _Batch) -> None:
        later, self._waiting = self._waiting, batch
        for document_id, (count, moment) in later.counts.items():
            before = batch.counts.get(document_id, (0, moment))[0]
            batch.counts[document_id] = (before + count, moment)
        batch.people.update(later.people)
        for pair, visit in later.visits.items():
            batch.add_visit(pair, visit)

    async def flush_last(self, db: Database, now: float) -> None:
        """Write pending views at the end of the process, and log a failure."""
        try:
            await self.flush(db, now)
        except Exception as error:
            log.error(
                "writing view counts failed", extra={"documents": len(self._waiting.counts), "error": repr(error)}
            )

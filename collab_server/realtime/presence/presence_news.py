"""Tells the event streams of pages in which documents people came, left or changed their names.

Each process announces its own joins and leaves with a notice, in the transaction that writes them
(`presence_queries.mirror`). Nobody announces the people of a process that died: their rows expire. Therefore each
process looks at the table when the next row expires.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final
from uuid import UUID

from collab_server.adapters.postgres import Database
from collab_server.background import run_periodically
from collab_server.observability.logging import log
from collab_server.realtime.live_events import LiveEvents
from collab_server.realtime.notices import Notices
from collab_server.realtime.presence import queries as presence_queries

SHORTEST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 10.0
"""Seconds between two looks at the table. Less than the time after which a new row expires."""


class PresenceNews:
    """The link between the notices of presence and the event streams of this process."""

    def __init__(self, db: Database, notices: Notices, live_events: LiveEvents) -> None:
        self._db = db
        self._live_events = live_events
        self._looked: datetime | None = None
        """Time of the last look, by the clock of PostgreSQL."""
        notices.subscribe(presence_queries.CHANNEL, self._on_notice, live_events.presence_missed)

    def _on_notice(self, notice: str) -> None:
        """`notice`: lines of `<workspace id> <document id>`."""
        try:
            pairs = [(UUID(workspace), UUID(document)) for workspace, document in map(str.split, notice.splitlines())]
        except ValueError:
            log.warning("a notice of presence cannot be read", extra={"notice": notice[:100]})
            return
        self._announce(pairs)

    def _announce(self, pairs: Iterable[tuple[UUID, UUID]]) -> None:
        documents: dict[UUID, list[UUID]] = {}
        for workspace_id, document_id in pairs:
            documents.setdefault(workspace_id, []).append(document_id)
        if documents:
            self._live_events.presence_changed(documents)

    async def run(self) -> None:
        """Announce people whose rows expire, until cancelled."""
        await run_periodically("looking for expired presence", self._look, LONGEST_PAUSE)

    async def _look(self) -> float:
        """Look once, and return the seconds until the next row can expire. Raises Unavailable.

        After a failure the next look begins where the last successful one ended.
        """
        async with self._db.as_service() as conn:
            expired = await presence_queries.find_expired(conn, self._looked)
        self._looked = expired.at
        self._announce(expired.documents)
        return LONGEST_PAUSE if expired.next is None else min(LONGEST_PAUSE, max(SHORTEST_PAUSE, expired.next))

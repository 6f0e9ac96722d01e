"""Points of a document's history, as requests name them: a version's number, `seq:N`, `time:...` or `now`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Concatenate, ParamSpec, TypeVar
from uuid import UUID

from collab_server.adapters.postgres import Database
from collab_server.adapters.workers import Workers
from collab_server.core.history import answers
from collab_server.core.history.stored_history import StoredHistory
from collab_server.errors import DocumentDamaged, Malformed, NotFound
from collab_server.features.document_log.history_queries import to_milliseconds
from collab_server.features.document_log.version_content_queries import NO_VERSION
from collab_server.features.history import version_queries
from collab_server.features.history.answer_bodies import Draft, draft_blame
from collab_server.features.history.reading import DocumentHistory, read_former_history, read_history

P = ParamSpec("P")
T = TypeVar("T")

MAX_SEQ = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Point:
    """A parsed point; all None: now."""

    number: int | None = None
    seq: int | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PointContent:
    """The content at a point. seq: of the row before it."""

    name: str
    content: str
    seq: int


def parse_point(text: str) -> Point:
    """Parse a point. Raises Malformed."""
    if text == "now":
        return Point()
    kind, colon, value = text.partition(":")
    try:
        if not colon and text.isascii() and text.isdecimal() and 0 < int(text) < 2**31:
            return Point(number=int(text))
        if kind == "seq" and value.isascii() and value.isdecimal() and int(value) <= MAX_SEQ:
            return Point(seq=int(value))
        if kind == "time":
            return Point(at=to_utc(datetime.fromisoformat(value)))
    except (ValueError, OverflowError):
        pass
    raise Malformed(f"{text[:100]!r} is no point of a history: give a version's number, seq:N, time:... or now")


def to_utc(given: datetime) -> datetime:
    """Return the same moment in UTC. A time without a zone is in UTC. Raises OverflowError beyond the calendar."""
    return given.replace(tzinfo=UTC) if given.tzinfo is None else given.astimezone(UTC)


class Points:
    """Reads points of one document; the history is read once."""

    def __init__(self, db: Database, workers: Workers, document_id: UUID) -> None:
        self._db = db
        self._workers = workers
        self._document_id = document_id
        self._history: DocumentHistory | None = None

    async def read(self, point: Point) -> PointContent:
        """Read the content at a point. Raises NotFound, Unavailable, TooLarge, TooMuchWork."""
        if point.number is not None:
            async with self._db.as_service() as conn:
                version = await version_queries.find_version(conn, self._document_id, point.number)
                content = await version_queries.find_content(conn, self._document_id, point.number)
            if version is None or content is None:
                raise NotFound(NO_VERSION)
            return PointContent(f"version {point.number}", content, version.seq)
        at = to_milliseconds(point.at) if point.at is not None else None
        history = await self._history_at(point)
        position, text = await self._run(history, answers.read_content, seq=point.seq, at=at)
        name = "now" if point.at is None and point.seq is None else f"seq:{position.seq}"
        return PointContent(name, text, position.seq)

    async def read_moment(self, point: Point) -> answers.Moment:
        """Read the document at a point that is not a version. Raises NotFound, Unavailable, TooLarge, TooMuchWork."""
        at = to_milliseconds(point.at) if point.at is not None else None
        return await self._run(await self._history_at(point), answers.read_moment, seq=point.seq, at=at)

    async def draft_blame(self, seq: int | None) -> Draft:
        """Read who wrote what, now or after a row. Raises NotFound, Unavailable, TooLarge, TooMuchWork."""
        return await self._run(await self._history_at(Point(seq=seq)), draft_blame, seq)

    async def run(
        self, function: Callable[Concatenate[StoredHistory, P], T], *arguments: P.args, **named: P.kwargs
    ) -> T:
        """Run a function of core.history.answers on the history of the present generation, in a worker. Raises
        NotFound, DocumentDamaged, Unavailable, TooLarge, TooMuchWork.
        """
        return await self._run(await self.history(), function, *arguments, **named)

    async def _run(
        self,
        history: DocumentHistory,
        function: Callable[Concatenate[StoredHistory, P], T],
        *arguments: P.args,
        **named: P.kwargs,
    ) -> T:
        try:
            return await self._workers.run(function, history.stored, *arguments, **named)
        except Malformed as error:
            raise DocumentDamaged(error.detail) from error

    async def _history_at(self, point: Point) -> DocumentHistory:
        """The history of the generation that a point is in."""
        if point.seq is not None or point.at is not None:
            former = await read_former_history(self._db, self._document_id, point.seq, point.at)
            if former is not None:
                return former
        return await self.history()

    async def history(self) -> DocumentHistory:
        """Return the history. Raises NotFound, Unavailable, TooLarge."""
        if self._history is None:
            self._history = await read_history(self._db, self._document_id)
        return self._history


def require_version(version: version_queries.Version | None) -> version_queries.Version:
    """Return a version that was found. Raises NotFound."""
    if version is None:
        raise NotFound(NO_VERSION)
    return version

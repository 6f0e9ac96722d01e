"""`collab-server document history|at`: the history of a document."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from collab_server.cli.context import CommandContext
from collab_server.core.history import answers
from collab_server.features.content import rendering
from collab_server.features.history import version_queries
from collab_server.features.history.authors import KnownAuthors
from collab_server.features.history.models import AuthorOut, SessionOut, VersionOut
from collab_server.features.history.points import Point, Points
from collab_server.features.history.presentation import show_session, show_version
from collab_server.features.users import queries as user_queries

Format = Literal["markdown", "text", "yjs"]


@dataclass(frozen=True, slots=True)
class ShownHistory:
    """Versions and sessions of a document, both newest first."""

    versions: Sequence[VersionOut]
    sessions: Sequence[SessionOut]

    def to_json(self) -> str:
        """Return JSON with the shapes of the REST routes."""
        shown = {
            "versions": [version.model_dump(mode="json") for version in self.versions],
            "sessions": [session.model_dump(mode="json") for session in self.sessions],
        }
        return json.dumps(shown, ensure_ascii=False, indent=2)

    def to_table(self) -> str:
        """Return two tables for people. Times are in UTC."""
        versions = [
            (
                str(version.number),
                _minute(version.created_at),
                version.kind,
                "+{added} -{removed} ~{modified}".format(**version.changes_summary.model_dump()),
                ", ".join(map(_name, version.authors)),
                _one_line(version.label or version.change_description or ""),
            )
            for version in self.versions
        ]
        sessions = [
            (
                _minute(session.first_at),
                _minute(session.last_at),
                f"{session.from_seq}-{session.to_seq}",
                f"+{session.inserted} -{session.deleted}",
                _name(session.author),
            )
            for session in self.sessions
        ]
        return "\n".join(
            [
                *_align(("VERSION", "MADE (UTC)", "KIND", "LINES", "AUTHORS", "LABEL"), versions, "no versions"),
                "",
                *_align(("FROM (UTC)", "TO (UTC)", "ROWS", "CHARACTERS", "AUTHOR"), sessions, "no edits are kept"),
            ]
        )


async def find_history(context: CommandContext, document_id: UUID, limit: int) -> ShownHistory:
    """Find the newest versions and sessions. Raises NotFound, TooLarge, TooMuchWork, DocumentDamaged, Unavailable."""
    sessions = await Points(context.db, context.workers, document_id).run(answers.read_sessions)
    sessions = sessions[:limit]
    async with context.db.as_service() as conn:
        versions = await version_queries.list_versions(conn, document_id, limit, None)
        authors = [one.author for one in sessions] + [one for version in versions for one in version.authors]
        users = {UUID(author.id) for author in authors if author.id}
        known = KnownAuthors(await user_queries.list_people(conn, users) if users else {})
    return ShownHistory(
        [show_version(version, known) for version in versions], [show_session(one, known) for one in sessions]
    )


@dataclass(frozen=True, slots=True)
class MomentFile:
    """The content of a document at a moment, as bytes. seq: its last row."""

    body: bytes
    seq: int
    truncated: bool


async def read_moment(context: CommandContext, document_id: UUID, point: Point, format_: Format) -> MomentFile:
    """Read the content at a moment. Raises NotFound, TooLarge, TooMuchWork, DocumentDamaged, Unavailable."""
    moment = await Points(context.db, context.workers, document_id).read_moment(point)
    text, truncated = moment.projection.content, moment.projection.truncated
    if format_ == "yjs":
        body, truncated = await context.workers.run(answers.open_snapshot, moment.snapshot), False
    elif format_ == "text":
        body = (await rendering.render(context.workers, text, "text")).encode()
    else:
        body = text.encode()
    return MomentFile(body, moment.position.seq, truncated)


_NOBODY: Final = "(unknown)"


def _name(author: AuthorOut) -> str:
    name = _one_line(author.name or author.device or _NOBODY)
    return f"{name} (delivered)" if author.relayed else name


def _one_line(text: str) -> str:
    """A terminal obeys control characters, and guests choose their names."""
    return "".join(character if character.isprintable() else " " for character in text)


def _minute(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def _align(head: Sequence[str], rows: Sequence[Sequence[str]], nothing: str) -> list[str]:
    if not rows:
        return [nothing]
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in (head, *rows)]

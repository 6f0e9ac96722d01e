"""Cursors and pages of the change feed.

A cursor is a position in one epoch of one feed: that of a workspace, or that of all workspaces that somebody may read.
It is not signed, as it opens nothing: what it leads to is filtered by row-level security.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from collab_server.changes.queries import Change, Found, Position
from collab_server.errors import CursorExpired, Malformed
from collab_server.web import cursors

BEGINNING = Position(0, 0)


@dataclass(frozen=True, slots=True)
class Cursor:
    """`workspace_id` None: of the feed of all workspaces."""

    workspace_id: UUID | None
    epoch: int
    position: Position

    def __str__(self) -> str:
        scope = str(self.workspace_id) if self.workspace_id else ""
        return cursors.encode(scope, self.epoch, self.position.xid, self.position.id)

    def at(self, position: Position) -> "Cursor":
        """The same feed, there."""
        return Cursor(self.workspace_id, self.epoch, position)


def parsed(text: str, workspace_id: UUID | None) -> Cursor:
    """A cursor for this feed. Raises Malformed.

    That of all workspaces serves each of them too; one workspace's does not serve the others, of which it would skip
    what came before it.
    """
    scope, epoch, xid, number = cursors.decode(text, str, int, int, int)
    if scope not in ("", str(workspace_id)) or epoch < 0 or xid < 0 or number < 0:
        raise Malformed("the cursor is not one of this feed")
    return Cursor(workspace_id, epoch, Position(xid, number))


@dataclass(frozen=True, slots=True)
class Page:
    """`next`: from where the next page goes on. `more`: it is there already. `resync`: workspaces of which entries
    are missing between the cursor and here, to be fetched anew. `readable`: all that the reader may read now.
    """

    next: Cursor
    readable: tuple[UUID, ...]
    changes: Sequence[Change] = ()
    more: bool = False
    resync: tuple[UUID, ...] = ()

    @property
    def is_news(self) -> bool:
        return bool(self.changes or self.resync)


def page_of(found: Found, after: Cursor | None, limit: int, workspace_id: UUID | None) -> Page:
    """What to answer to a cursor; None: the feed's end, for somebody who begins.

    Raises CursorExpired for a workspace's feed of which entries after the cursor are not there any more.
    """
    now = Cursor(workspace_id, found.epoch, found.end)
    if after is None:
        return Page(now, found.readable)
    # Beyond the end: the database was set back to before the cursor was given out.
    if after.epoch != found.epoch or after.position > found.end:
        if workspace_id is not None:
            raise CursorExpired("the feed has begun anew: fetch the workspace, then go on from next_cursor", str(now))
        return Page(now, found.readable, resync=found.readable)
    if found.stale and workspace_id is not None:
        raise CursorExpired(
            "changes after the cursor are not kept any more: fetch the workspace, then go on from next_cursor", str(now)
        )
    changes = found.changes[:limit]
    more = len(found.changes) > limit
    # An idle reader moves on with everybody else's changes, so that its cursor does not grow old.
    return Page(now.at(changes[-1].position) if more else now, found.readable, changes, more, found.stale)

"""Cursors and pages of the change feed.

A cursor is a position in one epoch of one feed: the feed of a workspace, or of all readable workspaces of a person. It
is not signed, because row-level security filters the entries.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from collab_server.errors import CursorExpired, Malformed
from collab_server.features.changes.queries import Change, Found, Position
from collab_server.web import cursors

BEGINNING = Position(0, 0)


@dataclass(frozen=True, slots=True)
class Cursor:
    """A position in a feed. `workspace_id` None: the feed of all workspaces."""

    workspace_id: UUID | None
    epoch: int
    position: Position

    def __str__(self) -> str:
        scope = str(self.workspace_id) if self.workspace_id else ""
        return cursors.encode(scope, self.epoch, self.position.xid, self.position.id)

    def at(self, position: Position) -> "Cursor":
        """Return a cursor of the same feed at another position."""
        return Cursor(self.workspace_id, self.epoch, position)


def parse_cursor(text: str, workspace_id: UUID | None) -> Cursor:
    """Return a cursor for this feed. Raises Malformed.

    A cursor of all workspaces also works for one workspace. A cursor of one workspace does not work for others, because
    earlier entries of these would be skipped.
    """
    scope, epoch, xid, number = cursors.decode(text, str, int, int, int)
    if scope not in ("", str(workspace_id)) or epoch < 0 or xid < 0 or number < 0:
        raise Malformed("invalid cursor: it belongs to another feed")
    return Cursor(workspace_id, epoch, Position(xid, number))


@dataclass(frozen=True, slots=True)
class Page:
    """`next`: the cursor of the next page. `more`: the next page exists already. `resync`: workspaces with missing
    entries after the cursor, to be fetched again. `readable`: all readable workspaces of the reader. `shared`:
    documents of other workspaces that are shared with the reader; `resync_shared`: those to be fetched again.
    """

    next: Cursor
    readable: tuple[UUID, ...]
    shared: tuple[UUID, ...]
    changes: Sequence[Change] = ()
    more: bool = False
    resync: tuple[UUID, ...] = ()
    resync_shared: tuple[UUID, ...] = ()

    @property
    def is_news(self) -> bool:
        return bool(self.changes or self.resync or self.resync_shared)


def make_page(found: Found, after: Cursor | None, limit: int, workspace_id: UUID | None) -> Page:
    """Make the answer to a cursor. None: a new reader, the answer is the end of the feed. Raises CursorExpired if
    entries after the cursor of a workspace's feed are purged.
    """
    now = Cursor(workspace_id, found.epoch, found.end)
    if after is None:
        return Page(now, found.readable, found.shared)
    # Beyond the end: the database was set back to before the cursor was given out.
    if after.epoch != found.epoch or after.position > found.end:
        if workspace_id is not None:
            raise CursorExpired("the feed was restarted: fetch the workspace, then continue from next_cursor", str(now))
        return Page(now, found.readable, found.shared, resync=found.readable, resync_shared=found.shared)
    if (found.stale or found.stale_shared) and workspace_id is not None:
        raise CursorExpired(
            "changes after the cursor have been purged: fetch the workspace, then continue from next_cursor", str(now)
        )
    changes = found.changes[:limit]
    more = len(found.changes) > limit
    # The cursor of an idle reader advances with other changes, so it does not expire.
    place = now.at(changes[-1].position) if more else now
    return Page(place, found.readable, found.shared, changes, more, found.stale, found.stale_shared)

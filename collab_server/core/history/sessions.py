"""Groups the rows of a log into sessions of editing: who edited when, and how much."""

import heapq
from dataclasses import dataclass
from operator import itemgetter
from typing import Final

from collab_server.core.history.owners import Owners
from collab_server.core.history.segment import HistoryAuthor
from collab_server.core.history.stored_history import History, identity_of, list_deleted, list_inserted

PAUSE: Final = 300_000
"""Milliseconds without an edit of an author that end a session."""


@dataclass(slots=True)
class Session:
    """Edits of one author without a long pause. Times are milliseconds since 1970.

    inserted, deleted: UTF-16 code units of text, and one for each other thing: a format, a block, a value.
    """

    author: HistoryAuthor
    first_at: int
    last_at: int
    from_seq: int
    to_seq: int
    inserted: int = 0
    deleted: int = 0


def group_sessions(history: History, since: int = 0, pause: int = PAUSE, *, upto: int | None = None) -> list[Session]:
    """Group the rows after row `since`, up to row `upto`, into sessions. Returns the sessions by their last row, the
    newest first.

    A row with structs of several authors belongs to a session of each. Whoever deletes is whoever delivered the row.
    What was inserted or deleted before does not count again.
    """
    open_sessions: dict[tuple[str, str | None, str | None], Session] = {}
    sessions: list[Session] = []
    owners = Owners()
    inserted = ((part.seq, True, part) for part in list_inserted(history, upto))
    deleted = ((part.seq, False, part) for part in list_deleted(history, upto))
    for seq, is_inserted, part in heapq.merge(inserted, deleted, key=itemgetter(0)):
        client, start, end = part.range
        author = owners.find_author(part.author, client) if is_inserted else part.author
        if seq <= since:
            continue
        at = part.at
        key = identity_of(author)
        session = open_sessions.get(key)
        if session is None or at - session.last_at > pause:
            session = open_sessions[key] = Session(author, at, at, seq, seq)
            sessions.append(session)
        session.last_at, session.to_seq = max(session.last_at, at), seq
        if is_inserted:
            session.inserted += end - start
        else:
            session.deleted += end - start
    return sorted(sessions, key=lambda session: (-session.to_seq, session.from_seq))

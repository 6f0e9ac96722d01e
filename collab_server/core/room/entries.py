"""Values of a room: authors, unacknowledged entries, and documents as PostgreSQL has them."""

from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID


class Author(NamedTuple):
    """The author of an edit in the log, as authenticated by the server.

    `kind`: user, api_client, guest, app_user or unknown; None: user where there is a user, else unknown. `name`: of
    whoever has no account, or of an API token. `is_relayed`: the author is not known, this is who delivered the edit.
    `others`: authors of the edits by these Yjs clients, which `user_id` only delivered.
    `accepts`: the suggestion that the edit accepts; the log marks it as accepted in the same transaction.
    """

    user_id: UUID | None
    device: str | None = None
    kind: str | None = None
    name: str | None = None
    is_relayed: bool = False
    others: tuple[tuple[int, "Author"], ...] = ()
    accepts: UUID | None = None


@dataclass(slots=True)
class Entry:
    """A content message that is not acknowledged yet. `update`: None where there is nothing to log.

    `sender`: number of the connection to acknowledge. `clients`: Yjs client ids whose structs the update adds.
    """

    update: bytes | None
    sender: int
    author: Author
    clients: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Stored:
    """A document read from PostgreSQL: all updates up to log number `seq`, merged."""

    snapshot: bytes
    state_vector: bytes
    seq: int
    rows: int = 0
    """Log rows that are not folded yet."""
    bytes: int = 0
    """Size of these rows."""

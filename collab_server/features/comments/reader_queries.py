"""SQL of the people who read a document, as far as the transaction's user may see them."""

from dataclasses import dataclass
from uuid import UUID

from collab_server.adapters.postgres import Conn
from collab_server.features.comments.mentions import Reader, Wanted

# The policies of `users` leave those whose names the caller may see: a person whom the document is shared with sees who
# takes part in it, not the list of members.
_READERS = """
    FROM documents d JOIN users u ON u.id = ANY (app.document_readers(d.id)) WHERE d.id = $1 AND d.deleted_at IS NULL
"""


async def find_readers(conn: Conn, document_id: UUID, wanted: Wanted, *, by_address: bool) -> list[Reader]:
    """Find the members and the people whom the document is shared with that a text names. `by_address`: also by their
    addresses.
    """
    rows = await conn.fetch(
        "SELECT u.id, coalesce(u.display_name, u.username, u.email) AS name, u.username, u.email"
        + _READERS
        + "AND (u.id = ANY ($2) OR lower(u.username) = ANY ($3) OR lower(u.email) = ANY ($4))",
        document_id,
        list(wanted.ids),
        list(wanted.names),
        list(wanted.addresses) if by_address else [],
    )
    return [Reader(row["id"], row["name"], row["username"], row["email"] if by_address else None) for row in rows]


@dataclass(frozen=True, slots=True)
class Mentionable:
    id: UUID
    name: str
    username: str | None
    avatar_url: str | None


def _folded(text: str) -> str:
    """SQL: the words of a text, in lower case and without marks, each after a space."""
    plain = f"regexp_replace(normalize(lower({text}), NFKD), '[\u0300-\u036f]', '', 'g')"
    return f"regexp_replace(' ' || {plain}, '[^[:alnum:]]+', ' ', 'g')"


async def list_mentionable(conn: Conn, document_id: UUID, text: str, limit: int) -> list[Mentionable]:
    """List readers with a word in their name or username that begins with the text, by name."""
    name, typed = "coalesce(u.display_name, u.username, u.email)", _folded("$2::text")
    username = "coalesce(u.username, '')"
    rows = await conn.fetch(
        f"SELECT u.id, {name} AS name, u.username, u.avatar_url {_READERS} "
        f"AND (strpos({_folded(name)}, {typed}) > 0 OR strpos({_folded(username)}, {typed}) > 0) "
        f"ORDER BY lower({name}), u.id LIMIT $3",
        document_id,
        text.strip(),
        limit,
    )
    return [Mentionable(*row) for row in rows]

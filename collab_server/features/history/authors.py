"""Authors as answers show them, with the present names of users."""

from collections.abc import Iterable
from uuid import UUID

from collab_server.access.identity import Identity
from collab_server.adapters.postgres import Database
from collab_server.core.history.segment import UNKNOWN, HistoryAuthor
from collab_server.features.history.models import AuthorKind, AuthorOut
from collab_server.features.users import queries as user_queries

_KINDS: dict[str, AuthorKind] = {
    "user": "user",
    "guest": "guest",
    "api_client": "api_client",
    "app_user": "app_user",
}


class AuthorNames:
    """Present names of users, as far as an identity may see them."""

    def __init__(self, names: dict[UUID, str]) -> None:
        self._names = names

    def to_response(self, author: HistoryAuthor | None) -> AuthorOut:
        """Return the JSON shape of an author; None is an unknown one."""
        author = author or UNKNOWN
        user = UUID(author.id) if author.id else None
        return AuthorOut(
            id=user,
            kind=_KINDS.get(author.kind, "unknown"),
            name=self._names.get(user) if user is not None else author.name,
            device=author.device,
            relayed=author.is_relayed,
        )


async def find_names(db: Database, identity: Identity, authors: Iterable[HistoryAuthor | None]) -> AuthorNames:
    """Find the names of authors. Raises Unavailable."""
    users = {UUID(author.id) for author in authors if author is not None and author.id}
    if not users:
        return AuthorNames({})
    async with db.as_user(identity.rights) as conn:
        return AuthorNames(await user_queries.list_names(conn, users))

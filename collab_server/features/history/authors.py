"""Authors as answers show them, with the present names and pictures of users."""

from collections.abc import Iterable
from uuid import UUID

from collab_server.access.identity import Identity
from collab_server.adapters.postgres import Database
from collab_server.core.history.segment import UNKNOWN, HistoryAuthor
from collab_server.features.history.models import AuthorKind, AuthorOut
from collab_server.features.users import queries as user_queries
from collab_server.features.users.queries import Person

_KINDS: dict[str, AuthorKind] = {
    "user": "user",
    "guest": "guest",
    "api_client": "api_client",
    "app_user": "app_user",
}


class KnownAuthors:
    """Present names and pictures of users, as far as an identity may see them."""

    def __init__(self, people: dict[UUID, Person]) -> None:
        self._people = people

    def to_response(self, author: HistoryAuthor | None) -> AuthorOut:
        """Return the JSON shape of an author; None is an unknown one."""
        author = author or UNKNOWN
        user = UUID(author.id) if author.id else None
        person = self._people.get(user) if user is not None else None
        name = author.name if user is None else person.name if person is not None else None
        return AuthorOut(
            id=user,
            kind=_KINDS.get(author.kind, "unknown"),
            name=name,
            avatar_url=person.picture if person is not None else None,
            device=author.device,
            relayed=author.is_relayed,
        )


async def find_authors(db: Database, identity: Identity, authors: Iterable[HistoryAuthor | None]) -> KnownAuthors:
    """Find the names and pictures of authors. Raises Unavailable."""
    users = {UUID(author.id) for author in authors if author is not None and author.id}
    if not users:
        return KnownAuthors({})
    async with db.as_user(identity.rights) as conn:
        return KnownAuthors(await user_queries.list_people(conn, users))

"""People of a running server, each a client with an API token of their own. Made by SQL: a command each would take
seconds.
"""

from collections.abc import Iterable
from uuid import UUID, uuid4

import asyncpg
import httpx

from collab_server.security import tokens
from tests.server import Server

_NO_IDLE = httpx.Limits(max_keepalive_connections=0)  # so that nobody needs to close a client


class Person(httpx.AsyncClient):
    """A client under `/api/v1` with a bearer token. `personal`: the id of the personal workspace."""

    def __init__(self, server: Server, name: str, email: str, user_id: UUID, personal: UUID, token: str) -> None:
        super().__init__(
            base_url=server.api,
            headers={"authorization": f"Bearer {token}"} if token else {},
            limits=_NO_IDLE,
            timeout=30,
        )
        self.server = server
        self.name = name
        self.email = email
        self.id = str(user_id)
        self.personal = str(personal)
        self.token = token

    async def with_scope(self, *scopes: str) -> "Person":
        """The same person by another token."""
        token = tokens.new_api_token()
        await run(self.server, _ADD_TOKEN, [(UUID(self.id), tokens.token_hash(token), list(scopes))])
        return Person(self.server, self.name, self.email, UUID(self.id), UUID(self.personal), token)


_ADD_USER = "INSERT INTO users (id, email, email_verified, display_name, role) VALUES ($1, $2, true, $3, $4)"
_ADD_PERSONAL = "INSERT INTO workspaces (id, owner_id, name, slug, kind) VALUES ($1, $2, $3, $4, 'personal')"
_ADD_TOKEN = "INSERT INTO access_tokens (user_id, name, token_hash, scopes) VALUES ($1, 'test', $2, $3)"


async def people(server: Server, *names: str, scope: str = "admin", admin: bool = False) -> list[Person]:
    """New users of these names, with addresses and slugs that no other test has. `admin`: of the server."""
    made = []
    for name in names:
        email = f"{name}-{uuid4().hex[:12]}@example.org"
        made.append(Person(server, name, email, uuid4(), uuid4(), tokens.new_api_token()))
    role = "admin" if admin else "user"
    await run(server, _ADD_USER, [(UUID(p.id), p.email, p.name, role) for p in made])
    slugs = [p.email.partition("@")[0] for p in made]
    await run(
        server,
        _ADD_PERSONAL,
        [(UUID(p.personal), UUID(p.id), p.name, slug) for p, slug in zip(made, slugs, strict=True)],
    )
    await run(server, _ADD_TOKEN, [(UUID(p.id), tokens.token_hash(p.token), [scope]) for p in made])
    return made


def nobody(server: Server) -> Person:
    """A client without credentials: a guest where guests may come."""
    return Person(server, "guest", "", UUID(int=0), UUID(int=0), "")


async def run(server: Server, statement: str, rows: Iterable[tuple[object, ...]] = ((),)) -> None:
    """Run a statement as the owner of the server's database, once for each row of arguments."""
    conn = await asyncpg.connect(server.owner_dsn)
    try:
        await conn.executemany(statement, list(rows))
    finally:
        await conn.close()


async def fetch(server: Server, query: str, *arguments: object) -> list[asyncpg.Record]:
    """What the owner of the server's database sees."""
    conn = await asyncpg.connect(server.owner_dsn)
    try:
        return await conn.fetch(query, *arguments)
    finally:
        await conn.close()

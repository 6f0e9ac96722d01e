"""A server on either PostgreSQL, and documents in it that can be found at once."""

from pathlib import Path
from uuid import UUID, uuid4

from tests import databases
from tests.people import fetch, run
from tests.server import Server
from tests.waiting import until


class OnDatabase(Server):
    """A server whose database is another's."""

    def __init__(self, directory: Path, database: databases.Database) -> None:
        super().__init__(
            directory, database_url=database.login_dsn, secret_key="one that is long enough", guest_role="viewer"
        )
        self._owner_dsn = database.owner_dsn

    @property
    def owner_dsn(self) -> str:
        return self._owner_dsn


_ADD = """
    INSERT INTO documents (id, workspace_id, title, content, description, language, type, name)
    VALUES ($1, $2, $3, $4, $5, $6, $7::text::document_type, $8)
"""


async def write(
    server: Server,
    workspace: str,
    title: str,
    content: str = "",
    *,
    description: str | None = None,
    language: str = "english",
    kind: str = "markdown",
    name: str | None = None,
    tags: tuple[str, ...] = (),
) -> str:
    """A new document's id. It is found after `index`."""
    document = uuid4()
    await run(server, _ADD, [(document, UUID(workspace), title, content, description, language, kind, name)])
    for tag in tags:
        await run(
            server,
            "INSERT INTO tags (workspace_id, name, slug) VALUES ($1, $2, lower($2)) ON CONFLICT DO NOTHING",
            [(UUID(workspace), tag)],
        )
        await run(
            server,
            """
            INSERT INTO document_tags (document_id, tag_id, workspace_id)
            SELECT $1, id, workspace_id FROM tags WHERE workspace_id = $2 AND slug = lower($3)
            """,
            [(document, UUID(workspace), tag)],
        )
    return str(document)


async def index(server: Server) -> None:
    """What the server does every two seconds, at once."""

    async def is_done() -> bool:
        await fetch(server, "SELECT app.refresh_search()")
        # What the server is indexing at this moment is in the queue until that is committed.
        return not await fetch(server, "SELECT 1 FROM search_queue LIMIT 1")

    await until(is_done, "the index")

"""No list asks PostgreSQL more often because it has more in it. A list route that is new has to be named here."""

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pycrdt
import pytest
from asyncpg.connection import LoggedQuery
from starlette.types import Receive, Scope, Send

from collab_server import app
from collab_server.features.changes.feed import Cursor
from collab_server.features.changes.queries import Position
from collab_server.security import tokens
from collab_server.services import Services
from collab_server.settings import Settings
from tests import databases

FEW, MANY = 1, 30
PATHS = {
    "/auth/sessions": "/auth/sessions",
    "/auth/tokens": "/auth/tokens",
    "/users": "/users?q={key}",
    "/admin/audit": "/admin/audit?workspace_id={workspace}",
    "/workspaces": "/workspaces",
    "/workspaces/{workspace_id}/members": "/workspaces/{workspace}/members",
    "/workspaces/{workspace_id}/activity": "/workspaces/{workspace}/activity",
    "/workspaces/{workspace_id}/invitations": "/workspaces/{workspace}/invitations",
    "/workspaces/{workspace_id}/tags": "/workspaces/{workspace}/tags",
    "/workspaces/{workspace_id}/categories": "/workspaces/{workspace}/categories",
    "/workspaces/{workspace_id}/documents": "/workspaces/{workspace}/documents",
    "/workspaces/{workspace_id}/search": "/workspaces/{workspace}/search?q=needle",
    "/invitations": "/invitations",
    "/search": "/search?q=needle",
    "/search/titles": "/search/titles?q=needle",
    "/notifications": "/notifications",
    "/documents/favourites": "/documents/favourites",
    "/documents/recent": "/documents/recent",
    "/documents/{document_id}/conflicts": "/documents/{document}/conflicts",
    "/documents/{document_id}/versions": "/documents/{document}/versions",
    "/documents/{document_id}/suggestions": "/documents/{document}/suggestions",
    "/documents/{document_id}/history": "/documents/{document}/history",
    "/documents/{document_id}/comments": "/documents/{document}/comments",
    "/documents/{document_id}/attachments": "/documents/{document}/attachments",
    "/documents/{document_id}/shares": "/documents/{document}/shares",
    "/workspaces/{workspace_id}/shares": "/workspaces/{workspace}/shares",
    "/documents/{document_id}/access-requests": "/documents/{document}/access-requests",
    "/documents/shared": "/documents/shared",
    "/documents/{document_id}/mentionable": "/documents/{document}/mentionable?limit=50",
    "/comments/{comment_id}/edits": "/comments/{comment}/edits",
    "/sync": "/sync?cursor={cursor}",
    "/workspaces/{workspace_id}/sync": "/workspaces/{workspace}/sync?cursor={cursor}",
    "/documents/{document_id}/presence": "/documents/{document}/presence",
    "/workspaces/{workspace_id}/presence": "/workspaces/{workspace}/presence",
}
"""Of OpenAPI's path, the request that lists what `everything` made."""


class NoReaders:
    def note_request(self, *_: object) -> None: ...


class Counted:
    """An application in this process, and the statements that its pools send."""

    def __init__(self, database: databases.Database) -> None:
        settings = Settings(database_url=database.login_dsn, secret_key="long enough for a key", guest_role="none")  # type: ignore[arg-type]
        self.services = Services(settings, database.login_dsn)
        # Beside a request, once a minute for each person, it asks what the person may read.
        self.services.readers = NoReaders()  # type: ignore[assignment]
        self.app = app.build(self.services)
        self.seen: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app({**scope, "state": {"services": self.services}}, receive, send)

    async def listen(self) -> None:
        """Hear every connection that the pools may hold; they keep them for longer than these tests run."""
        for pool in (self.services.db._people, self.services.db._service):
            assert pool is not None
            async with AsyncExitStack() as held:
                for _ in range(pool.get_max_size()):
                    connection = await held.enter_async_context(pool.acquire())
                    connection.add_query_logger(self._heard)

    def _heard(self, query: LoggedQuery) -> None:
        self.seen.append(query.query)

    async def statements(self, client: httpx.AsyncClient, path: str) -> tuple[int, int]:
        """(items in the answer, statements that it took)"""
        (await client.get(path)).raise_for_status()  # what is noted once a minute is noted here
        least, items = 1_000, 0
        for _ in range(3):  # the server's own tasks may ask something meanwhile
            self.seen.clear()
            answer = await client.get(path)
            assert answer.status_code == 200, answer.text
            least, items = min(least, len(self.seen)), len(answer.json()["items"])
        return items, least


@dataclass(frozen=True, slots=True)
class Somebody:
    client: httpx.AsyncClient
    workspace: UUID
    key: str
    document: UUID
    cursor: str
    comment: UUID


@pytest.fixture(scope="module")
async def counted() -> AsyncIterator[Counted]:
    async with databases.migrated() as database:
        made = Counted(database)
        async with made.services.run():
            await made.listen()
            yield made


async def everything(counted: Counted, owner_dsn: str, count: int) -> Somebody:
    """An administrator of the server who has `count` of everything that can be listed."""
    conn = await asyncpg.connect(owner_dsn)
    key = uuid4().hex
    me, token = uuid4(), tokens.new_api_token()
    conflicted: UUID | None = None
    commented: UUID | None = None
    try:
        add_user = "INSERT INTO users (id, email, email_verified, display_name, role) VALUES ($1, $2, true, $2, $3)"
        await conn.execute(add_user, me, f"me-{uuid4().hex}@example.org", "admin")
        add_token = "INSERT INTO access_tokens (user_id, name, token_hash, scopes) VALUES ($1, 'x', $2, '{admin}')"
        await conn.execute(add_token, me, tokens.token_hash(token))
        add_workspace = (
            "INSERT INTO workspaces (owner_id, name, kind, member_limit) VALUES ($1, $2, 'team', 99) RETURNING id"
        )
        workspace: UUID = await conn.fetchval(add_workspace, me, "first")
        (end,) = await conn.fetch("SELECT epoch, xid::text::bigint AS xid, id FROM app.sync_position()")
        cursor = str(Cursor(None, end["epoch"], Position(end["xid"], end["id"])))
        for number in range(count):
            other = uuid4()
            await conn.execute(add_user, other, f"{key}-{number}@example.org", "user")
            await conn.execute(
                "INSERT INTO workspace_members (workspace_id, user_id, role) VALUES ($1, $2, 'viewer')",
                workspace,
                other,
            )
            elsewhere = await conn.fetchval(add_workspace, other, "other")
            add_invitation = (
                "INSERT INTO invitations (workspace_id, invited_by, email, role, token_hash) "
                "SELECT $1, $2, email, 'viewer', $4 FROM users WHERE id = $3"
            )
            await conn.execute(add_invitation, elsewhere, other, me, os.urandom(32))
            invited = uuid4()
            await conn.execute(add_user, invited, f"i-{uuid4().hex}@example.org", "user")
            await conn.execute(add_invitation, workspace, me, invited, os.urandom(32))
            await conn.execute(add_workspace, me, f"own {number}")
            await conn.execute(
                "INSERT INTO sessions (user_id, token_hash, expires_at) VALUES ($1, $2, now() + interval '1 day')",
                me,
                os.urandom(32),
            )
            await conn.execute(add_token, me, os.urandom(32))
            document = await conn.fetchval(
                "INSERT INTO documents (workspace_id, title, content, created_by) "
                "VALUES ($1, 'needle', 'needle', $2) RETURNING id",
                workspace,
                other,
            )
            tag = await conn.fetchval(
                "INSERT INTO tags (workspace_id, name, slug) VALUES ($1, $2, $2) RETURNING id", workspace, f"t{number}"
            )
            await conn.execute("INSERT INTO document_tags VALUES ($1, $2, $3)", document, tag, workspace)
            await conn.execute(
                "INSERT INTO categories (workspace_id, name, slug) VALUES ($1, $2, $2)", workspace, f"c{number}"
            )
            await conn.execute("INSERT INTO document_favourites VALUES ($1, $2)", me, document)
            await conn.execute("INSERT INTO document_views VALUES ($1, $2, now())", me, document)
            conflicted = conflicted or document
            add_share = "INSERT INTO shares (document_id, workspace_id, grantee_id) VALUES ($1, $2, $3)"
            await conn.execute(add_share, document, workspace, me)
            for shared in (conflicted, None):
                await conn.execute(
                    "INSERT INTO shares (document_id, workspace_id, token_hash) VALUES ($1, $2, $3)",
                    shared,
                    workspace,
                    os.urandom(32),
                )
            await conn.execute(
                "INSERT INTO access_requests (document_id, workspace_id, user_id, permission) "
                "VALUES ($1, $2, $3, 'read')",
                conflicted,
                workspace,
                invited,
            )
            await conn.execute(
                "INSERT INTO sync_conflicts (document_id, workspace_id, user_id, device_id, kind, overwritten, "
                "written, row_version) VALUES ($1, $2, $3, 'd', 'patch', '{}', '{}', 1)",
                conflicted,
                workspace,
                me,
            )
            await conn.execute(
                "INSERT INTO document_versions (document_id, version_number, kind, title, content, content_hash, "
                "generation, yjs_clock, yjs_snapshot, state_hash, changes_summary, metadata_snapshot, authors, "
                "size_bytes) "
                "VALUES ($1, $2, 'manual', 'D', '', repeat('a', 64), 1, 1, '', '', "
                """ '{"added": 0, "removed": 0, "modified": 0}', '{}', """
                "jsonb_build_array(jsonb_build_object('kind', 'user', 'id', $3::text)), 0)",
                conflicted,
                number + 1,
                str(other),
            )
            remark = await conn.fetchval(
                "INSERT INTO comments (document_id, workspace_id, author_id, content, content_html) "
                "VALUES ($1, $2, $3, 'x', '<p>x</p>') RETURNING id",
                conflicted,
                workspace,
                other,
            )
            commented = commented or remark
            await conn.execute(
                "INSERT INTO attachments (document_id, workspace_id, file_name, original_name, content_type, "
                "size_bytes, checksum_sha256, s3_bucket, s3_key, uploaded_by) "
                "VALUES ($1, $2, 'F', 'F', 'text/plain', 0, sha256('x'), 'b', 'k', $3)",
                conflicted,
                workspace,
                other,
            )
            await conn.execute("INSERT INTO comment_mentions VALUES ($1, $2)", remark, other)
            await conn.execute("INSERT INTO comment_reactions VALUES ($1, $2, '👍')", remark, other)
            await conn.execute("UPDATE comments SET content = $2 WHERE id = $1", commented, f"edit {number}")
            await conn.execute(
                "INSERT INTO comments (document_id, workspace_id, content, content_html) "
                "VALUES ($1, $2, 'x', '<p>x</p>')",
                document,
                workspace,
            )
            typed: pycrdt.Doc[pycrdt.Text] = pycrdt.Doc(client_id=number + 1)
            typed.get("content", type=pycrdt.Text).insert(0, "x")
            await conn.execute(
                "WITH h AS (UPDATE document_heads SET head_seq = head_seq + 1 WHERE document_id = $1 "
                "RETURNING head_seq) "
                "INSERT INTO document_updates (document_id, seq, payload, actor_id) SELECT $1, head_seq, $2, $3 FROM h",
                conflicted,
                typed.get_update(),
                other,
            )
            await conn.execute(
                "INSERT INTO suggestions (document_id, workspace_id, author_id, hunks, generation) "
                "VALUES ($1, $2, $3, $4::jsonb, 0)",
                conflicted,
                workspace,
                other,
                """[{"start": 0, "deleted": "", "inserted": "x", "ids": [], "left": null, "right": [1, 0],
                     "before": "", "behind": "", "prefix": "", "suffix": ""}]""",
            )
            await conn.executemany(
                "INSERT INTO presence (connection_id, node_id, document_id, workspace_id, user_id, expires_at) "
                "VALUES (gen_random_uuid()::text, 'n', $1, $2, $3, now() + interval '1 hour')",
                [(document, workspace, other), (conflicted, workspace, other)],
            )
        while await conn.fetchval("SELECT app.refresh_search()") or await conn.fetchval(
            "SELECT count(*) FROM search_queue"
        ):
            pass
    finally:
        await conn.close()
    client = httpx.AsyncClient(
        transport=httpx.ASGITransport(counted),
        base_url="http://localhost/api/v1",
        headers={"authorization": f"Bearer {token}"},
    )
    assert conflicted is not None and commented is not None
    return Somebody(client, workspace, key, conflicted, cursor, commented)


@pytest.fixture(scope="module")
async def rich_and_poor(counted: Counted) -> tuple[Somebody, Somebody]:
    dsn = databases.with_database(
        databases.admin_dsn("18"), counted.services.db.dsn.rpartition("/")[2].partition("?")[0]
    )
    return await everything(counted, dsn, FEW), await everything(counted, dsn, MANY)


def lists(openapi: dict[str, Any]) -> set[str]:
    """Paths that answer with a list."""
    found = set()
    for path, operations in openapi["paths"].items():
        answer = operations.get("get", {}).get("responses", {}).get("200", {}).get("content", {})
        schema = answer.get("application/json", {}).get("schema", {})
        if "$ref" in schema:
            schema = openapi["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        if "items" in schema.get("properties", {}) or schema.get("type") == "array":
            found.add(path)
    return found


async def test_every_list_is_looked_at(counted: Counted) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(counted), base_url="http://localhost/api/v1") as client:
        assert lists((await client.get("/openapi.json")).json()) == PATHS.keys()


@pytest.mark.parametrize("path", PATHS)
async def test_a_list_takes_as_many_statements_whatever_is_in_it(
    counted: Counted, rich_and_poor: tuple[Somebody, Somebody], path: str
) -> None:
    poor, rich = [
        await counted.statements(
            one.client,
            PATHS[path].format(
                workspace=one.workspace, key=one.key, document=one.document, cursor=one.cursor, comment=one.comment
            ),
        )
        for one in rich_and_poor
    ]
    assert poor[0] < rich[0]
    assert rich[0] >= MANY or path.endswith(("search", "titles"))
    assert poor[1] == rich[1]
    assert poor[1] > 0

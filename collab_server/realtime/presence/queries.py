"""SQL of the mirror of presence. What a server writes runs under app_service, what people read under their rights."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from collab_server.adapters.postgres import Conn
from collab_server.features.documents.document_queries import SHOWN_PEOPLE, Present, read_present

CHANNEL: Final = "collab_presence"
ANNOUNCED_AT_ONCE: Final = 100
"""Documents of one notice: 74 bytes each. A notice has less than 8,000 bytes."""


def _announcing(documents: str) -> str:
    """SQL that sends the notices of these documents at the commit, and returns their number. Each line of a notice
    names a workspace and a document.
    """
    return f"""
        (SELECT count(sent) FROM (
          SELECT pg_notify('{CHANNEL}', string_agg(workspace_id || ' ' || id, E'\n')) AS sent
          FROM (SELECT workspace_id, id, (row_number() OVER (ORDER BY id) - 1) / {ANNOUNCED_AT_ONCE} AS part
                FROM documents WHERE id = ANY ({documents})) d
          GROUP BY part) notices)
        """  # noqa: S608


async def mirror(
    conn: Conn,
    node: str,
    rows: Sequence[dict[str, object]],
    left: Sequence[str],
    *,
    beat: bool,
    seconds: float,
    announced: Collection[UUID] = (),
) -> int:
    """Write `rows` (columns of `presence` by name), end the connections in `left`; `beat`: all others of the node are
    still there, and are for so many `seconds`. `announced`: documents to which people came, or which they left.
    Returns how many of the node PostgreSQL knows then.
    """
    known: int = await conn.fetchval(
        f"SELECT app.mirror_presence($1, $2::text::jsonb, $3, $4, $5), {_announcing('$6::text[]::uuid[]')}",
        node,
        json.dumps(rows, ensure_ascii=False, allow_nan=False),
        list(left),
        beat,
        seconds,
        list(map(str, announced)),
    )
    return known


async def end(conn: Conn, prefix: str, *, but: str = "") -> None:
    """End all connections of the nodes whose id begins with `prefix`, `but` for one node."""
    ended = """ARRAY(SELECT document_id FROM presence
                WHERE starts_with(node_id, $1) AND node_id <> $2 AND disconnected_at IS NULL)"""
    await conn.execute(f"SELECT {_announcing(ended)}, app.end_presence($1, $2)", prefix, but)


async def list_others_of(conn: Conn, node: str, connections: Sequence[str]) -> dict[str, UUID]:
    """List the connected rows of a node except `connections`: {connection: document}."""
    rows = await conn.fetch(
        "SELECT connection_id, document_id FROM presence"
        " WHERE node_id = $1 AND disconnected_at IS NULL AND connection_id <> ALL ($2::text[])",
        node,
        list(connections),
    )
    return {row["connection_id"]: row["document_id"] for row in rows}


@dataclass(frozen=True, slots=True)
class Expired:
    """`documents`: (workspace, document) of the rows that expired until `at`. `next`: seconds until another row can
    expire; None: there is none.
    """

    at: datetime
    next: float | None
    documents: list[tuple[UUID, UUID]]


async def find_expired(conn: Conn, since: datetime | None) -> Expired:
    """Find what expired after `since`; None: nothing yet."""
    rows = await conn.fetch(
        """
        WITH connected AS (SELECT workspace_id, document_id, expires_at FROM presence WHERE disconnected_at IS NULL)
        SELECT now() AS at, (SELECT extract(epoch FROM min(expires_at) - now())::float8 FROM connected
                             WHERE expires_at > now()) AS next, workspace_id, document_id
        FROM (VALUES (1)) one LEFT JOIN (SELECT DISTINCT workspace_id, document_id FROM connected
          WHERE expires_at > $1 AND expires_at <= now()) expired ON true
        """,
        since,
    )
    documents = [(row["workspace_id"], row["document_id"]) for row in rows if row["document_id"] is not None]
    return Expired(rows[0]["at"], rows[0]["next"], documents)


@dataclass(frozen=True, slots=True)
class Connected:
    """`name`: None for a person whom the reader shares no workspace with, and for a nameless guest."""

    connection_id: str
    user_id: UUID | None
    name: str | None
    avatar_url: str | None
    device_type: str | None
    device_name: str | None
    cursor_position: Any
    selection_range: Any
    is_typing: bool
    current_block_id: str | None
    connected_at: datetime
    last_activity_at: datetime


@dataclass(frozen=True, slots=True)
class Seen:
    user_id: UUID
    name: str
    avatar_url: str | None
    last_seen_at: datetime


_NAME = "coalesce(u.display_name, u.username, u.email)"


async def list_connected(conn: Conn, document_id: UUID, limit: int) -> tuple[list[Connected], int]:
    """(who is in the document, the first to come first; how many people these are without the limit, where a person
    counts once and each connection of a guest counts). Both of one moment.
    """
    rows = await conn.fetch(
        f"""
        WITH here AS MATERIALIZED (SELECT * FROM active_presence WHERE document_id = $1)
        SELECT p.connection_id, p.user_id, CASE WHEN p.user_id IS NULL THEN p.guest_name ELSE {_NAME} END AS name,
               u.avatar_url, p.device_type, p.device_name, p.cursor_position::text, p.selection_range::text,
               p.is_typing, p.current_block_id, p.connected_at, p.last_activity_at,
               (SELECT count(DISTINCT coalesce(user_id::text, connection_id)) FROM here) AS people
        FROM here p LEFT JOIN users u ON u.id = p.user_id ORDER BY p.connected_at, p.connection_id LIMIT $2
        """,  # noqa: S608
        document_id,
        limit,
    )
    people = rows[0]["people"] if rows else 0
    found = [{name: value for name, value in row.items() if name != "people"} for row in rows]
    return [Connected(**{**row, **_decoded(row, "cursor_position", "selection_range")}) for row in found], people


def _decoded(row: Any, *columns: str) -> dict[str, Any]:
    return {column: json.loads(row[column]) if row[column] is not None else None for column in columns}


async def list_seen_in_document(conn: Conn, document_id: UUID, limit: int) -> list[Seen]:
    """People whom the reader may know and who are not there now, the last to leave first."""
    return await _list_seen(conn, "p.document_id", document_id, limit)


async def list_seen_in_workspace(conn: Conn, workspace_id: UUID, limit: int) -> list[Seen]:
    """Like `list_seen_in_document`, for all documents of a workspace."""
    return await _list_seen(conn, "p.workspace_id", workspace_id, limit)


async def _list_seen(conn: Conn, column: str, value: UUID, limit: int) -> list[Seen]:
    rows = await conn.fetch(
        f"""
        SELECT p.user_id, {_NAME} AS name, u.avatar_url,
               max(coalesce(p.disconnected_at, p.last_activity_at)) AS last_seen_at
        FROM presence p JOIN users u ON u.id = p.user_id JOIN documents d ON d.id = p.document_id
        WHERE {column} = $1 AND d.deleted_at IS NULL GROUP BY p.user_id, 2, 3
        HAVING NOT bool_or(p.disconnected_at IS NULL AND p.expires_at > now()) ORDER BY 4 DESC, 1 LIMIT $2
        """,  # noqa: S608
        value,
        limit,
    )
    return [Seen(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class Busy:
    """A document with somebody in it: how many `people`, and the first few of them."""

    document_id: UUID
    title: str
    people: int
    present: list[Present]


async def list_busy_documents(conn: Conn, workspace_id: UUID, limit: int) -> list[Busy]:
    """Where people are, the most crowded first."""
    rows = await conn.fetch(
        f"""
        WITH who AS (
          SELECT p.document_id, d.title, p.user_id, u.avatar_url, min(p.connected_at) AS since,
                 CASE WHEN p.user_id IS NULL THEN p.guest_name ELSE {_NAME} END AS name
          FROM active_presence p JOIN documents d ON d.id = p.document_id LEFT JOIN users u ON u.id = p.user_id
          WHERE p.workspace_id = $1 AND d.deleted_at IS NULL
          GROUP BY 1, 2, 3, 4, 6, CASE WHEN p.user_id IS NULL THEN p.connection_id END),
        placed AS (
          SELECT *, row_number() OVER (PARTITION BY document_id ORDER BY since, user_id, name) AS place FROM who)
        SELECT document_id, title, count(*) AS people,
               json_agg(json_build_array(user_id, name, avatar_url) ORDER BY place)
                 FILTER (WHERE place <= {SHOWN_PEOPLE})::text
        FROM placed GROUP BY document_id, title ORDER BY people DESC, max(since) DESC, document_id LIMIT $2
        """,  # noqa: S608
        workspace_id,
        limit,
    )
    return [Busy(row[0], row[1], row[2], read_present(json.loads(row[3]))) for row in rows]

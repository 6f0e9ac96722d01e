"""Comments, mentions and reactions as the tables take them, by people of a running server."""

from typing import Any
from uuid import UUID, uuid4

import asyncpg

from tests.people import Person
from tests.server import Server
from tests.waiting import until


async def act(who: Person | None, server: Server, *statements: tuple[object, ...]) -> None:
    """Run statements in one transaction of this person (None: of the server)."""
    conn = await asyncpg.connect(server.owner_dsn)
    try:
        async with conn.transaction():
            settings = "SELECT set_config('role', $1, true), set_config('app.current_user_id', $2, true)"
            await conn.execute(settings, "app_readwrite" if who else "app_service", who.id if who else "")
            for statement, *arguments in statements:
                await conn.execute(str(statement), *arguments)
    finally:
        await conn.close()


async def comment(
    who: Person,
    document: dict[str, Any],
    text: str = "Is this so?",
    *,
    parent: str | None = None,
    mentions: tuple[Person, ...] = (),
) -> str:
    """Write a comment. Return its id."""
    made = uuid4()
    add = (
        "INSERT INTO comments (id, document_id, workspace_id, parent_id, content, content_html) "
        "VALUES ($1, $2, $3, $4, $5, $5)"
    )
    place = (UUID(document["id"]), UUID(document["workspace_id"]))
    await act(
        who,
        who.server,
        (add, made, *place, UUID(parent) if parent else None, text),
        *(("INSERT INTO comment_mentions VALUES ($1, $2)", made, UUID(person.id)) for person in mentions),
    )
    return str(made)


async def react(who: Person, comment_id: str, emoji: str = "👍") -> None:
    add = "INSERT INTO comment_reactions (comment_id, emoji) VALUES ($1, $2)"
    await act(who, who.server, (add, UUID(comment_id), emoji))


async def unreact(who: Person, comment_id: str, emoji: str = "👍") -> None:
    remove = "DELETE FROM comment_reactions WHERE comment_id = $1 AND emoji = $2"
    await act(who, who.server, (remove, UUID(comment_id), emoji))


async def resolve(who: Person, comment_id: str, *, resolved: bool = True) -> None:
    await act(who, who.server, ("UPDATE comments SET resolved = $2 WHERE id = $1", UUID(comment_id), resolved))


async def follow(who: Person, document: dict[str, Any], level: str = "follow") -> None:
    answer = await who.put(f"/documents/{document['id']}/subscription", json={"level": level})
    assert answer.status_code == 200, answer.text


async def inbox(who: Person, document: dict[str, Any] | None = None, **params: str) -> list[dict[str, Any]]:
    """The person's notifications, the newest first; of one document where it is named."""
    answer = await who.get("/notifications", params={"limit": "200", **params})
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return [
        item
        for item in items
        if document is None or (item["document"] is not None and item["document"]["id"] == document["id"])
    ]


async def kinds(who: Person, document: dict[str, Any]) -> list[str]:
    return [item["kind"] for item in await inbox(who, document)]


async def unread(who: Person) -> int:
    count: int = (await who.get("/notifications/unread")).json()["count"]
    return count


async def comes(who: Person, document: dict[str, Any], kind: str, count: int = 1) -> dict[str, Any]:
    """Wait for an entry of this kind about this document with this count."""
    found: list[dict[str, Any]] = []

    async def is_there() -> bool:
        found[:] = [i for i in await inbox(who, document) if i["kind"] == kind and i["count"] == count]
        return bool(found)

    await until(is_there, f"{kind} about {document['id']}")
    return found[0]

"""People with an account at the web page."""

from typing import Any
from uuid import UUID, uuid4

from playwright.async_api import expect

from collab_server.security import tokens
from tests.browser.conftest import Arrive
from tests.browser.reader import WITHIN, Reader
from tests.people import Person, people, run
from tests.server import Server

_ADD_SESSION = (
    "INSERT INTO sessions (id, user_id, token_hash, expires_at) VALUES ($1, $2, $3, now() + interval '1 day')"
)


async def sign_in(reader: Reader, server: Server, person: Person) -> None:
    """Gives the browser a session of this person, as if signed in by hand."""
    token = tokens.new_secret()
    await run(server, _ADD_SESSION, [(uuid4(), UUID(person.id), tokens.token_hash(token))])
    await reader.context.add_cookies([{"name": "collab_session", "value": token, "url": server.http}])


async def enter(server: Server, arrive: Arrive, person: Person, **options: Any) -> Reader:
    """A browser in which `person` is signed in."""
    reader = await arrive(server, name=person.name, **options)
    await sign_in(reader, server, person)
    return reader


async def ready(reader: Reader, path: str) -> None:
    """Opens a page of the application, and waits until it shows what it is for."""
    await reader.page.goto(reader.http + path)
    await expect(reader.page.locator("body")).to_have_attribute("data-state", "ready", timeout=WITHIN)


async def team(server: Server, owner: Person, name: str = "Analytical Engine", **members: Person) -> dict[str, str]:
    """A workspace of `owner`, with `members` by role: its id, slug and name."""
    answer = await owner.post("/workspaces", json={"name": name, "slug": f"team-{uuid4().hex[:10]}"})
    assert answer.status_code == 201, answer.text
    made = answer.json()
    for role, person in members.items():
        await run(
            server,
            "INSERT INTO workspace_members (workspace_id, user_id, role) VALUES ($1, $2, $3::text::workspace_role)",
            [(UUID(made["id"]), UUID(person.id), role)],
        )
    return {"id": made["id"], "slug": made["slug"], "name": made["name"]}


async def make(person: Person, workspace: dict[str, str], title: str, **more: Any) -> dict[str, Any]:
    """A document, as the API shows it."""
    answer = await person.post(
        f"/workspaces/{workspace['id']}/documents", json={"title": title, "type": "markdown", **more}
    )
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


__all__ = ["enter", "make", "people", "ready", "sign_in", "team"]

"""What tests of workspaces do and ask again and again."""

from typing import Any
from uuid import UUID

import httpx

from tests.people import Person, people, run
from tests.server import Server

PLAYGROUND = "00000000-0000-0000-0000-000000000002"
NOWHERE = "00000000-0000-0000-0000-0000000000ff"
_JOIN = "INSERT INTO workspace_members (workspace_id, user_id, role) VALUES ($1, $2, $3)"


def ok(answer: httpx.Response, status: int = 200) -> dict[str, Any]:
    assert answer.status_code == status, f"{answer.status_code} {answer.text}"
    found: dict[str, Any] = answer.json() if answer.content else {}
    return found


def refused(answer: httpx.Response) -> tuple[int, str]:
    """(status, code) of a problem that says something."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    problem = answer.json()
    assert problem["status"] == answer.status_code and problem["detail"]
    return answer.status_code, problem["code"]


async def team(owner: Person, **fields: object) -> dict[str, Any]:
    return ok(await owner.post("/workspaces", json={"name": "Team", **fields}), 201)


async def join(server: Server, workspace: str, role: str, *members: Person) -> None:
    await run(server, _JOIN, [(UUID(workspace), UUID(member.id), role) for member in members])


async def team_of_five(server: Server) -> tuple[str, dict[str, Person]]:
    """A team's id, and its five kinds of members by their role."""
    roles = ("owner", "admin", "editor", "commenter", "viewer")
    members = dict(zip(roles, await people(server, *roles), strict=True))
    workspace: str = (await team(members["owner"]))["id"]
    for role in roles[1:]:
        await join(server, workspace, role, members[role])
    return workspace, members

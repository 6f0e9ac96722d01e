"""A running server with a team: one person for each role, a stranger and a guest."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx

from tests.people import Person, fetch, nobody, people, run
from tests.server import Server

ROLES = ("owner", "admin", "editor", "commenter", "viewer")
PLAYGROUND = "00000000-0000-0000-0000-000000000002"
_ADD_TEAM = "INSERT INTO workspaces (id, owner_id, name, slug, kind) VALUES ($1, $2, 'Team', $3, 'team')"
_ADD_MEMBER = "INSERT INTO workspace_members (workspace_id, user_id, role) VALUES ($1, $2, $3)"


class ApiHarness:
    """`team`: the id of the workspace; `slug`: its slug. Everybody's token has the scope admin."""

    def __init__(self, server: Server, team: str, slug: str, staff: dict[str, Person]) -> None:
        self.server = server
        self.team = team
        self.slug = slug
        self.owner, self.admin = staff["owner"], staff["admin"]
        self.editor, self.commenter, self.viewer = staff["editor"], staff["commenter"], staff["viewer"]
        self.stranger, self.other = staff["stranger"], staff["other"]
        self.guest = nobody(server)
        self.staff = staff

    async def make(self, who: Person | None = None, workspace: str | None = None, **fields: object) -> dict[str, Any]:
        """A document of the team, by the editor unless somebody else is named."""
        body = {"title": "Plan", **fields}
        answer = await (who or self.editor).post(f"/workspaces/{workspace or self.team}/documents", json=body)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def list(self, who: Person | None = None, **params: object) -> list[dict[str, Any]]:
        """All pages of the team's list."""
        items: list[dict[str, Any]] = []
        while True:
            answer = await (who or self.editor).get(f"/workspaces/{self.team}/documents", params=params)  # type: ignore[arg-type]
            assert answer.status_code == 200, answer.text
            items += answer.json()["items"]
            if (cursor := answer.json()["next_cursor"]) is None:
                return items
            params["cursor"] = cursor

    async def count(self, table: str) -> int:
        found = await fetch(self.server, f"SELECT count(*) AS n FROM {table}")
        return int(found[0]["n"])


async def new_team(server: Server, staff: dict[str, Person]) -> tuple[str, str]:
    """(id, slug) of a team of the staff whose names are roles."""
    team, slug = uuid4(), f"team-{uuid4().hex[:10]}"
    await run(server, _ADD_TEAM, [(team, UUID(staff["owner"].id), slug)])
    await run(server, _ADD_MEMBER, [(team, UUID(staff[role].id), role) for role in ROLES[1:] if role in staff])
    return str(team), slug


@asynccontextmanager
async def open_api(directory: Path, **settings: object) -> AsyncIterator[ApiHarness]:
    async with Server(directory, **settings) as server:
        names = [*ROLES, "stranger", "other"]
        staff = dict(zip(names, await people(server, *names), strict=True))
        team, slug = await new_team(server, staff)
        # a second editor, whose documents are not the first one's
        await run(server, _ADD_MEMBER, [(UUID(team), UUID(staff["other"].id), "editor")])
        yield ApiHarness(server, team, slug, staff)


def code(answer: httpx.Response) -> str:
    """The code of a problem."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["detail"]
    return str(problem["code"])


def refused(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, code(answer)


def titles(items: list[dict[str, Any]]) -> list[str]:
    return [item["title"] for item in items]

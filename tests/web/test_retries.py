"""A route whose transaction lost a race in PostgreSQL is run again; real deadlocks, made by two requests."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import httpx
import pytest
from fastapi import FastAPI, Request

from collab_server.adapters.postgres import Database
from collab_server.errors import Conflict, LostRace
from collab_server.web import problems
from collab_server.web.routes import ATTEMPTS, router
from tests import databases


class Scene:
    """Two rows that requests lock one after the other, and how often each request was run."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.runs: dict[str, int] = {}
        self.first_lock = asyncio.Barrier(2)

    def app(self) -> FastAPI:
        api = FastAPI()
        problems.install(api)
        routes = router()

        @routes.post("/swap/{first}/{second}")
        async def swap(first: int, second: int, request: Request) -> dict[str, int]:
            """Add to both rows; two of these in opposite order lock each other out once."""
            name = f"{first}{second}"
            self.runs[name] = self.runs.get(name, 0) + 1
            given = await request.json()
            async with self.db.as_service() as conn, conn.transaction():
                await conn.execute("UPDATE public.race SET sum = sum + $2 WHERE id = $1", first, given["add"])
                if self.runs[name] == 1:
                    await self.first_lock.wait()
                await conn.execute("UPDATE public.race SET sum = sum + $2 WHERE id = $1", second, given["add"])
            return {"runs": self.runs[name]}

        @routes.post("/always")
        async def always() -> None:
            self.runs["always"] = self.runs.get("always", 0) + 1
            raise LostRace("again")

        @routes.post("/conflict")
        async def conflict() -> None:
            self.runs["conflict"] = self.runs.get("conflict", 0) + 1
            raise Conflict("no use in trying again")

        @routes.post("/serial")
        async def serial() -> dict[str, int]:
            """Read a sum and write one more, which PostgreSQL refuses to one of two at once."""
            self.runs["serial"] = self.runs.get("serial", 0) + 1
            first = self.runs["serial"] <= 2
            async with self.db.as_service() as conn, conn.transaction(isolation="serializable"):
                found = await conn.fetchval("SELECT sum FROM public.race WHERE id = 1")
                if first:
                    await self.first_lock.wait()
                await conn.execute("UPDATE public.race SET sum = $1 WHERE id = 1", found + 1)
            return {"sum": found + 1}

        api.include_router(routes)
        return api


@asynccontextmanager
async def opened(version: databases.Version) -> AsyncIterator[tuple[Scene, httpx.AsyncClient, asyncpg.Connection]]:
    async with databases.migrated(version) as made:
        owner = await asyncpg.connect(made.owner_dsn)
        await owner.execute(
            "CREATE TABLE public.race (id integer PRIMARY KEY, sum integer NOT NULL DEFAULT 0); "
            "INSERT INTO public.race VALUES (1), (2); GRANT SELECT, UPDATE ON public.race TO app_service"
        )
        db = Database(made.login_dsn)
        await db.open()
        scene = Scene(db)
        transport = httpx.ASGITransport(app=scene.app())
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            try:
                yield scene, client, owner
            finally:
                await db.close()
                await owner.close()


@pytest.fixture(params=databases.VERSIONS)
async def stage(
    request: pytest.FixtureRequest,
) -> AsyncIterator[tuple[Scene, httpx.AsyncClient, asyncpg.Connection]]:
    async with opened(request.param) as stage:
        yield stage


async def test_of_two_that_deadlock_both_succeed_and_each_once(
    stage: tuple[Scene, httpx.AsyncClient, asyncpg.Connection],
) -> None:
    scene, client, owner = stage
    async with asyncio.timeout(60):
        answers = await asyncio.gather(
            client.post("/swap/1/2", json={"add": 1}), client.post("/swap/2/1", json={"add": 10})
        )
    assert [answer.status_code for answer in answers] == [200, 200]
    # The next try can be a victim, too.
    assert max(scene.runs.values()) >= 2, "one was the victim, and read its body again"
    assert [row[0] for row in await owner.fetch("SELECT sum FROM public.race ORDER BY id")] == [11, 11]


async def test_a_serialization_failure_is_run_again(
    stage: tuple[Scene, httpx.AsyncClient, asyncpg.Connection],
) -> None:
    scene, client, owner = stage
    async with asyncio.timeout(60):
        answers = await asyncio.gather(client.post("/serial"), client.post("/serial"))
    assert sorted(answer.json()["sum"] for answer in answers) == [1, 2]
    assert scene.runs["serial"] == 3
    assert await owner.fetchval("SELECT sum FROM public.race WHERE id = 1") == 2


async def test_what_loses_every_time_says_come_back(
    stage: tuple[Scene, httpx.AsyncClient, asyncpg.Connection],
) -> None:
    scene, client, _ = stage
    answer = await client.post("/always")
    assert (answer.status_code, answer.json()["code"]) == (503, "lost_race")
    assert answer.headers["retry-after"] == "1"
    assert scene.runs["always"] == ATTEMPTS


async def test_other_errors_are_not_run_again(stage: tuple[Scene, httpx.AsyncClient, asyncpg.Connection]) -> None:
    scene, client, _ = stage
    answer = await client.post("/conflict")
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert scene.runs["conflict"] == 1

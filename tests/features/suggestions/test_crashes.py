"""kill -9 of the server while a suggestion is accepted: the edit and the status are both there, or neither."""

import asyncio
from contextlib import suppress
from pathlib import Path

import asyncpg
import httpx

from tests.features.api_harness import PLAYGROUND, ApiHarness, open_api
from tests.features.suggestions.suggesting import Answer, content, decide, suggested
from tests.people import fetch, run
from tests.waiting import until

_HOLD = """
    CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN PERFORM pg_advisory_xact_lock(4711); RETURN NULL; END $$
"""
_ON_ACCEPT = (
    "CREATE TRIGGER hold AFTER UPDATE OF accepted ON suggestions FOR EACH ROW "
    "WHEN (OLD.accepted <> NEW.accepted) EXECUTE FUNCTION hold()"
)
_WAITING = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND NOT granted"
_END_WAITING = (
    "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND NOT granted"
)


async def prepared(api: ApiHarness) -> tuple[Answer, Answer, asyncpg.Connection]:
    """A document, an insertion that is suggested in it, and a connection that holds its commit back."""
    made = await api.make(api.guest, PLAYGROUND, content="one two\n")
    one = await suggested(api.guest, made, "one", "one and a half")
    holder = await asyncpg.connect(api.server.owner_dsn)
    await holder.execute("SELECT pg_advisory_lock(4711)")
    return made, one, holder


async def status_of(api: ApiHarness, suggestion: Answer) -> str:
    (row,) = await fetch(api.server, "SELECT status FROM suggestions WHERE id = $1", suggestion["id"])
    return str(row["status"])


async def accept_and_be_cut_off(api: ApiHarness, suggestion: Answer) -> None:
    with suppress(httpx.HTTPError):
        await decide(api.guest, suggestion, "accept")


async def test_a_kill_before_or_after_the_commit_makes_the_edit_once(tmp_path: Path) -> None:
    async with open_api(tmp_path) as api:
        await run(api.server, _HOLD)
        await run(api.server, _ON_ACCEPT)
        for end in ("lost", "late", "committed"):
            made, one, holder = await prepared(api)
            accepting = asyncio.create_task(accept_and_be_cut_off(api, one))

            async def waits() -> bool:
                return bool(await fetch(api.server, _WAITING))

            await until(waits, "the edit and its status, not committed yet")
            if end == "committed":
                await holder.execute("SELECT pg_advisory_unlock(4711)")

                async def done(one: Answer = one) -> bool:
                    return await status_of(api, one) == "accepted"

                await until(done, "the commit")
            await api.server.kill()
            await accepting
            if end == "lost":
                await holder.fetch(_END_WAITING)
            # PostgreSQL does not notice at once that the server is gone: it still commits what it was sent.
            holder.terminate()
            await api.server.start()
            is_there = await status_of(api, one) == "accepted"
            assert is_there == (end == "committed") or end == "late"
            assert await content(api.guest, made) == ("one and a half two\n" if is_there else "one two\n")
            for _ in range(2):
                answer = await decide(api.guest, one, "accept")
                assert (answer.status_code, answer.json()["status"]) == (200, "accepted"), answer.text
            assert await content(api.guest, made) == "one and a half two\n"

"""Whose rights a statement has, and that none of them stay with a connection."""

import asyncio
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from collab_server.adapters.postgres import LOG_LOCK_TIMEOUT, LOG_STATEMENT_TIMEOUT, SESSION_SETTINGS, Database
from collab_server.adapters.postgres_checks import check_usable
from collab_server.adapters.postgres_errors import reporting
from collab_server.errors import ConfigurationError, Unavailable
from tests import databases


async def test_a_persons_rights_end_with_the_transaction() -> None:
    async with databases.migrated("18") as made:
        db = Database(made.login_dsn, guest_role="editor", pool_size=1)
        await db.open()
        try:
            user = uuid4()
            async with db.as_user(user) as conn:
                assert await conn.fetchval("SELECT app.user_id()") == user
                assert await conn.fetchval("SELECT current_user::text") == "app_readwrite"
            async with db.as_user(None) as conn:
                assert await conn.fetchval("SELECT app.user_id()") is None
                assert await conn.fetchval("SELECT app.setting('guest_role')") == "editor"
            with pytest.raises(ZeroDivisionError):
                async with db.as_user(user) as conn:
                    raise ZeroDivisionError
            async with db.as_user(None) as conn:
                assert await conn.fetchval("SELECT app.user_id()") is None
            async with db.as_service() as conn:
                assert await conn.fetchval("SELECT current_user::text") == "app_service"
                assert await conn.fetchval("SELECT app.user_id()") is None
        finally:
            await db.close()


async def test_a_busy_pool_says_unavailable_instead_of_waiting_for_ever() -> None:
    async with databases.migrated("18") as made:
        db = Database(made.login_dsn, pool_size=1)
        await db.open()
        try:
            async with db.as_service(), asyncio.timeout(20):
                with pytest.raises(Unavailable):
                    async with db.as_service():
                        pass
        finally:
            await db.close()


async def test_other_errors_pass_through_reporting() -> None:
    with pytest.raises(KeyError):
        async with reporting():
            raise KeyError("x")


async def test_an_unreachable_database_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError, match="cannot reach"):
        await Database("postgresql://x@127.0.0.1:1/x").open()


@pytest.mark.parametrize("version", databases.VERSIONS)
async def test_every_session_has_the_servers_limits_whatever_database_it_is(version: databases.Version) -> None:
    async with databases.migrated(version) as made:
        # The owner has no limits of its own, as the logins of external databases.
        db = Database(made.owner_dsn)
        await db.open()
        show = "SELECT name, CASE WHEN unit = 'ms' THEN setting::int / 1000 || 's' ELSE setting END AS value"
        show += " FROM pg_settings WHERE name = ANY ($1)"
        try:
            log_session = await db.connect_service()
            async with db.as_user(None) as people, db.as_service() as service:
                for conn in (people, service, log_session):
                    found = {row[0]: row[1] for row in await conn.fetch(show, list(SESSION_SETTINGS))}
                    wanted = dict(SESSION_SETTINGS)
                    if not await conn.fetchval("SELECT inet_client_addr() IS NOT NULL"):
                        # A Unix socket has no TCP.
                        wanted = {name: value for name, value in wanted.items() if not name.startswith("tcp_")}
                    if conn is log_session:
                        wanted |= {"lock_timeout": "0s", "statement_timeout": LOG_STATEMENT_TIMEOUT}
                        assert await conn.fetchval("SHOW lock_timeout") == LOG_LOCK_TIMEOUT
                    assert wanted.items() <= found.items()
            await log_session.close()
        finally:
            await db.close()


async def test_the_session_that_listens_has_the_servers_limits_too(monkeypatch: pytest.MonkeyPatch) -> None:
    made_here, connect = list[Any](), asyncpg.connect

    async def watched(*arguments: Any, **options: Any) -> Any:
        made_here.append(await connect(*arguments, **options))
        return made_here[-1]

    async with databases.migrated("18") as made:
        monkeypatch.setattr(asyncpg, "connect", watched)
        began = asyncio.Event()
        channels = {"collab_access": lambda _: None}
        listening = asyncio.create_task(Database(made.owner_dsn).listen(channels, began.set))
        await asyncio.wait_for(began.wait(), 10)
        [conn] = made_here
        for name in ("lock_timeout", "statement_timeout", "client_connection_check_interval"):
            assert await conn.fetchval(f"SHOW {name}") == SESSION_SETTINGS[name]
        listening.cancel()
        await asyncio.wait({listening})


async def test_who_leaves_at_any_moment_leaves_no_transaction_behind() -> None:
    async with databases.migrated("18") as made:
        db = Database(made.login_dsn, pool_size=2)
        await db.open()
        loop, faults, left = asyncio.get_running_loop(), list[str](), 0
        loop.set_exception_handler(lambda _, context: faults.append(str(context["message"])))
        try:

            async def work() -> None:
                async with db.as_user(uuid4()) as conn:
                    await conn.execute("SELECT count(*) FROM generate_series(1, 1000)")

            for turns in range(40):
                tasks = [asyncio.create_task(work()) for _ in range(3)]
                for _ in range(turns):
                    await asyncio.sleep(0)
                for task in tasks:
                    left += task.cancel()
                await asyncio.wait(tasks)
            assert left > 20, "most were cancelled on their way"
            async with db.as_user(None) as conn:
                assert await conn.fetchval("SELECT app.user_id()") is None
            # asyncpg tells this way that it had to end a transaction itself, which is a log line of level error.
            assert faults == []
        finally:
            loop.set_exception_handler(None)
            await db.close()


@pytest.mark.parametrize("version", databases.VERSIONS)
async def test_the_version_has_its_patch_level(version: databases.Version) -> None:
    async with databases.migrated(version) as made:
        conn = await asyncpg.connect(made.owner_dsn)
        told = await conn.fetchval("SHOW server_version")
        await conn.close()
        assert await check_usable(made.login_dsn) == told.split()[0]

"""Whose rights a statement has, and that none of them stay with a connection."""

import asyncio
from uuid import uuid4

import pytest

from collab_server.backends.db import Database, reporting
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

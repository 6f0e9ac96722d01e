"""A server on a PostgreSQL that it does not run itself: the system's 15, and an 18 that another process owns."""

import base64
import os
from contextlib import nullcontext
from pathlib import Path
from urllib.parse import quote, urlsplit
from uuid import uuid4

import asyncpg
import httpx
import pytest

from collab_server.adapters import login, migrations
from collab_server.errors import ConfigurationError
from tests import databases
from tests.peers import Peer
from tests.server import Server

KEY = "a key that several servers may share"


@pytest.mark.parametrize("version", databases.VERSIONS)
async def test_edits_survive_a_restart_with_a_login_that_owns_nothing(
    tmp_path: Path, version: databases.Version
) -> None:
    async with databases.migrated(version) as database:
        server = Server(tmp_path, database_url=database.login_dsn, secret_key=KEY, guest_role="editor")
        async with server:
            writer = await Peer(server, "hocus", "plan").sync()
            reader = await Peer(server, "yws", "plan").sync()
            mark = writer.type_mark()
            await writer.saved()
            await reader.sees(mark)
            for peer in (writer, reader):
                await peer.close()
            await server.kill()
            await server.start()
            again = await Peer(server, "yws", "plan").sync()
            assert again.content == mark.decode()
            assert await server.content("plan") == mark.decode()
            await again.close()
            assert await server.terminate() == 0


async def test_a_database_without_the_schema_is_one_line(tmp_path: Path) -> None:
    async with databases.empty("18") as dsn:
        server = Server(tmp_path, database_url=dsn, secret_key=KEY)
        with pytest.raises(AssertionError, match="run `collab-server migrate`"):
            await server.start()
        assert await server.process.wait() == 1
        assert server.log.count(os.linesep) == 1


@pytest.mark.parametrize("version", databases.VERSIONS)
async def test_migrate_makes_a_role_for_the_server_that_row_level_security_binds(
    tmp_path: Path, version: databases.Version
) -> None:
    role = f"collab_served_{uuid4().hex[:12]}"
    async with databases.empty(version) as owner_dsn:
        # Over TCP, where the embedded PostgreSQL does not listen, its password is asked for.
        parts = urlsplit(owner_dsn)
        where = f"{parts.hostname or '127.0.0.1'}:{parts.port or 5432}{parts.path}"
        dsn = f"postgresql://{role}:first%20secret@{where}" if version == "15" else databases.login_dsn(owner_dsn)
        server = Server(tmp_path, database_url=dsn, owner_url=owner_dsn, secret_key=KEY, guest_role="editor")
        try:
            told = await server.command("migrate")
            assert "0 to apply" in told
            assert f"the server's role is {role if version == '15' else migrations.LOGIN_ROLE}" in told
            async with databases.flushing(owner_dsn) if version == "18" else nullcontext():
                assert "FAIL" not in await server.command("doctor")
            assert await login.faults(dsn) == []
            async with server:
                async with httpx.AsyncClient() as client:
                    checks = (await client.get(f"{server.http}/health/ready")).json()["checks"]
                assert checks["login"] == "ok"
                peer = await Peer(server, "yws", "plan").sync()
                peer.insert("hello")
                await peer.saved()
                await peer.close()
                assert await server.content("plan") == "hello"
        finally:
            if version == "15":
                owner = await asyncpg.connect(owner_dsn)
                await owner.execute(f"DROP OWNED BY {role}")
                await owner.execute(f"DROP ROLE {role}")
                await owner.close()


async def test_migrate_gives_the_role_its_password_and_a_new_one() -> None:
    """Whether PostgreSQL asks for it is a matter of its pg_hba.conf: what it has stored is looked at."""
    role = f"collab_served_{uuid4().hex[:12]}"
    stored = f"SELECT rolpassword FROM pg_authid WHERE rolname = '{role}'"
    async with databases.migrated("15") as database:
        owner = await asyncpg.connect(database.owner_dsn)
        parts = urlsplit(database.owner_dsn)
        where = f"{parts.hostname or '127.0.0.1'}:{parts.port or 5432}{parts.path}"
        try:
            for password in ("first secret", "second"):
                dsn = f"postgresql://{role}:{quote(password)}@{where}"
                assert await login.prepare(database.owner_dsn, dsn) == role
                found = await owner.fetchval(stored)
                assert found == login.verifier(password, _salt(found))
            # The same as PostgreSQL's own of that password and salt.
            await owner.execute("SET password_encryption = 'scram-sha-256'")
            await owner.execute(f"ALTER ROLE {role} PASSWORD 'by PostgreSQL'")
            found = await owner.fetchval(stored)
            assert found == login.verifier("by PostgreSQL", _salt(found))
        finally:
            await owner.execute(f"DROP OWNED BY {role}")
            await owner.execute(f"DROP ROLE {role}")
            await owner.close()


def _salt(stored: str) -> bytes:
    return base64.b64decode(stored.split("$")[1].partition(":")[2])


@pytest.mark.parametrize(
    ("attribute", "fault"),
    [
        ("SUPERUSER", "is a superuser"),
        ("BYPASSRLS", "has BYPASSRLS"),
        ("CREATEROLE", "has CREATEROLE"),
        ("the owner's", "owns tables"),
        ("a superuser's", "may become a role that has SUPERUSER"),
    ],
)
async def test_a_role_that_row_level_security_does_not_bind_is_found(attribute: str, fault: str) -> None:
    role = f"collab_mighty_{uuid4().hex[:12]}"
    async with databases.migrated("15") as database:
        owner = await asyncpg.connect(database.owner_dsn)
        parts = urlsplit(database.owner_dsn)
        dsn = f"postgresql://{role}:secret@{parts.hostname or '127.0.0.1'}:{parts.port or 5432}{parts.path}"
        try:
            await owner.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'secret'")
            if attribute == "the owner's":
                await owner.execute(f"CREATE TABLE public.theirs (); ALTER TABLE public.theirs OWNER TO {role}")
            elif attribute == "a superuser's":
                await owner.execute(f"GRANT {await owner.fetchval('SELECT current_user::text')} TO {role}")
            else:
                await owner.execute(f"ALTER ROLE {role} {attribute}")
            assert any(fault in one for one in await login.faults(dsn))
            with pytest.raises(ConfigurationError, match="must name another role"):
                await login.prepare(database.owner_dsn, dsn)
        finally:
            await owner.execute(f"DROP OWNED BY {role}")
            await owner.execute(f"DROP ROLE {role}")
            await owner.close()


async def test_a_superuser_as_the_servers_login_fails_the_doctor_and_degrades_the_server(tmp_path: Path) -> None:
    """As docker-compose.yml had it: the server works, and says everywhere what is wrong."""
    async with databases.migrated("18") as database:
        server = Server(tmp_path, database_url=database.owner_dsn, secret_key=KEY)
        async with databases.flushing(database.owner_dsn):
            with pytest.raises(AssertionError):
                await server.command("doctor")
        async with server, httpx.AsyncClient(base_url=server.http) as client:
            ready = await client.get("/health/ready")
            assert ready.status_code == 200
            assert ready.json()["status"] == "degraded"
            assert "is a superuser" in ready.json()["checks"]["login"]
            assert "\ncollab_login_faulty 1.0" in (await client.get("/metrics")).text
        assert "row-level security does not bind" in server.log


async def test_the_owner_is_not_taken_as_the_servers_role() -> None:
    async with databases.migrated("18") as database:
        with pytest.raises(ConfigurationError, match="give the server its own"):
            await login.prepare(database.owner_dsn, database.owner_dsn)


async def test_guests_are_not_let_in_unless_the_operator_says_so(tmp_path: Path) -> None:
    async with (
        databases.migrated("18") as database,
        Server(tmp_path, database_url=database.login_dsn, secret_key=KEY) as server,
    ):
        peer = Peer(server, "yws", "plan")
        await peer.connect()
        assert peer.socket is not None
        assert (await peer.socket.end()).code == 4401
        other = Peer(server, "hocus", "plan")
        await other.connect()
        await other.until(lambda: other.denied, "a refusal")
        assert other.denied[0].startswith("unauthenticated")
        await other.close()

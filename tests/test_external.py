"""A server on a PostgreSQL that it does not run itself: the system's 15, and an 18 that another process owns."""

import os
from pathlib import Path

import pytest

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


async def test_migrate_makes_a_database_ready_to_serve(tmp_path: Path) -> None:
    async with databases.empty("18") as dsn:
        server = Server(tmp_path, database_url=dsn, secret_key=KEY, guest_role="editor")
        assert "0 to apply" in await server.command("migrate")
        assert "FAIL" not in await server.command("doctor")
        async with server:
            peer = await Peer(server, "yws", "plan").sync()
            peer.insert("hello")
            await peer.saved()
            await peer.close()
            assert await server.content("plan") == "hello"


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

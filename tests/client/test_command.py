"""The command `collab-client`."""

import asyncio
import os
from pathlib import Path
from uuid import UUID

from click.testing import CliRunner, Result

from collab_server.client.cli import cli
from tests.client.devices import text_on_server
from tests.documents.office import Office


class Shell:
    def __init__(self, path: Path) -> None:
        self.path = path

    async def run(self, *arguments: str, given: str | None = None, fails: bool = False) -> str:
        def invoke() -> Result:
            return CliRunner().invoke(cli, ["--file", str(self.path), *arguments], input=given)

        result = await asyncio.to_thread(invoke)
        assert (result.exit_code != 0) == fails, result.output
        return result.output


async def test_a_day_with_the_command(field: Office, tmp_path: Path) -> None:
    shell = Shell(tmp_path / "new" / "documents.sqlite")
    await shell.run("ls")
    assert "name a server" in await shell.run("sync", fails=True)
    await shell.run("init", field.server.http, "--token", field.editor.token)
    assert os.stat(shell.path).st_mode & 0o077 == 0
    made = (await shell.run("new", "Shopping", "--workspace", field.team, given="bread\n")).strip()
    await shell.run("append", "Shopping", "- milk")
    await shell.run("edit", made, given="black bread\nmilk\n")
    assert await shell.run("cat", "Shopping") == "black bread\nmilk\n"
    await shell.run("rename", "Shopping", "Groceries")
    assert f"{made} * Groceries" in await shell.run("ls")
    assert "5 changes to be sent" in await shell.run("status")
    await shell.run("sync")
    assert await text_on_server(field.viewer, UUID(made)) == "black bread\nmilk\n"
    assert f"{made}   Groceries" in await shell.run("ls")
    assert "no document 'Nothing'" in await shell.run("cat", "Nothing", fails=True)
    await shell.run("rm", "Groceries")
    await shell.run("sync")
    assert made not in await shell.run("ls")
    assert (await field.viewer.get(f"/documents/{made}")).status_code == 404
    mine = (await shell.run("new", "Mine", given="x")).strip()
    await shell.run("sync")
    assert (await field.editor.get(f"/documents/{mine}")).json()["workspace_id"] == field.editor.personal

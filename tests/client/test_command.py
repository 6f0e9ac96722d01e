"""The command `collab-client`."""

import asyncio
import os
import socket
from pathlib import Path
from uuid import UUID, uuid4

from click.testing import CliRunner, Result

from collab_server.client.cli import cli
from collab_server.client.offline import OfflineClient
from tests.client.devices import text_on_server
from tests.features.api_harness import ApiHarness


class Shell:
    def __init__(self, path: Path) -> None:
        self.path = path

    async def run(self, *arguments: str, given: str | None = None, fails: bool = False) -> str:
        def invoke() -> Result:
            return CliRunner().invoke(cli, ["--file", str(self.path), *arguments], input=given)

        result = await asyncio.to_thread(invoke)
        assert (result.exit_code != 0) == fails, result.output
        return result.output


async def test_a_day_with_the_command(field: ApiHarness, tmp_path: Path) -> None:
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


async def test_versions_are_listed_and_restored_at_the_server(field: ApiHarness, tmp_path: Path) -> None:
    made = await field.make(content="first\n", title="Versioned")
    answer = await field.editor.post(f"/documents/{made['id']}/versions", json={"label": "Sent"})
    assert answer.status_code == 201
    shell = Shell(tmp_path / "documents.sqlite")
    await shell.run("init", field.server.http, "--token", field.editor.token)
    await shell.run("append", made["id"], "offline")
    [line] = (await shell.run("history", "Versioned")).splitlines()
    assert line.split()[0] == "1" and line.endswith("manual    Sent")
    assert await shell.run("restore", "Versioned", "1") == "version 1 is restored\n"
    assert await shell.run("cat", "Versioned") == "first\n"
    assert await text_on_server(field.viewer, made["id"]) == "first\n"
    before = await field.viewer.get(f"/documents/{made['id']}/versions/2/content")
    assert before.text == "first\noffline\n", "what was not sent yet is in the version before"
    assert await shell.run("restore", "Versioned", "1") == "the content of version 1 is there already\n"
    assert "not_found" in await shell.run("restore", "Versioned", "99", fails=True)
    assert "no document 'Nothing'" in await shell.run("history", "Nothing", fails=True)


async def test_versions_need_the_server(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        async with OfflineClient(tmp_path / "x.sqlite") as client:
            await client.set_up(f"http://127.0.0.1:{unused.getsockname()[1]}", "token")
            await client.create("Plan", "words", uuid4())
        shell = Shell(tmp_path / "x.sqlite")
        assert "versions are at the server, and it does not answer" in await shell.run("history", "Plan", fails=True)
        told = await shell.run("restore", "Plan", "1", fails=True)
        assert "a version is restored at the server, and it does not answer" in told
        assert await shell.run("cat", "Plan") == "words"


async def test_comments_are_written_and_listed_without_the_server(field: ApiHarness, tmp_path: Path) -> None:
    made = await field.make(content="some words\n", title="Discussed")
    shell = Shell(tmp_path / "documents.sqlite")
    await shell.run("init", field.server.http, "--token", field.editor.token)
    first = (await shell.run("comment", made["id"], "Which?", "--quote", "words")).strip()
    await shell.run("comment", made["id"], "- These", "--reply-to", first)
    listed = await shell.run("comments", made["id"])
    assert f'{first} * you "words": Which?' in listed and "*   you: - These" in listed
    assert "2 changes to be sent" in await shell.run("status")
    assert "visible character" in await shell.run("comment", made["id"], " ", fails=True)
    await shell.run("sync")
    assert f'{first}   editor "words": Which?' in await shell.run("comments", made["id"])
    await shell.run("comment", made["id"], "Too late")
    await field.owner.delete(f"/documents/{made['id']}")
    await shell.run("sync")
    assert "create: not_found" in await shell.run("status")

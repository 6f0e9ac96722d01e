"""`collab-server document export|import` and `workspace export|import` beside a running server."""

import asyncio
import io
import os
import pty
import sys
import zipfile
from pathlib import Path

import docx

from tests import forked
from tests.features.api_harness import ApiHarness
from tests.features.attachments.attaching import attach, noise
from tests.features.exports.test_archive import space
from tests.require import ROOT

MARKDOWN = {"content-type": "text/markdown"}


async def ran(api: ApiHarness, *arguments: str, folder: Path) -> tuple[int, bytes, str]:
    """(exit status, stdout, stderr)"""
    status, output, errors = await forked.run(*arguments, environment=api.server.environment, directory=folder)
    return status, output, errors.decode()


async def test_a_document_is_exported_to_a_file_or_stdout(api: ApiHarness, tmp_path: Path) -> None:
    made = await api.make(title="By command", content="# Words\n", name="by-command")
    for address in (made["id"], f"{api.slug}/by-command", f"@{api.slug}/by-command"):
        assert await ran(api, "document", "export", address, folder=tmp_path) == (0, b"# Words\n", "")
    status, _, _ = await ran(api, "document", "export", made["id"], "-o", "out.docx", folder=tmp_path)
    assert status == 0
    assert docx.Document(io.BytesIO((tmp_path / "out.docx").read_bytes())).paragraphs[0].text == "Words"
    status, _, errors = await ran(api, "document", "export", "nowhere/at-all", folder=tmp_path)
    assert (status, errors) == (1, "collab-server: there is no document nowhere/at-all\n")
    assert (await ran(api, "document", "export", made["id"], "-o", "x.exe", folder=tmp_path))[0] == 2
    assert (await ran(api, "document", "export", made["id"], "-o", "no/x.md", folder=tmp_path))[0] == 1


async def test_a_zip_has_the_files_of_a_document(api: ApiHarness, tmp_path: Path) -> None:
    made = await api.make(title="With files")
    files = [
        await attach(api.editor, made["id"], octets, name) for octets, name in ((noise(90_000), "a.bin"), (b"", "b"))
    ]
    text = "".join(f"[{each['file_name']}]({each['url']})" for each in files)
    answer = await api.editor.put(f"/documents/{made['id']}/content", content=text, headers=MARKDOWN)
    assert answer.status_code == 200, answer.text
    status, output, _ = await ran(api, "document", "export", made["id"], "--format", "zip", folder=tmp_path)
    assert status == 0
    assert (await ran(api, "document", "export", made["id"], "-o", "x.zip", folder=tmp_path))[0] == 0
    for opened in (zipfile.ZipFile(io.BytesIO(output)), zipfile.ZipFile(tmp_path / "x.zip")):
        assert opened.testzip() is None
        assert opened.read("document.md") == b"[a.bin](files/a.bin)[b](files/b)"
        assert (opened.read("files/a.bin"), opened.read("files/b")) == (noise(90_000), b"")
    status, _, errors = await ran(api, "document", "export", made["id"], "-o", "no/x.zip", folder=tmp_path)
    assert (status, errors) == (1, "collab-server: no/x.zip cannot be written: No such file or directory\n")
    assert [path.name for path in tmp_path.iterdir()] == ["x.zip"]


async def test_files_become_documents_of_their_author(api: ApiHarness, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# From a file")
    (tmp_path / "b.md").write_bytes(b"\xff\x00")
    given = ("document", "import", "a.md", "b.md", "-w", api.slug, "--as", api.editor.email, "--tag", "Imported")
    status, output, errors = await ran(api, *given, folder=tmp_path)
    assert status == 1
    assert "b.md: the file is not text\n" in errors
    document_id, _, title = output.decode().strip().partition("  ")
    assert title == "From a file"
    document = (await api.viewer.get(f"/documents/{document_id}")).json()
    assert document["created_by"]["id"] == api.editor.id
    assert [tag["name"] for tag in document["tags"]] == ["Imported"]
    assert (await ran(api, "document", "import", "a.exe", "-w", api.slug, folder=tmp_path))[0] == 2


async def test_commands_print_what_an_import_left_out(api: ApiHarness, tmp_path: Path) -> None:
    home = await space(api.owner, "Noted")
    slug = {one["id"]: one["slug"] for one in (await api.owner.get("/workspaces")).json()["items"]}[home]
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as written:
        written.writestr("a.md", "![](gone.png) ![](c.bin)")
        written.writestr("c.bin", "c")
        written.writestr("b.png", "x")
    notes = [
        "a.md: 1 picture that the text shows from a file beside it was left out: gone.png",
        "1 picture was left out: b.png",
    ]
    for given in (("workspace", "import", slug, "x.zip"), ("document", "import", "x.zip", "-w", slug)):
        status, _, errors = await ran(api, *given, folder=tmp_path)
        assert status == 0
        assert [line for line in errors.splitlines() if "left out" in line] == notes


async def test_a_workspace_goes_into_a_file_and_another_comes_out_of_it(api: ApiHarness, tmp_path: Path) -> None:
    home, other = await space(api.owner, "Home"), await space(api.owner, "Other")
    listed = (await api.owner.get("/workspaces")).json()["items"]
    slugs = {workspace["id"]: workspace["slug"] for workspace in listed}
    for number in range(3):
        await api.make(api.owner, home, title=f"Number {number}", content=str(number))
    status, output, errors = await ran(api, "workspace", "export", slugs[home], "-o", "x.zip", folder=tmp_path)
    assert (status, output) == (0, b"3 documents in x.zip\n")
    assert errors.splitlines() == ["Number 0", "Number 1", "Number 2"]
    assert zipfile.ZipFile(tmp_path / "x.zip").testzip() is None
    status, output, _ = await ran(api, "workspace", "import", slugs[other], "x.zip", folder=tmp_path)
    assert (status, output) == (0, b"3 documents made, 0 failed\n")
    status, _, errors = await ran(api, "workspace", "export", "nowhere", folder=tmp_path)
    assert (status, errors) == (1, "collab-server: there is no workspace nowhere\n")
    assert [path.name for path in tmp_path.iterdir()] == ["x.zip"]


async def test_long_work_shows_a_bar_on_a_terminal(api: ApiHarness, tmp_path: Path) -> None:
    home, other = await space(api.owner, "Bars"), await space(api.owner, "Others")
    slugs = {one["id"]: one["slug"] for one in (await api.owner.get("/workspaces")).json()["items"]}
    for number in range(3):
        await api.make(api.owner, home, title=f"Number {number}", content=str(number))
    for arguments, label in (
        (("workspace", "export", slugs[home], "-o", "x.zip"), "Exporting"),
        (("workspace", "import", slugs[other], "x.zip"), "Importing"),
        (("document", "import", "x.zip", "-w", slugs[other]), "Importing"),
    ):
        shown = await on_a_terminal(api, *arguments, folder=tmp_path)
        steps = 1 if arguments[0] == "document" else 3
        assert label in shown and f"[{'#' * 36}]  {steps}/{steps}" in shown, shown
        assert shown.count("\n") == 1, "one line, drawn again and again"


async def on_a_terminal(api: ApiHarness, *arguments: str, folder: Path) -> str:
    """What a command shows on stderr."""
    terminal, end = pty.openpty()
    try:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "collab_server", *arguments),
            cwd=folder,
            env={**api.server.environment, "PYTHONPATH": os.fspath(ROOT), "TERM": "xterm"},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=end,
        )
        status = await process.wait()
        shown = os.read(terminal, 65_536).decode()
    finally:
        os.close(terminal)
        os.close(end)
    assert status == 0, shown
    return shown

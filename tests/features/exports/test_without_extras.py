"""An installation without extras: everything but PDF files and diagrams works, and that is said clearly."""

import subprocess
import sys
import sysconfig
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.require import ROOT
from tests.server import Server

_LEFT_OUT = ("typst", "manimgx_fonts", "mmdr")


class SmallServer(Server):
    new_interpreter = True
    interpreter = (sys.executable, "-S")


@pytest.fixture(scope="module")
def small_installation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The installed packages without those of the extra; for an interpreter that does not look for others."""
    folder = tmp_path_factory.mktemp("packages")
    for package in Path(sysconfig.get_path("purelib")).iterdir():
        if not package.name.startswith(_LEFT_OUT):
            (folder / package.name).symlink_to(package)
    return folder


@pytest.fixture
async def server(tmp_path: Path, small_installation: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    monkeypatch.setenv("PYTHONPATH", f"{small_installation}:{ROOT}")
    async with SmallServer(tmp_path) as running:
        yield running


async def test_a_pdf_is_refused_and_all_else_is_written(server: Server) -> None:
    token = await server.create_token("ann@example.com")
    async with httpx.AsyncClient(headers={"authorization": f"Bearer {token}"}, timeout=60) as client:
        workspaces = (await client.get(f"{server.api}/workspaces")).json()["items"]
        workspace = f"{server.api}/workspaces/{next(one['id'] for one in workspaces if one['role'] == 'owner')}"
        made = await client.post(f"{workspace}/documents", json={"title": "Plan", "content": "# Plan\n"})
        assert made.status_code == 201
        document = f"{server.api}/documents/{made.json()['id']}"
        for refused in (
            await client.get(f"{document}/export?format=pdf"),
            await client.get(f"{workspace}/export?format=md&format=pdf"),
        ):
            assert (refused.status_code, refused.json()["code"]) == (409, "format_not_installed")
            assert "extra `pdf`" in refused.json()["detail"]
        for form in ("md", "html", "docx", "txt", "json", "yjs", "zip"):
            assert (await client.get(f"{document}/export?format={form}")).status_code == 200, form
        assert (await client.get(f"{workspace}/export")).status_code == 200


def test_commands_say_what_is_absent(small_installation: Path, tmp_path: Path) -> None:
    environment = {"PYTHONPATH": f"{small_installation}:{ROOT}", "COLLAB_DATA_DIR": str(tmp_path / "data")}
    command = [*SmallServer.interpreter, "-m", "collab_server"]
    exported = subprocess.run(
        [*command, "document", "export", "personal/plan", "--format", "pdf"],
        env=environment, cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert exported.returncode == 1
    assert exported.stderr.startswith("collab-server: this server is installed without pdf")
    looked = subprocess.run([*command, "doctor"], env=environment, cwd=ROOT, capture_output=True, text=True)
    assert "ok    extras: without diagrams, pdf\n" in looked.stdout


def test_a_public_page_shows_the_source_of_a_diagram_that_is_not_drawn(small_installation: Path) -> None:
    draw = (
        "from collab_server.features.public_pages.diagrams import Diagrams;"
        "print(Diagrams().write_diagram('graph TD; here-->there'))"
    )
    environment = {"PYTHONPATH": f"{small_installation}:{ROOT}"}
    done = subprocess.run(
        [*SmallServer.interpreter, "-c", draw], env=environment, cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "here" in done.stdout and "installed without the extra `diagrams`" in done.stdout

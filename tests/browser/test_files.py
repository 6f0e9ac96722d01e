"""Downloading and importing on the pages, by keyboard, and for everybody."""

import io
import zipfile
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Arrive
from tests.browser.members import enter, make, people, ready, team
from tests.browser.reader import WITHIN
from tests.browser.test_everyone import faults
from tests.server import Server

pytestmark = pytest.mark.usefixtures("node_packages")


async def test_a_document_is_downloaded_by_keyboard(server: Server, arrive: Arrive) -> None:
    (person,) = await people(server, "ada")
    garden = await team(server, person)
    await make(person, garden, "Ünder the sun", content="# Words\n")
    ada = await enter(server, arrive, person)
    await ready(ada, f"/w/{garden['slug']}")
    page = ada.page
    await page.get_by_role("button", name="Actions for").focus()
    await page.keyboard.press("Enter")
    await page.keyboard.press("d")
    await expect(page.get_by_role("menuitem", name="Details")).to_be_focused()
    await page.keyboard.press("d")
    await expect(page.get_by_role("menuitem", name="Download")).to_be_focused()
    await page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Download")
    await expect(dialog.get_by_role("radio", name="Markdown")).to_be_focused()
    assert await faults(page) == []
    await page.keyboard.press("ArrowDown")
    await expect(dialog.get_by_role("radio", name="Word")).to_be_checked()
    async with page.expect_download() as started:
        await page.keyboard.press("Enter")
    download = await started.value
    assert download.suggested_filename == "Ünder the sun.docx"
    path = await download.path()
    assert zipfile.ZipFile(path).testzip() is None
    await expect(dialog).to_have_count(0)


async def test_files_are_imported_and_what_cannot_be_read_is_told(
    server: Server, arrive: Arrive, tmp_path: Path
) -> None:
    (person,) = await people(server, "ada")
    garden = await team(server, person)
    ada = await enter(server, arrive, person)
    await ready(ada, f"/w/{garden['slug']}")
    page = ada.page
    (tmp_path / "one.md").write_text("# The first")
    (tmp_path / "bad.md").write_bytes(b"\xff\x00")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as written:
        written.writestr("Folder/two.md", "# The second")
    (tmp_path / "all.zip").write_bytes(archive.getvalue())
    await page.get_by_role("button", name="New document of another kind").click()
    await page.get_by_role("menuitem", name="Import files").click()
    dialog = page.get_by_role("dialog", name="Import into")
    await expect(dialog.get_by_label("Files", exact=True)).to_be_focused()
    assert await faults(page) == []
    files = [tmp_path / name for name in ("one.md", "bad.md", "all.zip")]
    await dialog.get_by_label("Files", exact=True).set_input_files(files)
    await dialog.get_by_role("button", name="Import").click()
    result = page.get_by_role("dialog", name="Not everything was imported")
    await expect(result).to_be_visible(timeout=WITHIN)
    await expect(result.get_by_role("list", name="Could not be read")).to_contain_text("bad.md")
    await expect(result.get_by_role("link")).to_have_text(["The first", "The second"])
    await expect(result.get_by_role("button", name="Done")).to_be_focused()
    assert await faults(page) == []
    await page.keyboard.press("Enter")
    await expect(page.locator("#list li")).to_have_count(2, timeout=WITHIN)


async def test_what_an_import_left_out_is_told(server: Server, arrive: Arrive, tmp_path: Path) -> None:
    (person,) = await people(server, "ada")
    garden = await team(server, person)
    ada = await enter(server, arrive, person)
    await ready(ada, f"/w/{garden['slug']}")
    page = ada.page
    with zipfile.ZipFile(tmp_path / "notes.zip", "w") as written:
        written.writestr("Roses.md", "![](rose.png)")
        written.writestr("rose.png", "x")
    await page.get_by_role("button", name="New document of another kind").click()
    await page.get_by_role("menuitem", name="Import files").click()
    dialog = page.get_by_role("dialog", name="Import into")
    await dialog.get_by_label("Files", exact=True).set_input_files(tmp_path / "notes.zip")
    await dialog.get_by_role("button", name="Import").click()
    result = page.get_by_role("dialog", name="Imported, with notes")
    await expect(result).to_be_visible(timeout=WITHIN)
    notes = result.get_by_role("list", name="Left out or changed")
    await expect(notes).to_contain_text("1 file attached that cannot be shown as pictures: rose.png")
    await expect(result.get_by_role("link")).to_have_text(["Roses"])
    assert await faults(page) == []
    await page.keyboard.press("Enter")
    await expect(page.locator("#list li")).to_have_count(1, timeout=WITHIN)


async def test_a_workspace_is_downloaded_from_its_settings(server: Server, arrive: Arrive) -> None:
    (person,) = await people(server, "ada")
    garden = await team(server, person)
    await make(person, garden, "Roses", content="red")
    ada = await enter(server, arrive, person)
    await ready(ada, f"/w/{garden['slug']}/settings")
    async with ada.page.expect_download() as started:
        await ada.page.get_by_role("region", name="Files").get_by_role("button", name="Download").click()
    download = await started.value
    assert download.suggested_filename == f"{garden['name']}.zip"
    assert set(zipfile.ZipFile(await download.path()).namelist()) == {"Roses.md", "Roses.yjs", "manifest.json"}

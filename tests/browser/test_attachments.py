"""The list of a document's files at the web page."""

import asyncio
import re
from pathlib import Path

import pytest
from playwright.async_api import FilePayload, Route, expect

from tests.browser.attaching import NEW_FILE, TEXT, attach, caret_behind, give, open_panel, picture, rows
from tests.browser.conftest import Arrive
from tests.browser.members import enter, make, people, team
from tests.browser.reader import WITHIN
from tests.browser.test_everyone import PHONE, faults
from tests.server import Server

pytestmark = pytest.mark.usefixtures("node_packages")


async def test_chosen_files_are_listed_and_reach_an_open_page_of_somebody_else(server: Server, arrive: Arrive) -> None:
    owner, friend = await people(server, "ada", "ben")
    doc = await make(owner, await team(server, owner, viewer=friend), "Plan", content=TEXT)
    ada, ben = await enter(server, arrive, owner), await enter(server, arrive, friend)
    await ada.open(doc["address"])
    await ben.open(doc["address"], until="viewonly")
    theirs = await open_panel(ben)
    await expect(theirs.get_by_text("No files yet")).to_be_visible(timeout=WITHIN)
    mine = await open_panel(ada)
    async with ada.page.expect_file_chooser() as chooser:
        await mine.get_by_role("button", name="Add files").click()
    assert (await chooser.value).is_multiple()
    await (await chooser.value).set_files(
        [
            FilePayload(name="garden.png", mimeType="image/png", buffer=picture()),
            FilePayload(name="notes.txt", mimeType="text/plain", buffer=b"words"),
        ]
    )
    await expect(rows(mine)).to_have_count(2, timeout=WITHIN)
    await expect(rows(theirs)).to_have_count(2, timeout=WITHIN)
    shown = rows(theirs).filter(has_text="garden.png")
    await expect(shown.locator("img")).to_have_attribute("srcset", re.compile("width=160 160w, .*320w"), timeout=WITHIN)
    await expect(shown).to_contain_text(owner.name)
    await expect(rows(theirs).filter(has_text="notes.txt")).to_contain_text("5 bytes")
    await expect(rows(mine).first).to_contain_text("You")
    assert "garden.png" not in await ada.content.inner_text()


async def test_a_viewer_downloads_and_changes_nothing(server: Server, arrive: Arrive) -> None:
    owner, friend = await people(server, "ada", "ben")
    doc = await make(owner, await team(server, owner, viewer=friend), "Plan", content=TEXT)
    await attach(owner, doc["id"], "notes.txt", b"the words")
    ben = await enter(server, arrive, friend)
    await ben.open(doc["address"], until="viewonly")
    panel = await open_panel(ben)
    await expect(rows(panel)).to_have_count(1, timeout=WITHIN)
    await expect(panel.get_by_role("button", name=re.compile("Add files|Insert"))).to_have_count(0)
    await expect(panel.get_by_role("checkbox")).to_have_count(0)
    await panel.get_by_role("button", name="Actions for notes.txt").click()
    await expect(ben.page.get_by_role("menuitem")).to_have_text(["Download", "Copy link"])
    async with ben.page.expect_download() as started:
        await ben.page.get_by_role("menuitem", name="Download").click()
    download = await started.value
    assert download.suggested_filename == "notes.txt"
    assert Path(await download.path()).read_bytes() == b"the words"
    await give(ben.content, "drop", ("more.txt", "text/plain", b"x"))
    await give(ben.content, "paste", ("more.txt", "text/plain", b"x"))
    assert (await owner.get(f"/documents/{doc['id']}/attachments")).json()["items"][1:] == []
    await expect(panel.get_by_role("list", name="Uploads")).to_have_count(0)


async def test_a_guest_reads_the_files_of_a_public_document(server: Server, arrive: Arrive) -> None:
    (owner,) = await people(server, "ada")
    doc = await make(owner, await team(server, owner), "Plan", content=TEXT)
    await attach(owner, doc["id"], "notes.txt")
    assert (await owner.patch(f"/documents/{doc['id']}", json={"is_public": True})).status_code == 200
    guest = await arrive(server)
    await guest.open(doc["id"], until="viewonly")
    panel = await open_panel(guest)
    await expect(rows(panel)).to_have_count(1, timeout=WITHIN)
    await expect(panel.get_by_role("button", name="Add files")).to_have_count(0)


async def test_a_file_is_renamed_inserted_copied_deleted_and_brought_back(server: Server, arrive: Arrive) -> None:
    owner, friend = await people(server, "ada", "ben")
    doc = await make(owner, await team(server, owner, editor=friend), "Plan", content=TEXT)
    made = await attach(owner, doc["id"], "notes.txt")
    ada, ben = await enter(server, arrive, owner), await enter(server, arrive, friend)
    await ada.open(doc["address"])
    await ben.open(doc["address"])
    mine, theirs = await open_panel(ada), await open_panel(ben)

    async def act(name: str, item: str) -> None:
        await mine.get_by_role("button", name=f"Actions for {name}").click()
        await ada.page.get_by_role("menuitem", name=item).click()

    await act("notes.txt", "Rename…")
    await ada.page.get_by_label("Name", exact=True).fill("words.txt")
    await ada.page.keyboard.press("Enter")
    await expect(rows(theirs)).to_contain_text("words.txt", timeout=WITHIN)
    await act("words.txt", "Copy link")
    await expect(ada.page.get_by_text("Link copied.")).to_be_visible()
    assert await ada.page.evaluate("navigator.clipboard.readText()") == f"{server.http}{made['url']}"
    await caret_behind(ada, "Ask the baker.")
    await act("words.txt", "Insert into the text")
    await ben.sees(f"Ask the baker.[words.txt]({made['url']})")
    await expect(ada.content).to_be_focused()
    await act("words.txt", "Delete")
    await expect(rows(theirs)).to_have_count(0, timeout=WITHIN)
    await expect(mine.get_by_text("No files yet")).to_be_visible()
    await ada.page.locator("#toasts").get_by_role("button", name="Undo").click()
    await expect(rows(mine)).to_have_count(1, timeout=WITHIN)
    await expect(rows(theirs)).to_have_count(1, timeout=WITHIN)


async def test_files_that_came_while_a_page_was_offline_are_listed(server: Server, arrive: Arrive) -> None:
    owner, friend = await people(server, "ada", "ben")
    doc = await make(owner, await team(server, owner, viewer=friend), "Plan", content=TEXT)
    ada, ben = await enter(server, arrive, owner), await enter(server, arrive, friend)
    await ada.open(doc["address"])
    await ben.open(doc["address"], until="viewonly")
    panel, theirs = await open_panel(ada), await open_panel(ben)
    await expect(panel.get_by_text("No files yet")).to_be_visible(timeout=WITHIN)
    await ada.context.set_offline(True)
    await ada.page.evaluate("window.sockets.forEach((socket) => socket.close())")
    await ada.sees_status("offline")
    await give(panel, "drop", ("mine.txt", "text/plain", b"words"))
    await expect(panel.get_by_text("No connection. It goes on by itself.")).to_be_visible(timeout=WITHIN)
    await attach(owner, doc["id"], "theirs.txt")
    # The event of it has been told.
    await expect(rows(theirs)).to_contain_text("theirs.txt", timeout=WITHIN)
    await ada.context.set_offline(False)
    await expect(rows(panel).filter(has_text="theirs.txt")).to_be_visible(timeout=WITHIN)
    await expect(rows(panel).filter(has_text="mine.txt")).to_be_visible(timeout=WITHIN)


async def test_a_list_that_cannot_be_read_is_tried_again(server: Server, arrive: Arrive) -> None:
    (owner,) = await people(server, "ada")
    doc = await make(owner, await team(server, owner), "Plan", content=TEXT)
    await attach(owner, doc["id"], "notes.txt")
    ada = await enter(server, arrive, owner)
    await ada.open(doc["address"])

    async def refuse(route: Route) -> None:
        await route.fulfill(status=503, json={"status": 503, "code": "unavailable", "detail": "come back later"})

    await ada.page.route(NEW_FILE, refuse)
    panel = await open_panel(ada)
    await expect(panel.get_by_role("alert")).to_contain_text("Come back later.", timeout=WITHIN)
    await ada.page.unroute(NEW_FILE)
    await panel.get_by_role("button", name="Try again").click()
    await expect(rows(panel)).to_have_count(1, timeout=WITHIN)
    await expect(panel.get_by_role("alert")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_panel_works_by_keyboard_and_axe_finds_nothing_serious(
    server: Server, arrive: Arrive, scheme: str
) -> None:
    (owner,) = await people(server, "ada")
    doc = await make(owner, await team(server, owner), "Plan", content=TEXT)
    await attach(owner, doc["id"], "notes.txt")
    await attach(owner, doc["id"], "garden.png", picture())
    ada = await enter(server, arrive, owner, scheme=scheme)
    await ada.open(doc["address"])
    keyboard = ada.page.keyboard
    button = ada.page.locator("#files")
    await button.focus()
    await keyboard.press("Enter")
    panel = ada.page.get_by_role("dialog", name="Files")
    await expect(panel).to_be_focused(timeout=WITHIN)
    await expect(rows(panel)).to_have_count(2, timeout=WITHIN)
    await expect(rows(panel).first.locator("img")).to_be_visible(timeout=WITHIN)
    assert await faults(ada.page) == []
    names = (
        "Close the files",
        "Add files",
        "garden.png",
        "Insert garden.png into the text",
        "Actions for garden.png",
        "notes.txt",
    )
    for wanted in names:
        await keyboard.press("Tab")
        focused = ada.page.locator(":focus")
        await expect(focused).to_have_accessible_name(wanted)
    await keyboard.press("Tab")
    await keyboard.press("Tab")
    await keyboard.press("Enter")
    await keyboard.press("End")
    await expect(ada.page.get_by_role("menuitem", name="Delete")).to_be_focused()
    assert await faults(ada.page) == []
    await keyboard.press("Enter")
    await expect(rows(panel)).to_have_count(1, timeout=WITHIN)
    await expect(panel).to_be_focused()
    clean = panel.get_by_role("checkbox", name="Remove place and camera data from pictures")
    await expect(clean).to_be_checked()
    await clean.focus()
    await keyboard.press("Space")
    await keyboard.press("Escape")
    await expect(panel).to_have_count(0)
    await expect(button).to_be_focused()
    await ada.page.reload()
    await ada.sees_status("saved")
    await expect((await open_panel(ada)).get_by_role("checkbox")).not_to_be_checked()


async def test_a_phone_shows_the_files_in_full(server: Server, arrive: Arrive) -> None:
    (owner,) = await people(server, "ada")
    doc = await make(owner, await team(server, owner), "Plan", content=TEXT)
    await attach(owner, doc["id"], f"{'a very long name ' * 8}.txt")
    ada = await enter(server, arrive, owner, size=PHONE)
    await ada.open(doc["address"])
    menu = ada.page.get_by_role("button", name="Document menu")
    await menu.click(timeout=WITHIN)
    await ada.page.get_by_role("menuitem", name="Files").click(timeout=WITHIN)
    panel = ada.page.get_by_role("dialog", name="Files")
    await expect(rows(panel)).to_have_count(1, timeout=WITHIN)
    await expect(panel.get_by_role("button", name="Add files")).to_be_in_viewport(ratio=1)
    await expect(panel.get_by_role("button", name=re.compile("^Actions for"))).to_be_in_viewport(ratio=1)
    assert await ada.has_no_horizontal_scroll()
    assert await faults(ada.page) == []
    await panel.get_by_role("button", name="Close the files").click()
    await expect(panel).to_have_count(0)
    await expect(menu).to_be_focused()
    await menu.click()
    await ada.page.get_by_role("menuitem", name="Files").click()
    await panel.get_by_role("button", name=re.compile("^Insert")).click()
    await expect(panel).to_have_count(0)
    await ada.sees("](/api/v1/attachments/")


async def test_entries_that_come_late_are_added_to_the_open_menu(server: Server, arrive: Arrive) -> None:
    (owner,) = await people(server, "ada")
    doc = await make(owner, await team(server, owner), "Plan", content=TEXT)
    ada = await enter(server, arrive, owner)
    answered = asyncio.Event()

    async def answer(route: Route) -> None:
        await answered.wait()
        await route.continue_()

    await ada.page.route("**/api/v1/documents/*/comments**", answer)
    await ada.open(doc["address"])
    await ada.page.get_by_role("button", name="Document menu").click(timeout=WITHIN)
    late = ada.page.get_by_role("menuitem", name="Suggest changes")
    held = ada.page.get_by_role("menuitem", name="Rename…")
    await expect(held).to_be_focused()
    await expect(late).to_have_count(0)
    answered.set()
    await expect(late).to_be_visible(timeout=WITHIN)
    await expect(held).to_be_focused()
    await late.click()
    await expect(ada.page.locator(".suggesting")).to_be_visible(timeout=WITHIN)


async def test_one_panel_at_a_time_is_at_the_side(server: Server, arrive: Arrive) -> None:
    (owner,) = await people(server, "ada")
    doc = await make(owner, await team(server, owner), "Plan", content=TEXT)
    ada = await enter(server, arrive, owner)
    await ada.open(doc["address"])
    await expect(ada.page.locator("#comments")).to_be_visible(timeout=WITHIN)
    panel = await open_panel(ada)
    await ada.page.locator("#comments").click()
    await expect(panel).to_have_count(0)
    comments = ada.page.get_by_role("dialog", name="Comments")
    await expect(comments).to_be_focused()
    await open_panel(ada)
    await expect(comments).to_have_count(0)
    await ada.page.get_by_role("button", name="Document menu").click()
    await ada.page.get_by_role("menuitem", name="History").click()
    await expect(ada.page.get_by_role("dialog", name="History")).to_be_focused(timeout=WITHIN)
    await expect(panel).to_have_count(0)

"""Files that are chosen, dropped and pasted at the web page, on their way to the server and into the text."""

import re
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from playwright.async_api import Route, expect

from tests.browser.attaching import CONTENT, NEW_FILE, TEXT, Gate, caret_behind, give, open_panel, picture, rows
from tests.browser.conftest import Arrive
from tests.browser.members import enter, make, people, team
from tests.browser.reader import WITHIN
from tests.browser.test_everyone import faults
from tests.people import run
from tests.server import Server
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("node_packages")


async def test_a_pasted_picture_gets_in_where_the_caret_was_though_others_write(server: Server, arrive: Arrive) -> None:
    owner, friend = await people(server, "ada", "ben")
    doc = await make(owner, await team(server, owner, editor=friend), "Plan", content=TEXT)
    ada, ben = await enter(server, arrive, owner), await enter(server, arrive, friend)
    await ada.open(doc["address"])
    await ben.open(doc["address"])
    await expect(ada.page.locator("#files")).to_be_visible(timeout=WITHIN)
    gate = Gate()
    await ada.page.route(NEW_FILE, gate.hold)
    await caret_behind(ada, "Buy green apples.")
    await ada.page.keyboard.type(" ")
    await give(ada.content, "paste", ("a [red] one.png", "image/png", picture("red")))
    await gate.wait_held()
    await expect(ada.content.locator(".coming-file")).to_contain_text("a [red] one.png")
    await caret_behind(ben, "Plan")
    await ben.page.keyboard.type(" of the week")
    await ada.sees("of the week")
    await ada.page.keyboard.type(" Soon.")
    await ben.sees("Soon.")
    assert "/attachments/" not in await ben.content.inner_text()
    await gate.open()
    wanted = re.compile(rf"Buy green apples\. !\[a \\\[red\\\] one\.png\]\({CONTENT}\) Soon\.")
    await expect(ben.content).to_have_text(wanted, timeout=WITHIN)
    await expect(ada.content.locator(".coming-file")).to_have_count(0)
    asked = gate.held[0].request
    assert "without_metadata=true" in asked.url
    found = (await owner.get(f"/documents/{doc['id']}/attachments")).json()["items"]
    assert [each["file_name"] for each in found] == ["a [red] one.png"]
    await ada.page.keyboard.press("Control+z")
    await expect(ada.content).not_to_contain_text("/attachments/")


async def test_a_guest_who_may_write_adds_and_deletes_files(server: Server, arrive: Arrive, name: str) -> None:
    guest = await arrive(server)
    await guest.open(name)
    panel = await open_panel(guest)
    await guest.content.focus()
    await give(guest.content, "paste", ("garden.png", "image/png", picture()))
    await guest.sees("![garden.png](/api/v1/attachments/")
    await expect(rows(panel)).to_contain_text("A guest", timeout=WITHIN)
    await panel.get_by_role("button", name="Actions for garden.png").click()
    await guest.page.get_by_role("menuitem", name="Delete").click()
    await expect(rows(panel)).to_have_count(0, timeout=WITHIN)
    await guest.page.locator("#toasts").get_by_role("button", name="Undo").click()
    await expect(rows(panel)).to_have_count(1, timeout=WITHIN)


async def test_text_that_is_no_markdown_gets_no_links(server: Server, arrive: Arrive) -> None:
    (owner,) = await people(server, "ada")
    doc = await make(owner, await team(server, owner), "Table", type="file", content="a,b")
    ada = await enter(server, arrive, owner)
    await ada.open(doc["address"])
    await expect(ada.page.locator("#files")).to_be_visible(timeout=WITHIN)
    await give(ada.content, "paste", ("garden.png", "image/png", picture()))
    panel = ada.page.get_by_role("dialog", name="Files")
    await expect(rows(panel)).to_have_count(1, timeout=WITHIN)
    await expect(panel.get_by_role("button", name=re.compile("^Insert"))).to_have_count(0)
    await expect(ada.content).to_have_text("a,b")


async def test_a_file_that_cannot_get_into_the_text_any_more_is_among_the_files(server: Server, arrive: Arrive) -> None:
    owner, friend = await people(server, "ada", "ben")
    space = await team(server, owner, editor=friend)
    doc = await make(owner, space, "Plan", content=TEXT)
    ben = await enter(server, arrive, friend)
    await ben.open(doc["address"])
    await expect(ben.page.locator("#files")).to_be_visible(timeout=WITHIN)
    gate = Gate()
    await ben.page.route(NEW_FILE, gate.hold)
    await caret_behind(ben, "Ask the baker.")
    await give(ben.content, "paste", ("garden.png", "image/png", picture()))
    await gate.wait_held()
    made = await gate.held[0].fetch()
    demoted = await owner.patch(f"/workspaces/{space['id']}/members/{friend.id}", json={"role": "viewer"})
    assert demoted.status_code == 200, demoted.text
    await ben.sees_status("viewonly")
    await gate.held[0].fulfill(response=made)
    said = ben.page.locator(".toast")
    await expect(said).to_contain_text("“garden.png” is among the files. Its place in the text is gone.")
    await said.get_by_role("button", name="Show").click()
    panel = ben.page.get_by_role("dialog", name="Files")
    await expect(rows(panel)).to_have_count(1, timeout=WITHIN)
    await expect(panel.get_by_role("button", name="Add files")).to_have_count(0)
    assert "garden.png" not in await ben.content.inner_text()


async def test_a_picture_that_is_pasted_into_a_suggestion_stays_out_of_the_document(
    server: Server, arrive: Arrive
) -> None:
    (owner,) = await people(server, "ada")
    doc = await make(owner, await team(server, owner), "Plan", content=TEXT)
    ada = await enter(server, arrive, owner)
    await ada.open(doc["address"])
    await expect(ada.page.locator("#files")).to_be_visible(timeout=WITHIN)
    await expect(ada.page.locator("#comments")).to_be_visible(timeout=WITHIN)
    begin = ada.page.get_by_role("menuitem", name="Suggest changes")

    async def offers_suggesting() -> bool:
        """The menu has this entry once the comments are loaded."""
        await ada.page.get_by_role("button", name="Document menu").click()
        if await begin.count() == 0:
            await ada.page.keyboard.press("Escape")
        return await begin.count() > 0

    await until(offers_suggesting, "the entry of the menu")
    await begin.click()
    await caret_behind(ada, "Ask the baker.")
    await give(ada.content, "paste", ("garden.png", "image/png", picture()))
    await ada.sees("Ask the baker.![garden.png](/api/v1/attachments/")
    await expect(ada.page.get_by_text("Your suggestion is saved.")).to_be_visible(timeout=WITHIN)
    assert (await owner.get(f"/documents/{doc['id']}/content")).text == TEXT
    found = (await owner.get(f"/documents/{doc['id']}/suggestions")).json()["items"]
    assert "![garden.png](" in str(found)


async def test_pasted_text_stays_text_though_an_office_program_adds_its_picture(server: Server, arrive: Arrive) -> None:
    (owner,) = await people(server, "ada")
    doc = await make(owner, await team(server, owner), "Plan", content=TEXT)
    ada = await enter(server, arrive, owner)
    await ada.open(doc["address"])
    await expect(ada.page.locator("#files")).to_be_visible(timeout=WITHIN)
    await caret_behind(ada, "Ask the baker.")
    await give(ada.content, "paste", ("image.png", "image/png", picture()), text=" Two cells")
    await ada.sees("Ask the baker. Two cells")
    await give(ada.content, "paste", text=" and more")
    await ada.sees("Two cells and more")
    await expect(ada.content.locator(".coming-file")).to_have_count(0)


async def test_dropped_files_get_in_in_their_order_and_others_are_links(server: Server, arrive: Arrive) -> None:
    (owner,) = await people(server, "ada")
    doc = await make(owner, await team(server, owner), "Plan", content=TEXT)
    ada = await enter(server, arrive, owner)
    await ada.open(doc["address"])
    await expect(ada.page.locator("#files")).to_be_visible(timeout=WITHIN)
    held: list[Route] = []

    async def first_waits(route: Route) -> None:
        if "first.png" in route.request.url and not held:
            held.append(route)
        else:
            await route.continue_()

    await ada.page.route(NEW_FILE, first_waits)
    box = await ada.content.get_by_text("Ask the baker.").bounding_box()
    assert box is not None
    point = (box["x"] + box["width"] - 1, box["y"] + box["height"] / 2)
    await give(ada.content, "drag", ("first.png", "image/png", b"x"), point=point)
    await expect(ada.page.locator(".drop-sign")).to_have_text("Drop to put it here in the text")
    files = [
        ("first.png", "image/png", picture("red")),
        ("list.csv", "text/csv", b"a,b\n1,2\n"),
        ("last.txt", "text/plain", b"x"),
    ]
    await give(ada.content, "drop", *files, point=point)
    await expect(ada.page.locator(".drop-sign")).to_be_hidden()
    await ada.sees("last.txt](")
    await held[0].continue_()
    wanted = re.compile(
        rf"Ask the baker\.!\[first\.png\]\({CONTENT}\)\[list\.csv\]\({CONTENT}\)\[last\.txt\]\({CONTENT}\)"
    )
    await expect(ada.content).to_have_text(wanted, timeout=WITHIN)
    panel = await open_panel(ada)
    await expect(rows(panel)).to_have_count(3, timeout=WITHIN)
    before = await ada.content.inner_text()
    await give(panel, "drop", ("third.txt", "text/plain", b"x"))
    await expect(rows(panel)).to_have_count(4, timeout=WITHIN)
    assert await ada.content.inner_text() == before


async def test_an_upload_shows_its_progress_and_is_cancelled(server: Server, arrive: Arrive) -> None:
    (owner,) = await people(server, "ada")
    doc = await make(owner, await team(server, owner), "Plan", content=TEXT)
    ada = await enter(server, arrive, owner)
    await ada.open(doc["address"])
    panel = await open_panel(ada)
    gate = Gate()
    await ada.page.route(NEW_FILE, gate.hold)
    await give(panel, "drop", ("film.bin", "", b"x" * 3000))
    await gate.wait_held()
    bar = panel.get_by_role("progressbar", name="Upload of film.bin")
    await expect(bar).to_be_visible()
    await expect(ada.page.locator("#files")).to_have_attribute("aria-label", "Files, 1 upload")
    assert await faults(ada.page) == []
    dialogs: list[str] = []

    async def stay(dialog: Any) -> None:
        dialogs.append(dialog.type)
        await dialog.dismiss()

    ada.page.on("dialog", stay)
    await ada.page.close(run_before_unload=True)
    await until(lambda: dialogs == ["beforeunload"], "the question")
    await ada.write("Typing goes on.")
    await ada.sees_status("saved")
    await panel.get_by_role("button", name="Cancel the upload of film.bin").click()
    await expect(bar).to_have_count(0)
    await expect(panel.get_by_text("No files yet")).to_be_visible()
    await expect(panel).to_be_focused()
    assert (await owner.get(f"/documents/{doc['id']}/attachments")).json()["items"] == []


async def test_a_refused_upload_is_tried_again_with_the_same_key(server: Server, arrive: Arrive) -> None:
    (owner,) = await people(server, "ada")
    doc = await make(owner, await team(server, owner), "Plan", content=TEXT)
    ada = await enter(server, arrive, owner)
    await ada.open(doc["address"])
    panel = await open_panel(ada)
    keys: list[str] = []

    async def refuse_once(route: Route) -> None:
        if route.request.method != "POST":
            await route.continue_()
            return
        keys.append(route.request.headers["idempotency-key"])
        if len(keys) == 1:
            problem = {"status": 503, "code": "unavailable", "detail": "the storage is busy"}
            await route.fulfill(status=503, json=problem)
        elif len(keys) == 2:
            await route.abort("connectionreset")
        else:
            await route.continue_()

    await ada.page.route(NEW_FILE, refuse_once)
    await give(panel, "drop", ("notes.txt", "text/plain", b"words"))
    await expect(panel.get_by_text("The storage is busy.")).to_be_visible(timeout=WITHIN)
    assert await faults(ada.page) == []
    await panel.get_by_role("button", name="Try again").click()
    # The second attempt loses its connection, and the page goes on by itself.
    await expect(rows(panel)).to_have_count(1, timeout=WITHIN)
    assert len(keys) == 3
    assert len(set(keys)) == 1


async def test_a_full_workspace_is_told_and_nothing_gets_into_the_text(server: Server, arrive: Arrive) -> None:
    (owner,) = await people(server, "ada")
    space = await team(server, owner)
    doc = await make(owner, space, "Plan", content=TEXT)
    await run(server, "UPDATE workspaces SET storage_limit_bytes = 50000 WHERE id = $1", [(UUID(space["id"]),)])
    ada = await enter(server, arrive, owner)
    await ada.open(doc["address"])
    await expect(ada.page.locator("#files")).to_be_visible(timeout=WITHIN)
    await give(ada.content, "paste", ("big.bin", "application/octet-stream", b"x" * 60_000))
    said = ada.page.locator(".toast")
    await expect(said).to_contain_text("“big.bin” was not uploaded. The workspace's storage is full", timeout=WITHIN)
    await expect(ada.content.locator(".coming-file")).to_have_text("big.bin was not uploaded")
    await said.get_by_role("button", name="Show").click()
    panel = ada.page.get_by_role("dialog", name="Files")
    await expect(panel.get_by_text("The workspace's storage is full")).to_be_visible(timeout=WITHIN)
    await panel.get_by_role("button", name="Leave out big.bin").click()
    await expect(ada.content.locator(".coming-file")).to_have_count(0)
    await expect(ada.content).not_to_contain_text("big.bin")


async def test_a_large_file_goes_on_where_the_server_has_it(server: Server, arrive: Arrive, tmp_path: Path) -> None:
    (owner,) = await people(server, "ada")
    doc = await make(owner, await team(server, owner), "Plan", content=TEXT)
    ada = await enter(server, arrive, owner)
    await ada.open(doc["address"])
    panel = await open_panel(ada)
    offsets: list[str] = []

    async def lose_one(route: Route) -> None:
        if route.request.method == "PATCH":
            offsets.append(route.request.headers["upload-offset"])
            if len(offsets) == 2:
                await route.abort("connectionreset")
                return
        await route.continue_()

    await ada.page.route("**/api/v1/uploads/*", lose_one)
    large = tmp_path / "film.bin"
    large.write_bytes(b"x" * (9 << 20))
    await panel.locator("input[type=file]").set_input_files(large)
    await expect(rows(panel)).to_contain_text("9 MB", timeout=WITHIN)
    assert offsets == ["0", str(8 << 20), str(8 << 20)]

"""The list of documents for people with an account: search, views, filters, and what is done to documents there."""

from datetime import UTC, datetime

import pytest
from playwright.async_api import expect

from collab_server.features.exports.formats import write_pdf
from tests.browser.conftest import Arrive
from tests.browser.members import enter, make, people, ready, team
from tests.browser.reader import WITHIN, Reader
from tests.browser.test_everyone import PHONE, faults
from tests.features.attachments.attaching import attach
from tests.server import Server
from tests.waiting import until


async def act(ada: Reader, title: str, action: str) -> None:
    """Chooses an action in the menu of a document's row."""
    await ada.page.get_by_role("button", name=f"Actions for {title}").click()
    await ada.page.get_by_role("menuitem", name=action).click()


async def test_documents_are_made_tagged_filtered_copied_and_thrown_away(server: Server, arrive: Arrive) -> None:
    (person,) = await people(server, "ada")
    garden = await team(server, person)
    ada = await enter(server, arrive, person)
    await ready(ada, f"/w/{garden['slug']}")
    await ada.page.get_by_role("button", name="New document of another kind").click()
    await ada.page.get_by_role("menuitem", name="Task").click()
    await ada.sees_status("saved")
    await ada.page.keyboard.type("Order gears")
    await ada.page.keyboard.press("Enter")
    await ada.page.get_by_role("link", name="All documents").first.click()
    rows = ada.page.locator("#list li")
    await expect(rows).to_have_count(1, timeout=WITHIN)
    await expect(rows).to_contain_text("Task")

    await act(ada, "Order gears", "Tags")
    await ada.page.get_by_role("textbox", name="Tags").fill("workshop, brass")
    await ada.page.keyboard.press("Enter")
    await expect(rows.locator(".chip", has_text="brass")).to_be_visible()
    await act(ada, "Order gears", "Rename")
    await ada.page.get_by_role("textbox", name="Title").fill("Order the gears")
    await ada.page.keyboard.press("Enter")
    await expect(rows.locator(".row-title")).to_have_text("Order the gears")
    await act(ada, "Order the gears", "Duplicate")
    await expect(rows).to_have_count(2)
    await ada.page.get_by_role("button", name="Add Order the gears to favourites").first.click()
    await expect(ada.page.locator(".star[aria-pressed=true]")).to_have_count(1)
    await ada.page.get_by_role("link", name="Favourites").click()
    await expect(rows).to_have_count(1)
    assert ada.page.url.endswith("?view=favourites")

    await ada.page.go_back()
    await expect(rows).to_have_count(2)
    await ada.page.get_by_role("combobox", name="Type").select_option("Note")
    await expect(ada.page.get_by_role("heading", name="Nothing matches these filters")).to_be_visible()
    await ada.page.get_by_role("button", name="Clear filters").click()
    await expect(rows).to_have_count(2)
    await ada.page.reload()
    await ada.page.get_by_role("combobox", name="Tag").select_option("workshop")
    await expect(rows).not_to_have_count(0)


async def test_the_trash_gives_back_or_forgets(server: Server, arrive: Arrive) -> None:
    (person,) = await people(server, "ada")
    garden = await team(server, person)
    for title in ("Weeds", "Roses"):
        await make(person, garden, title)
    ada = await enter(server, arrive, person)
    await ready(ada, f"/w/{garden['slug']}")
    rows = ada.page.locator("#list li")
    await act(ada, "Weeds", "Move to trash")
    await expect(rows).to_have_count(1)
    await expect(ada.page.locator("#list a").first).to_be_focused()
    await ada.page.get_by_role("button", name="Undo").click()
    await expect(rows).to_have_count(2)
    await act(ada, "Weeds", "Move to trash")
    await act(ada, "Roses", "Move to trash")
    await ada.page.get_by_role("link", name="Trash").click()
    await expect(rows).to_have_count(2)
    await ada.page.get_by_role("button", name="Restore Roses").click()
    await expect(rows).to_have_count(1)
    await ada.page.get_by_role("button", name="Delete Weeds forever").click()
    dialog = ada.page.get_by_role("dialog")
    await expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    await dialog.get_by_role("button", name="Delete forever").click()
    await expect(ada.page.get_by_role("heading", name="The trash is empty")).to_be_visible()
    await ada.page.get_by_role("link", name="All").first.click()
    await expect(rows.locator(".row-title")).to_have_text(["Roses"])


async def test_what_is_written_is_found_by_its_words_and_titles_by_their_letters(
    server: Server, arrive: Arrive
) -> None:
    (person,) = await people(server, "ada")
    garden = await team(server, person)
    await make(person, garden, "Engine notes", content="The <b>mill</b> & the store weave algebraic patterns.")
    letters = await make(person, garden, "Letters")
    await attach(person, letters["id"], write_pdf("Punched cards <b>", "", datetime.now(UTC), {}), "cards & wheels.pdf")
    ada = await enter(server, arrive, person)
    box = ada.page.get_by_label("Search documents")
    rows = ada.page.locator("#list li")

    async def is_found(word: str) -> bool:
        await ready(ada, f"/w/{garden['slug']}?q={word}")
        return bool(await rows.count())

    await until(lambda: is_found("punched"), "the text of the file to be read")
    await expect(rows.locator(".row-title")).to_have_text("Letters")
    await expect(rows.locator(".in-file")).to_contain_text("In the file cards & wheels.pdf")
    await expect(rows.locator(".snippet mark")).to_have_text("Punched")
    assert await rows.locator("b, i, script").count() == 0
    await until(lambda: is_found("algebraic"), "the text to be indexed")
    await expect(rows.locator(".in-file")).to_have_count(0)
    await expect(rows.locator(".snippet mark")).to_have_text("algebraic")
    await expect(rows.locator(".snippet")).to_contain_text("& the store")
    assert await rows.locator("b, i, script").count() == 0
    await box.fill("nobody wrote this")
    await expect(ada.page.get_by_role("heading", name="Nothing found")).to_be_visible()
    await box.press("Escape")
    await expect(rows).to_have_count(2)

    async def title_found() -> bool:
        return bool((await person.get("/search/titles", params={"q": "leters"})).json()["items"])

    await until(title_found, "the titles to be indexed")
    await ada.page.keyboard.press("Control+k")
    await ada.page.keyboard.type("leters")
    option = ada.page.get_by_role("option", name="Letters")
    await expect(option).to_have_attribute("aria-selected", "true")
    await ada.page.keyboard.press("Enter")
    await ada.sees_status("saved")
    await expect(ada.page.get_by_label("Document title")).to_have_value("Letters")


async def test_a_document_starts_from_a_template(server: Server, arrive: Arrive) -> None:
    (person,) = await people(server, "ada")
    garden = await team(server, person)
    await make(person, garden, "Minutes", content="# Present\n", is_template=True)
    ada = await enter(server, arrive, person)
    await ready(ada, f"/w/{garden['slug']}")
    await ada.page.get_by_role("button", name="New document of another kind").click()
    await ada.page.get_by_role("menuitem", name="From a template").click()
    await expect(ada.page.get_by_role("radio", name="Minutes")).to_be_checked()
    await ada.page.get_by_role("button", name="Use template").click()
    await ada.sees_status("saved")
    await ada.sees("Present")


async def test_long_lists_go_on_while_one_scrolls(server: Server, arrive: Arrive) -> None:
    (person,) = await people(server, "ada")
    garden = await team(server, person)
    for number in range(35):
        await make(person, garden, f"Numbered {number}")
    ada = await enter(server, arrive, person)
    await ready(ada, f"/w/{garden['slug']}?sort=title")
    rows = ada.page.locator("#list li")
    await expect(rows).to_have_count(30)
    await rows.last.scroll_into_view_if_needed()
    await expect(rows).to_have_count(35, timeout=WITHIN)
    await expect(rows.first).to_contain_text("Numbered 0")


@pytest.mark.usefixtures("node_packages")
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_list_suits_everybody(server: Server, arrive: Arrive, scheme: str) -> None:
    (person,) = await people(server, "ada")
    garden = await team(server, person, "An unusually long name for a workspace of few people")
    await make(person, garden, "unbroken" * 20, type="note", tags=["a tag", "another" * 6])
    ada = await enter(server, arrive, person, size=PHONE, scheme=scheme)
    for view in ("", "?view=recent", "?view=trash", "?q=unbroken"):
        await ready(ada, f"/w/{garden['slug']}{view}")
        assert await ada.has_no_horizontal_scroll(), view
        assert await faults(ada.page) == []
    await ready(ada, f"/w/{garden['slug']}")
    await ada.page.get_by_role("button", name="Actions for").click()
    assert await faults(ada.page) == []
    await ada.page.get_by_role("menuitem", name="Details").click()
    await expect(ada.page.get_by_role("dialog", name="Details")).to_be_visible()
    assert await ada.has_no_horizontal_scroll()
    assert await faults(ada.page) == []
    await ada.page.keyboard.press("Escape")
    await expect(ada.page.get_by_role("dialog")).to_have_count(0)

    async def seen() -> bool:  # views are written down a moment later
        return bool((await person.get("/documents/recent")).json()["items"])

    await until(seen, "the view of the document")
    await ada.page.keyboard.press("Control+k")
    await expect(ada.page.get_by_role("group", name="Opened lately").get_by_role("option")).to_have_count(1)
    assert await faults(ada.page) == []

"""Several documents at once, and what empty lists and missing pages offer."""

import httpx
from playwright.async_api import Locator, expect

from tests.browser.conftest import Arrive
from tests.browser.members import enter, make, people, ready, team
from tests.browser.reader import Reader
from tests.server import Server


def row(reader: Reader, title: str) -> Locator:
    return reader.page.locator("#list li", has_text=title)


async def test_selected_documents_are_tagged_moved_and_thrown_away_together(server: Server, arrive: Arrive) -> None:
    (ada,) = await people(server, "ada")
    workspace = await team(server, ada, name="Here")
    other = await team(server, ada, name="There")
    await ada.post(f"/workspaces/{workspace['id']}/categories", json={"name": "Drawings"})
    for number in range(5):
        await make(ada, workspace, f"Sheet {number}", tags=["kept"] if number == 4 else [])
    reader = await enter(server, arrive, ada)
    await ready(reader, f"/w/{workspace['slug']}?sort=title")
    bar = reader.page.get_by_role("toolbar", name="Selected documents")
    keys = reader.page.keyboard

    # By keys: x selects, Shift and arrows extend.
    await keys.press("j")
    await expect(row(reader, "Sheet 0").get_by_role("link")).to_be_focused()
    await keys.press("x")
    await expect(bar).to_contain_text("1 selected")
    await keys.press("Shift+ArrowDown")
    await expect(bar).to_contain_text("2 selected")
    await keys.press("Escape")
    await expect(bar).to_have_count(0)

    # By boxes: Shift selects up to there.
    await reader.page.get_by_label("Select Sheet 2").click()
    await reader.page.get_by_label("Select Sheet 4").click(modifiers=["Shift"])
    await expect(bar).to_contain_text("3 selected")
    await row(reader, "Sheet 3").get_by_role("link").click(modifiers=["Control"])
    await expect(bar).to_contain_text("2 selected")
    await bar.get_by_role("button", name="Add tags").click()
    await reader.page.get_by_label("Tags", exact=True).fill("brass, paper")
    await reader.page.get_by_role("dialog").get_by_role("button", name="Add tags").click()
    await expect(row(reader, "Sheet 2")).to_contain_text("brass")
    for tag in ("brass", "paper", "kept"):
        await expect(row(reader, "Sheet 4")).to_contain_text(tag)
    await expect(row(reader, "Sheet 3")).not_to_contain_text("brass")
    await reader.page.get_by_role("button", name="Undo").click()
    await expect(row(reader, "Sheet 2")).not_to_contain_text("brass")
    await expect(row(reader, "Sheet 4")).to_contain_text("kept")

    await row(reader, "Sheet 0").get_by_role("link").focus()
    await keys.press("Control+a")
    await expect(bar).to_contain_text("5 selected")
    await bar.get_by_role("button", name="Category").click()
    await reader.page.get_by_label("Category", exact=True).last.select_option(label="Drawings")
    await reader.page.get_by_role("button", name="Set category").click()
    await expect(reader.page.get_by_text("The category of 5 documents was changed.")).to_be_visible()

    await reader.page.get_by_label("Select Sheet 0").click()
    await reader.page.get_by_label("Select Sheet 1").click()
    await bar.get_by_role("button", name="Move to…").click()
    await reader.page.get_by_label("To workspace").select_option(label="There")
    await reader.page.get_by_role("button", name="Move", exact=True).click()
    await expect(reader.page.locator("#list li")).to_have_count(3)
    moved = await ada.get(f"/workspaces/{other['id']}/documents")
    assert sorted(each["title"] for each in moved.json()["items"]) == ["Sheet 0", "Sheet 1"]

    await reader.page.get_by_label("Select Sheet 2").click()
    await row(reader, "Sheet 3").get_by_role("link").focus()
    await keys.press("x")
    await keys.press("Delete")
    await expect(reader.page.locator("#list li")).to_have_count(1)
    await expect(reader.page.get_by_text("2 documents in the trash.")).to_be_visible()
    await reader.page.get_by_role("button", name="Undo").click()
    await expect(reader.page.locator("#list li")).to_have_count(3)

    await reader.page.get_by_label("Select Sheet 2").click()
    await reader.page.get_by_label("Select Sheet 3").click()
    await bar.get_by_role("button", name="Move to trash").click()
    await expect(reader.page.locator("#list li")).to_have_count(1)
    await ready(reader, f"/w/{workspace['slug']}?view=trash")
    await reader.page.get_by_label("Select Sheet 2").click()
    await bar.get_by_role("button", name="Restore").click()
    await expect(reader.page.locator("#list li")).to_have_count(1)
    await reader.page.get_by_label("Select Sheet 3").click()
    await bar.get_by_role("button", name="Delete forever").click()
    await reader.page.get_by_role("dialog").get_by_role("button", name="Delete forever").click()
    await expect(reader.page.locator("#nothing")).to_contain_text("The trash is empty")
    await reader.page.get_by_role("button", name="Show all documents").click()
    await expect(row(reader, "Sheet 2")).to_be_visible()


async def test_documents_that_may_not_be_changed_stay(server: Server, arrive: Arrive) -> None:
    ada, ben = await people(server, "ada", "ben")
    docs = [
        await make(ada, await team(server, ada, editor=ben), "Of Ada"),
        await make(ben, await team(server, ben), "Of Ben"),
    ]
    reader = await enter(server, arrive, ben)
    for doc in docs:
        await reader.open(doc["id"])
    await ready(reader, "/?view=recent")
    await row(reader, "Of Ada").get_by_role("button", name="Actions for Of Ada").click()
    await reader.page.get_by_role("menuitem", name="Select").click()
    await reader.page.get_by_label("Select Of Ben").click()
    await reader.page.get_by_role("button", name="Move to trash").click()
    await expect(row(reader, "Of Ben")).to_have_count(0)
    await expect(row(reader, "Of Ada")).to_be_visible()
    await expect(reader.page.locator(".toast")).to_contain_text("1 document stayed")


async def test_an_unknown_address_is_a_page_with_status_404_that_leads_on(server: Server, arrive: Arrive) -> None:
    (ada,) = await people(server, "ada")
    reader = await enter(server, arrive, ada)
    answer = await reader.page.goto(reader.http + "/no/such/page")
    assert answer is not None and answer.status == 404
    await expect(reader.page.get_by_role("heading", name="There is no page here")).to_be_visible()
    await expect(reader.page.locator("#account")).to_be_visible()
    await reader.page.get_by_label("Search the documents").fill("findable")
    await reader.page.keyboard.press("Enter")
    await expect(reader.page.get_by_role("heading", name="Search")).to_be_visible()
    await expect(reader.page.get_by_role("searchbox")).to_have_value("findable")
    async with httpx.AsyncClient() as client:
        told = await client.get(server.http + "/no/such/page")
    assert told.status_code == 404 and told.headers["content-type"] == "application/problem+json"


async def test_a_document_that_may_not_be_seen_is_a_page_that_offers_to_ask(server: Server, arrive: Arrive) -> None:
    ada, ben = await people(server, "ada", "ben")
    doc = await make(ada, await team(server, ada), "Hidden plan")
    reader = await enter(server, arrive, ben)
    await reader.open(doc["id"], until="ended")
    await expect(reader.page.locator("body")).to_have_attribute("data-nothing", "")
    await expect(reader.page.locator(".sheet")).to_be_hidden()
    await expect(reader.page.get_by_role("button", name="Request access")).to_be_visible()
    await expect(reader.page.get_by_role("link", name="All documents").last).to_be_visible()
    assert "Hidden plan" not in await reader.page.content()

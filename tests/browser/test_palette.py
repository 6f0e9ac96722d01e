"""The palette and the help about keys."""

from playwright.async_api import expect

from tests.browser.conftest import Arrive
from tests.browser.members import enter, make, people, ready, team
from tests.server import Server


async def test_documents_and_commands_are_found_and_used_by_keys_alone(server: Server, arrive: Arrive) -> None:
    (ada,) = await people(server, "ada")
    workspace = await team(server, ada, name="Engine room")
    doc = await make(ada, workspace, "Difference engine", settings={"editor_mode": "edit"})
    reader = await enter(server, arrive, ada)
    await ready(reader, f"/w/{workspace['slug']}")
    keys = reader.page.keyboard
    box = reader.page.get_by_role("combobox", name="Search documents and commands")
    selected = reader.page.locator('.quick [role=option][aria-selected="true"]')
    await keys.press("Control+k")
    await expect(box).to_be_focused()
    await keys.type("dfeng")
    await expect(selected).to_have_text("Difference engine")
    await expect(box).to_have_attribute("aria-activedescendant", "quick-0")
    await keys.press("Enter")
    await reader.sees_status("saved")
    assert reader.page.url.endswith(doc["address"]) or doc["id"] in reader.page.url
    # In the text, Ctrl+K makes a link. Alt+/ opens the palette everywhere.
    await reader.content.focus()
    await keys.press("Alt+/")
    await expect(box).to_be_focused()
    await keys.type("rename")
    await expect(selected).to_have_text("Rename…")
    await keys.press("Enter")
    await expect(reader.page.get_by_role("dialog", name="Rename document")).to_be_visible()
    await keys.press("Escape")
    await reader.content.focus()
    await keys.type("loud")
    await keys.press("Control+a")
    await keys.press("Alt+/")
    await expect(reader.page.get_by_role("group", name="Used lately")).to_contain_text("Rename…")
    await keys.type("bold")
    await keys.press("Enter")
    await reader.sees("**loud**")
    await keys.press("Alt+/")
    await keys.type("dark")
    await expect(selected).to_have_text("Theme: Dark")
    await keys.press("Enter")
    await expect(reader.page.locator("html")).to_have_attribute("data-theme", "dark")
    await keys.press("Alt+/")
    await keys.type("new task")
    await expect(selected).to_contain_text("New task")
    await keys.press("Escape")
    await expect(box).to_have_count(0)
    # A page of another kind has the general commands, and finds by what is written.
    await ready(reader, "/account")
    await keys.press("Control+k")
    await expect(reader.page.get_by_role("group", name="Opened lately")).to_contain_text("Difference engine")
    await keys.type("dfeng")
    await expect(selected).to_have_text("Difference engine")
    await box.fill("trash")
    await expect(selected).to_have_text("Trash")
    await box.fill("nothing is called so")
    await expect(selected).to_have_text("Search all texts for “nothing is called so”")
    await keys.press("Enter")
    await expect(reader.page.locator("#nothing")).to_contain_text("Nothing found")


async def test_guests_have_a_palette_too(server: Server, arrive: Arrive) -> None:
    ada = await arrive(server)
    await ada.list_documents()
    await ada.page.keyboard.press("Control+k")
    await expect(ada.page.get_by_role("option", name="Sign in")).to_be_visible()
    await ada.page.keyboard.type("light")
    await ada.page.keyboard.press("Enter")
    await expect(ada.page.locator("html")).to_have_attribute("data-theme", "light")


async def test_the_help_lists_the_keys_of_the_page(server: Server, arrive: Arrive) -> None:
    (ada,) = await people(server, "ada")
    workspace = await team(server, ada)
    doc = await make(ada, workspace, "Keys", settings={"editor_mode": "edit"})
    reader = await enter(server, arrive, ada)
    await ready(reader, f"/w/{workspace['slug']}")
    keys = reader.page.keyboard
    await keys.press("?")
    help_ = reader.page.get_by_role("dialog", name="Keyboard shortcuts")
    await expect(help_.get_by_role("term").filter(has_text="Search the documents")).to_be_visible()
    await expect(help_).not_to_contain_text("Bold")
    await keys.press("Escape")
    await reader.open(doc["id"])
    await reader.content.focus()
    await keys.type("what?")
    await reader.sees("what?")
    await expect(help_).to_have_count(0)
    await expect(reader.page.locator("#comments")).to_be_visible()
    await keys.press("F1")
    for text in ("Bold", "Heading 2", "To the toolbar", "Find and replace", "Comment on what is selected"):
        await expect(help_.get_by_role("term").filter(has_text=text)).to_be_visible()
    bold = help_.locator("dt", has_text="Bold").locator("xpath=following-sibling::dd[1]")
    await expect(bold).to_have_text("CtrlB")
    await keys.press("Escape")
    await expect(reader.content).to_be_focused()

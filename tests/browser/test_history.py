"""The history of a document: versions and edits, earlier texts, differences, and restores."""

import pytest
from playwright.async_api import Locator, expect

from tests.browser.conftest import Arrive
from tests.browser.members import enter, make, people, team
from tests.browser.reader import WITHIN, Reader
from tests.browser.test_everyone import PHONE, faults
from tests.people import Person
from tests.server import Server


async def write_twice(owner: Person, doc: str) -> None:
    """A first text with a named version, and a second text after it."""
    for text, label in (("# Plan\n\nBuy green apples.\n", "First draft"), ("# Plan\n\nBuy red apples.\n", None)):
        answer = await owner.put(
            f"/documents/{doc}/content", content=text.encode(), headers={"content-type": "text/markdown"}
        )
        assert answer.status_code in (200, 204), answer.text
        if label:
            assert (await owner.post(f"/documents/{doc}/versions", json={"label": label})).status_code == 201


async def open_history(reader: Reader) -> Locator:
    """The panel, opened by the keyboard."""
    await reader.page.get_by_role("button", name="Document menu").focus()
    await reader.page.keyboard.press("Enter")
    await reader.page.get_by_role("menuitem", name="History").press("Enter")
    panel = reader.page.get_by_role("dialog", name="History")
    await expect(panel).to_be_focused(timeout=WITHIN)
    return panel


@pytest.mark.parametrize("size", [(1100, 760), PHONE])
async def test_the_panel_lists_versions_and_edits_and_closes_by_the_keyboard(
    server: Server, arrive: Arrive, size: tuple[int, int]
) -> None:
    (owner,) = await people(server, "ada")
    doc = await make(owner, await team(server, owner), "Plan")
    await write_twice(owner, doc["id"])
    ada = await enter(server, arrive, owner, size=size)
    await ada.open(doc["address"])
    panel = await open_history(ada)
    rows = panel.get_by_role("list", name="Versions and edits").get_by_role("listitem")
    await expect(rows.filter(has_text="First draft")).to_contain_text("Saved by hand")
    edits = rows.filter(has_text="characters inserted")
    await expect(edits).not_to_have_count(0)
    await expect(edits.first).to_contain_text(owner.name)
    await expect(rows.first).to_contain_text("Today")

    version = panel.get_by_role("button", name="First draft", exact=False).first
    await version.press("Enter")
    frame = ada.page.frame_locator(".history-frame")
    await expect(frame.locator("p")).to_have_text("Buy green apples.")
    await expect(ada.page.get_by_role("heading", name="First draft")).to_be_focused()
    await frame.locator("p").click()
    await ada.page.keyboard.press("Escape")
    await expect(ada.page.locator(".history-frame")).to_have_count(0)
    await expect(version).to_be_focused()
    await ada.page.keyboard.press("Escape")
    await expect(panel).to_have_count(0)
    await expect(ada.page.get_by_role("button", name="Document menu")).to_be_focused()


async def test_differences_are_marked_as_inserted_and_deleted(server: Server, arrive: Arrive) -> None:
    (owner,) = await people(server, "ada")
    doc = await make(owner, await team(server, owner), "Plan")
    await write_twice(owner, doc["id"])
    ada = await enter(server, arrive, owner)
    await ada.open(doc["address"])
    panel = await open_history(ada)
    await panel.get_by_role("button", name="First draft").first.click()
    await ada.page.get_by_role("switch", name="Show changes").check()
    text = ada.page.get_by_role("region", name="Text with the changes marked")
    await expect(text.locator("ins")).to_contain_text("Buy green apples.")
    await ada.page.get_by_label("Which changes").select_option("now")
    await expect(text.locator("del")).to_have_text("green")
    await expect(text.locator("ins")).to_have_text("red")
    await expect(ada.page.get_by_text("1 line changed")).to_be_visible()
    await ada.page.get_by_role("button", name="Next change").click()
    await expect(ada.page.locator("#announcer")).to_have_text("Change 1 of 2, deleted: green")


async def test_a_version_that_somebody_else_names_appears_and_is_restored_for_everybody(
    server: Server, arrive: Arrive
) -> None:
    owner, other = await people(server, "ada", "grace")
    garden = await team(server, owner, editor=other)
    doc = await make(owner, garden, "Plan")
    ada, grace = await enter(server, arrive, owner), await enter(server, arrive, other)
    await ada.open(doc["address"])
    await grace.open(doc["address"])
    await ada.write("Good words.")
    await ada.sees_status("saved")
    await grace.sees("Good words.")
    seen = await open_history(grace)

    panel = await open_history(ada)
    await panel.get_by_role("button", name="Name this version").click()
    await ada.page.get_by_label("Name", exact=True).fill("Worth keeping")
    await ada.page.keyboard.press("Enter")
    await expect(panel.get_by_role("button", name="Actions for Worth keeping")).to_be_visible()
    await expect(ada.page.locator("#announcer")).to_contain_text("was saved as version 1")
    await expect(seen.get_by_role("button", name="Actions for Worth keeping")).to_be_visible(timeout=WITHIN)

    await grace.content.focus()
    await grace.page.keyboard.press("Control+a")
    await grace.page.keyboard.type("Worse words.")
    await ada.sees("Worse words.")
    await expect(ada.content).not_to_contain_text("Good words.")
    await panel.get_by_role("button", name="Actions for Worth keeping").click()
    await ada.page.get_by_role("menuitem", name="Restore…").click()
    await expect(ada.page.get_by_role("dialog", name="Restore")).to_contain_text("present text is kept as a version")
    await ada.page.get_by_role("button", name="Restore", exact=True).click()
    await expect(ada.page.locator("#announcer")).to_contain_text("Version 1 was restored")
    await grace.sees("Good words.")
    await expect(grace.content).not_to_contain_text("Worse words.")
    await expect(panel.get_by_role("listitem").filter(has_text="Before a restore")).to_be_visible()


async def test_versions_are_renamed_pinned_copied_and_deleted(server: Server, arrive: Arrive) -> None:
    (owner,) = await people(server, "ada")
    doc = await make(owner, await team(server, owner), "Plan")
    await write_twice(owner, doc["id"])
    ada = await enter(server, arrive, owner)
    await ada.open(doc["address"])
    panel = await open_history(ada)

    async def act(name: str, item: str) -> None:
        await panel.get_by_role("button", name=f"Actions for {name}").click()
        await ada.page.get_by_role("menuitem", name=item, exact=True).click()

    await act("First draft", "Copy text")
    await expect(panel.get_by_text("The text was copied.")).to_be_visible()
    assert "green" in await ada.page.evaluate("navigator.clipboard.readText()")
    await act("First draft", "Rename…")
    await ada.page.get_by_label("Name", exact=True).fill("Draft one")
    await ada.page.keyboard.press("Enter")
    await act("Draft one", "Pin")
    await expect(panel.locator(".history-pin")).to_be_visible()
    await act("Draft one", "Unpin")
    await expect(panel.locator(".history-pin")).to_have_count(0)
    await panel.get_by_role("button", name="Draft one").first.click()
    await expect(ada.page.locator("main")).to_have_attribute("inert", "")
    await act("Draft one", "Delete…")
    await ada.page.get_by_role("button", name="Delete version").click()
    await expect(panel.get_by_role("button", name="Actions for Draft one")).to_have_count(0)
    await expect(ada.page.get_by_role("heading", name="Draft one")).to_have_count(0)
    await expect(ada.page.locator("main")).not_to_have_attribute("inert", "")
    assert (await owner.get(f"/documents/{doc['id']}/versions")).json()["items"] == []


async def test_who_may_only_read_sees_the_history_and_changes_nothing(server: Server, arrive: Arrive) -> None:
    owner, other = await people(server, "ada", "grace")
    doc = await make(owner, await team(server, owner, viewer=other), "Plan")
    await write_twice(owner, doc["id"])
    grace = await enter(server, arrive, other)
    await grace.open(doc["address"], until="viewonly")
    panel = await open_history(grace)
    await panel.get_by_role("button", name="Actions for First draft").click()
    await expect(grace.page.get_by_role("menuitem")).to_have_text(["Copy text"])
    await expect(panel.get_by_role("button", name="Name this version")).to_have_count(0)


async def test_a_failure_is_shown_and_can_be_tried_again(server: Server, arrive: Arrive) -> None:
    (owner,) = await people(server, "ada")
    doc = await make(owner, await team(server, owner), "Plan")
    ada = await enter(server, arrive, owner)
    await ada.open(doc["address"])
    await ada.page.route("**/history?*", lambda route: route.abort())
    panel = await open_history(ada)
    await expect(panel.get_by_role("alert")).to_contain_text("cannot be reached")
    await ada.page.unroute("**/history?*")
    await panel.get_by_role("button", name="Try again").click()
    await expect(panel.get_by_text("No history yet")).to_be_visible()


@pytest.mark.usefixtures("node_packages")
@pytest.mark.parametrize(("scheme", "size"), [("light", (1100, 760)), ("dark", (1100, 760)), ("dark", PHONE)])
async def test_axe_finds_nothing_serious_in_the_history(
    server: Server, arrive: Arrive, scheme: str, size: tuple[int, int]
) -> None:
    (owner,) = await people(server, "ada")
    doc = await make(owner, await team(server, owner), "Plan")
    await write_twice(owner, doc["id"])
    ada = await enter(server, arrive, owner, scheme=scheme, size=size)
    await ada.open(doc["address"])
    panel = await open_history(ada)
    version = panel.get_by_role("button", name="First draft").first
    await expect(version).to_be_visible()
    assert await faults(ada.page) == []
    assert await ada.has_no_horizontal_scroll()
    await version.click()
    await expect(ada.page.frame_locator(".history-frame").locator("h1")).to_have_text("Plan")
    assert await faults(ada.page) == []
    await ada.page.get_by_role("switch", name="Show changes").check()
    await ada.page.get_by_label("Which changes").select_option("now")
    await expect(ada.page.locator("ins")).to_have_text("red")
    assert await faults(ada.page) == []
    assert await ada.has_no_horizontal_scroll()

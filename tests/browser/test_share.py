"""Two people and one document: invited, writing together, downgraded, removed."""

import asyncio

import pytest
from playwright.async_api import Route, expect

from tests.browser.conftest import Arrive
from tests.browser.members import enter, make, people, team
from tests.browser.reader import WITHIN
from tests.browser.test_everyone import PHONE, faults
from tests.server import Server


async def test_somebody_is_invited_writes_along_is_downgraded_and_removed(server: Server, arrive: Arrive) -> None:
    owner, guest = await people(server, "ada", "grace")
    garden = await team(server, owner)
    doc = await make(owner, garden, "Plan")
    ada = await enter(server, arrive, owner)
    await ada.open(doc["address"])
    await ada.write("From Ada. ")
    await ada.page.get_by_role("button", name="Share").click()
    await ada.page.get_by_role("button", name="Invite to the workspace").click()
    await ada.page.get_by_label("E-mail", exact=True).fill(guest.email)
    await ada.page.get_by_role("button", name="Invite", exact=True).click()
    link = await ada.page.get_by_label("Invitation link").input_value(timeout=WITHIN)
    await ada.page.keyboard.press("Escape")
    await expect(ada.page.get_by_role("listitem").filter(has_text=guest.email)).to_contain_text("Invited")
    await ada.page.keyboard.press("Escape")
    await expect(ada.page.get_by_role("button", name="Share")).to_be_focused()

    grace = await enter(server, arrive, guest)
    await grace.page.goto(link)
    await expect(grace.page.get_by_role("heading", level=1)).to_have_text(f"Join {garden['name']}")
    await grace.page.get_by_role("button", name="Accept").click()
    await grace.page.wait_for_url(f"**/w/{garden['slug']}")
    await grace.page.get_by_role("link", name="Plan").click()
    await grace.sees_status("saved")
    await grace.sees("From Ada.")
    await grace.write("From Grace.")
    await ada.sees("From Grace.")
    await ada.sees_status("saved")

    member = f"/workspaces/{garden['id']}/members/{guest.id}"
    assert (await owner.patch(member, json={"role": "viewer"})).status_code == 200
    await grace.sees_status("viewonly")
    await expect(grace.page.locator("#status-label")).to_have_text("View only")
    await grace.content.focus()
    await grace.page.keyboard.type("not any more")
    await ada.write("Still here.")
    await grace.sees("Still here.")
    assert "not any more" not in await grace.content.inner_text()

    assert (await owner.delete(member)).status_code == 204
    await grace.sees_status("ended")
    await expect(grace.page.locator("#notice-title")).to_have_text("No access")
    await grace.page.get_by_role("button", name="Copy text").click()
    copied = await grace.page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("From Ada. From Grace.")


async def test_the_dialog_opens_for_somebody_who_is_faster_than_the_page(server: Server, arrive: Arrive) -> None:
    (owner,) = await people(server, "ada")
    doc = await make(owner, await team(server, owner), "Plan")
    ada = await enter(server, arrive, owner)
    clicked = asyncio.Event()

    async def answer_late(route: Route) -> None:
        await clicked.wait()
        await route.continue_()

    await ada.page.route("**/api/v1/workspaces?*", answer_late)
    await ada.page.route("**/api/v1/workspaces", answer_late)
    await ada.open(doc["address"])
    await ada.page.get_by_role("button", name="Share").click()
    clicked.set()
    await expect(ada.page.get_by_label("Add people by e-mail")).to_be_visible(timeout=WITHIN)


async def test_a_document_that_is_thrown_away_closes_without_losing_text(server: Server, arrive: Arrive) -> None:
    (owner,) = await people(server, "ada")
    garden = await team(server, owner)
    doc = await make(owner, garden, "Plan")
    ada = await enter(server, arrive, owner)
    await ada.open(doc["address"])
    await ada.write("Words worth keeping")
    await ada.sees_status("saved")
    assert (await owner.delete(f"/documents/{doc['id']}")).status_code == 204
    await ada.sees_status("ended")
    await expect(ada.page.locator("#notice-title")).to_have_text("Not found")
    await ada.sees("Words worth keeping")
    await ada.page.get_by_role("button", name="Copy text").click()
    assert await ada.page.evaluate("navigator.clipboard.readText()") == "Words worth keeping"


async def test_favourite_details_and_trash_are_at_hand_while_one_writes(server: Server, arrive: Arrive) -> None:
    (owner,) = await people(server, "ada")
    garden = await team(server, owner)
    doc = await make(owner, garden, "Plan")
    ada = await enter(server, arrive, owner)
    await ada.open(doc["address"])
    await ada.page.get_by_role("button", name="Add Plan to favourites").click()
    await expect(ada.page.get_by_role("button", name="Remove Plan from favourites")).to_be_focused()
    await ada.page.get_by_role("button", name="Document menu").click()
    await ada.page.get_by_role("menuitem", name="Details").click()
    await ada.page.get_by_label("Description").fill("What comes first")
    await ada.page.get_by_label("Status").select_option("Published")
    await ada.page.get_by_role("button", name="Save", exact=True).click()
    await expect(ada.page.get_by_role("dialog")).to_have_count(0)
    known = (await owner.get(f"/documents/{doc['id']}")).json()
    assert (known["description"], known["status"], known["is_favourite"]) == ("What comes first", "published", True)
    await ada.page.get_by_role("button", name="Document menu").click()
    await ada.page.get_by_role("menuitem", name="Move to trash").click()
    await ada.page.wait_for_url(f"**/w/{garden['slug']}")


@pytest.mark.usefixtures("node_packages")
async def test_sharing_suits_everybody(server: Server, arrive: Arrive) -> None:
    (owner,) = await people(server, "ada")
    garden = await team(server, owner)
    doc = await make(owner, garden, "Plan")
    ada = await enter(server, arrive, owner, size=PHONE, scheme="dark")
    await ada.open(doc["address"])
    await expect(ada.page.get_by_role("button", name="Share")).to_be_in_viewport(ratio=1)
    await expect(ada.page.get_by_role("button", name="Document menu")).to_be_in_viewport(ratio=1)
    assert await faults(ada.page) == []
    await ada.page.get_by_role("button", name="Share").click()
    await expect(ada.page.get_by_role("dialog").get_by_text(owner.email)).to_be_visible()
    assert await ada.has_no_horizontal_scroll()
    assert await faults(ada.page) == []

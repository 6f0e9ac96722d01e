"""Workspaces at the page: made, switched, set up, their members and invitations."""

from uuid import uuid4

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Arrive
from tests.browser.members import enter, make, people, ready, team
from tests.browser.reader import WITHIN
from tests.browser.test_everyone import PHONE, faults
from tests.server import Server


async def test_a_workspace_is_made_set_up_and_switched(server: Server, arrive: Arrive) -> None:
    (person,) = await people(server, "ada")
    ada = await enter(server, arrive, person)
    await ready(ada, "/")
    await ada.page.locator("#switcher").click()
    await ada.page.get_by_role("menuitem", name="New workspace").click()
    name = f"Engine {uuid4().hex[:8]}"
    await ada.page.get_by_role("dialog").get_by_label("Name").fill(name)
    await ada.page.keyboard.press("Enter")
    await ada.page.wait_for_url(f"**/w/{name.lower().replace(' ', '-')}")
    await expect(ada.page.get_by_label(f"Workspace: {name}")).to_be_visible(timeout=WITHIN)

    await ada.page.locator("#switcher").click()
    await ada.page.get_by_role("menuitem", name="Members and settings").click()
    await expect(ada.page.locator("body")).to_have_attribute("data-state", "ready", timeout=WITHIN)
    general = ada.page.get_by_role("region", name="General")
    await general.get_by_label("Name").fill(f"{name} II")
    await general.get_by_label("Address").fill("Not An Address")
    await general.get_by_role("button", name="Save").click()
    assert await general.locator("input:invalid").count() == 1
    slug = f"engine-{uuid4().hex[:8]}"
    await general.get_by_label("Address").fill(slug)
    await general.get_by_role("button", name="Save").click()
    await expect(general.get_by_role("status")).to_have_text("Saved")
    assert ada.page.url.endswith(f"/w/{slug}/settings")
    await ada.page.get_by_role("button", name="Archive", exact=True).click()
    await expect(ada.page.get_by_role("button", name="Unarchive")).to_be_visible(timeout=WITHIN)
    await ready(ada, f"/w/{slug}")
    await expect(ada.page.get_by_text("This workspace is archived")).to_be_visible()
    await expect(ada.page.get_by_role("button", name="New document").first).to_be_hidden()
    await ready(ada, "/")
    assert ada.page.url.endswith(f"/w/{slug}"), "the last used workspace opens first"


async def test_members_are_found_changed_and_removed(server: Server, arrive: Arrive) -> None:
    owner, grace, alan = await people(server, "ada", "grace", "alan")
    garden = await team(server, owner, editor=grace, viewer=alan)
    ada = await enter(server, arrive, owner)
    await ready(ada, f"/w/{garden['slug']}/settings")
    members = ada.page.get_by_role("region", name="Members")
    await expect(members.get_by_role("listitem")).to_have_count(3)
    await members.get_by_label("Role of grace").select_option("Commenter")
    await expect(ada.page.get_by_text("grace is commenter now.")).to_be_visible()
    await members.get_by_role("button", name="Actions for grace").click()
    await ada.page.get_by_role("menuitem", name="Permissions").click()
    await ada.page.get_by_label("Invite people").select_option("Allowed")
    await ada.page.get_by_role("button", name="Save", exact=True).last.click()
    await expect(members.get_by_role("listitem").filter(has_text="grace")).to_contain_text("Own permissions")
    found = (await owner.get(f"/workspaces/{garden['id']}/members", params={"q": grace.email})).json()["items"]
    assert (found[0]["role"], found[0]["permissions"]) == ("commenter", {"can_invite_members": True})

    await members.get_by_label("Find members").fill(alan.email)
    await expect(members.get_by_role("listitem")).to_have_count(1)
    await members.get_by_role("button", name="Actions for alan").click()
    await ada.page.get_by_role("menuitem", name="Remove").click()
    await ada.page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    await expect(members.get_by_text("No member has this name.")).to_be_visible()
    guest = await enter(server, arrive, alan)
    await guest.page.goto(f"{server.http}/w/{garden['slug']}")
    await expect(guest.page.get_by_role("heading", name="Nothing here for you")).to_be_visible(timeout=WITHIN)


async def test_invitations_are_sent_again_and_withdrawn_and_answered_on_the_list(
    server: Server, arrive: Arrive
) -> None:
    owner, guest = await people(server, "ada", "grace")
    garden = await team(server, owner)
    ada = await enter(server, arrive, owner)
    await ready(ada, f"/w/{garden['slug']}/settings")
    invitations = ada.page.get_by_role("region", name="Invitations")
    for email in (guest.email, f"nobody-{uuid4().hex}@example.org"):
        await invitations.get_by_role("button", name="Invite people").click()
        await ada.page.get_by_label("E-mail").fill(email)
        await ada.page.get_by_label("Role", exact=True).select_option("viewer")
        await ada.page.get_by_role("button", name="Invite", exact=True).click()
        link = await ada.page.get_by_label("Invitation link").input_value(timeout=WITHIN)
        await ada.page.keyboard.press("Escape")
    await invitations.get_by_role("button", name="Actions for the invitation of nobody").click()
    await ada.page.get_by_role("menuitem", name="Revoke").click()
    await expect(invitations.get_by_role("button", name="Actions for the invitation of nobody")).to_have_count(0)
    stranger = await arrive(server, name="Stranger")
    await stranger.page.goto(link)
    await expect(stranger.page.get_by_role("heading")).to_have_text("This invitation does not work any more")

    grace = await enter(server, arrive, guest)
    await ready(grace, "/")
    card = grace.page.get_by_role("group", name=f"Invitation to {garden['name']}")
    await card.get_by_role("button", name="Accept").click()
    await grace.page.wait_for_url(f"**/w/{garden['slug']}")
    await expect(grace.page.get_by_role("button", name="New document").first).to_be_hidden()


async def test_somebody_without_an_account_joins_by_a_link(server: Server, arrive: Arrive, name: str) -> None:
    (owner,) = await people(server, "ada")
    garden = await team(server, owner)
    answer = await owner.post(
        f"/workspaces/{garden['id']}/invitations", json={"email": f"{name}@example.org", "role": "editor"}
    )
    grace = await arrive(server, name="Grace Hopper")
    await grace.page.goto(answer.json()["link"])
    await grace.page.get_by_role("link", name="Create an account to accept").click()
    await grace.page.get_by_label("Your name").fill("Grace Hopper")
    await expect(grace.page.get_by_label("E-mail")).to_have_value(f"{name}@example.org")
    await grace.page.get_by_label("Password").fill("amazing grace hopper")
    await grace.page.keyboard.press("Enter")
    await grace.page.get_by_role("button", name="Accept").click(timeout=WITHIN)
    await grace.page.wait_for_url(f"**/w/{garden['slug']}")


async def test_a_deleted_workspace_comes_back(server: Server, arrive: Arrive) -> None:
    (person,) = await people(server, "ada")
    garden = await team(server, person)
    await make(person, garden, "Plan")
    ada = await enter(server, arrive, person)
    await ready(ada, f"/w/{garden['slug']}/settings")
    await ada.page.get_by_role("button", name="Delete…").click()
    await ada.page.get_by_role("button", name="Delete workspace").click()
    await ada.page.wait_for_url(lambda url: "settings" not in url)
    await ready(ada, "/account")
    region = ada.page.get_by_role("region", name="Deleted workspaces")
    await region.get_by_role("button", name="Restore").click()
    await ada.page.wait_for_url(f"**/w/{garden['slug']}")
    await expect(ada.page.get_by_role("link", name="Plan")).to_be_visible(timeout=WITHIN)


@pytest.mark.usefixtures("node_packages")
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_settings_suit_everybody(server: Server, arrive: Arrive, scheme: str) -> None:
    owner, grace = await people(server, "ada", "grace")
    garden = await team(server, owner, editor=grace)
    invitation = {"email": f"{'long' * 12}@example.org", "role": "viewer"}
    assert (await owner.post(f"/workspaces/{garden['id']}/invitations", json=invitation)).status_code == 201
    ada = await enter(server, arrive, owner, size=PHONE, scheme=scheme)
    await ready(ada, f"/w/{garden['slug']}/settings")
    await expect(ada.page.get_by_role("region", name="Members").get_by_role("listitem")).to_have_count(2)
    await expect(ada.page.get_by_role("region", name="Activity").get_by_role("listitem").first).to_be_visible()
    assert await ada.has_no_horizontal_scroll()
    assert await faults(ada.page) == []
    await ada.page.locator("#switcher").click()
    assert await faults(ada.page) == []
    await ada.page.keyboard.press("Escape")
    await expect(ada.page.locator("#switcher")).to_be_focused()

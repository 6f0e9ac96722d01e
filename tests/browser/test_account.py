"""One's own account, and the administration of others."""

import httpx
import pytest
from playwright.async_api import expect

from tests.browser.conftest import Arrive
from tests.browser.members import enter, people, ready, sign_in
from tests.browser.reader import WITHIN
from tests.browser.test_everyone import PHONE, faults
from tests.features.auth.visitor import PASSWORD
from tests.server import Server


async def test_profile_password_and_sessions(server: Server, arrive: Arrive) -> None:
    (person,) = await people(server, "ada")
    elsewhere = await arrive(server, name="elsewhere")
    await sign_in(elsewhere, server, person)
    ada = await enter(server, arrive, person)
    await ready(ada, "/account")
    profile = ada.page.get_by_role("region", name="Profile")
    await profile.get_by_label("Name", exact=True).fill("Countess of Lovelace")
    await profile.get_by_role("button", name="Save").click()
    await expect(profile.get_by_role("status")).to_have_text("Saved")
    assert (await person.get("/users/me")).json()["display_name"] == "Countess of Lovelace"

    look = ada.page.get_by_role("region", name="Appearance")
    await look.get_by_label("Theme").select_option("Dark")
    await look.get_by_label("Language").select_option("Français")
    await look.get_by_role("button", name="Save").click()
    await expect(ada.page.locator("html")).to_have_css("background-color", "rgb(23, 23, 26)")
    assert (await person.get("/users/me/settings")).json()["theme"] == "dark"

    sessions = ada.page.get_by_role("region", name="Sessions")
    await expect(sessions.get_by_role("listitem")).to_have_count(2)
    await sessions.get_by_role("button", name="Sign out everywhere else").click()
    await expect(sessions.get_by_role("listitem")).to_have_count(1)
    await expect(sessions.get_by_role("listitem")).to_contain_text("This browser")
    await elsewhere.page.goto(server.http + "/account")
    await elsewhere.page.wait_for_url("**/signin?next=%2Faccount")

    await ada.page.get_by_label("New password").fill(PASSWORD)
    await ada.page.get_by_role("button", name="Set password").click()
    await expect(ada.page.get_by_label("Current password")).to_be_visible(timeout=WITHIN)
    await ada.page.get_by_label("Current password").fill("not the password")
    await ada.page.get_by_label("New password").fill("another good password")
    await ada.page.get_by_role("button", name="Change password").click()
    await expect(ada.page.get_by_role("region", name="Password").get_by_role("alert")).to_be_visible()


async def test_an_api_token_is_shown_once_works_and_is_revoked(server: Server, arrive: Arrive) -> None:
    (person,) = await people(server, "ada")
    ada = await enter(server, arrive, person)
    await ready(ada, "/account")
    tokens = ada.page.get_by_role("region", name="API tokens")
    await tokens.get_by_role("button", name="Create token").click()
    await ada.page.get_by_label("Name", exact=True).last.fill("backup")
    await ada.page.get_by_label("May").select_option("Read documents")
    await ada.page.get_by_role("dialog").get_by_role("button", name="Create token").click()
    shown = ada.page.get_by_role("dialog").get_by_label("Token")
    secret = await shown.input_value(timeout=WITHIN)
    await ada.page.get_by_role("button", name="Copy", exact=True).click()
    await expect(ada.page.get_by_role("button", name="Copied")).to_be_visible()
    assert await ada.page.evaluate("navigator.clipboard.readText()") == secret
    async with httpx.AsyncClient(base_url=server.api, headers={"authorization": f"Bearer {secret}"}) as program:
        assert (await program.get("/auth/me")).json()["id"] == person.id
        await ada.page.keyboard.press("Escape")
        # The role is gone as soon as the dialog is closed; its element leaves with an event of its own.
        await expect(ada.page.locator("dialog")).to_have_count(0)
        assert secret not in await ada.page.content()
        await tokens.get_by_role("button", name="Revoke backup").click()
        await ada.page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
        await expect(tokens.get_by_role("button", name="Revoke backup")).to_have_count(0)
        assert (await program.get("/auth/me")).status_code == 401


async def test_an_account_is_deleted_only_when_confirmed(server: Server, arrive: Arrive) -> None:
    (person,) = await people(server, "ada")
    ada = await enter(server, arrive, person)
    await ready(ada, "/account")
    await ada.page.get_by_role("button", name="Delete account…").click()
    confirm = ada.page.get_by_label(f"Type {person.email} to confirm")
    await confirm.fill("somebody@example.org")
    await ada.page.keyboard.press("Enter")
    await expect(ada.page.get_by_role("dialog").get_by_role("alert")).to_be_visible()
    await confirm.fill(person.email)
    await ada.page.keyboard.press("Enter")
    await ada.page.wait_for_url("**/signin")
    assert (await person.get("/users/me")).status_code == 401


async def test_an_administrator_lets_people_in_and_out(server: Server, arrive: Arrive, name: str) -> None:
    (root,) = await people(server, "root", admin=True)
    ada = await enter(server, arrive, root)
    await ready(ada, "/admin")
    await ada.page.get_by_role("button", name="New account").click()
    await ada.page.get_by_label("E-mail").fill(f"{name}@example.org")
    await ada.page.get_by_label("Name (optional)").fill("Grace Hopper")
    await ada.page.get_by_role("button", name="Create account").click()
    link = await ada.page.get_by_label("Sign-in link").input_value(timeout=WITHIN)
    await ada.page.keyboard.press("Escape")
    grace = await arrive(server, name="Grace Hopper")
    await grace.page.goto(link)
    await grace.page.get_by_role("button", name="Sign in").click()
    await grace.page.get_by_role("button", name="Not now").click()
    await expect(grace.page.get_by_label("Account of Grace Hopper")).to_be_visible(timeout=WITHIN)

    await ada.page.get_by_label("Find accounts").fill(f"{name}@example.org")
    line = ada.page.get_by_role("list", name="Accounts").get_by_role("listitem")
    await expect(line).to_have_count(1)
    await ada.page.get_by_role("button", name="Actions for Grace Hopper").click()
    await ada.page.get_by_role("menuitem", name="Deactivate").click()
    await expect(line).to_contain_text("Deactivated")
    await grace.page.goto(server.http + "/account")
    await grace.page.wait_for_url("**/signin?next=%2Faccount")
    (nobody,) = await people(server, "nobody")
    other = await enter(server, arrive, nobody)
    await other.page.goto(server.http + "/admin")
    await expect(other.page.get_by_role("heading", name="Nothing here for you")).to_be_visible(timeout=WITHIN)


@pytest.mark.usefixtures("node_packages")
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_account_and_administration_suit_everybody(server: Server, arrive: Arrive, scheme: str) -> None:
    (root,) = await people(server, "root", admin=True)
    ada = await enter(server, arrive, root, size=PHONE, scheme=scheme)
    for path in ("/account", "/admin"):
        await ready(ada, path)
        await expect(ada.page.get_by_role("listitem").first).to_be_visible()
        assert await ada.has_no_horizontal_scroll(), path
        assert await faults(ada.page) == []
    await ada.page.locator("#account").click()
    assert await faults(ada.page) == []

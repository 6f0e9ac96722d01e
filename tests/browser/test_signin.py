"""Signing in: by password, one-time link, mailed link, registration; and when a session ends."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest
import pytest_asyncio
from playwright.async_api import Route, expect

from tests.browser.conftest import Arrive
from tests.browser.members import enter, people, ready
from tests.browser.reader import WITHIN, Reader
from tests.browser.test_everyone import PHONE, faults
from tests.features.auth.visitor import PASSWORD, create_user
from tests.oidc_provider import CLIENT_ID, CLIENT_SECRET, Provider
from tests.people import Person, run
from tests.postbox import Postbox, postbox
from tests.server import Server
from tests.waiting import until


@dataclass
class Site:
    """A server without guests, where everybody may register, that sends mail and knows an OpenID Connect provider."""

    server: Server
    box: Postbox
    provider: Provider


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    with postbox() as box:
        async with Provider() as provider:
            settings = {
                "smtp_url": box.url,
                "mail_from": "collab@example.org",
                "registration": "open",
                "guest_role": "none",
                "oidc_issuer": provider.issuer,
                "oidc_client_id": CLIENT_ID,
                "oidc_client_secret": CLIENT_SECRET,
                "oidc_name": "Example Login",
            }
            async with Server(tmp_path_factory.mktemp("site"), **settings) as running:
                yield Site(running, box, provider)


async def mailed_link(box: Postbox, address: str, number: int) -> str:
    """The link in the `number`th message to `address`, once there are so many."""
    await until(lambda: len(box.to(address)) == number, f"mail to {address}")
    found = re.search(r"/signin#\S+", str(box.to(address)[-1].get_content()))
    assert found
    return found.group()


async def test_a_password_leads_back_to_where_one_was(server: Server, arrive: Arrive, name: str) -> None:
    email = f"{name}@example.org"
    await create_user(server, email)
    ada = await arrive(server)
    await ada.page.goto(server.http + "/account")
    await ada.page.wait_for_url("**/signin?next=%2Faccount")
    await ada.page.get_by_label("E-mail").fill(email)
    await ada.page.get_by_label("Password").fill("not the password")
    await ada.page.keyboard.press("Enter")
    await expect(ada.page.get_by_role("alert")).to_have_text("The e-mail address or the password is wrong.")
    await expect(ada.page.get_by_label("Password")).to_have_value("")
    await ada.page.get_by_label("Password").fill(PASSWORD)
    await ada.page.keyboard.press("Enter")
    await ada.page.wait_for_url("**/account")
    await expect(ada.page.get_by_label("E-mail")).to_have_value(email, timeout=WITHIN)
    await ada.page.locator("#account").click()
    await ada.page.get_by_role("menuitem", name="Sign out").click()
    await ada.page.wait_for_url("**/signin")
    me = await ada.page.evaluate("fetch('/api/v1/auth/me').then((answer) => answer.json())")
    assert me["kind"] == "guest"


async def test_a_one_time_link_signs_in_once_and_offers_a_password(server: Server, arrive: Arrive, name: str) -> None:
    email = f"{name}@example.org"
    await create_user(server, email, password=None)
    link = (await server.command("user", "link", email)).split("#")[-1]
    ada = await arrive(server)
    await ada.page.goto(f"{server.http}/signin#{link}")
    await ada.page.get_by_role("button", name="Sign in").click()
    await expect(ada.page.get_by_role("heading", name="Choose a password")).to_be_visible(timeout=WITHIN)
    assert link not in ada.page.url
    await ada.page.get_by_label("Password").fill(PASSWORD)
    await ada.page.keyboard.press("Enter")
    await expect(ada.page.locator("#account")).to_be_visible(timeout=WITHIN)
    grace = await arrive(server, name="Grace Hopper")
    await grace.page.goto(f"{server.http}/signin#{link}")
    await grace.page.get_by_role("button", name="Sign in").click()
    await expect(grace.page.get_by_role("heading")).to_have_text("This link does not work any more")


async def test_a_forgotten_password_is_replaced_by_mail(site: Site, arrive: Arrive, name: str) -> None:
    server, box = site.server, site.box
    ada = await arrive(server)
    email = f"{name}@example.org"
    await ada.page.goto(server.http + "/")
    await ada.page.get_by_role("link", name="Sign in").click()
    await ada.page.get_by_role("button", name="Create an account").click()
    await ada.page.get_by_label("E-mail").fill(email)
    await ada.page.keyboard.press("Enter")
    await expect(ada.page.get_by_role("heading")).to_have_text("Check your e-mail")
    await ada.page.goto(server.http + await mailed_link(box, email, 1))
    await ada.page.get_by_label("Your name").fill("Ada Lovelace")
    await ada.page.get_by_label("Password").fill("short")
    await ada.page.keyboard.press("Enter")
    assert await ada.page.locator("input:invalid").count() == 1
    await ada.page.get_by_label("Password").fill("the first password")
    await ada.page.keyboard.press("Enter")
    await expect(ada.page.get_by_label("Account of Ada Lovelace")).to_be_visible(timeout=WITHIN)

    grace = await arrive(server, name="Ada elsewhere")
    await grace.page.goto(f"{server.http}/signin?next=/account")
    await grace.page.get_by_role("button", name="Forgot your password?").click()
    await grace.page.get_by_label("E-mail").fill(email)
    await grace.page.keyboard.press("Enter")
    await expect(grace.page.get_by_role("heading")).to_have_text("Check your e-mail")
    link = await mailed_link(box, email, 2)
    assert "#reset=" in link
    await grace.page.goto(server.http + link)
    await expect(grace.page.get_by_label("Revoke all API tokens too")).to_be_checked()
    await grace.page.get_by_label("New password").fill("the second password")
    await grace.page.keyboard.press("Enter")
    await expect(grace.page.get_by_label("Account of Ada Lovelace")).to_be_visible(timeout=WITHIN)
    await ada.page.goto(server.http + "/account")
    await ada.page.wait_for_url("**/signin?next=%2Faccount")


async def test_a_provider_vouches_for_people_and_its_refusal_is_told(site: Site, arrive: Arrive) -> None:
    site.provider.add("ann")
    ann = await arrive(site.server)
    await ann.page.goto(site.server.http + "/signin?next=/account")
    button = ann.page.get_by_role("link", name="Continue with Example Login")
    site.provider.denies = "access_denied"
    await button.click()
    await expect(ann.page.get_by_role("alert")).to_have_text("The sign-in service cancelled the sign-in.")
    site.provider.behave()
    await button.click()
    await ann.page.get_by_role("button", name="Ann").click()
    await ann.page.wait_for_url("**/account")
    await expect(ann.page.get_by_label("E-mail")).to_have_value("ann@example.com", timeout=WITHIN)
    ann.strangers = [url for url in ann.strangers if not url.startswith(site.provider.issuer)]


async def test_a_session_that_ends_leads_to_sign_in_and_back(server: Server, arrive: Arrive) -> None:
    (person,) = await people(server, "ada")
    ada = await enter(server, arrive, person)
    other = await enter(server, arrive, person)

    async def stay_silent(_route: Route) -> None:
        """Live events would tell the pages that the session has ended, and they would leave by themselves."""

    for reader, path in ((other, f"/w/{person.personal}"), (ada, "/account")):
        await reader.page.route("**/api/v1/sync/stream*", stay_silent)
        # The last request of a page that nobody touches.
        async with reader.page.expect_response("**/api/v1/notifications/unread"):
            await ready(reader, path)
    await run(server, "DELETE FROM sessions WHERE user_id = $1::text::uuid", [(person.id,)])
    await ada.page.get_by_label("Name", exact=True).fill("Countess")
    await ada.page.get_by_role("region", name="Profile").get_by_role("button", name="Save").click()
    await ada.page.wait_for_url(re.compile(r"/signin\?next=%2Faccount"))
    await other.page.get_by_role("link", name="Trash").click()
    await other.page.wait_for_url(re.compile(r"/signin\?next=%2Fw%2F.*trash"))


async def sign_out(ada: Reader, person: Person) -> None:
    await ada.page.get_by_role("menuitem", name="Sign out").click()


async def delete_account(ada: Reader, person: Person) -> None:
    await ada.page.keyboard.press("Escape")
    await ada.page.get_by_role("button", name="Delete account…").click()
    await ada.page.get_by_label(f"Type {person.email} to confirm").fill(person.email)
    await ada.page.keyboard.press("Enter")


@pytest.mark.parametrize("leave", [sign_out, delete_account])
async def test_a_late_answer_changes_nothing_for_somebody_who_leaves(
    server: Server, arrive: Arrive, leave: Callable[[Reader, Person], Awaitable[None]]
) -> None:
    (person,) = await people(server, "ada")
    ada = await enter(server, arrive, person)
    asked, left, refused = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def answer_late(route: Route) -> None:
        asked.set()
        await left.wait()
        await route.continue_()

    async def load_later(route: Route) -> None:
        left.set()
        await refused.wait()
        await route.continue_()

    await ada.page.route("**/api/v1/notifications/unread", answer_late)
    await ada.page.route("**/signin", load_later)
    ada.page.on("response", lambda answer: refused.set() if answer.status == 401 else None)
    await ready(ada, "/account")
    await ada.page.locator("#account").click()
    await asked.wait()
    await leave(ada, person)
    await ada.page.wait_for_url("**/signin")
    await expect(ada.page.get_by_label("E-mail")).to_be_visible(timeout=WITHIN)
    assert ada.page.url.endswith("/signin")


@pytest.mark.usefixtures("node_packages")
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_sign_in_pages_suit_everybody(server: Server, arrive: Arrive, scheme: str) -> None:
    ada = await arrive(server, size=PHONE, scheme=scheme)
    for path, heading in (
        ("/signin", "Sign in"),
        ("/signin?error=access_denied", "Sign in"),
        ("/signin/reset#token=nothing", "Choose a new password"),
        ("/invite#token=nothing", "This invitation does not work any more"),
    ):
        await ada.page.goto(server.http + path)
        await expect(ada.page.get_by_role("heading", level=1)).to_have_text(heading, timeout=WITHIN)
        assert await faults(ada.page) == []
        assert await ada.has_no_horizontal_scroll()
    await ada.page.goto(server.http + "/signin?next=https://example.org/")
    await expect(ada.page.get_by_role("button", name="Sign in")).to_be_visible()
    answer = await ada.page.goto(server.http + "/signin?next=//example.org")
    assert answer is not None
    assert "unsafe" not in answer.headers["content-security-policy"]

"""The button "Try again": it repeats what has failed, and the page stays the same one."""

import pytest
from playwright.async_api import Route, expect

from tests.browser.conftest import Arrive
from tests.browser.members import enter, make, people, team
from tests.browser.reader import WITHIN, Reader
from tests.server import Server
from tests.waiting import until


async def mark(reader: Reader) -> None:
    """Marks the page that is open now. A reload removes the mark."""
    await reader.page.evaluate("window.isSame = true")


async def try_again(reader: Reader) -> None:
    await reader.page.get_by_role("button", name="Try again").click()


async def is_marked(reader: Reader) -> bool:
    return bool(await reader.page.evaluate("window.isSame === true"))


@pytest.mark.parametrize(
    ("path", "refused"),
    [
        ("/account", "auth/me"),
        ("/account", "users/me/settings"),
        ("/w/{slug}/settings", "workspaces?limit=200"),
        ("/w/{slug}", "workspaces?limit=200"),
        ("/w/{slug}", "workspaces/*/documents*"),
        ("/admin", "auth/me"),
    ],
)
async def test_a_page_that_could_not_be_loaded_asks_again(
    server: Server, arrive: Arrive, path: str, refused: str
) -> None:
    (owner,) = await people(server, "ada", admin=True)
    garden = await team(server, owner)
    await make(owner, garden, "Plan")
    ada = await enter(server, arrive, owner)
    address = f"**/api/v1/{refused}"
    await ada.page.route(address, lambda route: route.abort())
    await ada.page.goto(server.http + path.format(slug=garden["slug"]))
    failure = ada.page.get_by_role("heading", name="This page could not be loaded")
    await expect(failure).to_be_visible()
    await expect(ada.page.get_by_role("heading", level=1)).to_be_hidden()
    await mark(ada)
    async with ada.page.expect_event("requestfailed"):
        await try_again(ada)
    await expect(failure).to_be_visible()
    await ada.page.unroute(address)
    await try_again(ada)
    await expect(ada.page.locator("body")).to_have_attribute("data-state", "ready")
    await expect(failure).to_have_count(0)
    await expect(ada.page.get_by_role("heading", level=1)).to_be_visible()
    await expect(ada.page.locator("#account")).to_have_count(1)
    if path == "/w/{slug}":
        await expect(ada.page.get_by_role("link", name="Plan")).to_be_visible()
    theme = ada.page.locator("#theme")
    await theme.click()
    await expect(theme).to_have_attribute("data-shows", "light")
    assert await is_marked(ada)


@pytest.mark.parametrize(
    ("path", "refused", "heading"),
    [
        ("/signin?next=/account", "auth/providers", "Sign in"),
        ("/invite#token=nothing", "invitations/open", "This invitation does not work any more"),
    ],
)
async def test_a_card_that_could_not_be_loaded_asks_again(
    server: Server, arrive: Arrive, path: str, refused: str, heading: str
) -> None:
    ada = await arrive(server)
    await ada.page.route(f"**/api/v1/{refused}", lambda route: route.abort())
    await ada.page.goto(server.http + path)
    again = ada.page.get_by_role("button", name="Try again")
    await expect(again).to_be_visible()
    await mark(ada)
    await ada.page.unroute(f"**/api/v1/{refused}")
    await try_again(ada)
    await expect(again).to_have_count(0)
    await expect(ada.page.get_by_role("heading", level=1)).to_have_text(heading)
    assert await is_marked(ada)


async def test_a_document_whose_access_was_withdrawn_connects_again(server: Server, arrive: Arrive) -> None:
    owner, guest = await people(server, "ada", "grace")
    garden = await team(server, owner, editor=guest)
    document = await make(owner, garden, "Plan", content="the plan")
    grace = await enter(server, arrive, guest)
    await grace.page.goto(f"{server.http}/d/{document['address']}")
    await grace.sees_status("saved")
    await mark(grace)
    assert (await owner.delete(f"/workspaces/{garden['id']}/members/{guest.id}")).status_code == 204
    await grace.sees_status("ended")
    dialled = int(await grace.page.locator("html").get_attribute("data-dialled") or 0)
    await try_again(grace)
    await expect(grace.page.locator("html")).to_have_attribute("data-dialled", str(dialled + 1))
    await grace.sees_status("ended")
    # The server does not tell others than members whether there is a document.
    await expect(grace.page.locator("#notice-title")).to_have_text("Not found")

    sent = await owner.post(f"/workspaces/{garden['id']}/invitations", json={"email": guest.email, "role": "editor"})
    assert sent.status_code == 201, sent.text
    accepted = await guest.post(f"/invitations/{sent.json()['id']}/accept")
    assert accepted.status_code == 200, accepted.text
    await try_again(grace)
    await grace.sees_status("saved")
    await expect(grace.page.locator("#notice")).to_be_hidden()
    await grace.page.keyboard.type("mine: ")
    await grace.sees_status("saved")
    await grace.sees("mine: the plan")
    assert await is_marked(grace)


async def test_a_document_that_was_refused_at_first_is_opened(server: Server, arrive: Arrive) -> None:
    (owner,) = await people(server, "ada")
    garden = await team(server, owner)
    document = await make(owner, garden, "Plan", content="the plan")
    ada = await enter(server, arrive, owner)
    address = "**/api/v1/documents/lookup*"
    problem = {"status": 403, "code": "forbidden", "title": "Forbidden", "detail": "not now"}
    await ada.page.route(address, lambda route: route.fulfill(status=403, json=problem))
    await ada.page.goto(f"{server.http}/d/{document['address']}")
    await ada.sees_status("ended")
    await expect(ada.content).to_have_count(0)
    await mark(ada)
    await ada.page.unroute(address)
    await try_again(ada)
    await ada.sees_status("saved")
    await ada.sees("the plan")
    await expect(ada.content).to_have_count(1)
    assert await is_marked(ada)


async def test_parts_of_the_page_come_when_the_server_is_back(server: Server, arrive: Arrive, name: str) -> None:
    ada = await arrive(server)
    lost: list[str] = []

    async def lose(route: Route) -> None:
        lost.append(route.request.url)
        await route.abort()

    async def lose_what_comes_then(route: Route) -> None:
        await ada.page.route("**/static/*", lose)
        await route.continue_()

    await ada.page.route("**/api/v1/auth/me", lose_what_comes_then)
    await ada.open(name)
    await until(lambda: len(lost) > 0, "a part that cannot be loaded")
    await ada.page.unroute("**/static/*")
    await expect(ada.page.get_by_role("button", name="Document menu")).to_be_visible(timeout=WITHIN)

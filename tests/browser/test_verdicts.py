"""What pages say where there is no document to edit together, or nothing at all."""

from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Arrive
from tests.browser.members import enter, make, people, team
from tests.browser.reader import WITHIN
from tests.browser.test_everyone import PHONE, faults
from tests.server import Server

LOOKS = pytest.mark.parametrize(
    ("size", "scheme"),
    [((1100, 760), "light"), ((1100, 760), "dark"), (PHONE, "light")],
    ids=["light", "dark", "phone"],
)


@pytest.mark.usefixtures("node_packages")
@LOOKS
async def test_an_address_with_nothing_leads_on(
    server: Server, arrive: Arrive, size: tuple[int, int], scheme: str
) -> None:
    ada = await arrive(server, size=size, scheme=scheme)
    answer = await ada.page.goto(f"{server.http}/zzz")
    assert answer is not None and answer.status == 404
    await expect(ada.page.get_by_role("heading", level=1)).to_have_text("There is no page here")
    assert await faults(ada.page) == []
    width = await ada.page.evaluate("document.documentElement.scrollWidth")
    assert width <= size[0]
    await ada.page.get_by_role("link", name="All documents").click()
    await ada.page.wait_for_url(f"{server.http}/")


async def test_a_public_document_is_read_by_everybody_where_guests_are_not_let_in(
    tmp_path: Path, arrive: Arrive
) -> None:
    async with Server(tmp_path, guest_role="none") as closed:
        (owner,) = await people(closed, "ada")
        garden = await team(closed, owner)
        doc = await make(owner, garden, "Untitled", content="# For *everybody*\n\ntext")
        assert (await owner.patch(f"/documents/{doc['id']}", json={"is_public": True})).status_code == 200
        eve = await arrive(closed)
        await eve.page.goto(f"{closed.http}/d/{doc['id']}")
        await eve.sees_status("viewonly")
        await eve.sees("everybody")
        await expect(eve.page.locator("#title")).to_have_value("For everybody")
        await eve.page.goto(f"{closed.http}/d/{(await make(owner, garden, 'Closed'))['id']}")
        await eve.sees_status("ended")
        await expect(eve.page.locator("#notice-title")).to_have_text("Not signed in")


async def test_a_new_document_is_titled_by_its_first_heading_until_somebody_sets_a_title(
    server: Server, arrive: Arrive
) -> None:
    (owner,) = await people(server, "ada")
    garden = await team(server, owner)
    ada = await enter(server, arrive, owner)
    watcher = await enter(server, arrive, owner)
    await watcher.page.goto(f"{server.http}/w/{garden['slug']}")
    await ada.page.goto(f"{server.http}/w/{garden['slug']}")
    # An empty list has a second button of this name.
    await ada.page.locator(".head").get_by_role("button", name="New document", exact=True).click()
    await ada.page.wait_for_url("**/d/**")
    await ada.sees_status("saved")
    title = ada.page.locator("#title")
    await expect(title).to_have_value("Untitled")
    await ada.content.focus()
    await ada.page.keyboard.type("# Meeting of *May*\n\nwords")
    await expect(title).to_have_value("Meeting of May")
    await expect(watcher.page.get_by_role("link", name="Meeting of May")).to_be_visible(timeout=WITHIN)
    await title.fill("Ours")
    await title.press("Enter")
    await expect(ada.page.locator("#announcer")).to_have_text("Title saved", timeout=WITHIN)
    document = ada.page.url.rpartition("/d/")[2]
    assert (await owner.get(f"/documents/{document}")).json()["title"] == "Ours"
    await title.fill("")
    await title.press("Enter")
    await expect(title).to_have_value("Meeting of May")


async def test_a_password_and_a_document_for_programs_say_what_they_are(server: Server, arrive: Arrive) -> None:
    (owner,) = await people(server, "ada")
    garden = await team(server, owner)
    secret = await make(
        owner, garden, "Door", type="password", content_encrypted="c2VjcmV0", encryption={"alg": "A256GCM"}
    )
    alone = await make(owner, garden, "Bot", content="# For programs", settings={"collaboration_enabled": False})
    ada = await enter(server, arrive, owner)
    notice = ada.page.locator("#notice-title")
    await ada.page.goto(f"{server.http}/d/{secret['address']}")
    await ada.sees_status("ended")
    await expect(notice).to_have_text("Encrypted")
    await expect(ada.page.locator(".skeleton-text")).to_be_hidden()
    await expect(ada.page.locator("#title")).to_have_value("Door")
    await expect(ada.page.get_by_role("button", name="Try again")).to_have_count(0)
    await ada.page.goto(f"{server.http}/d/{alone['address']}")
    await ada.sees_status("ended")
    await expect(notice).to_have_text("Not shared live")
    # The page itself is sandboxed: nothing of the test's could run in it.
    path = await ada.page.get_by_role("link", name="Read it").get_attribute("href")
    assert path is not None
    answer = await ada.page.request.get(server.http + path, headers={"accept": "text/html,*/*;q=0.8"})
    assert answer.status == 200 and "<h1>For programs</h1>" in await answer.text()

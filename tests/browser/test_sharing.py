"""Sharing a document at the web page: by links, with people, and after a request."""

import re
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Locator, Request, expect

from tests.browser.attaching import attach, open_panel, picture, rows
from tests.browser.conftest import Arrive
from tests.browser.members import enter, make, people, ready, team
from tests.browser.reader import WITHIN, Reader
from tests.browser.test_everyone import PHONE, faults
from tests.people import Person
from tests.server import Server

pytestmark = pytest.mark.usefixtures("node_packages")

TEXT = "# Plan\n\nBuy green apples.\n"


async def share(person: Person, doc: dict[str, Any], **fields: object) -> dict[str, Any]:
    answer = await person.post(f"/documents/{doc['id']}/shares", json={"permission": "read", **fields})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def page_of(server: Server, link: dict[str, Any]) -> str:
    """The page of a link at the address by which the browser knows the server."""
    return f"{server.http}/s/{link['token']}"


async def open_dialog(reader: Reader) -> Locator:
    await reader.page.get_by_role("button", name="Share", exact=True).click(timeout=WITHIN)
    dialog = reader.page.get_by_role("dialog", name=re.compile("^Share"))
    await expect(dialog.get_by_role("list", name="People who can open this document")).to_be_visible(timeout=WITHIN)
    return dialog


async def come_as(reader: Reader, name: str) -> None:
    """Continues as a guest on the page of a link."""
    await reader.page.get_by_label("Your name").fill(name)
    await reader.page.get_by_role("button", name="Continue as guest").click()


async def test_a_guest_writes_along_by_a_link_with_a_password_until_it_is_revoked(
    server: Server, arrive: Arrive
) -> None:
    (owner,) = await people(server, "ada")
    doc = await make(owner, await team(server, owner), "Plan", content=TEXT)
    ada = await enter(server, arrive, owner)
    await ada.open(doc["address"])
    dialog = await open_dialog(ada)
    await dialog.get_by_role("button", name="New link").click()
    await ada.page.get_by_label("People with the link").select_option("Can edit")
    await ada.page.get_by_label("Name (optional)").fill("Reviewers")
    await ada.page.get_by_label("Password (optional)").fill("opensesame")
    await ada.page.get_by_role("button", name="Create link").click()
    url = await dialog.get_by_label("Address of the link").input_value(timeout=WITHIN)
    await expect(dialog.locator(".qr-code path")).to_have_count(1, timeout=WITHIN)
    await dialog.get_by_role("button", name="Copy", exact=True).click()
    await expect(dialog.get_by_role("button", name="Copied")).to_be_visible()
    assert await ada.page.evaluate("navigator.clipboard.readText()") == url
    token = urlsplit(url).path.removeprefix("/s/")

    ann = await arrive(server, name="Quiet Heron")
    sent: list[Request] = []
    ann.page.on("request", lambda request: sent.append(request))
    await ann.page.goto(f"{server.http}/s/{token}")
    await expect(ann.page.get_by_label("Your name")).to_have_value("Quiet Heron", timeout=WITHIN)
    await expect(ann.page).to_have_url(f"{server.http}/s")
    await come_as(ann, "Ann")
    password = ann.page.get_by_label("Password")
    await password.fill("guess")
    await password.press("Enter")
    await expect(ann.page.get_by_role("alert")).to_have_text("The password is wrong.", timeout=WITHIN)
    await expect(password).to_be_focused()
    await password.fill("opensesame")
    await password.press("Enter")
    await ann.sees_status("saved")
    await expect(ann.page).to_have_url(f"{server.http}/d/{doc['id']}")
    await ann.write("Ann was here.")
    await ada.page.keyboard.press("Escape")
    await ada.sees("Ann was here.")
    await expect(ada.page.locator("#people-list")).to_contain_text("Ann (link Reviewers)", timeout=WITHIN)
    await expect(ann.page.get_by_label("Document title")).to_have_attribute("readonly", "")
    await expect(ann.page.get_by_role("link", name="Sign in")).to_be_visible(timeout=WITHIN)
    await expect(ann.page.get_by_role("link", name="All documents")).to_have_count(0)
    await ann.page.reload()
    await ann.sees_status("saved")
    await attach(owner, doc["id"], "notes.txt", b"the words")
    await attach(owner, doc["id"], "garden.png", picture())
    files = await open_panel(ann)
    thumbnail = rows(files).filter(has_text="garden.png").locator("img")
    await expect(thumbnail).not_to_have_js_property("naturalWidth", 0, timeout=WITHIN)
    async with ann.context.expect_page() as shown:
        await files.get_by_role("link", name="notes.txt").click()
    await expect((await shown.value).get_by_text("the words")).to_be_visible(timeout=WITHIN)
    assert "share=" not in (await shown.value).url
    await (await shown.value).close()
    await files.get_by_role("button", name="Close the files").click()

    assert [entry for entry in ann.refused if "/shares/open" not in entry and "ERR_ABORTED" not in entry] == []
    assert await ann.page.evaluate("history.length") == 2, "about:blank and the document"
    assert await ann.page.evaluate("performance.getEntriesByType('navigation').map(({ name }) => name)") == [
        f"{server.http}/d/{doc['id']}"
    ]
    for request in sent:
        try:
            headers = await request.all_headers()
        except PlaywrightError:  # its page is gone
            headers = request.headers
        assert token not in headers.get("referer", ""), request.url
    assert [request.url for request in sent if token in request.url] == [f"{server.http}/s/{token}"]

    dialog = await open_dialog(ada)
    row = dialog.get_by_role("list", name="Links").get_by_role("listitem")
    await expect(row).to_contain_text("Opened once")
    await row.get_by_role("button", name="Actions for Reviewers").click()
    await ada.page.get_by_role("menuitem", name="Revoke").click()
    await ada.page.get_by_role("button", name="Revoke", exact=True).click()
    await expect(row).to_have_count(0, timeout=WITHIN)
    await ann.sees_status("ended")
    await expect(ann.page.locator("#notice-title")).to_have_text("The link has ended")
    await expect(ann.page.get_by_role("button", name="Copy text")).to_be_visible()
    await ann.content.focus()
    await ann.page.keyboard.type("not any more")
    assert "not any more" not in await ann.content.inner_text()
    dialled = await ann.page.locator("html").get_attribute("data-dialled")
    await ann.page.reload()
    await ann.sees_status("ended")
    await expect(ann.page.locator("#notice-title")).to_have_text("The link has ended")
    assert int(dialled or 0) < 5, "a page that was refused does not try again and again"


async def test_a_link_to_read_leaves_the_rest_to_others(server: Server, arrive: Arrive) -> None:
    (owner,) = await people(server, "ada")
    doc = await make(owner, await team(server, owner), "Plan", content=TEXT)
    link = await share(owner, doc, kind="link")
    guest = await arrive(server, size=PHONE)
    await guest.page.goto(page_of(server, link))
    await come_as(guest, "")
    await guest.sees_status("viewonly")
    await guest.sees("Buy green apples.")
    await expect(guest.page.get_by_role("button", name="Document menu")).to_be_in_viewport(ratio=1)
    await expect(guest.page.get_by_role("link", name="Sign in")).to_be_in_viewport(ratio=1)
    await expect(guest.page.get_by_role("button", name="Files")).to_have_count(0)
    await guest.page.locator("#people-button").click()
    await guest.page.get_by_role("textbox", name="Your name").fill("Bea")
    assert await guest.has_no_horizontal_scroll()
    assert await faults(guest.page) == []
    assert guest.refused == []
    ada = await enter(server, arrive, owner)
    await ada.open(doc["address"])
    await expect(ada.page.locator("#people-list")).to_contain_text("Bea (link)", timeout=WITHIN)


async def test_a_link_to_many_documents_lists_them(server: Server, arrive: Arrive) -> None:
    (owner,) = await people(server, "ada")
    garden = await team(server, owner)
    doc = await make(owner, garden, "Plan", content=TEXT)
    for tagged in (doc, await make(owner, garden, "Budget")):
        assert (await owner.put(f"/documents/{tagged['id']}/tags", json={"tags": ["open"]})).status_code == 200
    await make(owner, garden, "Salaries")
    ada = await enter(server, arrive, owner)
    await ready(ada, f"/w/{garden['slug']}/settings")
    links = ada.page.get_by_role("region", name="Links")
    await links.get_by_role("button", name="New link").click(timeout=WITHIN)
    await ada.page.get_by_label("Documents").select_option("Tag open")
    await ada.page.get_by_label("Name (optional)").fill("Customers")
    await ada.page.get_by_role("button", name="Create link").click()
    url = await links.get_by_label("Address of the link").input_value(timeout=WITHIN)
    await expect(links.get_by_role("list", name="Links")).to_contain_text("Tag open")
    assert await faults(ada.page) == []
    guest = await arrive(server)
    await guest.page.goto(f"{server.http}{urlsplit(url).path}")
    await come_as(guest, "Ann")
    await expect(guest.page.get_by_role("heading", level=1)).to_have_text("open", timeout=WITHIN)
    listed = guest.page.get_by_role("list", name="Documents").get_by_role("link")
    await expect(listed).to_have_count(2)
    await listed.filter(has_text="Plan").click()
    await guest.sees_status("viewonly")
    await expect(guest.page).to_have_url(f"{server.http}/d/{doc['id']}")
    await guest.sees("Buy green apples.")
    await guest.page.go_back()
    await expect(listed).to_have_count(2, timeout=WITHIN)
    assert [entry for entry in guest.refused if "ERR_ABORTED" not in entry] == []
    await links.get_by_role("button", name="Actions for Customers").click()
    await ada.page.get_by_role("menuitem", name="Revoke").click()
    await ada.page.get_by_role("button", name="Revoke").click()
    await expect(links.get_by_text("No links.")).to_be_visible(timeout=WITHIN)
    await guest.page.reload()
    await expect(guest.page.get_by_role("heading", level=1)).to_have_text("This link has ended", timeout=WITHIN)


async def test_links_that_do_not_work_say_why(server: Server, arrive: Arrive) -> None:
    (owner,) = await people(server, "ada")
    doc = await make(owner, await team(server, owner), "Plan")
    revoked, used = await share(owner, doc, kind="link"), await share(owner, doc, kind="link", max_uses=1)
    assert (await owner.delete(f"/shares/{revoked['id']}")).status_code == 204
    assert (await owner.post("/shares/open", json={"token": used["token"]})).status_code == 200
    guest = await arrive(server)
    heading = guest.page.get_by_role("heading", level=1)
    for address, said in (
        (page_of(server, revoked), "This link has ended"),
        (page_of(server, used), "This link is used up"),
        (f"{server.http}/s/csl_unknown", "This link does not work"),
    ):
        await guest.page.goto(address)
        await come_as(guest, "Ann")
        await expect(heading).to_have_text(said, timeout=WITHIN)
    await guest.page.goto(f"{server.http}/s")
    await expect(heading).to_have_text("This link does not work", timeout=WITHIN)
    fresh = await share(owner, doc, kind="link", password="opensesame")
    await guest.page.goto(page_of(server, fresh))
    await come_as(guest, "Ann")
    await expect(guest.page.get_by_label("Password")).to_be_visible(timeout=WITHIN)
    await guest.page.route(
        "**/shares/open",
        lambda route: route.fulfill(status=429, headers={"retry-after": "300"}, json={"code": "too_many"}),
    )
    await guest.page.get_by_label("Password").fill("guess")
    await guest.page.keyboard.press("Enter")
    await expect(guest.page.get_by_role("alert")).to_have_text("Too many attempts. Try again in 5 minutes.")
    await guest.page.unroute("**/shares/open")
    await guest.context.set_offline(True)
    await guest.page.get_by_label("Password").fill("opensesame")
    await guest.page.keyboard.press("Enter")
    await expect(guest.page.get_by_role("alert")).to_contain_text("The server cannot be reached.", timeout=WITHIN)
    await guest.context.set_offline(False)
    await guest.page.keyboard.press("Enter")
    await guest.sees_status("viewonly")


async def test_somebody_signed_in_opens_a_link_at_once_and_keeps_their_own_rights(
    server: Server, arrive: Arrive
) -> None:
    owner, viewer = await people(server, "ada", "ben")
    doc = await make(owner, await team(server, owner, viewer=viewer), "Plan", content=TEXT)
    link = await share(owner, doc, kind="link", permission="write")
    ben = await enter(server, arrive, viewer)
    await ben.page.goto(page_of(server, link))
    await ben.sees_status("saved")
    await ben.write("From Ben.")
    await ben.sees_status("saved")
    await expect(ben.page.get_by_role("link", name="All documents")).to_be_visible()
    assert (await owner.delete(f"/shares/{link['id']}")).status_code == 204
    await ben.sees_status("viewonly")
    await ben.page.reload()
    await ben.sees_status("viewonly")
    await ben.sees("From Ben.")
    await ben.page.get_by_role("button", name="Document menu").click()
    await ben.page.get_by_role("menuitem", name="Ask for more rights").click()
    await ben.page.get_by_label("You want").select_option("To edit")
    await ben.page.get_by_role("button", name="Send request").click()
    await expect(ben.page.get_by_text("Your request was sent.")).to_be_visible(timeout=WITHIN)
    [request] = (await owner.get(f"/documents/{doc['id']}/access-requests")).json()["items"]
    assert (request["user"]["name"], request["permission"]) == ("ben", "write")


async def test_whoever_asks_for_access_gets_it_from_the_dialog(server: Server, arrive: Arrive) -> None:
    owner, asker = await people(server, "ada", "dan")
    doc = await make(owner, await team(server, owner), "Plan", content=TEXT)
    ada, dan = await enter(server, arrive, owner), await enter(server, arrive, asker)
    await ready(ada, "/")
    await dan.page.goto(f"{server.http}/d/{doc['id']}")
    await dan.page.get_by_role("button", name="Request access").click(timeout=WITHIN)
    await dan.page.get_by_label("You want").select_option("To comment")
    await dan.page.get_by_label("Message (optional)").fill("I review the figures.")
    assert await faults(dan.page) == []
    await dan.page.get_by_role("button", name="Send request").click()
    await expect(dan.page.locator("#notice-title")).to_have_text("Request sent", timeout=WITHIN)

    await expect(ada.page.locator("#inbox .count")).to_have_text("1", timeout=WITHIN)
    await ada.page.locator("#inbox").click()
    await ada.page.get_by_role("link", name="dan asks for access to Plan").click()
    asked = ada.page.get_by_role("list", name="Requests for access").get_by_role("listitem")
    await expect(asked).to_contain_text("I review the figures.", timeout=WITHIN)
    await expect(ada.page).to_have_url(re.compile("/d/[^#]+$"))
    await asked.get_by_label("What dan gets").select_option("Can edit")
    await asked.get_by_role("button", name="Approve").click()
    await expect(asked).to_have_count(0, timeout=WITHIN)
    await expect(ada.page.get_by_label("What dan may do")).to_have_value("write", timeout=WITHIN)
    await dan.sees_status("saved")
    await dan.write("From Dan.")
    await ada.sees("From Dan.")


async def test_people_are_added_changed_removed_and_see_it_at_once(server: Server, arrive: Arrive) -> None:
    owner, friend = await people(server, "ada", "cleo")
    doc = await make(owner, await team(server, owner), "Plan", content=TEXT)
    ada, cleo = await enter(server, arrive, owner), await enter(server, arrive, friend)
    await ready(cleo, "/?view=shared")
    await expect(cleo.page.get_by_role("heading", name="Nothing is shared with you yet")).to_be_visible()
    await ada.open(doc["address"])
    dialog = await open_dialog(ada)
    field = dialog.get_by_label("Add people by e-mail")
    await field.fill(friend.email)
    await dialog.get_by_label("What they may do").select_option("Can comment")
    await field.press("Enter")
    await expect(dialog.get_by_role("status")).to_have_text("Shared with cleo.", timeout=WITHIN)
    await field.fill("nobody-yet@example.org")
    await field.press("Enter")
    await expect(dialog.get_by_role("status")).to_contain_text("this server sends no e-mail", timeout=WITHIN)
    row = cleo.page.locator("#list").get_by_role("listitem")
    await expect(row).to_contain_text("Plan", timeout=WITHIN)
    await expect(row).to_contain_text("Can comment")
    await cleo.page.locator("#inbox").click()
    await expect(cleo.page.get_by_role("link", name="ada shared Plan with you")).to_be_visible(timeout=WITHIN)
    await cleo.page.keyboard.press("Escape")
    await row.get_by_role("link").click()
    await cleo.sees_status("viewonly")
    await dialog.get_by_label("What cleo may do").select_option("Can edit")
    await cleo.sees_status("saved")
    await dialog.get_by_role("button", name="Access of cleo").click()
    await ada.page.get_by_role("menuitem", name="Remove").click()
    await cleo.sees_status("ended")
    await expect(cleo.page.locator("#notice-title")).to_have_text("No access")
    await ada.page.locator("#toasts").get_by_role("button", name="Undo").click()
    await expect(dialog.get_by_label("What cleo may do")).to_have_value("write", timeout=WITHIN)
    await cleo.page.get_by_role("button", name="Try again").click()
    await cleo.sees_status("saved")
    # Whoever leaves is asked first, and others see it.
    await cleo.page.get_by_role("button", name="Document menu").click()
    await cleo.page.get_by_role("menuitem", name="Leave…").click()
    await cleo.page.get_by_role("dialog", name="Leave “Plan”?").get_by_role("button", name="Leave").click()
    await expect(cleo.page.get_by_role("heading", name="Nothing is shared with you yet")).to_be_visible(timeout=WITHIN)
    await expect(dialog.get_by_label("What cleo may do")).to_have_count(0, timeout=WITHIN)
    await share(owner, doc, kind="user", email=friend.email)
    await expect(dialog.get_by_label("What cleo may do")).to_have_value("read", timeout=WITHIN)
    await cleo.page.get_by_role("button", name="Actions for Plan").click(timeout=WITHIN)
    await cleo.page.get_by_role("menuitem", name="Leave…").click()
    leaving = cleo.page.get_by_role("dialog", name="Leave “Plan”?")
    assert await faults(cleo.page) == []
    await leaving.get_by_role("button", name="Cancel").click()
    await expect(row).to_contain_text("Plan")
    await cleo.page.get_by_role("button", name="Actions for Plan").click()
    await cleo.page.get_by_role("menuitem", name="Leave…").click()
    await leaving.get_by_role("button", name="Leave").click()
    await expect(row).to_have_count(0)
    await expect(dialog.get_by_label("What cleo may do")).to_have_count(0, timeout=WITHIN)
    assert (
        await owner.post(f"/documents/{doc['id']}/shares", json={"kind": "link", "permission": "read", "name": "Board"})
    ).status_code == 201
    await expect(dialog.get_by_role("list", name="Links")).to_contain_text("Board", timeout=WITHIN)
    await dialog.get_by_role("button", name="Actions for Board").click()
    await ada.page.get_by_role("menuitem", name="Change").click()
    await ada.page.get_by_label("Access ends").select_option("In a week")
    await ada.page.get_by_label("Can be opened so many times").fill("5")
    await ada.page.get_by_label("Name (optional)").fill("Customers")
    await ada.page.get_by_role("button", name="Save").click()
    await expect(dialog.get_by_role("list", name="Links")).to_contain_text("Customers", timeout=WITHIN)
    await expect(dialog.get_by_role("list", name="Links")).to_contain_text(re.compile("5 times at most · ends"))


async def test_a_role_that_changes_counts_at_once_on_the_open_page(server: Server, arrive: Arrive) -> None:
    owner, friend = await people(server, "ada", "ben")
    space = await team(server, owner, viewer=friend)
    doc = await make(owner, space, "Plan", content=TEXT)
    ben = await enter(server, arrive, friend)
    await ben.open(doc["address"], until="viewonly")
    for role, status in (("editor", "saved"), ("commenter", "viewonly"), ("editor", "saved")):
        changed = await owner.patch(f"/workspaces/{space['id']}/members/{friend.id}", json={"role": role})
        assert changed.status_code == 200, changed.text
        await ben.sees_status(status)
        if status == "saved":
            await ben.write("From Ben.")
            await ben.sees_status("saved")
    text = (await owner.get(f"/documents/{doc['id']}/content")).text
    assert text.count("From Ben.") == 2


async def test_a_document_is_published_as_a_page(server: Server, arrive: Arrive) -> None:
    owner, friend = await people(server, "ada", "ben")
    doc = await make(owner, await team(server, owner, editor=friend), f"Plan {uuid4().hex[:8]}", content=TEXT)
    ada, ben = await enter(server, arrive, owner), await enter(server, arrive, friend)
    await ada.open(doc["address"])
    dialog = await open_dialog(ada)
    publish = dialog.get_by_role("switch", name="Publish")
    await publish.click()
    address = dialog.get_by_role("link", name=re.compile("p.plan-"))
    await expect(address).to_be_visible(timeout=WITHIN)
    await expect(dialog.get_by_role("list", name="People who can open this document")).to_contain_text("Everybody")
    await dialog.get_by_role("switch", name="Search engines may list it").click()
    await dialog.get_by_role("button", name="Change the address").click()
    slug = f"our-plan-{uuid4().hex[:8]}"
    await ada.page.get_by_label("Last part of the address").fill(slug)
    await ada.page.get_by_role("button", name="Save").click()
    await expect(address).to_have_count(0, timeout=WITHIN)
    await expect(dialog.get_by_role("link", name=f"{server.http}/p/{slug}")).to_be_visible(timeout=WITHIN)
    assert await faults(ada.page) == []
    assert (await owner.get(f"/documents/{doc['id']}/public-page")).json()["indexable"] is True
    guest = await arrive(server)
    await guest.page.goto(f"{server.http}/p/{slug}")
    await expect(guest.page.get_by_text("Buy green apples.")).to_be_visible()
    await ben.open(doc["address"])
    theirs = await open_dialog(ben)
    await expect(theirs.get_by_role("link", name=slug)).to_be_visible(timeout=WITHIN)
    await expect(theirs.get_by_role("switch")).to_have_count(0)
    await publish.click()
    await expect(theirs.get_by_role("link", name=slug)).to_have_count(0, timeout=WITHIN)
    await expect(publish).not_to_be_checked()


@pytest.mark.parametrize(("scheme", "size"), [("light", PHONE), ("dark", (1100, 760))])
async def test_sharing_suits_everybody(server: Server, arrive: Arrive, scheme: str, size: tuple[int, int]) -> None:
    owner, friend, asker = await people(server, "ada", "cleo", "dan")
    doc = await make(owner, await team(server, owner), "Plan", content=TEXT)
    await share(owner, doc, kind="user", user_id=friend.id, expires_at="2099-01-31T00:00:00Z")
    link = await share(owner, doc, kind="link", name="Reviewers", password="opensesame")
    asked = await asker.post(f"/documents/{doc['id']}/access-requests", json={"permission": "write"})
    assert asked.status_code == 202
    ada = await enter(server, arrive, owner, scheme=scheme, size=size)
    await ada.open(doc["address"])
    dialog = await open_dialog(ada)
    await expect(dialog.get_by_role("list", name="Requests for access")).to_be_visible()
    assert await ada.has_no_horizontal_scroll()
    assert await faults(ada.page) == []
    await dialog.get_by_role("button", name="New link").click()
    assert await faults(ada.page) == []
    await ada.page.get_by_label("Access ends").select_option("On a day…")
    await ada.page.get_by_label("Last day").fill("2098-12-31")
    await ada.page.get_by_role("button", name="Create link").click()
    await expect(dialog.get_by_label("Address of the link")).to_be_focused(timeout=WITHIN)
    await expect(dialog.get_by_role("list", name="Links")).to_contain_text("ends Dec 31, 2098")
    assert await ada.has_no_horizontal_scroll()
    assert await faults(ada.page) == []
    await dialog.get_by_role("button", name="Done").click()
    await expect(dialog.get_by_role("button", name="New link")).to_be_focused()
    guest = await arrive(server, scheme=scheme, size=size)
    await guest.page.goto(page_of(server, link))
    await expect(guest.page.get_by_label("Your name")).to_be_focused(timeout=WITHIN)
    assert await faults(guest.page) == []
    await guest.page.keyboard.press("Enter")
    await expect(guest.page.get_by_label("Password")).to_be_focused(timeout=WITHIN)
    assert await guest.has_no_horizontal_scroll()
    assert await faults(guest.page) == []

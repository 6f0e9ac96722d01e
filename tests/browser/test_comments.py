"""Comments and the inbox at the web page."""

import re
from typing import Any

import pytest
from playwright.async_api import Locator, expect

from tests.browser.conftest import Arrive
from tests.browser.members import enter, make, people, ready, team
from tests.browser.reader import WITHIN, Reader
from tests.browser.test_everyone import PHONE, faults
from tests.people import Person
from tests.server import Server

WIDE = (1400, 800)
TEXT = "# Plan\n\nBuy green apples and red pears.\n\nAsk the baker for bread.\n"
PAYLOADS = (
    "<script>window.pwned = 1</script>",
    "<img src=x onerror='window.pwned = 1'>",
    "<svg/onload=window.pwned=1>",
    "[a link](javascript:window.pwned=1)",
    '![x](x"onerror="window.pwned=1)',
    "<math><mtext><table><mglyph><style><img src=x onerror=window.pwned=1>",
    "<a href='data:text/html,<script>window.pwned=1</script>'>x</a>",
    "\"><iframe srcdoc='<script>parent.pwned=1</script>'>",
)


async def add_comment(person: Person, doc: str, content: str, **more: Any) -> dict[str, Any]:
    answer = await person.post(f"/documents/{doc}/comments", json={"content": content, **more})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def select(reader: Reader, line: str, start: int, length: int) -> None:
    """Selects text of a line by the keyboard."""
    await reader.content.get_by_text(line).click()
    keyboard = reader.page.keyboard
    await keyboard.press("Home")
    for _ in range(start):
        await keyboard.press("ArrowRight")
    await keyboard.down("Shift")
    for _ in range(length):
        await keyboard.press("ArrowRight")
    await keyboard.up("Shift")


def marked(reader: Reader) -> Locator:
    return reader.page.locator(".cm-content .commented")


def panel(reader: Reader) -> Locator:
    return reader.page.get_by_role("dialog", name="Comments")


async def open_panel(reader: Reader) -> Locator:
    await reader.page.locator("#comments").click(timeout=WITHIN)
    shown = panel(reader)
    await expect(shown).to_be_visible(timeout=WITHIN)
    return shown


async def test_a_comment_on_selected_text_reaches_others_who_answer_and_resolve_it(
    server: Server, arrive: Arrive
) -> None:
    owner, friend = await people(server, "ada", "ben")
    doc = await make(owner, await team(server, owner, editor=friend), "Plan", content=TEXT)
    ada, ben = await enter(server, arrive, owner, size=WIDE), await enter(server, arrive, friend)
    await ada.open(doc["address"])
    await ben.open(doc["address"])
    await expect(ada.page.locator("#comments")).to_be_visible(timeout=WITHIN)
    await select(ada, "Buy green apples", 4, 12)
    await expect(ada.page.get_by_role("button", name="Comment on the selected text")).to_be_visible()
    await ada.page.keyboard.press("Control+Alt+m")
    field = ada.page.get_by_role("combobox", name="Comment…", exact=True)
    await expect(field).to_be_focused()
    await field.press_sequentially(f"Why **green**, @{friend.name[:3]}")
    await expect(ada.page.get_by_role("option", name=friend.name)).to_be_visible(timeout=WITHIN)
    await field.press("Enter")
    await field.press_sequentially("?")
    await field.press("Control+Enter")
    beside = ada.page.locator(".comments-margin .thread")
    await expect(beside).to_contain_text(f"Why green, @{friend.name} ?", timeout=WITHIN)
    await expect(beside.locator("strong")).to_have_text("green")

    await expect(marked(ben)).to_have_text("green apples", timeout=WITHIN)
    # The first one is of the workspace.
    await expect(ben.page.locator("#inbox .count")).to_have_text("2", timeout=WITHIN)
    await marked(ben).click()
    thread = panel(ben).locator(".thread.active")
    await thread.get_by_role("combobox", name="Reply…").fill("They keep longer.")
    await thread.get_by_role("combobox", name="Reply…").press("Control+Enter")
    await expect(beside).to_contain_text("They keep longer.", timeout=WITHIN)
    await thread.get_by_role("button", name="Add a reaction").first.click()
    await thread.get_by_role("button", name="🎉").first.click()
    await expect(beside.get_by_role("button", name="🎉 1 person")).to_be_visible(timeout=WITHIN)

    await thread.get_by_role("button", name="Resolve").click()
    await expect(marked(ada)).to_have_count(0, timeout=WITHIN)
    await expect(beside).to_have_count(0)
    await panel(ben).get_by_role("button", name="Resolved").click()
    await expect(panel(ben).locator(".thread-resolved")).to_have_text(f"Resolved by {friend.name}")
    await panel(ben).get_by_role("button", name="Reopen").click()
    await expect(marked(ada)).to_have_text("green apples", timeout=WITHIN)
    assert ada.complaints + ben.complaints == []


async def test_a_mark_follows_its_words_and_comes_back_with_them(server: Server, arrive: Arrive) -> None:
    (owner,) = await people(server, "ada")
    doc = await make(owner, await team(server, owner), "Plan", content=TEXT)
    await add_comment(owner, doc["id"], "Which baker?", anchor={"quote": "the baker"})
    ada = await enter(server, arrive, owner)
    await ada.open(doc["address"])
    await expect(marked(ada)).to_have_text("the baker", timeout=WITHIN)
    await select(ada, "Ask the baker", 0, 0)
    await ada.page.keyboard.type("Then: ")
    await expect(marked(ada)).to_have_text("the baker")
    await select(ada, "Then: Ask the baker", 10, 9)
    await ada.page.keyboard.press("Delete")
    await expect(marked(ada)).to_have_count(0)
    shown = await open_panel(ada)
    await expect(shown.locator(".quote.orphaned")).to_contain_text("the baker", timeout=WITHIN)
    await ada.content.get_by_text("Then: Ask").click()
    await ada.page.keyboard.press("End")
    await ada.page.keyboard.type(" or the baker")
    await expect(marked(ada)).to_have_text("the baker", timeout=WITHIN)
    await expect(shown.locator(".quote.orphaned")).to_have_count(0)


async def test_a_mention_is_in_the_inbox_of_every_page_and_leads_to_its_comment(server: Server, arrive: Arrive) -> None:
    owner, friend = await people(server, "ada", "ben")
    space = await team(server, owner, editor=friend)
    doc = await make(owner, space, "Plan", content=TEXT)
    ben = await enter(server, arrive, friend)
    await ready(ben, f"/w/{space['slug']}")
    bell = ben.page.locator("#inbox")
    await expect(bell).to_have_attribute("aria-label", "Notifications, 1 not read", timeout=WITHIN)
    mention = f"Look, @[Ben](user:{friend.id})"
    await add_comment(owner, doc["id"], mention, anchor={"quote": "red pears"})
    await expect(bell.locator(".count")).to_have_text("2", timeout=WITHIN)
    await bell.click()
    inbox = ben.page.get_by_role("dialog", name="Notifications")
    row = inbox.get_by_role("listitem").first
    await expect(row).to_contain_text(f"{owner.name} mentioned you in Plan", timeout=WITHIN)
    assert await faults(ben.page) == []
    await row.get_by_role("link").click()
    await ben.sees_status("saved")
    await expect(ben.page.locator(".comment.linked")).to_contain_text("Look, @", timeout=WITHIN)
    await expect(ben.page.locator(".cm-content .commented.active")).to_have_text("red pears")
    await expect(bell.locator(".count")).to_have_text("1", timeout=WITHIN)
    await bell.click()
    await inbox.get_by_role("button", name="Mark all as read").click()
    await expect(bell.locator(".count")).to_have_text("", timeout=WITHIN)
    for left in (1, 0):
        await inbox.get_by_role("button", name="Archive: ").first.click()
        await expect(inbox.get_by_role("listitem")).to_have_count(left, timeout=WITHIN)
    await expect(inbox.get_by_text("Nothing yet.")).to_be_visible()
    await ben.page.keyboard.press("Escape")
    await expect(bell).to_be_focused()


_RECORD_NOTICES = """
  window.notices = [];
  window.Notification = class {
    static permission = 'granted';
    constructor(title, { body }) {
      window.notices.push(this);
      Object.assign(this, { title, body });
    }
  };
  document.hasFocus = () => false;
"""


async def test_a_page_in_the_background_gives_a_notice_that_leads_to_the_comment(
    server: Server, arrive: Arrive
) -> None:
    owner, friend = await people(server, "ada", "ben")
    space = await team(server, owner, editor=friend)
    doc = await make(owner, space, "Plan", content=TEXT)
    ben = await enter(server, arrive, friend)
    await ben.page.add_init_script(_RECORD_NOTICES)
    await ready(ben, f"/w/{space['slug']}")
    await expect(ben.page.locator("#inbox .count")).to_have_text("1", timeout=WITHIN)
    await add_comment(owner, doc["id"], f"Look, @[Ben](user:{friend.id})", anchor={"quote": "red pears"})
    await ben.page.wait_for_function("() => window.notices.length > 0")
    shown = await ben.page.evaluate("window.notices.map(({ title, body }) => [title, body])")
    assert shown == [[f"{owner.name} mentioned you in Plan", "Look, @Ben"]]
    await ben.page.evaluate("window.notices[0].onclick()")
    await expect(ben.page.locator(".comment.linked")).to_contain_text("Look, @", timeout=WITHIN)
    await expect(ben.page.locator("#inbox .count")).to_have_text("1", timeout=WITHIN)
    assert (await friend.patch("/users/me/settings", json={"notifications": {"browser": False}})).status_code == 200
    await add_comment(owner, doc["id"], f"Again, @[Ben](user:{friend.id})", anchor={"quote": "the baker"})
    await expect(ben.page.locator("#inbox .count")).to_have_text("2", timeout=WITHIN)
    assert await ben.page.evaluate("window.notices.length") == 0


async def test_nothing_in_comments_names_and_quotes_executes(server: Server, arrive: Arrive) -> None:
    owner, friend = await people(server, "ada", "ben")
    content = "\n\n".join(PAYLOADS)
    doc = await make(owner, await team(server, owner, editor=friend), "Plan", content=content)
    for payload in PAYLOADS:
        await add_comment(friend, doc["id"], f"{payload} @[{payload}](user:{owner.id})", anchor={"quote": payload})
    edits = [{"find": "<svg/onload=window.pwned=1>", "replace": "<svg/onload=window.pwned=2>"}]
    made = await friend.post(f"/documents/{doc['id']}/suggestions", json={"edits": edits, "message": PAYLOADS[1]})
    assert made.status_code == 201, made.text
    answer = await friend.patch("/users/me", json={"display_name": "<img src=x onerror=window.pwned=1>"})
    assert answer.status_code == 200, answer.text
    dialogs: list[str] = []
    for size in (WIDE, PHONE):
        ada = await enter(server, arrive, owner, size=size)
        ada.page.on("dialog", lambda dialog: dialogs.append(dialog.message))
        await ada.open(doc["address"])
        shown = await open_panel(ada)
        await expect(shown.locator(".thread:not(.suggestion)")).to_have_count(len(PAYLOADS), timeout=WITHIN)
        await shown.locator(".thread").first.click()
        if size == WIDE:
            await ada.page.locator("#inbox").click()
            rows = ada.page.get_by_role("dialog", name="Notifications").get_by_role("listitem")
            await expect(rows.first).to_be_visible(timeout=WITHIN)
        assert await ada.page.evaluate("window.pwned") is None
        assert await ada.page.locator(":is(.comments-panel, .inbox) :is(img, iframe, script, style)").count() == 0
        assert ada.complaints + dialogs == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_panel_works_by_keyboard_and_axe_finds_nothing_serious(
    server: Server, arrive: Arrive, scheme: str
) -> None:
    (owner,) = await people(server, "ada")
    doc = await make(owner, await team(server, owner), "Plan", content=TEXT)
    await add_comment(owner, doc["id"], "First", anchor={"quote": "green apples"})
    await add_comment(owner, doc["id"], "Second", anchor={"quote": "the baker"})
    edits = [{"find": "bread", "replace": "rolls"}]
    assert (await owner.post(f"/documents/{doc['id']}/suggestions", json={"edits": edits})).status_code == 201
    ada = await enter(server, arrive, owner, scheme=scheme)
    await ada.open(doc["address"])
    await expect(marked(ada)).to_have_count(2, timeout=WITHIN)
    assert await faults(ada.page) == []
    shown = await open_panel(ada)
    await expect(shown).to_be_focused()
    first, second = (shown.locator(".thread", has_text=text) for text in ("First", "Second"))
    await first.focus()
    await ada.page.keyboard.press("j")
    await expect(second).to_be_focused()
    await expect(ada.page.locator(".cm-content .commented.active")).to_have_text("the baker")
    await ada.page.keyboard.press("k")
    await expect(first).to_be_focused()
    await ada.page.keyboard.press("r")
    await expect(first.get_by_role("combobox", name="Reply…")).to_be_focused()
    await ada.page.keyboard.type("A reply by keys")
    assert await faults(ada.page) == []
    await ada.page.keyboard.press("Control+Enter")
    await expect(first).to_contain_text("A reply by keys", timeout=WITHIN)
    await ada.page.keyboard.press("Escape")
    await first.focus()
    await ada.page.keyboard.press("e")
    await expect(first).to_have_count(0, timeout=WITHIN)
    await shown.focus()
    await ada.page.keyboard.press("Escape")
    await expect(shown).to_have_count(0)
    await ada.content.focus()
    await ada.page.keyboard.press("Control+Alt+n")
    await expect(panel(ada)).to_be_visible()


async def test_a_phone_shows_comments_in_full_and_viewers_only_read(server: Server, arrive: Arrive) -> None:
    owner, friend, stranger = await people(server, "ada", "ben", "cleo")
    space = await team(server, owner, viewer=friend)
    doc = await make(owner, space, "Plan", content=TEXT)
    await add_comment(owner, doc["id"], "A thought", anchor={"quote": "green apples"})
    ben = await enter(server, arrive, friend, size=PHONE)
    await ben.open(doc["address"], until="viewonly")
    await expect(marked(ben)).to_have_text("green apples", timeout=WITHIN)
    assert await ben.has_no_horizontal_scroll()
    shown = await open_panel(ben)
    await expect(shown.locator(".thread")).to_contain_text("A thought")
    await shown.locator(".thread").click()
    await expect(shown.get_by_role("combobox")).to_have_count(0)
    await expect(shown.get_by_role("button", name=re.compile("Resolve$|Add a reaction"))).to_have_count(0)
    assert await ben.has_no_horizontal_scroll()
    assert await faults(ben.page) == []
    await shown.get_by_role("button", name="Close the comments").click()
    await expect(shown).to_have_count(0)

    assert (await owner.patch(f"/documents/{doc['id']}", json={"is_public": True})).status_code == 200
    cleo = await enter(server, arrive, stranger)
    await cleo.open(doc["id"], until="viewonly")
    await expect(cleo.page.locator("#inbox")).to_be_visible(timeout=WITHIN)
    await expect(cleo.page.get_by_role("button", name="Document menu")).to_be_visible(timeout=WITHIN)
    await expect(marked(cleo)).to_have_count(0)
    await expect(cleo.page.locator("#comments")).to_be_hidden()

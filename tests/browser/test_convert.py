"""Pages follow a document that becomes rich text or Markdown: what was typed stays, and the place of the reader."""

import re
from typing import Any

from playwright.async_api import Locator, expect

from tests.browser.conftest import Arrive
from tests.browser.members import enter, make, people, team
from tests.browser.reader import WITHIN, Reader
from tests.browser.test_everyone import PHONE
from tests.browser.test_suggesting import begin, says
from tests.people import Person
from tests.server import Server
from tests.waiting import until

MARKDOWN = "# Plan\n\nBuy *green* pears.\n\n* one\n* two\n"
MANY = "\n\n".join(
    f"## Section {number}\n\nText of section {number}, with [a link](https://example.org/{number}).\n"
    for number in range(60)
)


async def convert(reader: Reader, to: str) -> None:
    """Converts the document by its menu."""
    await reader.page.get_by_role("button", name="Document menu").click()
    await reader.page.get_by_role("menuitem", name=f"Convert to {to}…").click()
    dialog = reader.page.get_by_role("dialog", name=f"Convert to {to}?")
    await dialog.get_by_role("button", name="Convert", exact=True).click()
    await expect(dialog).to_have_count(0, timeout=WITHIN)


def editor(reader: Reader, kind: str) -> Locator:
    return reader.page.locator(".rich-text:not(.preview)" if kind == "rich text" else ".cm-content")


async def shows(reader: Reader, kind: str) -> None:
    """Waits until the page edits the document in this way."""
    await expect(editor(reader, kind)).to_have_attribute("contenteditable", "true", timeout=WITHIN)
    await expect(editor(reader, kind)).to_have_attribute("aria-label", "Document text", timeout=WITHIN)
    await reader.sees_status("saved")


async def stored(person: Person, doc: dict[str, Any]) -> str:
    return (await person.get(f"/documents/{doc['id']}/content")).text


async def test_one_converts_while_the_other_types(server: Server, arrive: Arrive) -> None:
    owner, friend = await people(server, "ada", "ben")
    garden = await team(server, owner, editor=friend)
    doc = await make(owner, garden, "Plan", content=MARKDOWN)
    ada, ben = await enter(server, arrive, owner), await enter(server, arrive, friend)
    for each in (ada, ben):
        await each.open(doc["address"])
        await each.sees("pears")
        await each.page.evaluate("window.isSame = true")

    await ben.content.get_by_text("two").click()
    await ben.page.keyboard.press("End")
    await ben.page.keyboard.type(" and **three**")
    await convert(ada, "rich text")
    for each in (ada, ben):
        await shows(each, "rich text")
        await expect(each.content.locator("strong")).to_have_text("three", timeout=WITHIN)
    said = ben.page.locator(".toast")
    await expect(said).to_have_text(f"{owner.name} converted this document to rich text.", timeout=WITHIN)
    # The caret is where it was.
    await expect(ben.content).to_be_focused(timeout=WITHIN)
    await ben.page.keyboard.type("!")
    await ada.sees("two and three!")
    await expect(ada.page.locator(".toast")).to_contain_text("This document is rich text now.")

    await ben.sees_status("saved")
    await ben.context.set_offline(True)
    await ben.page.evaluate("window.sockets.forEach((socket) => socket.close())")
    await ben.sees_status("offline")
    await ben.page.keyboard.type(" unsent")
    await ada.page.locator("#toasts").get_by_role("button", name="Undo").click()
    await shows(ada, "Markdown")
    await ada.write("\nby Ada")
    await ada.sees_status("saved")
    await ben.context.set_offline(False)
    await shows(ben, "Markdown")
    for each in (ada, ben):
        await each.sees("unsent")
        await each.sees("by Ada")
        assert await each.page.evaluate("window.isSame")
    text = await stored(owner, doc)
    # What nobody has changed is as it was typed.
    assert text.startswith("# Plan\n\nBuy *green* pears.\n\n* one\n* two and **three! unsent**\n"), text
    assert text.count("by Ada") == 1
    assert not [*ada.complaints, *ben.complaints]


async def test_a_page_stays_where_the_reader_was(server: Server, arrive: Arrive) -> None:
    (owner,) = await people(server, "ada")
    doc = await make(owner, await team(server, owner), "Long", content=MANY)
    ada = await enter(server, arrive, owner)
    await ada.open(doc["address"])
    await ada.sees("Section 1")
    await ada.content.focus()
    await ada.page.keyboard.press("Control+Home")

    async def is_seen() -> bool:
        await ada.page.mouse.wheel(0, 400)
        return bool(await ada.content.get_by_text(re.compile("Section 30$")).count())

    await until(is_seen, "the section")
    await ada.content.get_by_text(re.compile("Section 30$")).evaluate(
        "(line) => scrollTo(0, scrollY + line.getBoundingClientRect().top - 300)"
    )
    for to in ("rich text", "Markdown"):
        await convert(ada, to)
        await shows(ada, to)
        line = ada.content.get_by_text(re.compile("Section 30$"))
        await expect(line).to_be_in_viewport(timeout=WITHIN)
    assert not ada.complaints


async def test_who_may_not_write_and_other_types_are_not_offered_it(server: Server, arrive: Arrive) -> None:
    owner, friend = await people(server, "ada", "ben")
    garden = await team(server, owner, viewer=friend)
    doc = await make(owner, garden, "Plan", content=MARKDOWN)
    slides = await make(owner, garden, "Slides", content=MARKDOWN, type="presentation")
    ada, ben = await enter(server, arrive, owner, size=PHONE), await enter(server, arrive, friend)
    for reader, opened, count in ((ada, doc, 1), (ada, slides, 0), (ben, doc, 0)):
        await reader.open(opened["address"], until="saved" if reader is ada else "viewonly")
        await reader.page.get_by_role("button", name="Document menu").click()
        await expect(reader.page.get_by_role("menuitem", name="Details")).to_be_visible(timeout=WITHIN)
        await expect(reader.page.get_by_role("menuitem", name="History")).to_be_visible(timeout=WITHIN)
        await expect(reader.page.get_by_role("menuitem", name="Convert to")).to_have_count(count, timeout=WITHIN)


async def test_suggesting_ends_where_the_document_becomes_rich_text_and_what_was_sent_stays(
    server: Server, arrive: Arrive
) -> None:
    owner, doc, ben = await begin(server, arrive, MARKDOWN)
    await ben.write(" and more")
    await says(ben, "Your suggestion is saved.")
    answer = await owner.post(f"/documents/{doc['id']}/convert", json={"to": "rich_text"})
    assert answer.status_code == 200, answer.text
    await expect(ben.page.locator(".rich-text:not(.preview)")).to_contain_text("pears", timeout=WITHIN)
    await expect(ben.page.locator(".suggesting")).to_be_hidden(timeout=WITHIN)
    [suggestion] = (await owner.get(f"/documents/{doc['id']}/suggestions")).json()["items"]
    accepted = await owner.post(f"/suggestions/{suggestion['id']}/accept")
    assert accepted.status_code == 200, accepted.text
    await ben.sees("two and more")
    assert not ben.complaints

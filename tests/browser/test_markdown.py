"""The editor of Markdown documents: its tools, and the preview beside the text."""

import re
from typing import Any

import pytest
from playwright.async_api import Locator, expect

from tests.browser.conftest import Arrive
from tests.browser.members import enter, make, people, ready, team
from tests.browser.reader import WITHIN, Reader
from tests.browser.test_comments import select
from tests.browser.test_everyone import PHONE, faults
from tests.people import Person
from tests.server import Server
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("node_packages")

PARAGRAPH = "Some words of a paragraph that goes on for a while, so that it wraps. " * 8
LONG = "\n\n".join(f"## Section {number}\n\n{PARAGRAPH}" for number in range(30))
TEXT = (
    "# Plan\n\nBuy **green** pears.\n\n- [ ] pay\n- [x] order\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nThe sum is $x^2$.\n"
)


async def begin(
    server: Server, arrive: Arrive, content: str, **more: Any
) -> tuple[Reader, Reader, Person, dict[str, Any]]:
    """Ada, the owner of a document, and Ben, who may only read it."""
    owner, friend = await people(server, "ada", "ben")
    doc = await make(owner, await team(server, owner, viewer=friend), "Plan", content=content, **more)
    ada = await enter(server, arrive, owner, size=(1300, 800))
    await ada.open(doc["address"])
    return ada, await enter(server, arrive, friend), owner, doc


def tool(reader: Reader, label: str) -> Locator:
    return reader.page.get_by_role("toolbar", name="Formatting").get_by_role("button", name=label, exact=True)


def preview(reader: Reader) -> Locator:
    return reader.page.get_by_role("document", name="Preview")


async def becomes(reader: Reader, wanted: str) -> None:
    async def same() -> bool:
        return [line.strip("\n") for line in await reader.page.locator(".cm-line").all_inner_texts()] == wanted.split(
            "\n"
        )

    await until(same, f"the text {wanted!r}")


async def test_tools_and_keys_write_the_signs_of_markdown(server: Server, arrive: Arrive) -> None:
    ada, _, owner, doc = await begin(server, arrive, "")
    page = ada.page
    await ada.content.click()
    await page.keyboard.type("Plan")
    await page.keyboard.press("Control+Alt+1")
    await page.keyboard.press("End")
    await page.keyboard.press("Enter")
    await tool(ada, "Task list").click()
    await expect(tool(ada, "Task list")).to_have_attribute("aria-pressed", "true")
    await page.keyboard.type("buy ")
    await tool(ada, "Bold").click()
    await page.keyboard.type("pears")
    await becomes(ada, "# Plan\n- [ ] buy **pears**")
    await page.keyboard.press("End")
    await page.keyboard.press("Enter")
    await page.keyboard.press("Enter")
    await tool(ada, "Table").click()
    await page.keyboard.type("Fruit")
    await page.keyboard.press("Tab")
    await page.keyboard.type("Count")
    await page.keyboard.press("Tab")
    await page.keyboard.type("Pears")
    await page.keyboard.press("Tab")
    await page.keyboard.type("12")
    await page.keyboard.press("Shift+Tab")
    await ada.sees_status("saved")
    text = (await owner.get(f"/documents/{doc['id']}/content")).text
    assert "| Fruit | Count |\n| ----- | ----- |\n| Pears | 12    |\n" in text, text
    # Alt+F10 leads into the toolbar, arrows through it, and Escape back.
    await page.keyboard.press("Alt+F10")
    await expect(tool(ada, "Undo")).to_be_focused()
    await page.keyboard.press("End")
    await expect(tool(ada, "Preview")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(ada.content).to_be_focused()
    await tool(ada, "Undo").click()
    await expect(tool(ada, "Undo")).to_be_visible()
    await ada.content.focus()
    await page.keyboard.press("Control+a")
    await page.keyboard.type("see")
    await page.keyboard.press("Shift+Home")
    await page.keyboard.press("Control+k")
    await becomes(ada, "[see](https://)")
    assert await faults(page) == []
    assert ada.complaints == []


async def test_the_preview_follows_what_anybody_types(server: Server, arrive: Arrive) -> None:
    ada, ben, owner, doc = await begin(server, arrive, TEXT)
    await tool(ada, "Write with preview").click()
    shown = preview(ada)
    await expect(shown.get_by_role("heading", name="Plan")).to_be_visible(timeout=WITHIN)
    await expect(shown.locator("strong")).to_have_text("green")
    await expect(shown.locator("math")).to_have_count(1, timeout=WITHIN)
    await expect(shown.get_by_role("cell")).to_have_text(["1", "2"])
    answer = await owner.patch(
        f"/documents/{doc['id']}/content", json={"edits": [{"find": "green", "replace": "yellow"}]}
    )
    assert answer.status_code == 200, answer.text
    await expect(shown.locator("strong")).to_have_text("yellow", timeout=WITHIN)
    # Ben may only read: he sees the same, and cannot tick anything off.
    await ben.open(doc["address"], until="viewonly")
    await expect(tool(ben, "Bold")).to_have_count(0)
    await tool(ben, "Preview").click()
    boxes = preview(ben).get_by_role("checkbox")
    await expect(boxes).to_have_count(2, timeout=WITHIN)
    await expect(boxes.first).to_be_disabled()
    await shown.get_by_role("checkbox").first.click()
    await expect(boxes.first).to_be_checked(timeout=WITHIN)
    await ada.sees_status("saved")
    assert "- [x] pay\n- [x] order" in (await owner.get(f"/documents/{doc['id']}/content")).text
    assert await faults(ada.page) == []
    assert await faults(ben.page) == []
    assert (ada.complaints, ben.complaints) == ([], [])


async def test_text_and_preview_scroll_together(server: Server, arrive: Arrive) -> None:
    ada, _, _, _ = await begin(server, arrive, LONG, settings={"editor_mode": "split"})
    page, shown = ada.page, preview(ada)
    await expect(shown.get_by_role("heading", name="Section 29")).to_be_attached(timeout=WITHIN)

    async def distance(section: int) -> float:
        """Pixels between the heading in the text and in the preview."""
        found: float = await page.evaluate(
            """(name) => {
                const top = (all) => [...document.querySelectorAll(all)]
                    .find((each) => each.textContent.endsWith(name))?.getBoundingClientRect().top;
                const line = top('.cm-line'), heading = top('.preview h2');
                return line === undefined ? 1e6 : Math.abs(line - heading);
            }""",
            f"Section {section}",
        )
        return found

    async def first_shown() -> int:
        """The first section whose heading is in the window, in the preview."""
        return int(
            await page.evaluate(
                """() => [...document.querySelectorAll('.preview h2')]
                    .findIndex((each) => each.getBoundingClientRect().top > 108)"""
            )
        )

    for x in (300, 1000):
        await page.mouse.move(x, 500)
        before = await first_shown()
        await page.mouse.wheel(0, 1500)

        async def moved(before: int = before) -> bool:
            section = await first_shown()
            return section > before + 2 and await distance(section) < 150

        await until(moved, "both to have scrolled")
    # A reload shows what the reader has chosen, not what the document says.
    await tool(ada, "Write").click()
    await expect(shown).to_be_hidden()
    await page.reload()
    await ada.sees_status("saved")
    await expect(tool(ada, "Write")).to_have_attribute("aria-pressed", "true")
    await expect(shown).to_have_count(0)


async def test_the_preview_is_readable_on_a_phone(server: Server, arrive: Arrive) -> None:
    owner, friend = await people(server, "ada", "ben")
    text = TEXT + "\n[to the end](#the-end)\n\n" + LONG + "\n\n## The end\n\n![x](https://elsewhere.example/x.png)\n"
    doc = await make(owner, await team(server, owner, editor=friend), "Plan", content=text)
    ben = await enter(server, arrive, friend, size=PHONE)
    await ben.open(doc["address"])
    await expect(tool(ben, "Write with preview")).to_have_count(0)
    await tool(ben, "Preview").click()
    shown = preview(ben)
    await shown.get_by_role("link", name="to the end").click(timeout=WITHIN)
    await expect(shown.get_by_role("heading", name="The end")).to_be_in_viewport()
    await expect(shown.get_by_role("link", name=re.compile("elsewhere.example"))).to_be_visible()
    assert ben.strangers == []
    assert await faults(ben.page) == []
    await tool(ben, "Write").click()
    await expect(ben.content).to_be_visible()
    wide = await ben.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert wide, "nothing is wider than the page"


async def test_comments_are_in_the_panel_while_the_preview_takes_their_place(server: Server, arrive: Arrive) -> None:
    owner, _ = await people(server, "ada", "ben")
    doc = await make(owner, await team(server, owner), "Plan", content=TEXT)
    ada = await enter(server, arrive, owner, size=(1400, 800))
    await ada.open(doc["address"])
    await select(ada, "Buy", 4, 9)
    await ada.page.keyboard.press("Control+Alt+m")
    field = ada.page.get_by_role("combobox", name="Comment…", exact=True)
    await field.press_sequentially("Which ones?")
    await field.press("Control+Enter")
    beside = ada.page.locator(".comments-margin .thread")
    await expect(beside).to_contain_text("Which ones?", timeout=WITHIN)
    await tool(ada, "Write with preview").click()
    await expect(preview(ada).locator("strong")).to_have_text("green", timeout=WITHIN)
    await expect(beside).to_have_count(0)
    await ada.page.get_by_role("button", name=re.compile("^Comments")).click()
    thread = ada.page.get_by_role("dialog", name="Comments").get_by_text("Which ones?")
    await expect(thread).to_be_visible(timeout=WITHIN)
    await ada.page.keyboard.press("Escape")
    await tool(ada, "Write").click()
    await expect(beside).to_contain_text("Which ones?", timeout=WITHIN)


async def test_new_documents_are_as_their_author_likes_to_write(server: Server, arrive: Arrive) -> None:
    (owner,) = await people(server, "ada")
    garden = await team(server, owner)
    ada = await enter(server, arrive, owner, size=(1300, 800))
    page = ada.page

    async def start() -> None:
        await ready(ada, f"/w/{garden['slug']}")
        await page.locator(".head").get_by_role("button", name="New document", exact=True).click()
        await ada.sees_status("saved")

    await start()
    await expect(page.locator(".rich-text")).to_be_visible(timeout=WITHIN)
    await ready(ada, "/account")
    await page.get_by_label("New documents").select_option("Markdown with a preview beside it")
    form = page.get_by_role("region", name="Appearance")
    await form.get_by_role("button", name="Save").click()
    await expect(form.get_by_role("status")).to_have_text("Saved", timeout=WITHIN)
    await start()
    await page.keyboard.press("Enter")
    await expect(page.locator(".cm-content")).to_be_focused()
    await page.keyboard.type("# One *two*")
    await expect(preview(ada).locator("h1 em")).to_have_text("two", timeout=WITHIN)
    await ada.sees_status("saved")
    assert (await owner.get("/users/me/settings")).json()["editor_mode"] == "split"


async def test_settings_of_the_editor_count_on_open_pages_and_in_other_browsers(server: Server, arrive: Arrive) -> None:
    (owner,) = await people(server, "ada")
    doc = await make(owner, await team(server, owner), "Plan", content="# Plan\n\nsome words\n")
    ada = await enter(server, arrive, owner)
    page = ada.page
    await ready(ada, "/account")
    form = page.get_by_role("region", name="Editor")
    await form.get_by_label("Font size").select_option("20")
    await expect(form.get_by_label("Wrap long lines")).to_be_checked()
    await form.get_by_label("Line numbers").check()
    await form.get_by_label("Keys", exact=True).select_option("Vim")
    await form.get_by_label("Download documents as").select_option("PDF")
    await form.get_by_role("button", name="Save").click()
    await expect(form.get_by_role("status")).to_have_text("Saved", timeout=WITHIN)
    assert await faults(page) == []
    other = await enter(server, arrive, owner)
    for reader in (ada, other):
        await reader.open(doc["address"])
        await expect(reader.page.locator(".cm-lineNumbers")).to_be_visible(timeout=WITHIN)
        await expect(reader.page.locator(".cm-editor")).to_have_css("font-size", "20px")
        await expect(reader.page.locator(".cm-vim-panel")).to_be_visible(timeout=WITHIN)
    # Vim's keys write, and its undo takes back one's own edit, not that of somebody else.
    await ada.content.focus()
    for key in ("g", "g", "d", "d"):
        await page.keyboard.press(key)
    await other.content.focus()
    await other.page.keyboard.press("G")
    await other.page.keyboard.press("i")
    await other.page.keyboard.type("More.")
    await ada.sees("More.")
    await page.keyboard.press("u")
    await ada.sees("# Plan")
    await ada.sees("More.")
    await ada.sees_status("saved")
    assert (await owner.get(f"/documents/{doc['id']}/content")).text == "# Plan\n\nsome words\nMore."
    assert await faults(page) == []


async def test_settings_of_the_editor_have_limits(server: Server) -> None:
    (owner,) = await people(server, "ada")
    for wrong in ({"fontSize": 4}, {"fontSize": "17"}, {"fontSize": True}, {"tabSize": 9}, {"vimMode": "yes"}):
        answer = await owner.patch("/users/me/settings", json={"editor": wrong})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid"), answer.text
        assert next(iter(wrong)) in answer.json()["detail"]


async def test_documents_and_languages_are_offered_while_one_types(server: Server, arrive: Arrive) -> None:
    ada, _, owner, doc = await begin(server, arrive, "")
    herb = await make(owner, {"id": doc["workspace_id"]}, "Quincewort [green]")
    page = ada.page
    offers = page.get_by_role("listbox", name="Completions")

    async def is_found() -> bool:
        return bool((await owner.get("/search/titles", params={"q": "quincewo"})).json()["items"])

    await until(is_found, "the document in the search")
    await expect(page.locator(".cm-content")).to_have_attribute("aria-autocomplete", "list", timeout=WITHIN)
    await ada.content.click()
    await page.keyboard.type("See [[quincewo")
    await expect(offers.get_by_role("option")).to_have_text(["Quincewort [green]"], timeout=WITHIN)
    await expect(offers).to_be_in_viewport(timeout=WITHIN)
    await page.keyboard.press("Enter")
    await becomes(ada, f"See [Quincewort \\[green\\]](/d/{herb['address']})")
    await page.keyboard.press("Enter")
    await page.keyboard.type("```pyt")
    await expect(offers.get_by_role("option")).to_have_text(["pythonPython"], timeout=WITHIN)
    assert await faults(page) == []
    await page.keyboard.press("Escape")
    await expect(offers).to_be_hidden(timeout=WITHIN)
    await ada.sees_status("saved")
    await ready(ada, "/account")
    form = page.get_by_role("region", name="Editor")
    await form.get_by_label("Keys", exact=True).select_option("Emacs")
    await form.get_by_label("Offer words while I type").uncheck()
    await form.get_by_role("button", name="Save").click()
    await expect(form.get_by_role("status")).to_have_text("Saved", timeout=WITHIN)
    await ada.open(doc["address"])
    await ada.content.click()
    await page.keyboard.press("Control+Home")
    await page.keyboard.press("Control+k")
    await page.keyboard.type("[[pea")
    await becomes(ada, "[[pea\n```pyt")
    await ada.sees_status("saved")
    await expect(offers).to_be_hidden(timeout=WITHIN)

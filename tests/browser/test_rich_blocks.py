"""Callouts, toggles, formulas, colours, widths of pictures and columns in the rich text editor."""

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.attaching import CONTENT, give, picture
from tests.browser.conftest import Arrive
from tests.browser.members import enter, make, people, team
from tests.browser.reader import WITHIN
from tests.browser.test_everyone import PHONE, faults
from tests.browser.test_rich_text import SLASH, becomes, behind, markdown, rich, select_word, tool
from tests.people import Person
from tests.server import Server
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("node_packages")

PASTED = Path(__file__).with_name("pasted")
BLOCKS = r"""> [!NOTE]
> Look *here*.

Energy $E = mc^2$ is much.

<details>
<summary>More</summary>

Hidden.

</details>

| a | b |
| --- | --- |
| c | d |

End."""


async def nodes(who: Person, doc: dict[str, Any]) -> list[dict[str, Any]]:
    """The blocks of a document as Tiptap's JSON."""
    answer = await who.get(f"/documents/{doc['id']}/content", params={"format": "prosemirror"})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["content"]
    return found


async def has(who: Person, doc: dict[str, Any], part: dict[str, Any]) -> None:
    """Waits until a node or a mark with this type and these attributes is in the document."""

    def within(value: Any) -> bool:
        if isinstance(value, list):
            return any(map(within, value))
        if not isinstance(value, dict):
            return False
        attributes = value.get("attrs") or {}
        found = value.get("type") == part["type"] and attributes.items() >= part["attrs"].items()
        return found or any(map(within, value.values()))

    async def found() -> bool:
        return within(await nodes(who, doc))

    await until(found, f"the document to have {part}")


async def choose(page: Page, name: str) -> None:
    """Chooses an entry of the open menu."""
    await page.get_by_role("menu").get_by_text(name, exact=True).click()


async def test_blocks_are_made_by_typing(server: Server, arrive: Arrive) -> None:
    (owner,) = await people(server, "ada")
    doc = await rich(owner, await team(server, owner), "Start.")
    ada = await enter(server, arrive, owner)
    await ada.open(doc["address"])
    await behind(ada, "Start.")
    keyboard = ada.page.keyboard

    async def insert(word: str) -> None:
        await keyboard.type(f"/{word}")
        await expect(ada.page.locator(SLASH)).to_be_visible()
        await keyboard.press("Enter")
        await expect(ada.page.locator(SLASH)).to_be_hidden()

    await keyboard.press("Enter")
    await insert("warn")
    await keyboard.type("Hot.")
    await keyboard.press("Enter")
    await keyboard.press("Enter")
    await keyboard.type("> [!tip] Cool.")
    await keyboard.press("Enter")
    await keyboard.press("Enter")
    await insert("toggle")
    await keyboard.type("More")
    await keyboard.press("Enter")
    await keyboard.type("hidden")
    await keyboard.press("Enter")
    await keyboard.press("Enter")
    await keyboard.type("It is $x^2$ and 5$ or 6$.")
    await keyboard.press("Enter")
    await insert("formula")
    await keyboard.type("\\frac{a}{b}")
    await keyboard.press("Control+Enter")
    written = (
        "Start.\n\n> [!WARNING]\n> Hot.\n\n> [!TIP]\n> Cool.\n\n<details>\n<summary>More</summary>\n\nhidden\n\n"
        "</details>\n\nIt is $x^2$ and 5\\$ or 6\\$.\n\n$$\n\\frac{a}{b}\n$$"
    )
    await becomes(owner, doc, written)
    await keyboard.type("/today")
    await keyboard.press("Enter")
    await keyboard.type("is here")
    today = await ada.page.evaluate("new Intl.DateTimeFormat(undefined, { dateStyle: 'long' }).format(new Date())")
    written += f"\n\n{today} is here"
    await becomes(owner, doc, written)
    # Ctrl+Enter closes and opens a toggle.
    await behind(ada, "hidden")
    await keyboard.press("Control+Enter")
    await expect(ada.content.get_by_text("hidden")).to_be_hidden()
    await keyboard.press("Control+Enter")
    await expect(ada.content.get_by_text("hidden")).to_be_visible()
    await expect(ada.content.locator("math")).to_have_count(2, timeout=WITHIN)
    # A formula is a character that the arrow keys select and Enter opens.
    await keyboard.press("ArrowUp")
    await ada.content.locator(".inline-formula").click()
    dialog = ada.page.get_by_role("dialog", name="Change formula")
    await expect(dialog.get_by_role("textbox")).to_have_value("x^2")
    await keyboard.press("Escape")
    await expect(ada.content).to_be_focused()
    await keyboard.press("Enter")
    await dialog.get_by_role("textbox").fill("y")
    await keyboard.press("Control+Enter")
    await becomes(owner, doc, written.replace("x^2", "y"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_blocks_are_changed_with_menus(server: Server, arrive: Arrive, scheme: str) -> None:
    (owner,) = await people(server, "ada")
    doc = await rich(owner, await team(server, owner), BLOCKS)
    is_phone = scheme == "dark"
    ada = await enter(server, arrive, owner, scheme=scheme, size=PHONE if is_phone else (1100, 760))
    await ada.open(doc["address"])
    await ada.sees("End.")
    page, note = ada.page, ada.content.get_by_role("note", name="Note")
    hidden = ada.content.get_by_text("Hidden.")
    await expect(hidden).to_be_hidden()
    await page.get_by_role("button", name="Show the content: More").click()
    await expect(hidden).to_be_visible()
    await expect(ada.content.locator("math")).to_have_count(1, timeout=WITHIN)
    assert await faults(page) == []
    assert await ada.has_no_horizontal_scroll()
    await note.get_by_role("button", name="Note").click()
    await choose(page, "Caution")
    text = BLOCKS.replace("NOTE", "CAUTION")
    await becomes(owner, doc, text)
    await ada.content.get_by_text("Look").click()
    await tool(ada, "Callout").click()
    await choose(page, "Remove callout")
    text = text.replace("> [!CAUTION]\n> ", "")
    await becomes(owner, doc, text)

    await select_word(ada, "End.")
    await tool(ada, "Colours").click()
    assert await faults(page) == []
    await choose(page, "Red")
    await has(owner, doc, {"type": "textStyle", "attrs": {"color": "#b42336"}})
    await tool(ada, "Colours").click()
    await choose(page, "Blue highlight")
    await has(owner, doc, {"type": "highlight", "attrs": {"color": "#d8e7fb"}})
    await page.keyboard.press("Control+Shift+e")
    await has(owner, doc, {"type": "paragraph", "attrs": {"textAlign": "center"}})
    await tool(ada, "Colours").click()
    await choose(page, "Default colour")

    await ada.content.locator("td").first.click()
    await tool(ada, "Table").click()
    await choose(page, "Wider column")
    await has(owner, doc, {"type": "tableHeader", "attrs": {"colwidth": [170]}})
    # Colours and widths have no form in Markdown, and an edit of it keeps them.
    patch = {"edits": [{"find": "End", "replace": "The end"}, {"find": "| c", "replace": "| e"}]}
    answer = await owner.patch(f"/documents/{doc['id']}/content", json=patch)
    assert answer.status_code == 200, answer.text
    await ada.sees("The end.")
    await has(owner, doc, {"type": "highlight", "attrs": {"color": "#d8e7fb"}})
    await has(owner, doc, {"type": "tableCell", "attrs": {"colwidth": [170]}})
    await has(owner, doc, {"type": "paragraph", "attrs": {"textAlign": "center"}})
    assert "textStyle" not in str(await nodes(owner, doc))
    assert (await markdown(owner, doc)).endswith("<mark>The end.</mark>")


async def test_footnotes_lead_there_and_back(server: Server, arrive: Arrive) -> None:
    (owner,) = await people(server, "ada")
    doc = await rich(owner, await team(server, owner), "One.\n\nTwo[^7].\n\n[^7]: Seven.")
    ada = await enter(server, arrive, owner)
    await ada.open(doc["address"])
    await behind(ada, "One.")
    keyboard = ada.page.keyboard
    await keyboard.type(" /footnote")
    await expect(ada.page.locator(SLASH)).to_be_visible()
    await keyboard.press("Enter")
    await keyboard.type("Eight.")
    text = "One. [^8]\n\nTwo[^7].\n\n[^7]: Seven.\n\n[^8]: Eight."
    await becomes(owner, doc, text)
    assert await faults(ada.page) == []
    await keyboard.press("Enter")
    await expect(ada.content.locator(".footnote-ref.ProseMirror-selectednode")).to_have_text("8")
    await keyboard.press("Enter")
    await keyboard.type("s")
    await becomes(owner, doc, f"{text}s")
    await ada.content.get_by_role("button", name="Footnote 7", exact=True).click()
    await keyboard.type("?")
    await becomes(owner, doc, f"{text}s".replace("Seven.", "Seven.?"))
    patch = {"edits": [{"find": "Two", "replace": "Three"}, {"find": "Seven.?", "replace": "*Seven*"}]}
    assert (await owner.patch(f"/documents/{doc['id']}/content", json=patch)).status_code == 200
    await ada.sees("Three")
    await ada.content.get_by_role("button", name="Footnote 7: back to the text").click()
    await expect(ada.content.locator(".footnote-ref.ProseMirror-selectednode")).to_have_text("7")


async def test_what_office_programs_copy_becomes_rich_text(server: Server, arrive: Arrive) -> None:
    (owner,) = await people(server, "ada")
    doc = await rich(owner, await team(server, owner), "x")
    ada = await enter(server, arrive, owner)
    await ada.open(doc["address"])
    await ada.sees("x")
    for name in ("word", "google-docs", "word-online"):
        await ada.content.focus()
        await ada.page.keyboard.press("Control+a")
        await ada.page.keyboard.press("Backspace")
        await becomes(owner, doc, "")
        html = (PASTED / f"{name}.html").read_text()
        await give(ada.content, "paste", html=html, text="as text")
        await becomes(owner, doc, (PASTED / f"{name}.md").read_text().rstrip("\n"))


async def test_a_picture_has_a_caption_and_a_width(server: Server, arrive: Arrive) -> None:
    (owner,) = await people(server, "ada")
    doc = await rich(owner, await team(server, owner), "Start.")
    ada = await enter(server, arrive, owner)
    await ada.open(doc["address"])
    await behind(ada, "Start.")
    await expect(ada.page.locator("#files")).to_be_attached(timeout=WITHIN)
    await give(ada.content, "paste", ("plan.png", "image/png", picture()))
    image = ada.content.get_by_role("img", name="plan")
    await expect(image).to_have_js_property("naturalWidth", 400, timeout=WITHIN)
    await image.click()
    bubble = ada.page.get_by_role("group", name="Picture")
    await bubble.get_by_role("button", name="Caption").click()
    await ada.page.get_by_role("textbox", name="Caption").fill("The beds")
    await ada.page.get_by_role("spinbutton", name="Width").fill("240")
    await ada.page.keyboard.press("Enter")
    await expect(ada.content.locator("figcaption")).to_have_text("The beds")
    await expect(image).to_have_js_property("offsetWidth", 240)
    await has(owner, doc, {"type": "image", "attrs": {"width": 240, "title": "The beds"}})
    edge = ada.content.locator(".picture-edge")
    box = await edge.bounding_box()
    assert box is not None
    await ada.page.mouse.move(box["x"] + 9, box["y"] + box["height"] / 2)
    await ada.page.mouse.down()
    await ada.page.mouse.move(box["x"] + 69, box["y"] + box["height"] / 2, steps=4)
    await ada.page.mouse.up()
    await has(owner, doc, {"type": "image", "attrs": {"width": 300}})
    assert CONTENT in await markdown(owner, doc) or '"The beds")' in await markdown(owner, doc)
    await bubble.get_by_role("button", name="Size").click()
    await choose(ada.page, "Original")
    await expect(image).to_have_js_property("offsetWidth", 400)


SECTIONS = (
    "# One\n\nfirst\n\n- a\n- b\n\n## Two *2*\n\n"
    + "\n\n".join(f"line {number}" for number in range(40))
    + "\n\n# Three\n\nlast"
)


async def test_blocks_are_moved_and_the_contents_lead_to_headings(server: Server, arrive: Arrive) -> None:
    (owner,) = await people(server, "ada")
    doc = await rich(owner, await team(server, owner), SECTIONS)
    ada = await enter(server, arrive, owner, size=(1400, 700))
    await ada.open(doc["address"])
    page, keyboard = ada.page, ada.page.keyboard
    contents = page.get_by_role("navigation", name="Contents")
    await expect(contents.get_by_role("button")).to_have_text(["", "One", "Two 2", "Three"], timeout=WITHIN)
    await contents.get_by_role("button", name="Three").click()
    await expect(ada.content.get_by_role("heading", name="Three")).to_be_in_viewport()
    await expect(contents.locator("[aria-current]")).to_have_count(1)
    await keyboard.type("!")
    await expect(contents.get_by_role("button", name="Three!")).to_be_visible()
    await keyboard.press("Backspace")

    await contents.get_by_role("button", name="One").click()
    await behind(ada, "b")
    await keyboard.press("Alt+Shift+ArrowUp")
    moved = SECTIONS.replace("- a\n- b", "- b\n- a")
    await becomes(owner, doc, moved)
    await keyboard.type("?")
    await keyboard.press("Backspace")
    await keyboard.press("Alt+Shift+ArrowUp")
    moved = moved.replace("first\n\n- b\n- a", "- b\n- a\n\nfirst")
    await becomes(owner, doc, moved)
    first = ada.content.get_by_text("first", exact=True)
    await first.hover()
    handle = page.get_by_role("button", name="Block", exact=True)
    await handle.click()
    await choose(page, "Duplicate")
    await becomes(owner, doc, moved.replace("first", "first\n\nfirst"))
    await first.last.hover()
    await handle.click()
    await choose(page, "Delete block")
    await becomes(owner, doc, moved)
    await first.hover()
    box, target = await handle.bounding_box(), await ada.content.get_by_text("line 1", exact=True).bounding_box()
    assert box is not None and target is not None
    await page.mouse.move(box["x"] + 12, box["y"] + 12)
    await page.mouse.down()
    await page.mouse.move(target["x"] + 20, target["y"] + 2, steps=5)
    await page.mouse.move(target["x"] + 22, target["y"] + 2, steps=2)
    await page.mouse.up()
    await becomes(owner, doc, moved.replace("\n\nfirst", "").replace("line 0", "line 0\n\nfirst"))

    await keyboard.press("Control+Alt+f")
    await expect(page.locator(".bar")).to_be_hidden()
    await expect(page.get_by_role("button", name="Leave focus mode")).to_be_visible()
    await keyboard.press("Escape")
    await expect(page.locator(".bar")).to_be_visible()
    await contents.get_by_role("button", name="Hide contents").click()
    await expect(contents).to_be_hidden()
    await page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    await tool(ada, "More").click()
    await choose(page, "Contents…")
    await page.get_by_role("dialog", name="Contents").get_by_role("button", name="Three").click()
    await expect(ada.content.get_by_role("heading", name="Three")).to_be_in_viewport()


async def test_markdown_has_contents_and_paper_has_no_tools(server: Server, arrive: Arrive) -> None:
    (owner,) = await people(server, "ada")
    garden = await team(server, owner)
    doc = await make(owner, garden, "Plan", content=SECTIONS)
    ada = await enter(server, arrive, owner, size=(1400, 700))
    await ada.open(doc["address"])
    contents = ada.page.get_by_role("navigation", name="Contents")
    await contents.get_by_role("button", name="Three").click()
    await expect(ada.content.get_by_text("# Three")).to_be_in_viewport()
    await ada.page.get_by_role("button", name="Preview", exact=True).click()
    await contents.get_by_role("button", name="One").click()
    await expect(
        ada.page.get_by_role("document", name="Preview").get_by_role("heading", name="One")
    ).to_be_in_viewport()
    text = await rich(owner, garden, BLOCKS)
    await ada.open(text["address"])
    await ada.sees("End.")
    await ada.page.emulate_media(media="print")
    await expect(ada.content.get_by_text("Hidden.")).to_be_visible()
    for hidden in (".bar", ".toolbar", ".toggle-button"):
        await expect(ada.page.locator(hidden).first).to_be_hidden()

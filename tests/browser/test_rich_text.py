"""The rich text editor of the document page, with REST requests and other editors on the same documents."""

import json
import re
import subprocess
from typing import Any

import pytest
from playwright.async_api import Locator, expect

from collab_server.core.markdown.editor_schema import detect_schema
from collab_server.core.markdown.runs import MARKS
from collab_server.core.prosemirror.nodes import DOCUMENT, TEXT, Node, canonical
from collab_server.core.prosemirror_edits.edit import insert_nodes
from collab_server.core.yjs import tree, updates
from collab_server.core.yjs.composer import Composer
from collab_server.core.yjs.structs import Branch
from tests.browser.attaching import CONTENT, give, picture
from tests.browser.conftest import Arrive
from tests.browser.members import enter, make, people, ready, team
from tests.browser.reader import WITHIN, Reader
from tests.browser.test_comments import add_comment
from tests.browser.test_everyone import PHONE, faults
from tests.browser.test_sharing import share
from tests.core.fragments import element, p
from tests.people import Person
from tests.require import ROOT
from tests.server import Server
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("node_packages")

MARKDOWN = "# Plan\n\nBuy green pears.\n\n- [ ] pay\n\n| name | count |\n| --- | --- |\n| pears | 2 |\n\nThe end."
SLASH = "#slash-menu"
YJS = {"content-type": "application/octet-stream"}


async def markdown(who: Person, doc: dict[str, Any]) -> str:
    answer = await who.get(f"/documents/{doc['id']}/content", params={"format": "markdown"})
    assert answer.status_code == 200, answer.text
    return answer.text


async def becomes(who: Person, doc: dict[str, Any], wanted: str) -> None:
    """Waits until the server exports this Markdown."""
    seen = [""]

    async def same() -> bool:
        seen[0] = await markdown(who, doc)
        return seen[0] == wanted

    try:
        await until(same, "the server to have the text")
    except Exception:
        print(repr(seen[0]), repr(wanted), sep="\n")
        raise


async def rich(owner: Person, garden: dict[str, str], content: str = MARKDOWN) -> dict[str, Any]:
    return await make(owner, garden, "Plan", content=content, rich_text=True)


_IS_AT = """(block, key) => {
  const { focusNode, focusOffset } = getSelection();
  if (!block.contains(focusNode)) return false;
  const range = document.createRange();
  range.selectNodeContents(block);
  if (key === 'End') range.setStart(focusNode, focusOffset);
  else range.setEnd(focusNode, focusOffset);
  return range.toString() === '';
}"""
_SELECT = """(block, word) => {
  const walker = document.createTreeWalker(block, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const at = node.data.indexOf(word);
    if (at >= 0) getSelection().setBaseAndExtent(node, at, node, at + word.length);
  }
}"""


async def go(reader: Reader, block: Locator, key: str) -> None:
    """Puts the caret at an edge of a block. A cursor of others that arrives meanwhile may take a key away."""
    await block.click()

    async def pressed() -> bool:
        await reader.page.keyboard.press(key)
        return bool(await block.evaluate(_IS_AT, key))

    await until(pressed, "the caret to be there")


async def behind(reader: Reader, text: str) -> None:
    await go(reader, reader.content.get_by_text(text, exact=True), "End")


async def paragraph(reader: Reader) -> None:
    """Begins a paragraph at the end."""
    await reader.content.focus()
    await reader.page.keyboard.press("Control+End")
    await reader.page.keyboard.press("Enter")


def tool(reader: Reader, name: str) -> Locator:
    return reader.page.get_by_role("toolbar", name="Formatting").get_by_role("button", name=name, exact=True)


async def select_word(reader: Reader, text: str) -> None:
    """Selects the block with this text, by the keyboard."""
    await behind(reader, text)
    await reader.page.keyboard.press("Shift+Home")


async def test_two_people_a_phone_and_a_request_write_one_document(server: Server, arrive: Arrive) -> None:
    owner, friend, third = await people(server, "ada", "ben", "cleo")
    garden = await team(server, owner, editor=friend, admin=third)
    doc = await rich(owner, garden)
    ada, ben = await enter(server, arrive, owner), await enter(server, arrive, friend)
    cleo = await enter(server, arrive, third, size=PHONE)
    for each in (ada, ben, cleo):
        await each.open(doc["address"])
        await each.sees("The end.")
    assert await cleo.has_no_horizontal_scroll()

    await ben.content.get_by_role("checkbox").click()
    await behind(ada, "pears")
    await ada.page.keyboard.type("?")
    caret = ben.page.locator(f".remote-caret [data-name='{owner.name}']")
    await expect(ben.content.locator("td").first.locator(caret)).to_have_count(1, timeout=WITHIN)
    patch = {"edits": [{"find": "green", "replace": "**red**"}]}
    answer = await owner.patch(f"/documents/{doc['id']}/content", json=patch)
    assert answer.status_code == 200, answer.text
    await behind(cleo, "The end.")
    await expect(cleo.page.locator("#files")).to_be_attached(timeout=WITHIN)
    await give(cleo.content, "paste", ("garden_plan.png", "image/png", picture()))
    image = ada.content.get_by_role("img", name="garden plan")
    await expect(image).to_have_attribute("src", re.compile(CONTENT), timeout=WITHIN)
    await expect(image).to_have_js_property("naturalWidth", 400, timeout=WITHIN)
    src = await image.get_attribute("src")
    await image.click()
    await ada.page.keyboard.press("Alt+F10")
    await tool(ada, "Picture").click()
    await ada.page.get_by_role("textbox", name="Alt text").fill("Beds [1]")
    await ada.page.keyboard.press("Enter")

    now = MARKDOWN.replace("green", "**red**").replace("[ ]", "[x]").replace("pears |", "pears? |")
    await becomes(owner, doc, f"{now}\n\n![Beds \\[1\\]]({src})")
    for each in (ada, ben, cleo):
        await each.sees("red")
        await expect(each.content.get_by_role("checkbox")).to_be_checked()
        await expect(each.content.locator("td").first).to_have_text("pears?")
    texts = {await each.content.evaluate("(text) => text.textContent") for each in (ada, ben, cleo)}
    assert len(texts) == 1


async def test_undo_takes_back_what_one_has_done_oneself(server: Server, arrive: Arrive) -> None:
    owner, friend = await people(server, "ada", "ben")
    doc = await rich(owner, await team(server, owner, editor=friend), "One.\n\nTwo.")
    ada, ben = await enter(server, arrive, owner), await enter(server, arrive, friend)
    await ada.open(doc["address"])
    await ben.open(doc["address"])
    await behind(ada, "One.")
    await ada.page.keyboard.type(" A")
    await ben.sees("One. A")
    await behind(ben, "Two.")
    await ben.page.keyboard.type(" B")
    await ada.sees("Two. B")
    await tool(ada, "Undo").click()
    await becomes(owner, doc, "One.\n\nTwo. B")
    await ada.page.keyboard.press("Control+z")
    await ada.page.keyboard.press("Control+Shift+z")
    await becomes(owner, doc, "One. A\n\nTwo. B")
    await ben.sees("One. A")


async def test_who_may_only_read_changes_nothing(server: Server, arrive: Arrive) -> None:
    owner, friend = await people(server, "ada", "ben")
    doc = await rich(owner, await team(server, owner, viewer=friend))
    ben = await enter(server, arrive, friend)
    await ben.open(doc["address"], until="viewonly")
    await expect(ben.content).to_have_attribute("contenteditable", "false")
    await expect(ben.content).to_have_attribute("aria-readonly", "true")
    await expect(ben.page.get_by_role("toolbar", name="Formatting")).to_be_hidden()
    await ben.content.get_by_text("The end.").click()
    await ben.page.keyboard.type("x/")
    await ben.page.keyboard.press("Control+b")
    await ben.content.get_by_role("checkbox").click()
    await expect(ben.content.get_by_role("checkbox")).not_to_be_checked()
    await give(ben.content, "paste", ("a.png", "image/png", picture()))
    await expect(ben.page.locator(SLASH)).to_be_hidden()
    assert await markdown(owner, doc) == MARKDOWN
    # Rights that grow reach the open page.
    await share(owner, doc, kind="user", email=friend.email, permission="write")
    await expect(ben.content).to_have_attribute("contenteditable", "true", timeout=WITHIN)
    await expect(ben.page.get_by_role("toolbar", name="Formatting")).to_be_visible()


async def test_blocks_are_made_with_the_keyboard_alone(server: Server, arrive: Arrive) -> None:
    (owner,) = await people(server, "ada")
    garden = await team(server, owner)
    ada = await enter(server, arrive, owner)
    await ready(ada, f"/w/{garden['slug']}")
    await ada.page.get_by_role("button", name="New document of another kind").click()
    await ada.page.get_by_role("menuitem", name="Rich text").click()
    await ada.sees_status("saved")
    title = ada.page.get_by_role("textbox", name="Document title")
    await expect(title).to_be_focused(timeout=WITHIN)
    keyboard, menu = ada.page.keyboard, ada.page.locator(SLASH)
    await keyboard.press("Enter")
    await expect(ada.content).to_be_focused()

    await keyboard.type("/he")
    await expect(menu.get_by_role("option")).to_have_text([re.compile(f"Heading {level}") for level in (1, 2, 3)])
    await keyboard.press("ArrowDown")
    await expect(menu.get_by_role("option", selected=True)).to_contain_text("Heading 2")
    assert await faults(ada.page) == []
    await keyboard.press("Enter")
    await expect(menu).to_be_hidden()
    await keyboard.type("Paris")
    await expect(title).to_have_value("Paris", timeout=WITHIN)
    await keyboard.press("Enter")
    await keyboard.type("/tab")
    await keyboard.press("Tab")
    await keyboard.type("a")
    await keyboard.press("Tab")
    await keyboard.type("b")
    await paragraph(ada)
    await keyboard.type("/")
    await expect(menu).to_be_visible()
    await keyboard.press("Escape")
    await expect(menu).to_be_hidden()
    await keyboard.type("x")
    await expect(menu).to_be_hidden()
    # The signs of Markdown work, too.
    for typed in ("\n- one\n\n", "1. two\n\n", "> three\n\n", "[ ] four\n\n", "```js\n"):
        await keyboard.type(typed)
    await keyboard.type("let x")
    await expect(ada.content.locator(".hljs-keyword")).to_have_text("let")
    await expect(ada.content.get_by_role("combobox", name="Language of the code")).to_have_value("javascript")
    (made,) = (await owner.get(f"/workspaces/{garden['id']}/documents")).json()["items"]
    await becomes(
        owner,
        made,
        "## Paris\n\n| a | b |  |\n| --- | --- | --- |\n|  |  |  |\n|  |  |  |\n\n/x\n\n- one\n\n1. two\n\n> three\n\n"
        "- [ ] four\n\n```js\nlet x\n```",
    )

    # Alt+F10 leads to the toolbar; arrow keys go through it; Escape leads back.
    await keyboard.press("Alt+F10")
    await expect(tool(ada, "Undo")).to_be_focused()
    await keyboard.press("ArrowLeft")
    await expect(tool(ada, "More")).to_be_focused()
    await keyboard.press("Home")
    await keyboard.press("ArrowRight")
    await expect(tool(ada, "Redo")).to_be_focused()
    await keyboard.press("Escape")
    await expect(ada.content).to_be_focused()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_formats_reach_the_markdown_and_are_accessible(server: Server, arrive: Arrive, scheme: str) -> None:
    (owner,) = await people(server, "ada")
    words = ["bold", "italic", "underline", "strike", "code", "marker", "link"]
    doc = await rich(owner, await team(server, owner), "\n\n".join(words))
    ada = await enter(server, arrive, owner, scheme=scheme, size=PHONE if scheme == "dark" else (1100, 760))
    await ada.open(doc["address"])
    names = ["Bold", "Italic", "Underline", "Strike through", "Code", "Highlight"]
    for word, name in zip(words, names, strict=False):
        await select_word(ada, word)
        await tool(ada, name).click()
        await expect(tool(ada, name)).to_have_attribute("aria-pressed", "true")
    bubble = ada.page.get_by_role("toolbar", name="Format of the selection")
    if scheme == "light":
        await expect(bubble.get_by_role("button", name="Highlight")).to_have_attribute("aria-pressed", "true")
    else:
        await expect(bubble).to_have_count(0)
    assert await faults(ada.page) == []

    await select_word(ada, "link")
    await ada.page.keyboard.press("Control+k")
    dialog = ada.page.get_by_role("dialog", name="Add link")
    await dialog.get_by_role("textbox", name="Link").fill("java\tscript:alert(1)")
    await ada.page.keyboard.press("Enter")
    await expect(dialog.get_by_role("alert")).to_contain_text("no address")
    await dialog.get_by_role("textbox", name="Link").fill("example.org/a")
    await ada.page.keyboard.press("Enter")
    await expect(dialog).to_have_count(0)
    await becomes(
        owner,
        doc,
        "**bold**\n\n*italic*\n\n<u>underline</u>\n\n~~strike~~\n\n`code`\n\n<mark>marker</mark>\n\n"
        "[link](https://example.org/a)",
    )
    await behind(ada, "link")
    await ada.page.keyboard.press("ArrowLeft")
    leads = ada.page.get_by_role("link", name="example.org/a")
    await expect(leads).to_have_attribute("href", "https://example.org/a")
    await ada.page.get_by_role("button", name="Change link").click()
    await ada.page.get_by_role("button", name="Remove link").click()

    await ada.page.keyboard.press("Control+f")
    await ada.page.get_by_role("searchbox", name="Find").fill("ma")
    await expect(ada.page.locator(".finder-count")).to_have_text("1 of 1")
    await ada.page.get_by_role("textbox", name="Replace with").fill("Ba")
    assert await faults(ada.page) == []
    await ada.page.keyboard.press("Enter")
    await ada.page.keyboard.press("Escape")
    await becomes(
        owner,
        doc,
        "**bold**\n\n*italic*\n\n<u>underline</u>\n\n~~strike~~\n\n`code`\n\n<mark>Barker</mark>\n\nlink",
    )


async def test_a_table_is_changed_and_markdown_is_pasted(server: Server, arrive: Arrive) -> None:
    (owner,) = await people(server, "ada")
    doc = await rich(owner, await team(server, owner), "| a | b |\n| --- | --- |\n| c | d |\n\nend")
    ada = await enter(server, arrive, owner)
    await ada.open(doc["address"])
    await ada.content.get_by_text("c", exact=True).click()

    async def choose(item: str) -> None:
        await tool(ada, "Table").click()
        await ada.page.get_by_role("menuitem", name=item).click()

    await choose("Add row below")
    await choose("Add column after")
    await choose("Header row")
    await choose("Header row")
    table = "| a |  | b |\n| --- | --- | --- |\n| c |  | d |\n|  |  |  |"
    await becomes(owner, doc, f"{table}\n\nend")
    await choose("Delete column")
    await becomes(owner, doc, "|  | b |\n| --- | --- |\n|  | d |\n|  |  |\n\nend")
    await choose("Delete table")
    await becomes(owner, doc, "end")

    await behind(ada, "end")
    await ada.page.keyboard.press("Enter")
    text = (
        "## New\n\n- [x] **done**\n- [ ] [to do](https://example.org)\n\n1. one\n   - two\n\n"
        "| x | y |\n| --- | --- |\n| 1 | `2` |\n"
    )
    await give(ada.content, "paste", text=text)
    await becomes(owner, doc, f"end\n\n{text.strip()}")
    await give(ada.content, "paste", text="[x](javascript:alert(1)) and **this**")
    await ada.sees("this")
    await expect(ada.content.locator("a[href^=java]")).to_have_count(0)


async def test_a_comment_stays_at_its_words(server: Server, arrive: Arrive) -> None:
    owner, friend = await people(server, "ada", "ben")
    doc = await rich(owner, await team(server, owner, editor=friend))
    await add_comment(owner, doc["id"], "Which end?", anchor={"quote": "end"})
    ada, ben = await enter(server, arrive, owner, size=(1400, 800)), await enter(server, arrive, friend)
    await ada.open(doc["address"])
    await ben.open(doc["address"])
    await expect(ada.page.locator(".rich-text .commented")).to_have_text("end", timeout=WITHIN)
    comment = ada.page.get_by_role("button", name="Comment on the selected text")
    line = ada.content.get_by_text("Buy green pears.")
    await line.click()

    async def selected() -> bool:
        await line.evaluate(_SELECT, "green")
        return await comment.is_visible()

    await until(selected, "the button that comments")
    await comment.click()
    field = ada.page.get_by_role("combobox", name="Comment…", exact=True)
    await field.press_sequentially("Why?")
    await field.press("Control+Enter")
    commented = ben.page.locator(".rich-text .commented")
    await expect(commented).to_have_text(["green", "end"], timeout=WITHIN)
    threads = (await owner.get(f"/documents/{doc['id']}/comments")).json()["items"]
    assert [thread["anchor"]["quote"] for thread in threads if thread["content"] == "Why?"] == ["green"]
    await go(ben, ben.content.locator("p", has_text="Buy green"), "Home")
    await ben.page.keyboard.type("We ")
    await expect(ada.page.locator(".rich-text .commented")).to_have_text(["green", "end"])
    await ada.sees("We Buy green")
    await expect(ada.page.locator(".comments-margin .thread")).to_have_count(2, timeout=WITHIN)
    await commented.first.click()
    await expect(ben.page.locator(".thread.active")).to_contain_text("Why?", timeout=WITHIN)
    # What needs a Markdown text is not offered.
    await ben.page.keyboard.press("Escape")
    await ben.page.get_by_role("button", name="Document menu").click()
    await expect(ben.page.get_by_role("menuitem", name="History")).to_be_visible()
    for name in ("Suggest changes", "Show who wrote what"):
        await expect(ben.page.get_by_role("menuitem", name=name)).to_have_count(0)


async def post_nodes(who: Person, doc: dict[str, Any], *nodes: Any) -> None:
    """Puts nodes before all others, as another editor does."""
    path = f"/documents/{doc['id']}/updates"
    current = await who.get(path)
    assert current.status_code == 200, current.text
    whole = current.content or updates.EMPTY_UPDATE
    root = tree.read_tree(whole).roots.get("default") or Branch(None)
    composer = Composer(4321, 0)
    insert_nodes(composer, "default", root, nodes)
    posted = await who.post(path, content=composer.update(), headers=YJS)
    assert posted.status_code < 300, posted.text


async def test_what_the_editor_does_not_know_is_shown_and_not_deleted(server: Server, arrive: Arrive) -> None:
    (owner,) = await people(server, "ada")
    garden = await team(server, owner)
    doc = await rich(owner, garden, "Known.")
    ada = await enter(server, arrive, owner)
    await ada.open(doc["address"])
    await behind(ada, "Known.")
    await post_nodes(owner, doc, element("card", p("Look here."), kind="warning"))
    note = ada.page.get_by_role("note")
    await expect(note).to_contain_text("card", timeout=WITHIN)
    await ada.sees("Look here.")
    await expect(ada.content).to_have_attribute("aria-readonly", "true")
    await ada.page.keyboard.type("x")
    assert await faults(ada.page) == []
    await ada.page.reload()
    await expect(note).to_contain_text("card", timeout=WITHIN)
    await ada.sees("Known.")
    assert await markdown(owner, doc) == "Look here.\n\nKnown."
    xml = (await owner.get(f"/documents/{doc['id']}/content", params={"format": "prosemirror"})).text
    assert '"card"' in xml


async def test_a_page_that_waits_follows_what_others_make_of_the_document(server: Server, arrive: Arrive) -> None:
    (owner,) = await people(server, "ada")
    garden = await team(server, owner)
    doc = await make(owner, garden, "Empty")
    ada = await enter(server, arrive, owner)
    await ada.open(doc["address"])
    await expect(ada.page.locator(".cm-content")).to_be_visible()
    await post_nodes(owner, doc, element("heading", "Nodes", level=1))
    await expect(ada.page.locator(".rich-text h1")).to_have_text("Nodes", timeout=WITHIN)
    await ada.write("?")
    await becomes(owner, doc, "# Nodes?")
    # What is written without a connection is sent later, and is there after a reload.
    await ada.context.set_offline(True)
    await ada.write(" a")
    await ada.sees_status(("saving", "delayed", "offline"))
    await ada.context.set_offline(False)
    await becomes(owner, doc, "# Nodes? a")
    await ada.sees_status("saved")
    await ada.page.reload()
    await ada.sees("Nodes? a")
    mode = await make(owner, garden, "Mode", settings={"editor_mode": "wysiwyg"})
    await ada.open(mode["address"])
    await expect(ada.page.locator(".rich-text")).to_be_visible(timeout=WITHIN)
    # Lists and paragraphs have the direction of their text.
    await ada.write("\u05e9\u05dc\u05d5\u05dd\n- \u05d0\n\nend")
    await expect(ada.content.get_by_role("list")).to_have_css("direction", "rtl")
    await becomes(owner, mode, "\u05e9\u05dc\u05d5\u05dd\n\n- \u05d0\n\nend")


def test_the_editor_has_the_names_that_the_server_knows() -> None:
    """What the page writes, exports and requests for Markdown understand."""
    script = (
        "import { schema } from './src/editor/rich/schema.js';"
        "console.log(JSON.stringify([Object.keys(schema.nodes), Object.keys(schema.marks)]))"
    )
    run = subprocess.run(
        ["node", "--input-type=module", "-e", script], cwd=ROOT / "static", check=True, capture_output=True, text=True
    )
    nodes, marks = json.loads(run.stdout)
    tiptap = detect_schema(Node(DOCUMENT))
    assert {*nodes} - {DOCUMENT, TEXT} == {*tiptap.names.values()}
    assert {*tiptap.marks.values()} <= {*marks}
    assert {mark for mark in marks if canonical(mark) not in MARKS} == {"textStyle"}

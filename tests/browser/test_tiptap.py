"""A person types in a real Tiptap editor while a program patches the same document's Markdown."""

import asyncio
import base64
import os
import random
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pycrdt
import pytest
from playwright.async_api import Page

from collab_server.core.documents.projection import project
from tests.browser.conftest import Arrive
from tests.browser.members import enter, make, people, team
from tests.people import Person
from tests.seeds import choose_seed
from tests.server import Server
from tests.tiptap import packages
from tests.waiting import until

PATCHES = int(os.environ.get("COLLAB_TIPTAP_PATCHES", "100"))
TYPING = 20
"""Milliseconds between two keys: several edits between two patches, and time for these."""

START = """
<h1>Plan</h1><p style="text-align: center">The first word stays.</p><h2>Notes</h2><p>Typing here: and no further.</p>
<ul><li><p>item 0</p></li><li><p>item 1</p></li></ul><blockquote><p>Somebody said this.</p></blockquote>
<table><tr><th><p>name</p></th><th><p>count</p></th></tr><tr><td><p>pears</p></td><td><p>0</p></td></tr></table>
<ul data-type="taskList"><li data-type="taskItem" data-checked="false"><p>open it</p></li></ul>
<pre><code class="language-js">let count = 0</code></pre><p>The last word stays.</p>
"""
HERE = "Typing here:"
PARAGRAPHS = "[...document.querySelectorAll('main p')]"
STAY = ("The first word stays.", "The last word stays.", "Somebody said this.")


@pytest.fixture(scope="session")
def page_of_tiptap() -> str:
    return packages.page()


async def start(page: Page, http: str, html: str, address: str) -> None:
    # A page that the browser did not fetch from here could not dial here, and none from here may run this script.
    session = await page.context.new_cdp_session(page)
    await session.send("Page.setBypassCSP", {"enabled": True})
    await page.goto(f"{http}/health/live")
    await page.set_content(html)
    await page.evaluate("address => window.start(address)", address)


async def markdown(who: Person, document: dict[str, Any]) -> str:
    answer = await who.get(f"/documents/{document['id']}/content", headers={"accept": "text/markdown"})
    assert answer.status_code == 200, answer.text
    return answer.text


def work(owner: Person, document: dict[str, Any], dice: random.Random) -> Callable[[int], Awaitable[httpx.Response]]:
    """The program: the edit of this number."""
    path = f"/documents/{document['id']}/content"

    async def put(number: int) -> httpx.Response:
        text = await owner.get(path, headers={"accept": "text/markdown"})
        lines = text.text.split("\n")
        lines.insert(lines.index("## Notes"), f"New paragraph {number} with `code`.\n")
        headers = {"content-type": "text/markdown", "if-match": text.headers["etag"]}
        return await owner.put(path, content="\n".join(lines).encode(), headers=headers)

    def patch(find: str, replace: str) -> Awaitable[httpx.Response]:
        return owner.patch(path, json={"edits": [{"find": find, "replace": replace}]})

    async def edit(number: int) -> httpx.Response:
        match dice.randrange(7):
            case 0:
                return await patch("item 0", f"item 0 ~~{number}~~")
            case 1 if number % 2:
                return await owner.post(f"{path}/append", json={"content": f"Appended {number}."})
            case 1:
                body = {"content": f"- item **{number}**", "heading": ["Plan", "Notes"], "between": "line"}
                return await owner.post(f"{path}/insert", json=body)
            case 2:
                return await patch("pears", f"pears {number}")
            case 3:
                return await patch("count =", f"x{number}, count =")
            case 4:
                # in the very paragraph in which somebody types, on both sides
                return await patch("no further", f"no further {number}")
            case 5:
                return await patch(HERE, f"*{number}* {HERE}")
            case _:
                return await put(number)

    return edit


async def test_nothing_typed_is_lost_while_markdown_is_patched(
    server: Server, arrive: Arrive, page_of_tiptap: str
) -> None:
    seed = choose_seed()
    owner, friend = await people(server, "ann", "ben")
    garden = await team(server, owner, editor=friend)
    made = await make(owner, garden, "Tiptap")
    ben = await enter(server, arrive, friend)
    page = ben.page
    await start(page, server.http, page_of_tiptap, made["id"])
    await page.evaluate("html => { window.tiptap.editor.commands.setContent(html) }", START)

    async def arrived() -> bool:
        return "The last word stays." in await markdown(owner, made)

    await until(arrived, "the document to be on the server")
    before = await page.evaluate("window.tiptap.items()")
    for text in STAY:
        await page.evaluate(f"text => {{ {PARAGRAPHS}.find((one) => one.textContent === text).mine = true }}", text)
    await page.evaluate("text => window.tiptap.behind(text)", HERE)
    edit = work(owner, made, random.Random(seed))
    typed: list[str] = []
    done = asyncio.Event()

    async def type_on() -> None:
        while not done.is_set():
            word = f" word{len(typed)}"
            await page.keyboard.type(word, delay=TYPING)
            typed.append(word)

    typing = asyncio.create_task(type_on())
    try:
        for number in range(PATCHES):
            answer = await edit(number)
            assert answer.status_code == 200, answer.text
    finally:
        done.set()
        await typing
    said = "".join(typed)
    assert len(typed) > 5
    ahead, behind = await page.evaluate("window.tiptap.around()")
    assert ahead.endswith(HERE + said), (ahead[-200:], said[-200:])
    assert behind.startswith(" and no further")

    async def same() -> bool:
        theirs = base64.b64decode(await page.evaluate("window.tiptap.update()"))
        return project(theirs).content == await markdown(owner, made)

    await until(same, "the editor and the server to have the same")
    assert HERE + said in await markdown(owner, made)
    assert await page.evaluate("window.tiptap.check()") is None
    after = await page.evaluate("window.tiptap.items()")
    for text in STAY:
        assert after[text] == before[text]
        assert await page.evaluate(f"text => {PARAGRAPHS}.find((one) => one.textContent === text).mine", text), text
    assert await page.evaluate(f"{PARAGRAPHS}.filter((one) => one.style.textAlign === 'center').length") == 1
    other: pycrdt.Doc[Any] = pycrdt.Doc()
    other.apply_update(base64.b64decode(await page.evaluate("window.tiptap.update()")))
    assert said in str(other.get("default", type=pycrdt.XmlFragment))

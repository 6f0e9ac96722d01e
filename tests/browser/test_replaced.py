"""The page of a document that is replaced by a fresh copy goes on without a reload, with what was typed meanwhile."""

from typing import Any

import pytest
from playwright.async_api import expect
from pycrdt import Doc, Text

from tests.browser.conftest import Arrive
from tests.browser.members import enter, make, people, team
from tests.browser.reader import WITHIN, Reader
from tests.people import Person
from tests.server import Server
from tests.waiting import until

YJS = {"content-type": "application/octet-stream"}


async def overwrite(person: Person, document: str) -> None:
    """Leaves many deletions in a document, so that a copy of it weighs less."""
    doc = Doc[Any]()
    doc.apply_update((await person.get(f"/documents/{document}/updates")).content)
    before = doc.get_state()
    text = doc.get("content", type=Text)
    text.insert(0, "x" * 1500)
    for index in range(1499, 0, -2):
        del text[index]
    text.insert(0, "Plan: ")
    answer = await person.post(f"/documents/{document}/updates", content=doc.get_update(before), headers=YJS)
    assert answer.status_code == 200, answer.text


async def compact(person: Person, document: str) -> None:
    answer = await person.post(f"/documents/{document}/compact-history")
    assert answer.status_code == 200, answer.text


async def is_renewed(reader: Reader, document: str, generation: int = 1) -> None:
    """Waits until the page shows the copy. What is typed before, while it loads, is not taken."""
    await reader.page.wait_for_function(
        "([key, value]) => localStorage.getItem(key) === value",
        arg=[f"collab:generation:{document}", str(generation)],
    )


async def _stays(reader: Reader) -> None:
    """Marks the page, so that a reload is noticed."""
    await reader.page.evaluate("window.isSame = true")


async def test_a_page_shows_the_copy_where_the_reader_was(server: Server, arrive: Arrive) -> None:
    (person,) = await people(server, "ada")
    document = await make(person, await team(server, person), "Plan")
    ada = await enter(server, arrive, person)
    await ada.open(document["address"])
    await overwrite(person, document["id"])
    await ada.sees("Plan:")
    await ada.write("by Ada")
    await ada.sees_status("saved")
    await _stays(ada)
    shown = await ada.content.inner_text()
    await compact(person, document["id"])
    await ada.page.wait_for_function("document.querySelectorAll('.cm-editor').length === 1")

    async def is_new() -> bool:
        await ada.page.keyboard.type(".")
        text: str = (await person.get(f"/documents/{document['id']}/content")).text
        return text.endswith(".")

    await until(is_new, "what is typed afterwards")
    await ada.sees_status("saved")
    assert (await ada.content.inner_text()).rstrip(".") == shown
    assert await ada.page.evaluate("window.isSame")
    # The browser's copy is of the new generation: it opens again.
    await ada.page.reload()
    await ada.sees_status("saved")
    await ada.sees("by Ada")


@pytest.mark.parametrize("over", ["WebSocket", "HTTP"])
async def test_a_page_knows_the_generation_of_its_copy(server: Server, arrive: Arrive, over: str) -> None:
    (person,) = await people(server, "ada")
    document = await make(person, await team(server, person), "Plan")
    ada = await enter(server, arrive, person)
    if over == "HTTP":
        await ada.context.add_init_script("delete window.WebSocket")
    await ada.open(document["address"])
    for generation in (1, 2):
        await overwrite(person, document["id"])
        await ada.sees("Plan:")
        await ada.write(f" typed {generation}")
        await ada.sees_status("saved")
        await compact(person, document["id"])
        await is_renewed(ada, document["id"], generation)
    await ada.sees_status("saved")
    stored = (await person.get(f"/documents/{document['id']}/content")).text
    assert [stored.count(f" typed {generation}") for generation in (1, 2)] == [1, 1]
    assert stored.count("Plan:") == 2


async def test_what_was_typed_offline_is_handed_over(server: Server, arrive: Arrive) -> None:
    ada, grace = await people(server, "ada", "grace")
    garden = await team(server, ada, editor=grace)
    document = await make(ada, garden, "Plan")
    one = await enter(server, arrive, ada)
    two = await enter(server, arrive, grace)
    await one.open(document["address"])
    await two.open(document["address"])
    await overwrite(ada, document["id"])
    await one.sees("Plan:")
    await two.sees("Plan:")
    await two.sees_status("saved")
    await _stays(two)
    await two.context.set_offline(True)
    await two.page.evaluate("window.sockets.forEach((socket) => socket.close())")
    await two.sees_status("offline")
    await two.write(" typed by Grace")
    await compact(ada, document["id"])
    await is_renewed(one, document["id"])
    await one.sees_status("saved")
    await one.write(" typed by Ada")
    await one.sees_status("saved")
    await two.context.set_offline(False)
    for reader in (one, two):
        await reader.sees("typed by Grace")
        await reader.sees("typed by Ada")
    await two.sees_status("saved")
    await expect(two.content).to_have_attribute("contenteditable", "true", timeout=WITHIN)
    assert await two.page.evaluate("window.isSame")
    stored = (await ada.get(f"/documents/{document['id']}/content")).text
    assert stored.count("typed by Grace") == 1
    assert stored.count("typed by Ada") == 1
    assert stored.count("Plan:") == 1

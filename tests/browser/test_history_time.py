"""Earlier texts along time: the slider, and what has changed since the last visit."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from playwright.async_api import Locator, Route, expect

from tests.browser.conftest import Arrive
from tests.browser.members import enter, make, people, team
from tests.browser.reader import WITHIN, Reader
from tests.browser.test_everyone import PHONE, faults
from tests.browser.test_history import open_history, write_twice
from tests.people import Person, fetch, run
from tests.server import Server
from tests.waiting import until


async def slide(panel: Locator) -> Locator:
    """The slider, at the newest moment."""
    button = panel.get_by_role("button", name="Slide through time")
    await expect(button).to_be_enabled()
    await button.press("Enter")
    slider = panel.page.get_by_role("slider", name="Slide through time")
    await expect(slider).to_be_focused()
    return slider


def requests_of_texts(reader: Reader) -> list[str]:
    """The paths of requests for earlier texts, from now on."""
    sent: list[str] = []
    reader.page.on("request", lambda request: sent.append(request.url) if "format=html" in request.url else None)
    return sent


@pytest.mark.parametrize("size", [(1100, 760), PHONE])
async def test_the_keyboard_slides_through_the_texts_and_going_back_asks_for_nothing(
    server: Server, arrive: Arrive, size: tuple[int, int]
) -> None:
    (owner,) = await people(server, "ada")
    doc = await make(owner, await team(server, owner), "Plan")
    await write_twice(owner, doc["id"])
    ada = await enter(server, arrive, owner, size=size)
    await ada.open(doc["address"])
    slider = await slide(await open_history(ada))
    text = ada.page.frame_locator(".history-frame").locator("p")
    await expect(text).to_have_text("Buy red apples.")
    await expect(slider).to_have_attribute("aria-valuetext", f"{await day(slider)}, Edits by ada (program)")
    await slider.press("Home")
    await expect(text).to_have_text("Buy green apples.")
    await slider.press("End")
    await expect(text).to_have_text("Buy red apples.")
    sent = requests_of_texts(ada)
    await slider.press("Home")
    await expect(text).to_have_text("Buy green apples.")
    await expect(slider).to_be_focused()
    assert sent == []
    await slider.press("Escape")
    await expect(slider).to_have_count(0)


async def day(slider: Locator) -> str:
    """The time in the slider's text: all before the last comma."""
    text = await slider.get_attribute("aria-valuetext")
    assert text is not None
    assert text.startswith("Today, ")
    return text.rpartition(", ")[0]


async def test_the_slider_stops_at_moments_within_a_session(server: Server, arrive: Arrive) -> None:
    (owner,) = await people(server, "ada")
    doc = await make(owner, await team(server, owner), "Plan")
    for text in ("One.\n", "One. Two.\n", "One. Two. Three.\n"):
        answer = await owner.put(
            f"/documents/{doc['id']}/content", content=text.encode(), headers={"content-type": "text/markdown"}
        )
        assert answer.status_code in (200, 204), answer.text
    # The first edit was 40 s ago and the second one 15 s ago.
    await run(
        server,
        "UPDATE document_updates SET created_at = now() - make_interval(secs => CASE seq WHEN 1 THEN 40 ELSE 15 END)"
        " WHERE document_id = $1 AND seq < 3",
        [(UUID(doc["id"]),)],
    )
    ada = await enter(server, arrive, owner)
    await ada.open(doc["address"])
    slider = await slide(await open_history(ada))
    shown = ada.page.frame_locator(".history-frame").locator("p")
    await expect(shown).to_have_text("One. Two. Three.")
    await slider.press("ArrowLeft")
    await expect(shown).to_have_text("One. Two.")
    await slider.press("Home")
    await expect(shown).to_have_text("One.")
    await expect(ada.page.get_by_role("heading", name="Edits by ada (program)")).to_be_visible()
    await ada.page.get_by_role("button", name="Later moment").click()
    await expect(slider).to_have_js_property("value", "1")


async def test_an_answer_to_an_older_choice_is_void(server: Server, arrive: Arrive) -> None:
    (owner,) = await people(server, "ada")
    doc = await make(owner, await team(server, owner), "Plan")
    await write_twice(owner, doc["id"])
    ada = await enter(server, arrive, owner)
    await ada.open(doc["address"])
    panel = await open_history(ada)
    held: asyncio.Future[Route] = asyncio.get_running_loop().create_future()
    await ada.page.route("**/versions/1/content?*", lambda route: held.set_result(route))
    await panel.get_by_role("button", name="First draft").first.click()
    route = await held
    slider = ada.page.get_by_role("slider", name="Slide through time")
    await slider.press("End")
    text = ada.page.frame_locator(".history-frame").locator("p")
    await expect(text).to_have_text("Buy red apples.")
    async with ada.page.expect_response("**/versions/1/content?*") as answered:
        await route.continue_()
    await (await answered.value).finished()
    await expect(text).to_have_text("Buy red apples.")


async def leave(server: Server, reader: Reader, person: Person, doc: dict[str, str]) -> None:
    """Ends the visit of a person, and waits until the server has noted it."""
    before = (await fetch(server, "SELECT clock_timestamp() AS now"))[0]["now"]
    await reader.page.goto(server.http + "/")

    async def is_noted() -> bool:
        seen = "SELECT seen_at FROM document_views WHERE document_id = $1 AND user_id = $2"
        rows = await fetch(server, seen, UUID(doc["id"]), UUID(person.id))
        return bool(rows and rows[0]["seen_at"] and rows[0]["seen_at"] >= before)

    await until(is_noted, "the end of a visit")


async def test_changes_by_others_since_the_last_visit_are_told_and_shown(server: Server, arrive: Arrive) -> None:
    owner, other = await people(server, "ada", "grace")
    doc = await make(owner, await team(server, owner, editor=other), "Plan")
    ada, grace = await enter(server, arrive, owner), await enter(server, arrive, other)
    await ada.open(doc["address"])
    await ada.write("Apples and pears.\n\nThe end.")
    await ada.sees_status("saved")
    await leave(server, ada, owner, doc)
    mine = UUID(doc["id"]), UUID(owner.id)
    where = "WHERE document_id = $1 AND user_id = $2"
    [seen] = await fetch(server, f"SELECT seen_at AS at FROM document_views {where}", *mine)
    await grace.open(doc["address"])
    await grace.write(" Cherries.")
    await grace.page.keyboard.press("Control+Home")
    await grace.page.keyboard.type("Many ")
    await grace.sees_status("saved")

    # The visit ended ten minutes ago.
    earlier = seen["at"] - timedelta(minutes=10)
    await run(server, f"UPDATE document_views SET seen_at = $3 {where}", [(*mine, earlier)])
    await ada.open(doc["address"])
    assert (await owner.get(f"/documents/{doc['id']}/visit")).json() == {
        "previous_at": earlier.isoformat().replace("+00:00", "Z")
    }
    # The edits are newer than that.
    await run(server, f"UPDATE document_views SET previous_at = $3 {where}", [(*mine, seen["at"])])
    await ada.write(" Mine.")
    await ada.sees_status("saved")
    panel = await open_history(ada)
    hint = panel.get_by_role("button", name="2 changes since your last visit Today")
    await expect(hint).to_be_visible()
    await hint.press("Enter")
    await expect(ada.page.get_by_role("heading", name="Since your last visit")).to_be_focused()
    marked = ada.page.get_by_role("region", name="Text with the changes marked").locator("ins")
    await expect(marked.first).to_have_text("Many")
    await ada.page.get_by_role("button", name="Next change").click()
    await expect(ada.page.locator("#announcer")).to_contain_text("Change 1 of")
    assert await faults(ada.page) == []

    await grace.write(" Plums.")
    await expect(marked.filter(has_text="Plums.")).to_be_visible(timeout=WITHIN)


async def test_nothing_is_told_where_nobody_else_has_changed_anything(server: Server, arrive: Arrive) -> None:
    (owner,) = await people(server, "ada")
    doc = await make(owner, await team(server, owner), "Plan")
    ada = await enter(server, arrive, owner)
    await ada.open(doc["address"])
    await ada.write("Apples.")
    await ada.sees_status("saved")
    await owner.get(f"/documents/{doc['id']}/visit")
    await run(
        server,
        "UPDATE document_views SET previous_at = now() - interval '1 day' WHERE document_id = $1",
        [(UUID(doc["id"]),)],
    )
    async with ada.page.expect_response("**/visit") as asked:
        panel = await open_history(ada)
    assert (await (await asked.value).json())["previous_at"] is not None
    await expect(panel.get_by_role("listitem")).to_have_count(1)
    await expect(panel.get_by_text("since your last visit")).to_have_count(0)


async def test_the_browser_of_a_guest_remembers_the_last_visit(server: Server, arrive: Arrive, name: str) -> None:
    heron = await arrive(server, name="Quiet Heron")
    await heron.open(name)
    await heron.write("Apples.")
    await heron.sees_status("saved")
    await expect(heron.page.get_by_role("button", name="Document menu")).to_be_visible()
    await heron.page.goto(server.http + "/")
    otter = await arrive(server, name="Calm Otter")
    await otter.open(name)
    await otter.write(" Pears.")
    await otter.sees_status("saved")
    await heron.page.add_init_script("""for (const key of Object.keys(localStorage))
        if (key.startsWith('collab:visit:')) {
          const visit = JSON.parse(localStorage[key]);
          if (visit.previous === null)
            localStorage[key] = JSON.stringify({ seen: visit.seen - 600000, previous: null });
        }""")
    await heron.open(name)
    panel = await open_history(heron)
    await expect(panel.get_by_role("button", name="1 change since your last visit")).to_be_visible()


@pytest.mark.parametrize("size", [(1100, 760), PHONE])
async def test_a_guest_reads_the_history_of_a_public_document(
    server: Server, arrive: Arrive, size: tuple[int, int]
) -> None:
    (owner,) = await people(server, "ada")
    doc = await make(owner, await team(server, owner), "Plan")
    await write_twice(owner, doc["id"])
    assert (await owner.patch(f"/documents/{doc['id']}", json={"is_public": True})).status_code == 200
    heron = await arrive(server, name="Quiet Heron", size=size)
    await heron.open(doc["address"], until="viewonly")
    panel = await open_history(heron)
    await expect(panel.get_by_role("button", name="Name this version")).to_have_count(0)
    await panel.get_by_role("button", name="First draft").first.click()
    await expect(heron.page.frame_locator(".history-frame").locator("p")).to_have_text("Buy green apples.")
    await expect(heron.page.get_by_role("button", name="Restore…")).to_have_count(0)
    assert await heron.has_no_horizontal_scroll()


async def test_edits_appear_in_an_open_panel(server: Server, arrive: Arrive) -> None:
    owner, other = await people(server, "ada", "grace")
    doc = await make(owner, await team(server, owner, editor=other), "Plan")
    ada, grace = await enter(server, arrive, owner), await enter(server, arrive, other)
    await ada.open(doc["address"])
    panel = await open_history(ada)
    await expect(panel.get_by_text("No history yet")).to_be_visible()
    await grace.open(doc["address"])
    await grace.write("Good words.")
    await expect(panel.get_by_role("listitem").filter(has_text="grace")).to_be_visible(timeout=WITHIN)


@pytest.mark.usefixtures("node_packages")
@pytest.mark.parametrize(("scheme", "size"), [("light", (1100, 760)), ("dark", (1100, 760)), ("dark", PHONE)])
async def test_axe_finds_nothing_serious_about_the_slider(
    server: Server, arrive: Arrive, scheme: str, size: tuple[int, int]
) -> None:
    (owner,) = await people(server, "ada")
    doc = await make(owner, await team(server, owner), "Plan")
    await write_twice(owner, doc["id"])
    ada = await enter(server, arrive, owner, scheme=scheme, size=size)
    await ada.open(doc["address"])
    slider = await slide(await open_history(ada))
    await slider.press("ArrowLeft")
    await expect(ada.page.frame_locator(".history-frame").locator("h1")).to_have_text("Plan")
    assert await faults(ada.page) == []
    assert await ada.has_no_horizontal_scroll()

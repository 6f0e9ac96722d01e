"""Who wrote what, in the editor: tints by author that stay right while people type."""

import pytest
from playwright.async_api import Locator, Route, expect

from tests.browser.conftest import Arrive
from tests.browser.members import enter, make, people, team
from tests.browser.reader import WITHIN, Reader
from tests.browser.test_everyone import LONG, PHONE, faults
from tests.browser.test_history import open_history
from tests.server import Server
from tests.waiting import until


async def show(reader: Reader) -> Locator:
    """The legend, opened by the keyboard."""
    await reader.page.get_by_role("button", name="Document menu").focus()
    await reader.page.keyboard.press("Enter")
    await reader.page.get_by_role("menuitem", name="Show who wrote what").press("Enter")
    legend = reader.page.get_by_role("region", name="Who wrote what")
    await expect(legend).to_be_visible()
    return legend


async def tints(reader: Reader) -> list[tuple[str, str]]:
    """The tinted texts in the editor, each with its author."""
    found = await reader.page.evaluate(
        "[...document.querySelectorAll('.cm-content .blame')].map((each) => [each.textContent, each.title])"
    )
    texts: list[tuple[str, str]] = []
    for text, title in found:
        author = title.split(",")[0]
        if texts and texts[-1][1] == author:
            text = texts.pop()[0] + text
        texts.append((text, author))
    return texts


async def sees_tints(reader: Reader, *wanted: tuple[str, str]) -> None:
    """Waits until these texts are tinted, each for its author."""

    async def holds() -> bool:
        return await tints(reader) == list(wanted)

    await until(holds, f"{wanted}; the last were {await tints(reader)}", WITHIN / 1000)


async def two(server: Server, arrive: Arrive) -> tuple[Reader, Reader]:
    """Ada and Grace in a document that says "Apples. Pears.", by Ada and by Grace."""
    owner, other = await people(server, "ada", "grace")
    doc = await make(owner, await team(server, owner, editor=other), "Plan")
    ada, grace = await enter(server, arrive, owner), await enter(server, arrive, other)
    await ada.open(doc["address"])
    await ada.write("Apples.")
    await ada.sees_status("saved")
    await grace.open(doc["address"])
    await grace.sees("Apples.")
    await grace.write(" Pears.")
    await grace.sees_status("saved")
    await ada.sees("Pears.")
    return ada, grace


async def test_runs_have_the_colours_of_their_authors_and_a_legend_names_them(server: Server, arrive: Arrive) -> None:
    ada, _ = await two(server, arrive)
    legend = await show(ada)
    await sees_tints(ada, ("Apples.", "ada"), (" Pears.", "grace"))
    await expect(legend.get_by_role("listitem")).to_have_text(["ada", "grace"])
    colours = await ada.page.evaluate("""[...document.querySelectorAll('.cm-content .blame, .blame-legend li')]
        .map((each) => each.style.getPropertyValue('--person').trim())""")
    assert colours[0] == colours[2] != colours[1]
    assert colours[1] == colours[3]
    await ada.content.focus()
    await ada.page.keyboard.press("Control+End")
    await expect(legend.get_by_role("status")).to_contain_text("At the cursor: grace, Today")
    await ada.page.keyboard.press("Control+Home")
    await ada.page.keyboard.press("ArrowRight")
    await expect(legend.get_by_role("status")).to_contain_text("At the cursor: ada, Today")
    await legend.get_by_role("button", name="Hide who wrote what").click()
    await expect(legend).to_have_count(0)
    assert await tints(ada) == []


async def test_what_people_type_is_theirs_at_once_and_once_it_is_read_again(server: Server, arrive: Arrive) -> None:
    ada, grace = await two(server, arrive)
    await show(ada)
    await sees_tints(ada, ("Apples.", "ada"), (" Pears.", "grace"))
    held: list[Route] = []
    is_holding = True

    async def hold(route: Route) -> None:
        if is_holding:
            held.append(route)
        else:
            await route.continue_()

    await ada.page.route("**/blame", hold)
    await grace.page.keyboard.press("Control+Home")
    await grace.page.keyboard.type("Ripe ")
    await sees_tints(ada, ("Ripe ", "grace"), ("Apples.", "ada"), (" Pears.", "grace"))
    await ada.content.focus()
    await ada.page.keyboard.press("Control+End")
    await ada.page.keyboard.type(" Plums.")
    # Into the middle of another's word, and out of it.
    await ada.page.keyboard.press("Control+Home")
    await ada.page.keyboard.press("ArrowRight")
    await ada.page.keyboard.type("aa")
    await ada.page.keyboard.press("Backspace")
    expected = (
        ("R", "grace"), ("a", "ada"), ("ipe ", "grace"), ("Apples.", "ada"), (" Pears.", "grace"), (" Plums.", "ada")
    )  # fmt: skip
    await sees_tints(ada, *expected)
    await ada.sees_status("saved")
    # The answer tells the same, also where something was typed after it was asked for.
    is_holding = False
    async with ada.page.expect_response("**/blame") as read:
        for route in held:
            await route.abort()
        await grace.page.keyboard.press("Control+End")
        await grace.page.keyboard.type(" Figs.")
    await (await read.value).finished()
    await sees_tints(ada, *expected, (" Figs.", "grace"))


async def test_the_panel_shows_who_wrote_what_to_guests_too(server: Server, arrive: Arrive, name: str) -> None:
    heron = await arrive(server, name="Quiet Heron")
    await heron.open(name)
    await heron.write("Apples.")
    await heron.sees_status("saved")
    panel = await open_history(heron)
    await panel.get_by_role("switch", name="Show who wrote what").check()
    await sees_tints(heron, ("Apples.", "Quiet Heron (guest)"))
    await panel.get_by_role("switch", name="Show who wrote what").uncheck()
    await expect(heron.page.get_by_role("region", name="Who wrote what")).to_have_count(0)


async def test_a_failure_to_read_the_authors_is_shown_and_can_be_tried_again(
    server: Server, arrive: Arrive, name: str
) -> None:
    heron = await arrive(server, name="Quiet Heron")
    await heron.open(name)
    await heron.write("Apples.")
    await heron.sees_status("saved")
    await heron.page.route("**/blame", lambda route: route.abort())
    legend = await show(heron)
    await expect(legend.get_by_role("alert")).to_contain_text("cannot be reached")
    await heron.page.unroute("**/blame")
    await legend.get_by_role("button", name="Try again").click()
    await sees_tints(heron, ("Apples.", "Quiet Heron (guest)"))
    await expect(legend.get_by_role("alert")).to_have_count(0)


@pytest.mark.usefixtures("node_packages")
@pytest.mark.parametrize(("scheme", "size"), [("light", (1100, 760)), ("dark", (1100, 760)), ("dark", PHONE)])
async def test_axe_finds_nothing_serious_in_the_tinted_text(
    server: Server, arrive: Arrive, name: str, scheme: str, size: tuple[int, int]
) -> None:
    heron = await arrive(server, name="Quiet Heron", scheme=scheme, size=size)
    await heron.open(name)
    await heron.write(LONG)
    await heron.sees_status("saved")
    await show(heron)
    await expect(heron.page.locator(".cm-content .blame").first).to_be_visible()
    assert await faults(heron.page) == []
    assert await heron.has_no_horizontal_scroll()

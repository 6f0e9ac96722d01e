"""Lists follow the changes of others without a reload, and keep the focus and the scroll position."""

import asyncio

from playwright.async_api import Page, Route, expect

from tests.browser.conftest import Arrive
from tests.browser.members import enter, make, people, ready, team
from tests.browser.reader import WITHIN
from tests.browser.test_everyone import PHONE
from tests.server import Server

MARK = "window.markedByTest = true"
IS_MARKED = "window.markedByTest === true"


async def focused_row(page: Page) -> str | None:
    """The id of the row that has the keyboard focus."""
    row: str | None = await page.evaluate("document.activeElement.closest('li[data-id]')?.dataset.id ?? null")
    return row


async def test_documents_of_others_appear_change_and_leave(server: Server, arrive: Arrive) -> None:
    ann, ben = await people(server, "ann", "ben")
    space = await team(server, ann, editor=ben)
    plan = await make(ann, space, "Plan")
    reader = await enter(server, arrive, ann)
    await ready(reader, f"/w/{space['slug']}")
    await reader.page.evaluate(MARK)
    titles = reader.page.locator("#list .row-title")
    await expect(titles).to_have_text(["Plan"])
    notes = await make(ben, space, "Notes")
    await expect(titles).to_have_text(["Notes", "Plan"], timeout=WITHIN)
    await ben.patch(f"/documents/{plan['id']}", json={"title": "Plan of ours"})
    await expect(reader.page.locator("#list")).to_contain_text("Plan of ours", timeout=WITHIN)
    await ann.delete(f"/documents/{notes['id']}")
    await expect(titles).to_have_text(["Plan of ours"], timeout=WITHIN)
    assert await reader.page.evaluate(IS_MARKED)


async def test_the_focus_and_the_scroll_position_stay_where_they_are(server: Server, arrive: Arrive) -> None:
    ann, ben = await people(server, "ann", "ben")
    space = await team(server, ann, editor=ben)
    made = [await make(ann, space, f"Numbered {number}") for number in range(20)]
    reader = await enter(server, arrive, ann, size=(1100, 500))
    page = reader.page
    await ready(reader, f"/w/{space['slug']}")
    row = page.locator(f"li[data-id='{made[5]['id']}']")
    await row.locator(".star").focus()
    before = await row.evaluate("row => row.getBoundingClientRect().top")
    await make(ben, space, "From another")
    await expect(page.locator("#list li")).to_have_count(21, timeout=WITHIN)
    assert await focused_row(page) == made[5]["id"]
    assert await page.evaluate("document.activeElement.matches('.star')")
    assert abs(await row.evaluate("row => row.getBoundingClientRect().top") - before) <= 1
    await ann.delete(f"/documents/{made[5]['id']}")
    await expect(row).to_have_count(0, timeout=WITHIN)
    assert await focused_row(page) == made[4]["id"], "the row in its place"


async def test_choices_of_filters_that_arrive_after_the_rows_leave_the_scroll_position(
    server: Server, arrive: Arrive
) -> None:
    (ann,) = await people(server, "ann")
    space = await team(server, ann)
    made = [await make(ann, space, f"Numbered {number}") for number in range(20)]
    reader = await enter(server, arrive, ann, size=(1100, 500))
    page = reader.page
    released = asyncio.Event()

    async def hold(route: Route) -> None:
        await released.wait()
        await route.continue_()

    await page.route("**/api/v1/workspaces/*/tags*", hold)
    await ready(reader, f"/w/{space['slug']}")
    star = page.locator(f"li[data-id='{made[5]['id']}'] .star")
    await star.focus()
    choices = page.locator("#by-sort option")
    await expect(choices).to_have_count(0)
    before = await page.evaluate("scrollY")
    released.set()
    await expect(choices).not_to_have_count(0)
    assert await page.evaluate("scrollY") == before > 0
    await expect(star).to_be_in_viewport(ratio=1)


async def test_the_shown_view_is_within_the_row_of_views_on_a_phone(server: Server, arrive: Arrive) -> None:
    (ann,) = await people(server, "ann")
    space = await team(server, ann)
    reader = await enter(server, arrive, ann, size=PHONE)
    await ready(reader, f"/w/{space['slug']}?view=trash")
    views = reader.page.get_by_role("navigation", name="Views")
    shown = views.locator("[aria-current]")
    await expect(shown).to_have_text("Trash")
    await expect(shown).to_be_in_viewport(ratio=1)
    # A click of Playwright would scroll the row by itself.
    for name in ("All", "Trash"):
        await views.get_by_role("link", name=name).evaluate("link => link.click()")
        await expect(shown).to_have_text(name)
        await expect(shown).to_be_in_viewport(ratio=1)


async def test_a_page_that_was_hidden_shows_what_it_missed(server: Server, arrive: Arrive) -> None:
    (ann,) = await people(server, "ann")
    space = await team(server, ann)
    await make(ann, space, "Before")
    reader = await enter(server, arrive, ann)
    await ready(reader, f"/w/{space['slug']}")
    hide = """hidden => {
      Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden });
      document.dispatchEvent(new Event('visibilitychange'));
    }"""
    await reader.page.evaluate(hide, True)
    await make(ann, space, "Meanwhile")
    await reader.page.evaluate(hide, False)
    await expect(reader.page.locator("#list .row-title")).to_have_text(["Meanwhile", "Before"], timeout=WITHIN)


async def test_members_who_join_change_and_leave_are_listed(server: Server, arrive: Arrive) -> None:
    ann, ben, eve = await people(server, "ann", "ben", "eve")
    space = await team(server, ann, editor=ben, admin=eve)
    reader = await enter(server, arrive, ann)
    await ready(reader, f"/w/{space['slug']}/settings")
    members = reader.page.get_by_role("list", name="Members")
    await expect(members.get_by_role("listitem")).to_have_count(3)
    role = members.get_by_label("Role of ben")
    await expect(role).to_have_value("editor")
    await eve.patch(f"/workspaces/{space['id']}/members/{ben.id}", json={"role": "viewer"})
    await expect(role).to_have_value("viewer", timeout=WITHIN)
    await eve.delete(f"/workspaces/{space['id']}/members/{ben.id}")
    await expect(members.get_by_role("listitem")).to_have_count(2, timeout=WITHIN)


async def test_the_settings_follow_the_state_of_the_workspace_without_a_reload(server: Server, arrive: Arrive) -> None:
    (ann,) = await people(server, "ann")
    space = await team(server, ann)
    reader = await enter(server, arrive, ann)
    page = reader.page
    await ready(reader, f"/w/{space['slug']}/settings")
    await page.evaluate(MARK)
    await page.get_by_role("button", name="Archive", exact=True).click()
    await expect(page.get_by_role("button", name="Unarchive")).to_be_focused(timeout=WITHIN)
    await expect(page.get_by_role("heading", name="General")).to_have_count(0)
    await ann.post(f"/workspaces/{space['id']}/unarchive")
    await expect(page.get_by_role("heading", name="General")).to_be_visible(timeout=WITHIN)
    await ann.delete(f"/workspaces/{space['id']}")
    await page.get_by_role("button", name="Restore").click(timeout=WITHIN)
    await expect(page.get_by_role("heading", name="General")).to_be_visible(timeout=WITHIN)
    assert await page.evaluate(IS_MARKED)

"""The page that tells the API."""

from playwright.async_api import expect

from tests.browser.conftest import Arrive
from tests.server import Server


async def test_an_operation_is_found_read_and_tried(server: Server, arrive: Arrive) -> None:
    reader = await arrive(server)
    page = reader.page
    await page.goto(f"{server.api}/docs")
    await page.get_by_placeholder("Filter").fill("get auth providers")
    shown = page.locator("details.docs-operation:visible")
    await expect(shown).to_have_count(1)
    await shown.locator("summary").click()
    await expect(shown).to_contain_text('"registration"')
    await expect(shown).to_contain_text("unavailable")
    await shown.get_by_role("button", name="Send").click()
    await expect(shown.locator("pre[aria-live]")).to_contain_text("200")
    await expect(page.locator("#errors")).to_contain_text("stale_generation")

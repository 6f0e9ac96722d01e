"""The pages work on a phone, by keyboard alone, in the dark, and with a screen reader."""

import re
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Arrive
from tests.browser.reader import WITHIN
from tests.require import ROOT
from tests.server import Server

PHONE = (360, 720)
LONG = "# A heading\n\n- [ ] a list with **strong** words, `code` and [a link](https://example.org)\n\n> quoted\n"


async def faults(page: Page) -> list[str]:
    """What axe-core finds serious or critical."""
    source = (ROOT / "static/node_modules/axe-core/axe.min.js").read_text()
    await page.evaluate(source)
    # Half faded in, text has too little contrast. What blinks for ever is waited for by nobody.
    await page.evaluate("""Promise.allSettled(document.getAnimations()
        .filter(({ effect }) => effect.getComputedTiming().endTime < Infinity).map(({ finished }) => finished))""")
    found: list[dict[str, Any]] = await page.evaluate("axe.run(document).then(({ violations }) => violations)")
    return [
        f"{violation['id']}: {violation['help']}: {[node['html'][:120] for node in violation['nodes']]}"
        for violation in found
        if violation["impact"] in ("serious", "critical")
    ]


@pytest.mark.usefixtures("node_packages")
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_serious(server: Server, arrive: Arrive, name: str, scheme: str) -> None:
    grace = await arrive(server, name="Grace Hopper")
    await grace.open(name)
    await grace.write(LONG)
    ada = await arrive(server, scheme=scheme)
    await ada.open(name)
    await expect(ada.page.locator("#people-count")).to_have_text("2 people are here", timeout=WITHIN)
    assert await faults(ada.page) == []
    await ada.page.locator("#people-button").click()
    assert await faults(ada.page) == []
    await ada.content.focus()
    await ada.page.keyboard.press("Control+f")
    assert await faults(ada.page) == []
    await ada.list_documents()
    assert await faults(ada.page) == []
    await ada.page.locator("#filter").fill("nothing is called like this")
    assert await faults(ada.page) == []


async def test_a_phone_shows_everything_without_horizontal_scroll(server: Server, arrive: Arrive, name: str) -> None:
    ada = await arrive(server, size=PHONE)
    await ada.open(name)
    await ada.write("unbroken" * 30 + "\n" + LONG)
    await ada.sees_status("saved")
    assert await ada.has_no_horizontal_scroll()
    await ada.page.locator("#people-button").click()
    await expect(ada.page.get_by_role("textbox", name="Your name")).to_be_in_viewport()
    assert await ada.has_no_horizontal_scroll()
    await ada.page.get_by_role("textbox", name="Your name").press("Enter")
    for control in ("Copy link", "Theme: System"):
        await expect(ada.page.get_by_role("button", name=control)).to_be_in_viewport(ratio=1)
    await ada.list_documents()
    assert await ada.has_no_horizontal_scroll()
    await expect(ada.page.get_by_role("button", name="New document").first).to_be_in_viewport(ratio=1)


async def test_everything_can_be_done_by_keyboard(server: Server, arrive: Arrive, name: str) -> None:
    ada = await arrive(server)
    await ada.list_documents()
    keyboard = ada.page.keyboard

    async def tab_to(description: str, *, backwards: bool = False) -> None:
        for _ in range(12):
            await keyboard.press("Shift+Tab" if backwards else "Tab")
            focused = await ada.page.evaluate(
                "(document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent).trim()"
            )
            if description in focused:
                return
        raise AssertionError(f"Tab does not lead to {description!r}")

    await tab_to("Skip to documents")
    await tab_to("New document")
    await keyboard.press("Enter")
    await expect(ada.page.get_by_label("Document title")).to_be_focused(timeout=WITHIN)
    await keyboard.type(f"Keys {name}")
    await keyboard.press("Enter")
    await expect(ada.content).to_be_focused()
    await keyboard.type("- one")
    await keyboard.press("Enter")
    await keyboard.type("two")
    await ada.sees_status("saved")
    await ada.sees("two")
    await tab_to("Theme", backwards=True)
    await keyboard.press("Enter")
    assert await ada.page.evaluate("document.documentElement.dataset.theme") == "light"
    await tab_to("Show who", backwards=True)
    await keyboard.press("Enter")
    await keyboard.press("Tab")
    await expect(ada.page.get_by_role("textbox", name="Your name")).to_be_focused()
    await keyboard.press("Control+a")
    await keyboard.type("Keyboard Kay")
    await keyboard.press("Escape")
    await expect(ada.page.locator("#people-panel")).to_be_hidden()
    await expect(ada.page.locator("#people-button")).to_be_focused()
    await expect(ada.page.locator("#people-list")).to_contain_text("Keyboard Kay")
    await tab_to("All documents", backwards=True)
    await keyboard.press("Enter")
    await expect(ada.page.locator("#list a", has_text=f"Keys {name}")).to_be_visible(timeout=WITHIN)


async def test_the_theme_follows_the_system_until_one_is_chosen(server: Server, arrive: Arrive, name: str) -> None:
    ada = await arrive(server, scheme="dark")
    await ada.list_documents()
    body = ada.page.locator("html")
    await expect(body).to_have_css("background-color", "rgb(23, 23, 26)")
    await ada.page.get_by_role("button", name="Theme: System").click()
    await expect(body).to_have_css("background-color", "rgb(250, 249, 247)")
    await ada.open(name)
    await expect(body).to_have_css("background-color", "rgb(250, 249, 247)")
    await ada.page.get_by_role("button", name="Theme: Light").click()
    await ada.page.get_by_role("button", name="Theme: Dark").click()
    await expect(ada.page.get_by_role("button", name="Theme: System")).to_be_visible()


async def test_changes_of_state_are_announced(server: Server, arrive: Arrive, name: str) -> None:
    ada = await arrive(server)
    await ada.open(name)
    announcer = ada.page.locator("#announcer")
    await expect(announcer).to_have_attribute("aria-live", "polite")
    await expect(announcer).to_have_text("Saved", timeout=WITHIN)


async def test_the_pages_work_under_a_strict_content_security_policy(server: Server, arrive: Arrive, name: str) -> None:
    ada = await arrive(server)
    for path in ("/", f"/d/{name}"):
        answer = await ada.page.goto(server.http + path)
        assert answer is not None
        policy = answer.headers["content-security-policy"]
        assert "default-src 'self'" in policy or "default-src 'none'" in policy
        assert "unsafe" not in policy
    for path in ("/w/any", "/w/any/settings", "/signin", "/signin/link", "/invite", "/s/any", "/account", "/admin"):
        shown = await ada.page.request.get(server.http + path)
        assert shown.status == 200
        assert "<style" not in (text := await shown.text())
        assert re.search(r"<script(?! [^>]*src=)|\son[a-z]+=|\sstyle=", text) is None
    await ada.sees_status("saved")
    await expect(ada.page.locator(".cm-editor")).to_have_css("flex-direction", "column")

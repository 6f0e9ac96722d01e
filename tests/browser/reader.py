"""A person at the web page: one browser context with its own name, storage and network."""

import asyncio
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import quote, urlsplit

from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    Request,
    Response,
    ViewportSize,
    expect,
)
from playwright.async_api import Error as PlaywrightError

WITHIN = 20_000
"""Milliseconds for what the page does by itself, such as saving."""
AGAIN = 60_000
"""Milliseconds for what needs a server to come back first."""

_NETWORK = re.compile(
    r"WebSocket connection to .* failed|Failed to load resource|Service Worker registration blocked by Playwright"
)
_RECORDED = "Blocked script execution in 'about:srcdoc'"
"""The frame with an earlier text runs no scripts, so it refuses the recording below too."""

_SHOWN = """() => [
  JSON.stringify(document.body.dataset),
  document.body.innerText.slice(0, 3000),
  ...[...document.querySelectorAll('input, select, textarea')].map((each) => `${each.id || each.name}: ${each.value}`),
].join('\\n')"""

_RECORD = """
  window.sockets = [];
  window.WebSocket = class extends WebSocket {
    constructor(...how) {
      super(...how);
      window.sockets.push(this);
      document.documentElement.dataset.dialled = window.sockets.length;
    }
  };
  window.statusesShown = [];
  addEventListener('DOMContentLoaded', () => {
    const body = document.body;
    const note = () => {
      if (window.statusesShown.at(-1) !== body.dataset.status) window.statusesShown.push(body.dataset.status);
    };
    note();
    new MutationObserver(note).observe(body, { attributes: true, attributeFilter: ['data-status'] });
  });
"""


@dataclass(slots=True)
class Reader:
    """What one person sees and does; `complaints` are console errors and warnings other than failed connections.

    `refused`: the requests that failed or were refused.
    """

    context: BrowserContext
    page: Page
    http: str
    complaints: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    @classmethod
    async def arrive(
        cls,
        browser: Browser,
        http: str,
        *,
        name: str = "Ada Lovelace",
        colour: str = "#0f766e",
        size: tuple[int, int] = (1100, 760),
        scheme: str = "light",
        keeps_pages: bool = False,
    ) -> Self:
        """`keeps_pages`: the browser takes the service worker, which loads all files of the pages."""
        context = await browser.new_context(
            viewport=ViewportSize(width=size[0], height=size[1]),
            color_scheme="dark" if scheme == "dark" else "light",
            service_workers="allow" if keeps_pages else "block",
        )
        await context.grant_permissions(["clipboard-read", "clipboard-write"], origin=http)
        known = {"collab:name": name, "collab:colour": colour}
        await context.add_init_script(
            f"for (const [key, value] of Object.entries({json.dumps(known)}))"
            " if (!localStorage.getItem(key)) localStorage.setItem(key, value);" + _RECORD
        )
        reader = cls(context, await context.new_page(), http)
        reader._watch(reader.page)
        return reader

    def _watch(self, page: Page) -> None:
        def complained(message: ConsoleMessage) -> None:
            text = message.text
            if message.type in ("error", "warning") and not _NETWORK.search(text) and not text.startswith(_RECORDED):
                self.complaints.append(text)

        def asked(request: Request) -> None:
            url = urlsplit(request.url)
            if url.scheme not in ("data", "blob") and url.netloc != urlsplit(self.http).netloc:
                self.strangers.append(request.url)

        def answered(response: Response) -> None:
            if response.status >= 400:
                self.refused.append(f"{response.request.method} {response.url}: {response.status}")

        page.on("response", answered)
        page.on("requestfailed", lambda lost: self.refused.append(f"{lost.method} {lost.url}: {lost.failure}"))
        page.on("console", complained)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", asked)

    async def new_tab(self) -> None:
        """Goes on in a fresh tab with the same storage; the old one stays."""
        self.page = await self.context.new_page()
        self._watch(self.page)

    async def leave(self) -> None:
        await self.context.close()

    async def describe(self) -> str:
        """What a failed test wants to know: the address, the text and the fields of the page, and failed requests."""
        try:
            async with asyncio.timeout(WITHIN / 1000):
                shown = await self.page.evaluate(_SHOWN)
        except (PlaywrightError, TimeoutError) as error:
            shown = f"the page does not answer: {error}"
        lines = [self.page.url, shown, *self.refused, *self.complaints]
        return "\n".join(lines)

    async def list_documents(self) -> None:
        await self.page.goto(self.http + "/")
        await expect(self.page.locator("body")).to_have_attribute("data-state", "ready", timeout=WITHIN)

    async def finds_in_list(self, title: str, excerpt: str) -> Locator:
        """The document's row, once the list tells `excerpt` of it: the list follows the text a moment later."""
        row = self.page.locator("#list a", has_text=title)
        async with asyncio.timeout(WITHIN / 1000):
            while True:
                await self.list_documents()
                if any(excerpt in text for text in await row.all_inner_texts()):
                    return row

    async def open(self, address: str, *, until: str = "saved") -> None:
        await self.page.goto(f"{self.http}/d/{quote(address)}")
        await self.sees_status(until)

    @property
    def content(self) -> Locator:
        return self.page.locator(".cm-content, .rich-text:not(.preview)")

    async def sees_status(self, kind: str | Iterable[str], within: float = WITHIN) -> None:
        kinds = [kind] if isinstance(kind, str) else list(kind)
        await expect(self.page.locator("body")).to_have_attribute(
            "data-status", re.compile(f"^({'|'.join(kinds)})$"), timeout=within
        )

    async def statuses(self) -> list[str]:
        """Every status this page has shown since it was loaded, in order."""
        shown: list[str] = await self.page.evaluate("window.statusesShown")
        return shown

    async def forget_statuses(self) -> None:
        await self.page.evaluate("window.statusesShown = [document.body.dataset.status]")

    async def write(self, text: str) -> None:
        """Types at the end of the document."""
        await self.content.focus()
        await self.page.keyboard.press("Control+End")
        await self.page.keyboard.type(text)

    async def sees(self, text: str, within: float = WITHIN) -> None:
        """Waits for `text`; white space at its ends is not compared, so wait for a word that was typed last."""
        await expect(self.content).to_contain_text(text, timeout=within)

    async def has_no_horizontal_scroll(self) -> bool:
        fits: bool = await self.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        return fits

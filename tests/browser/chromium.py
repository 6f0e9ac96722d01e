"""Chromium for the tests, and the repetition of a test in which the browser process ended by itself."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

import pytest
from _pytest.runner import runtestprotocol
from playwright.async_api import Browser, Playwright, async_playwright

from tests.require import find_chromium

REPEATS = 2
"""Repetitions of one test at most; after these its failure counts."""

_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class Chromium:
    """One browser process at a time. `crashes`: processes of this run that ended without being closed."""

    crashes = 0

    def __init__(self, playwright: Playwright) -> None:
        self._playwright = playwright
        self._browser: Browser | None = None
        self._closing = False

    @classmethod
    @asynccontextmanager
    async def launched(cls) -> AsyncIterator[Self]:
        async with async_playwright() as playwright:
            chromium = cls(playwright)
            await chromium.browser()
            yield chromium
            await chromium._close()

    async def browser(self) -> Browser:
        """The running browser, launched anew where the last one crashed."""
        if self._browser is None or not self._browser.is_connected():
            self._browser = await self._playwright.chromium.launch(executable_path=find_chromium(), args=_ARGUMENTS)
            self._browser.on("disconnected", self._on_disconnected)
        return self._browser

    def _on_disconnected(self, _: Browser) -> None:
        if not self._closing:
            Chromium.crashes += 1

    async def _close(self) -> None:
        self._closing = True
        if self._browser is not None:
            await self._browser.close()


def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool:
    """Runs the test, and again only where it failed and Chromium's process ended meanwhile.

    The reports tell the number of repetitions as the user property `repeats`.
    """
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for repeats in range(REPEATS + 1):
        if repeats:
            item.user_properties.append(("repeats", repeats))
        crashes = Chromium.crashes
        reports = runtestprotocol(item, log=False, nextitem=nextitem)
        if Chromium.crashes == crashes or not any(report.failed for report in reports):
            break
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True

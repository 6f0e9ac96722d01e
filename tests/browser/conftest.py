"""One Chromium and one server for all tests here that neither stop nor reconfigure it."""

import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from tests.browser.reader import Reader
from tests.require import ROOT, needs
from tests.server import Server

CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

Arrive = Callable[..., Awaitable[Reader]]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    needs("chromium")
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM)
        yield chromium
        await chromium.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def server(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with Server(tmp_path_factory.mktemp("browser")) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def arrive(browser: Browser) -> AsyncIterator[Arrive]:
    """Lets people in: `await arrive(server, name=...)`. Afterwards nobody's console may have complained."""
    readers: list[Reader] = []

    async def enter(server: Server, **options: Any) -> Reader:
        reader = await Reader.arrive(browser, server.http, **options)
        readers.append(reader)
        return reader

    yield enter
    for reader in readers:
        await reader.leave()
    assert [complaint for reader in readers for complaint in reader.complaints] == []
    assert [url for reader in readers for url in reader.strangers] == [], "requested from elsewhere"


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A document of this test alone."""
    return f"{re.sub('[^a-z0-9]+', '-', request.node.name.lower())[:40]}-{uuid4().hex[:8]}"


@pytest.fixture(scope="session")
def node_packages() -> None:
    """The page's Node packages are installed as its lock file says."""
    needs("node")
    static = ROOT / "static"
    lock = static / "package-lock.json"
    installed = static / "node_modules" / ".installed-lock.json"
    if installed.is_file() and installed.read_bytes() == lock.read_bytes():
        return
    subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--silent"], cwd=static, check=True)
    shutil.copyfile(lock, installed)

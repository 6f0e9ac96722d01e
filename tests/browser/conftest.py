"""One Chromium and one server for all tests here that neither stop nor reconfigure it."""

import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.browser.chromium import Chromium, pytest_runtest_protocol
from tests.browser.reader import WITHIN, Reader
from tests.require import ROOT, needs
from tests.server import Server

__all__ = ["Arrive", "pytest_runtest_protocol"]

Arrive = Callable[..., Awaitable[Reader]]

# Playwright's own 5 s are too short for a page that loads on a machine that runs other tests at the same time.
expect.set_options(timeout=WITHIN)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Chromium]:
    needs("chromium")
    async with Chromium.launched() as chromium:
        yield chromium


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def server(chromium: Chromium, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with Server(tmp_path_factory.mktemp("browser"), search_attachments=True) as running:
        yield running


_HAS_FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if call.when == "call":
        item.stash[_HAS_FAILED] = report.failed
    return report


@pytest_asyncio.fixture(loop_scope="session")
async def arrive(chromium: Chromium, request: pytest.FixtureRequest) -> AsyncIterator[Arrive]:
    """Lets people in: `await arrive(server, name=...)`. Afterwards nobody's console may have complained.

    Prints what each person saw where the test has failed.
    """
    readers: list[Reader] = []

    async def enter(server: Server, **options: Any) -> Reader:
        reader = await Reader.arrive(await chromium.browser(), server.http, **options)
        readers.append(reader)
        return reader

    yield enter
    if request.node.stash.get(_HAS_FAILED, False):
        for reader in readers:
            print(await reader.describe())
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

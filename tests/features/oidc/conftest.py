"""A provider, a server that knows it, and a browser between them."""

from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest

from tests.features.oidc.oidc_browser import Browser
from tests.oidc_provider import CLIENT_ID, CLIENT_SECRET, Provider
from tests.server import Server


@pytest.fixture(scope="module")
async def running() -> AsyncIterator[Provider]:
    async with Provider() as provider:
        yield provider


@pytest.fixture
def provider(running: Provider) -> Iterator[Provider]:
    running.exchanged.clear()
    running.asked.clear()
    yield running
    running.behave()


@pytest.fixture(scope="module")
async def server_with_provider(running: Provider, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    directory = tmp_path_factory.mktemp("oidc")
    settings = {
        "oidc_issuer": running.issuer,
        "oidc_client_id": CLIENT_ID,
        "oidc_client_secret": CLIENT_SECRET,
        "oidc_name": "Example Login",
    }
    async with Server(directory, **settings) as started:
        yield started


@pytest.fixture
async def browser(server_with_provider: Server, provider: Provider) -> AsyncIterator[Browser]:
    async with Browser(server_with_provider, provider) as browser:
        yield browser


@pytest.fixture
def ann(provider: Provider) -> str:
    return provider.add(f"ann-{uuid4().hex[:8]}", name="Ann Example")

"""One server for the tests of workspaces."""

from collections.abc import AsyncIterator

import pytest

from tests.server import Server


@pytest.fixture(scope="session")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """Without mail; with guests, as it starts on this machine."""
    async with Server(tmp_path_factory.mktemp("workspaces")) as running:
        yield running

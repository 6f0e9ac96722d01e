"""One server for the tests of the change feed."""

from collections.abc import AsyncIterator

import pytest

from tests.server import Server


@pytest.fixture(scope="session")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """With guests, as it starts on this machine; documents are folded soon after they rest."""
    async with Server(tmp_path_factory.mktemp("changes"), room_idle_seconds=0.3) as running:
        yield running

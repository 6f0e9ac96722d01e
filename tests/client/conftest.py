from collections.abc import AsyncIterator

import pytest

from tests.features.api_harness import ApiHarness, open_api


@pytest.fixture(scope="session")
async def field(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiHarness]:
    """A server, and people who are not always connected to it."""
    async with open_api(tmp_path_factory.mktemp("client")) as running:
        yield running

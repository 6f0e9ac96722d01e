from collections.abc import AsyncIterator

import pytest

from tests.features.api_harness import ApiHarness, open_api


@pytest.fixture(scope="session")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiHarness]:
    async with open_api(tmp_path_factory.mktemp("documents")) as running:
        yield running

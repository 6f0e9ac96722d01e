from collections.abc import AsyncIterator

import pytest

from tests.features.api_harness import ApiHarness, open_api
from tests.features.exports import examples


@pytest.fixture(scope="session")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiHarness]:
    async with open_api(tmp_path_factory.mktemp("exports"), max_import_bytes=4_000_000) as running:
        yield running


@pytest.fixture(scope="session")
def markdown_examples() -> list[str]:
    found = examples.examples()
    assert len(found) > 600
    return found

from collections.abc import AsyncIterator

import pytest

from tests.documents.office import Office, open_office
from tests.exports import examples


@pytest.fixture(scope="session")
async def office(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    async with open_office(tmp_path_factory.mktemp("exports"), max_import_bytes=4_000_000) as running:
        yield running


@pytest.fixture(scope="session")
def markdown_examples() -> list[str]:
    found = examples.examples()
    assert len(found) > 600
    return found

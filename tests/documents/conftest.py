from collections.abc import AsyncIterator

import pytest

from tests.documents.office import Office, open_office


@pytest.fixture(scope="session")
async def office(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    async with open_office(tmp_path_factory.mktemp("documents")) as running:
        yield running

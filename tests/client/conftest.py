from collections.abc import AsyncIterator

import pytest

from tests.documents.office import Office, open_office


@pytest.fixture(scope="session")
async def field(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    """A server, and people who are not always connected to it."""
    async with open_office(tmp_path_factory.mktemp("client")) as running:
        yield running

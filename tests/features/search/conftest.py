"""What several files of tests of the search share."""

from collections.abc import AsyncIterator

import pytest

from tests import databases
from tests.features.search.library import OnDatabase
from tests.server import Server


@pytest.fixture(scope="module", params=databases.VERSIONS)
async def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with (
        databases.migrated(request.param) as database,
        OnDatabase(tmp_path_factory.mktemp("search"), database) as running,
    ):
        yield running

"""One server that lets no guests in: a public page needs no sign-in there either."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.features.api_harness import ApiHarness, open_api


@pytest.fixture(scope="session")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiHarness]:
    async with open_api(tmp_path_factory.mktemp("public"), guest_role="none", public_page_seconds=45) as running:
        yield running


@pytest.fixture
async def anybody(site: ApiHarness) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody without a credential, outside the API."""
    async with httpx.AsyncClient(base_url=site.server.http, timeout=30) as client:
        yield client

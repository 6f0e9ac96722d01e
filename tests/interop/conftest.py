"""One server for all tests here that neither stop nor reconfigure it, and a Node process for each test."""

import re
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from tests.interop.harness import NodeClients
from tests.require import needs
from tests.server import Server


@pytest.fixture(autouse=True)
def _node_is_there() -> None:
    needs("node")


@pytest.fixture(scope="session")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with Server(tmp_path_factory.mktemp("interop")) as running:
        yield running


@pytest.fixture
async def node() -> AsyncIterator[NodeClients]:
    async with NodeClients() as clients:
        yield clients


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A document of this test alone."""
    return f"{re.sub('[^a-z0-9]+', '-', request.node.name.lower())[:40]}-{uuid4().hex[:8]}"

"""People edit together on a server with the compiled hot path, and on one in Python."""

from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import pytest

from tests.forms import FORMS
from tests.peers import Family, Peer
from tests.require import needs
from tests.server import Server

FAMILIES: tuple[Family, Family] = ("yws", "hocus")


@pytest.fixture(scope="module", params=FORMS)
async def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    if request.param == "compiled":
        needs("compiler")
    folder = tmp_path_factory.mktemp(request.param)
    async with Server(folder, speedups=request.param == "compiled") as running:
        async with httpx.AsyncClient(base_url=running.http) as client:
            metrics = (await client.get("/metrics")).text
        assert f"collab_speedups {float(request.param == 'compiled')}" in metrics
        yield running


@pytest.mark.parametrize("family", FAMILIES)
async def test_everybody_sees_what_is_typed_and_it_is_saved(server: Server, family: Family) -> None:
    name = f"together-{uuid4().hex[:8]}"
    author = await Peer(server, family, name).sync()
    alike = await Peer(server, family, name).sync()
    other = await Peer(server, FAMILIES[family == "yws"], name).sync()
    for writer, readers in ((author, (alike, other)), (other, (author, alike)), (alike, (author, other))) * 3:
        mark = writer.type_mark()
        for reader in readers:
            await reader.sees(mark)
        await writer.saved()
    for peer in (author, alike, other):
        await peer.until(lambda peer=peer: peer.content == author.content, "one content")  # type: ignore[misc]
        await peer.close()
    late = await Peer(server, family, name).sync()
    assert late.content == author.content != ""
    await late.close()

"""Credentials that end while a socket is open."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from collab_server.security.tokens import Signer
from tests.peers import Peer
from tests.server import Server


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with Server(tmp_path_factory.mktemp("expiry")) as running:
        yield running


async def token_for(server: Server, name: str, seconds: float, role: str = "editor") -> str:
    """A connect token as the server signs them, but shorter."""
    first = await Peer(server, "yws", name).sync()
    await first.close()
    document = (await server.document(name))["id"]
    signer = Signer((server.data_dir / "secret_key").read_bytes())
    return signer.sign({"document": document, "role": role, "name": "Visitor", "sub": ""}, seconds)


async def test_a_y_websocket_closes_4401_when_its_token_expires(server: Server) -> None:
    name = f"expiry-{uuid4().hex[:8]}"
    peer = await Peer(server, "yws", name, token=await token_for(server, name, 2)).sync()
    peer.insert("in time")
    await peer.saved()
    await peer.refused()
    assert peer.socket is not None
    end = await peer.socket.end()
    assert (end.code, end.reason) == (4401, "unauthenticated: the token has expired")
    assert await server.content(name) == "in time"


async def test_a_hocuspocus_document_is_closed_when_its_token_expires_and_the_socket_stays(server: Server) -> None:
    name = f"expiry-{uuid4().hex[:8]}"
    peer = await Peer(server, "hocus", name, token=await token_for(server, name, 2)).sync()
    await peer.refused()
    assert peer.closes == ["unauthenticated: the token has expired"]
    assert peer.connected
    await peer.close()


async def test_an_expired_token_does_not_open_anything(server: Server) -> None:
    name = f"expiry-{uuid4().hex[:8]}"
    peer = Peer(server, "yws", name, token=await token_for(server, name, -1))
    await peer.connect()
    assert peer.socket is not None
    assert (await peer.socket.end()).code == 4401

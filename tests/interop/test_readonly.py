"""People who may only look: nothing they send changes anything, and they are told so."""

import pytest

from tests.interop.harness import FAMILIES, Family, NodeClients
from tests.peers import Peer
from tests.server import Server


async def written(server: Server, name: str, text: str) -> Peer:
    """A document with this text; its author stays connected."""
    author = await Peer(server, "yws", name).sync()
    author.insert(text)
    await author.saved()
    return author


@pytest.mark.parametrize("role", ["viewer", "commenter"])
@pytest.mark.parametrize("family", FAMILIES)
async def test_a_reader_sees_everything_and_changes_nothing(
    server: Server, node: NodeClients, name: str, family: Family, role: str
) -> None:
    author = await written(server, name, "as it was")
    reader = await node.open(server, family, name, token=await server.connect_token(name, role))
    await reader.until(synced=True, text={"content": "as it was"})
    await reader.append(", but not for long")
    if family == "yws":
        await reader.until(events={"denied": 1})
    else:
        assert (await reader.events("authenticated")) == ["readonly"]
        await reader.command("stateless", payload="in order")
        await reader.until(events={"stateless": 1}, unsyncedAbove=0)
    author.insert(" and is")
    await reader.until(contains={"content": ["as it was", " and is"]})
    assert author.content == "as it was and is"
    newcomer = await Peer(server, "hocus", name).sync()
    assert newcomer.content == "as it was and is"
    for peer in (author, newcomer):
        await peer.close()


async def test_a_y_websocket_reader_is_told_once(server: Server, node: NodeClients, name: str) -> None:
    author = await written(server, name, "text")
    reader = await node.open(server, "yws", name, token=await server.connect_token(name, "viewer"))
    await reader.until(synced=True)
    for number in range(10):
        await reader.append(f"{number}")
    await reader.until(events={"denied": 1})
    author.announce((5005, 1, '{"after":"all that"}'))
    await reader.until(presence={"5005": {"after": "all that"}})
    assert len(await reader.events("denied")) == 1
    await author.close()


@pytest.mark.parametrize("family", FAMILIES)
async def test_what_a_reader_wrote_offline_does_not_get_in_by_the_handshake(
    server: Server, node: NodeClients, name: str, family: Family
) -> None:
    author = await written(server, name, "text")
    token = await server.connect_token(name, "viewer")
    reader = await node.open(server, family, name, token=token, connect=False)
    await reader.append("smuggled ")
    await reader.connect()
    await reader.until(synced=True, contains={"content": ["text"]})
    if family == "yws":
        await reader.until(events={"denied": 1})
    author.insert(" on")
    await reader.until(contains={"content": [" on"]})
    assert author.content == "text on"
    await author.close()


async def test_an_unchanged_hocuspocus_reader_counts_as_saved(server: Server, node: NodeClients, name: str) -> None:
    author = await written(server, name, "text")
    reader = await node.open(server, "hocus", name, token=await server.connect_token(name, "viewer"))
    await reader.until(saved=True, text={"content": "text"})
    await author.close()


@pytest.mark.parametrize("family", FAMILIES)
async def test_a_reader_shares_its_presence(server: Server, node: NodeClients, name: str, family: Family) -> None:
    author = await written(server, name, "text")
    reader = await node.open(server, family, name, token=await server.connect_token(name, "viewer"))
    await reader.until(synced=True)
    await reader.set_presence({"reading": True})
    await author.until(
        lambda: reader.client_id in author.presence and "reading" in author.presence[reader.client_id][1]
    )
    author.announce((5006, 1, '{"writing":true}'))
    await reader.until(presence={"5006": {"writing": True}})
    await author.close()


@pytest.mark.parametrize("family", FAMILIES)
async def test_a_token_opens_its_own_document_only(
    server: Server, node: NodeClients, name: str, family: Family
) -> None:
    for document in (name, f"{name}-other"):
        await (await written(server, document, "text")).close()
    token = await server.connect_token(name, "viewer")
    stranger = await node.open(server, family, f"{name}-other", token=token)
    if family == "yws":
        await stranger.until(events={"closed": 1})
        assert (await stranger.events("closed"))[0]["code"] in (4401, 4403, 4404)
    else:
        await stranger.until(events={"authenticationFailed": 1}, dialled=1)
    assert await stranger.text() == ""


async def test_an_editors_token_lets_edit(server: Server, node: NodeClients, name: str) -> None:
    author = await written(server, name, "text")
    token = await server.connect_token(name, "editor")
    for family in FAMILIES:
        editor = await node.open(server, family, name, token=token)
        await editor.until(synced=True)
        await editor.append(f" {family}")
        await editor.until(saved=True)
    await author.until(lambda: author.content == "text yws hocus")
    await author.close()

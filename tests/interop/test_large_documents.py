"""Clients that hold a large document, or one that is too large."""

from collections.abc import AsyncIterator

import httpx
import pytest
from pycrdt import Doc, Text

from tests.interop.harness import FAMILIES, Family, NodeClients
from tests.server import Server

LIMIT = 100_000
"""Of messages and documents of the small server."""


@pytest.fixture(scope="module")
async def small(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    settings = {"max_message_bytes": 50_000, "max_document_bytes": LIMIT}
    async with Server(tmp_path_factory.mktemp("small"), **settings) as running:
        yield running


@pytest.mark.parametrize("family", FAMILIES)
async def test_a_first_sync_may_be_larger_than_a_message(
    server: Server, node: NodeClients, name: str, family: Family
) -> None:
    """12 MB typed without a connection: more than a message may have, and than a row of the log."""
    author = await node.open(server, family, name, connect=False)
    text = ""
    for part in range(6):
        piece = f"{part}\u00e9" * 700_000
        await author.append(piece)
        text += piece
    await author.connect()
    await author.until(within=60, saved=True)
    await author.append("typed later")
    await author.until(within=30, saved=True)
    assert not (await author.view())["closes"]
    for kind in FAMILIES:
        other = await node.open(server, kind, name)
        await other.until(within=60, saved=True)
        assert (await other.text()) == text + "typed later"
        await other.destroy()


@pytest.mark.parametrize("family", FAMILIES)
async def test_messages_above_the_usual_limit_go_both_ways(
    small: Server, node: NodeClients, name: str, family: Family
) -> None:
    clients = [await node.open(small, kind, name) for kind in FAMILIES]
    await node.until(clients, saved=True)
    author = clients[FAMILIES.index(family)]
    await author.append("x" * 80_000)
    await node.same(clients)
    assert all([not (await client.view())["closes"] for client in clients])


async def test_a_client_with_too_large_a_document_stays_away(small: Server, node: NodeClients, name: str) -> None:
    client = await node.open(small, "yws", name, connect=False)
    await client.append("x" * 3 * LIMIT)
    await client.connect()
    await client.until(events={"closed": 1}, offline=True)
    [closed] = await client.events("closed")
    assert closed["code"] == 4413
    assert closed["reason"].startswith("message_too_large: a document may have at most 100000 bytes")
    assert (await client.view())["dialled"] == 1


async def test_a_document_that_is_too_large_does_not_end_the_others_of_its_socket(
    small: Server, node: NodeClients, name: str
) -> None:
    socket = await node.open_socket(small)
    other = await node.open(small, "hocus", f"{name}-other", socket=socket)
    await other.until(saved=True)
    client = await node.open(small, "hocus", name, socket=socket)
    await client.until(saved=True)
    await client.append("x" * 3 * LIMIT)
    await client.until(events={"close": 1})
    assert "message_too_large" in str((await client.events("close"))[-1])
    await other.append("goes on")
    await other.until(saved=True)
    view = await other.view()
    assert view["dialled"] == 1 and not view["closes"]


async def test_requests_take_an_update_as_large_as_a_document(
    server: Server, small: Server, node: NodeClients, name: str
) -> None:
    doc: Doc[Text] = Doc()
    doc.get("content", type=Text).insert(0, "y" * 11_000_000)
    for running, update, status in ((server, doc.get_update(), 200), (small, doc.get_update()[:200_000], 413)):
        client = await node.open(running, "yws", name)
        await client.until(saved=True)
        document = await running.document(name)
        path = f"{running.api}/documents/{document['id']}/updates"
        async with httpx.AsyncClient(timeout=60) as api:
            answer = await api.post(path, content=update, headers={"content-type": "application/octet-stream"})
            assert answer.status_code == status, answer.text
            said = await api.post(f"{running.api}/documents/{document['id']}/events/none", content=b"\0" * 200_000)
            assert said.json()["code"] == ("not_found" if status == 200 else "message_too_large")
            if status == 200:
                await client.until(within=30, length={"content": 11_000_000})
                again: Doc[Text] = Doc()
                again.apply_update((await api.get(path)).content)
                assert len(str(again.get("content", type=Text))) == 11_000_000
        await client.destroy()

"""Recorded editing sessions of real people, typed again by live clients through the server (josephg/editing-traces)."""

from pathlib import Path
from uuid import uuid4

from tests.interop.harness import FAMILIES, NodeClients
from tests.peers import Peer
from tests.require import TRACES, needs
from tests.server import Server


async def test_two_friends_typing_at_once_end_with_their_text(tmp_path: Path) -> None:
    """`friendsforever`, with its real concurrency: nobody sees a keystroke before its author's friend had seen it."""
    needs("node")
    needs("traces")
    name = f"friends-{uuid4().hex[:8]}"
    # hours of typing in seconds are more messages than one person may send
    async with Server(tmp_path, rate_updates=100_000) as server, NodeClients() as node:
        # concurrent insertions at one place are ordered by client id; these two give the recorded order
        friends = [
            await node.open(server, family, name, clientId=number) for number, family in enumerate(FAMILIES, start=1)
        ]
        await node.until(friends, saved=True)
        result = await node.command(
            "replayConcurrently",
            clients=[friend.label for friend in friends],
            path=str(TRACES / "friendsforever.json.gz"),
            root="content",
            within=90,
        )
        assert result["matches"] == [True, True]
        assert result["exchanges"] > 2000
        await node.same(friends)
        for friend in friends:
            await friend.destroy()
        assert await server.terminate() == 0
        await server.start()
        reader = await Peer(server, "hocus", name).sync()
        assert reader.content == result["endContent"]
        await reader.close()
        assert await server.content(name) == result["endContent"]


async def test_a_paper_typed_from_its_first_to_its_last_keystroke_is_stored(tmp_path: Path) -> None:
    needs("node")
    needs("traces")
    name = f"paper-{uuid4().hex[:8]}"
    async with Server(tmp_path) as server, NodeClients() as node:
        author = await node.open(server, "yws", name)
        watcher = await node.open(server, "hocus", name)
        await node.until([author, watcher], saved=True)
        result = await author.command(
            "replaySequentially",
            path=str(TRACES / "automerge-paper.json.gz"),
            root="content",
            batch=50,
            ahead=100,
            within=90,
        )
        assert result["matches"]
        await node.same([author, watcher], within=30)
        assert await watcher.text() == result["endContent"]
        for client in (author, watcher):
            await client.destroy()
        assert await server.terminate() == 0
        await server.start()
        reader = await node.open(server, "yws", name)
        await reader.until(synced=True)
        assert await reader.text() == result["endContent"]
        assert await server.content(name) == result["endContent"]

"""Whatever many people do at once, and however often their lines break: everyone ends with the same document."""

import os
import random

from tests.interop.harness import FAMILIES, NodeClients
from tests.seeds import choose_seed
from tests.server import Server

EDITORS = 8
ROUNDS = int(os.environ.get("COLLAB_CONVERGENCE_ROUNDS", "40"))


async def test_eight_editors_with_breaking_lines_converge(server: Server, node: NodeClients, name: str) -> None:
    seed = choose_seed()
    chance = random.Random(seed)
    editors = [await node.open(server, FAMILIES[number % 2], name) for number in range(EDITORS)]
    await node.until(editors, synced=True)
    offline = set()
    for _ in range(ROUNDS):
        for editor in chance.sample(editors, EDITORS):
            await editor.command("random", seed=chance.randrange(2**31), steps=chance.randint(1, 12))
            match chance.randrange(8):
                case 0:
                    await editor.cut()
                case 1:
                    await editor.disconnect()
                    offline.add(editor)
                case 2 if editor in offline:
                    await editor.connect()
                    offline.discard(editor)
        if chance.randrange(4) == 0:
            # somebody offline may have sent an edit whose predecessor was lost with the line: it waits at the others
            online = [editor for editor in editors if editor not in offline]
            await node.until(online, same=True, saved=True)
    for editor in offline:
        await editor.connect()
    await node.same(editors, within=30)
    expected = await editors[0].dump()
    assert all(expected["content"].values())
    for editor in editors[1:]:
        assert await editor.dump() == expected
    newcomer = await node.open(server, "hocus", name)
    await newcomer.until(synced=True)
    assert await newcomer.dump() == expected
    for client in (*editors, newcomer):
        await client.destroy()
    reader = await node.open(server, "yws", name)
    await reader.until(synced=True)
    assert await reader.dump() == expected

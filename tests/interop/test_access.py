"""Stock clients whose rights change while they are connected."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.interop.harness import FAMILIES, Family, NodeClients
from tests.realtime.team import Team, found_team
from tests.server import Server

pytestmark = pytest.mark.parametrize("family", FAMILIES)


@pytest.fixture
async def team(server: Server) -> AsyncIterator[Team]:
    conn = await asyncpg.connect(server.owner_dsn)
    yield await found_team(server, conn)
    await conn.close()


async def test_who_is_removed_stops_dialling(server: Server, node: NodeClients, team: Team, family: Family) -> None:
    ed = await team.member("ed", "editor")
    client = await node.open(server, family, str(team.document), token=ed.token)
    await client.until(synced=True)
    await client.append("text")
    await client.until(saved=True)
    await team.remove(ed)
    await client.until(within=2, events={"closed" if family == "yws" else "close": 1})
    await client.throughout(1.5, dialled=1)


async def test_who_is_demoted_and_promoted_again_loses_nothing(
    server: Server, node: NodeClients, team: Team, family: Family
) -> None:
    ed = await team.member("ed", "editor")
    client = await node.open(server, family, str(team.document), token=ed.token)
    ann = await node.open(server, "yws", str(team.document), token=team.ann.token)
    await client.until(synced=True)
    await client.append("one")
    await ann.until(text={"content": "one"})
    await team.set_member(ed, "role = 'viewer'")
    await client.until(within=2, events={"denied": 1} if family == "yws" else {"authenticated": 2})
    await client.append(" two")
    await ann.throughout(0.5, text={"content": "one"})
    await team.set_member(ed, "role = 'editor'")
    await ann.until(within=2, text={"content": "one two"})
    await client.throughout(0.2, dialled=1)

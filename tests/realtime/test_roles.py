"""What each role may do over a socket: one table for both protocols."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from pycrdt import Doc, Text

from tests.peers import Family, Peer
from tests.realtime.team import Team, found_team
from tests.server import Server

FAMILIES: tuple[Family, Family] = ("yws", "hocus")
MAY_EDIT = {"owner": True, "admin": True, "editor": True, "commenter": False, "viewer": False}
"""Role in the workspace -> whether edits get in. All of them see, and show that they are here."""


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with Server(tmp_path_factory.mktemp("roles")) as running:
        yield running


@pytest.fixture(scope="module")
async def team(server: Server) -> AsyncIterator[Team]:
    conn = await asyncpg.connect(server.owner_dsn)
    yield await found_team(server, conn)
    await conn.close()


def written(text: str) -> bytes:
    doc: Doc[Text] = Doc()
    doc.get("content", type=Text).insert(0, text)
    return doc.get_update()


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("role", MAY_EDIT)
async def test_a_role_and_what_it_may(team: Team, role: str, family: Family) -> None:
    witness = await team.opened("yws", team.ann)
    person = team.ann if role == "owner" else await team.member(role, role)
    peer = await team.opened(family, person)
    said = witness.type_mark()
    await peer.sees(said)

    client = uuid4().int % 2**31
    peer.announce((client, 1, '{"here":true}'))
    await witness.until(lambda: client in witness.presence, "presence")
    witness.announce((client + 1, 1, '{"there":true}'))
    await peer.until(lambda: client + 1 in peer.presence, "presence")
    await peer.saved()  # its answer to the server's question: the next status is of what follows

    for kind in (2, 1):  # an Update, and a SyncStep2 that brings edits
        mark = f"<{uuid4().hex[:8]}.{kind}>".encode()
        waiting = len(peer.status)
        peer.send_content(written(mark.decode()), kind=kind)
        if MAY_EDIT[role]:
            await witness.sees(mark)
            await peer.saved()
            continue
        if family == "hocus":
            await peer.until(lambda before=waiting: len(peer.status) > before, "a status")  # type: ignore[misc]
            assert peer.status[-1] == 0
        else:
            await peer.until(lambda: peer.denied, "a refusal")
        for one in (peer, witness):
            assert one.socket is not None
            await one.socket.round_trip()
        assert mark not in witness.marks
    if family == "hocus":
        assert peer.scope == ("read-write" if MAY_EDIT[role] else "readonly")
    await peer.close()
    await witness.close()


async def answers(peer: Peer) -> tuple[Any, ...]:
    """All that a client is told that opens a document it may not see."""
    await peer.connect()
    assert peer.socket is not None
    await peer.until(lambda: peer.denied or peer.synced or not peer.connected, "an answer")
    told = (peer.denied, peer.closes, peer.scope, peer.synced, peer.content, peer.socket.ended)
    await peer.close()
    return told


@pytest.mark.parametrize("family", FAMILIES)
async def test_a_document_of_others_answers_as_one_that_is_not_there(team: Team, family: Family) -> None:
    eve = await team.member("eve", None)
    slug = f"team-{uuid4().hex[:8]}"
    await team.set_workspace(f"slug = '{slug}'")
    await team.set_document("name = 'plan'")
    ann = await team.opened(family, team.ann)
    ann.insert("text")
    await ann.saved()
    await ann.close()
    connect = await team.ann.post(f"/documents/{team.document}/connect-tokens", json={"role": "editor"})
    elsewhere = await eve.post(f"/workspaces/{eve.personal}/documents", json={"title": "Mine"})
    other = await eve.post(f"/documents/{elsewhere.json()['id']}/connect-tokens", json={"role": "editor"})
    for token in (eve.token, None, other.json()["token"]):
        hidden = [str(team.document), f"@{slug}/plan"]
        absent = [str(UUID(int=uuid4().int)), f"@no-{slug}/plan"]
        for theirs, nowhere in zip(hidden, absent, strict=True):
            told = [await answers(Peer(team.server, family, name, token=token)) for name in (theirs, nowhere)]
            assert told[0] == told[1], (theirs, token)
            assert "text" not in told[0][4], "what is in the team's document"
    for address in (f"{slug}/plan", f"@{slug}/plan"):
        opened = await Peer(team.server, family, address, token=connect.json()["token"]).sync()
        await opened.close()

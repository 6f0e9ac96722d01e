"""Shares that change by REST on one node: sockets of both protocols on another node have the change within a second."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import asyncpg
import pytest

from tests.cluster.wired import Wired
from tests.features.workspaces.teams import ok
from tests.peers import Family, Peer
from tests.people import nobody
from tests.realtime.team import Team, can_edit, cannot_edit, ended, found_team, turned_down

FAMILIES: tuple[Family, Family] = ("yws", "hocus")
Kind = Literal["a link", "an opened link", "a person"]
KINDS: tuple[Kind, ...] = ("a link", "an opened link", "a person")


class Visits:
    """A shared document. Requests of its owner go to the first node; who comes by the share, and the owner's socket,
    which sees what gets in, are on the second.
    """

    def __init__(self, three: Wired, team: Team) -> None:
        self.here, self.there = three.nodes[:2]
        self.team = team
        self.witness = Peer(self.there, "yws", str(team.document), token=team.ann.token)
        self.share: dict[str, Any] = {}
        self.credentials: dict[str, str] = {}
        self.peers: list[Peer] = []

    async def open(self, kind: Kind, **fields: object) -> None:
        """Share the document with write access, and open it by the share with both protocols."""
        body: dict[str, object] = {"kind": "link", "permission": "write", **fields}
        if kind == "a person":
            eve = await self.team.member("eve", None)
            body |= {"kind": "user", "user_id": eve.id}
            self.credentials = {"token": eve.token}
        self.share = ok(await self.team.ann.post(f"/documents/{self.team.document}/shares", json=body), 201)
        if kind == "a link":
            self.credentials = {"share": self.share["token"]}
        elif kind == "an opened link":
            opened = ok(await nobody(self.here).post("/shares/open", json={"token": self.share["token"]}))
            self.credentials = {"share": opened["token"]}
        await self.witness.sync()
        self.peers = [self.visitor(family) for family in FAMILIES]
        for peer in self.peers:
            await peer.sync()
            await can_edit(peer, self.witness)
            await peer.saved()

    def visitor(self, family: Family) -> Peer:
        return Peer(self.there, family, str(self.team.document), **self.credentials)  # type: ignore[arg-type]

    async def change(self, **fields: object) -> None:
        ok(await self.team.ann.patch(f"/shares/{self.share['id']}", json=fields))

    async def all(self, follow: Callable[[Peer], Awaitable[object]]) -> None:
        await asyncio.gather(*(follow(peer) for peer in self.peers))

    async def close(self) -> None:
        for peer in (self.witness, *self.peers):
            await peer.abort()


@pytest.fixture
async def visits(three: Wired, owner: asyncpg.Connection) -> AsyncIterator[Visits]:
    made = Visits(three, await found_team(three.nodes[0], owner))
    yield made
    await made.close()


@pytest.mark.parametrize("kind", KINDS)
async def test_a_share_that_is_lowered_and_revoked(visits: Visits, kind: Kind) -> None:
    await visits.open(kind)
    await visits.change(permission="comment")
    await visits.all(lambda peer: cannot_edit(peer, visits.witness))
    await visits.change(permission="write")
    await visits.all(lambda peer: can_edit(peer, visits.witness))
    ok(await visits.team.ann.delete(f"/shares/{visits.share['id']}"), 204)
    await visits.all(lambda peer: ended(peer, "forbidden"))
    for family in FAMILIES:
        await turned_down(visits.visitor(family), "not_found" if kind == "a person" else "share_ended")


@pytest.mark.parametrize("kind", KINDS)
async def test_a_share_whose_time_is_over(visits: Visits, kind: Kind) -> None:
    await visits.open(kind)
    ends = datetime.now(UTC) + timedelta(seconds=0.5)
    await visits.change(expires_at=ends.isoformat())
    await visits.all(lambda peer: ended(peer, "forbidden"))
    assert datetime.now(UTC) >= ends, "not before its time"


async def test_a_link_that_has_another_password(visits: Visits) -> None:
    await visits.open("an opened link")
    await visits.change(password="another one")
    await visits.all(lambda peer: ended(peer, "share_ended"))


async def test_a_share_that_its_owner_gives_back(visits: Visits) -> None:
    await visits.open("a person")
    eve = nobody(visits.here)
    eve.headers["authorization"] = f"Bearer {visits.credentials['token']}"
    ok(await eve.delete(f"/shares/{visits.share['id']}"), 204)
    await visits.all(lambda peer: ended(peer, "forbidden"))

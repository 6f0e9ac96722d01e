"""People and guests who came by a share, on sockets of both protocols: their rights, their names, and their end."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests.features.api_harness import code
from tests.peers import Family, Peer
from tests.people import nobody
from tests.realtime.team import Team, can_edit, cannot_edit, ended, found_team, turned_down
from tests.server import Server
from tests.waiting import until

FAMILIES: tuple[Family, Family] = ("yws", "hocus")
pytestmark = pytest.mark.parametrize("family", FAMILIES)


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with Server(tmp_path_factory.mktemp("shares"), guest_role="none") as running:
        yield running


@pytest.fixture(scope="module")
async def owner(server: Server) -> AsyncIterator[asyncpg.Connection]:
    conn = await asyncpg.connect(server.owner_dsn)
    yield conn
    await conn.close()


@pytest.fixture
async def team(server: Server, owner: asyncpg.Connection) -> Team:
    return await found_team(server, owner)


@pytest.fixture
async def ann(team: Team) -> AsyncIterator[Peer]:
    """The owner, who sees what gets in."""
    peer = await team.opened("yws", team.ann)
    yield peer
    await peer.close()


async def share(team: Team, **fields: Any) -> dict[str, Any]:
    body = {"kind": "link", "permission": "write", "name": "Board", **fields}
    made = await team.ann.post(f"/documents/{team.document}/shares", json=body)
    assert made.status_code == 201, made.text
    return made.json()  # type: ignore[no-any-return]


async def visit(team: Team, family: Family, token: str) -> Peer:
    return await Peer(team.server, family, str(team.document), share=token).sync()


def uninvited(team: Team, family: Family, token: str) -> Peer:
    return Peer(team.server, family, str(team.document), share=token)


async def test_a_link_gives_its_permission(team: Team, ann: Peer, family: Family) -> None:
    for permission in ("read", "comment", "write"):
        made = await share(team, permission=permission)
        peer = await visit(team, family, made["token"])
        if permission == "write":
            await can_edit(peer, ann)
        else:
            if family == "yws":
                peer.type_mark()  # only an edit is refused there
            else:
                await peer.saved()  # the answer to the server's SyncStep1
            await cannot_edit(peer, ann)
        await peer.close()


async def test_a_changed_permission_takes_effect_at_once(team: Team, ann: Peer, family: Family) -> None:
    made = await share(team)
    peer = await visit(team, family, made["token"])
    await can_edit(peer, ann)
    await peer.saved()
    assert (await team.ann.patch(f"/shares/{made['id']}", json={"permission": "comment"})).status_code == 200
    await cannot_edit(peer, ann)
    assert (await team.ann.patch(f"/shares/{made['id']}", json={"permission": "write"})).status_code == 200
    await can_edit(peer, ann)
    await peer.close()


async def test_a_revoked_link_ends_open_sockets(team: Team, ann: Peer, family: Family) -> None:
    made = await share(team)
    opened = (await nobody(team.server).post("/shares/open", json={"token": made["token"], "name": "Dana"})).json()
    peers = [await visit(team, family, token) for token in (made["token"], opened["token"])]
    await can_edit(peers[1], ann)
    await peers[1].saved()
    assert (await team.ann.delete(f"/shares/{made['id']}")).status_code == 204
    for peer in peers:
        await ended(peer, "forbidden")
        await peer.close()
    await turned_down(uninvited(team, family, made["token"]), "share_ended")
    await turned_down(uninvited(team, family, opened["token"]), "share_ended")
    assert ann.marks >= peers[1].typed


async def test_a_share_with_a_person_ends_when_its_time_is_over(team: Team, ann: Peer, family: Family) -> None:
    eve = await team.member("eve", None)
    ends = datetime.now(UTC) + timedelta(seconds=2)
    await share(team, kind="user", user_id=eve.id, name=None, expires_at=ends.isoformat())
    peer = await team.opened(family, eve)
    await can_edit(peer, ann)
    await ended(peer, "forbidden")
    late = (datetime.now(UTC) - ends).total_seconds()
    assert late >= 0, "not before its time"
    await peer.close()
    await turned_down(team.peer(family, eve), "not_found")
    [listed] = (await team.ann.get(f"/documents/{team.document}/shares")).json()["items"]
    assert listed["expired"]


async def test_another_password_ends_what_was_opened_before(team: Team, ann: Peer, family: Family) -> None:
    made = await share(team, password="opensesame")
    await turned_down(uninvited(team, family, made["token"]), "share_password_required")
    body = {"token": made["token"], "password": "opensesame"}
    opened = (await nobody(team.server).post("/shares/open", json=body)).json()
    peer = await visit(team, family, opened["token"])
    await can_edit(peer, ann)
    assert (await team.ann.patch(f"/shares/{made['id']}", json={"password": "another one"})).status_code == 200
    await ended(peer, "share_ended")
    await peer.close()


async def test_each_admission_is_a_use_and_a_reconnect_is_none(team: Team, ann: Peer, family: Family) -> None:
    made = await share(team, max_uses=2)
    first, second = [await visit(team, family, made["token"]) for _ in range(2)]
    await turned_down(uninvited(team, family, made["token"]), "share_used_up")
    await first.close()
    again = await visit(team, family, made["token"])
    await can_edit(again, ann)
    [listed] = (await team.ann.get(f"/documents/{team.document}/shares")).json()["items"]
    assert listed["access_count"] == 2
    for peer in (second, again):
        await peer.close()
    await ended_openings(team, made["id"])
    await team.owner.execute("UPDATE share_openings SET ended_at = now() - interval '61 seconds'")
    await turned_down(uninvited(team, family, made["token"]), "share_used_up")


async def ended_openings(team: Team, share_id: str) -> None:
    async def is_done() -> bool:
        query = "SELECT count(*) FROM share_openings WHERE share_id = $1 AND ended_at IS NULL"
        return not await team.owner.fetchval(query, UUID(share_id))

    await until(is_done, "the ends of the openings")


async def shows(peer: Peer, client: int, name: str) -> None:
    await peer.until(lambda: f'"{name}"' in peer.presence.get(client, (0, ""))[1], f"the name {name}")


async def test_guests_are_named_after_their_link(team: Team, ann: Peer, family: Family) -> None:
    made = await share(team)
    opened = (await nobody(team.server).post("/shares/open", json={"token": made["token"], "name": "Dana"})).json()
    for token, shown, name in (
        (made["token"], "Zoe", "Zoe (link Board)"),
        (opened["token"], "Ann", "Dana (link Board)"),
    ):
        peer = await visit(team, family, token)
        client = uuid4().int % 2**31
        peer.announce((client, 1, f'{{"user":{{"name":"{shown}","id":"{team.ann.id}"}}}}'))
        await shows(ann, client, name)
        assert team.ann.id not in ann.presence[client][1], "nobody takes the id of another"
        await can_edit(peer, ann)
        await peer.saved()
        await peer.close()
    blame = (await team.ann.get(f"/documents/{team.document}/blame")).json()["runs"]
    assert {(run["author"]["kind"], run["author"]["name"]) for run in blame} == {
        ("guest", "Zoe (link Board)"),
        ("guest", "Dana (link Board)"),
    }


async def test_a_link_opens_only_its_document(team: Team, ann: Peer, family: Family) -> None:
    made = await share(team)
    other = await team.ann.post(f"/workspaces/{team.id}/documents", json={"title": "Other"})
    peer = Peer(team.server, family, other.json()["id"], share=made["token"])
    await turned_down(peer, "not_found")
    named = Peer(team.server, family, f"new-{uuid4().hex}", share=made["token"])
    await turned_down(named, "not_found")


async def test_a_member_with_a_link_stays_themselves(team: Team, ann: Peer, family: Family) -> None:
    made = await share(team)
    vic = await team.member("vic", "viewer")
    if family == "yws":
        peer = Peer(team.server, family, str(team.document), token=vic.token, share=made["token"])
    else:
        headers = [("authorization", f"Bearer {vic.token}")]
        peer = Peer(team.server, family, str(team.document), share=made["token"], headers=headers)
    await peer.sync()
    await can_edit(peer, ann)
    await peer.saved()
    blame = (await team.ann.get(f"/documents/{team.document}/blame")).json()["runs"]
    assert vic.id in {run["author"]["id"] for run in blame}
    assert (await team.ann.delete(f"/shares/{made['id']}")).status_code == 204
    await cannot_edit(peer, ann)
    await peer.close()


async def test_a_token_that_is_not_valid_is_refused(team: Team, ann: Peer, family: Family) -> None:
    for token in ("csl_unknown", "nonsense", team.ann.token):
        await turned_down(uninvited(team, family, token), "unauthenticated")
    assert code(await nobody(team.server).post("/shares/open", json={"token": team.ann.token})) == "not_found"

"""Who is there: presence of the stock clients of both protocols."""

import asyncio
import json

import pytest

from tests.interop.harness import FAMILIES, Family, NodeClient, NodeClients
from tests.peers import Peer
from tests.server import Server

REMOVAL = 3.0
"""Seconds within which the others are told that somebody is gone."""


def there(client: NodeClient, **fields: object) -> dict[str, object]:
    """The presence condition: this client is known, with these fields."""
    return {str(client.client_id): fields}


def gone(client: NodeClient) -> dict[str, object]:
    return {str(client.client_id): None}


@pytest.mark.parametrize("family", FAMILIES)
async def test_states_come_change_and_go_across_protocols(
    server: Server, node: NodeClients, name: str, family: Family
) -> None:
    watchers = [await node.open(server, kind, name) for kind in FAMILIES]
    person = await node.open(server, family, name)
    await node.until([*watchers, person], synced=True)
    await person.set_presence({"cursor": {"anchor": 1}, "colour": "#f00"})
    await node.until(watchers, presence=there(person, cursor={"anchor": 1}, colour="#f00"))
    await person.set_presence({"cursor": {"anchor": 2}})
    await node.until(watchers, presence=there(person, cursor={"anchor": 2}))
    await person.disconnect()
    await node.until(watchers, within=REMOVAL, presence=gone(person))


@pytest.mark.parametrize("family", FAMILIES)
async def test_a_null_state_is_a_removal_while_the_connection_stays(
    server: Server, node: NodeClients, name: str, family: Family
) -> None:
    watchers = [await node.open(server, kind, name) for kind in FAMILIES]
    person = await node.open(server, family, name)
    await node.until([*watchers, person], synced=True)
    await person.set_presence({"at": 1})
    await node.until(watchers, presence=there(person, at=1))
    await person.set_presence(None)
    await node.until(watchers, within=REMOVAL, presence=gone(person))
    await person.set_presence({"at": 2})
    await node.until(watchers, presence=there(person, at=2))
    await person.append("still connected")
    await node.until(watchers, text={"content": "still connected"})


@pytest.mark.parametrize("family", FAMILIES)
async def test_a_joiner_learns_of_everyone_present(
    server: Server, node: NodeClients, name: str, family: Family
) -> None:
    people = [await node.open(server, FAMILIES[number % 2], name) for number in range(6)]
    await node.until(people, synced=True)
    for number, person in enumerate(people):
        await person.set_presence({"number": number})
    await node.until(people, people=6)
    joiner = await node.open(server, family, name)
    states: dict[str, object] = {}
    for number, person in enumerate(people):
        states |= there(person, number=number)
    await joiner.until(presence=states)


async def test_killed_clients_are_gone_within_three_seconds(server: Server, node: NodeClients, name: str) -> None:
    watchers = [await node.open(server, kind, name) for kind in FAMILIES]
    async with NodeClients() as doomed:
        victims = [await doomed.open(server, kind, name) for kind in FAMILIES]
        await doomed.until(victims, synced=True)
        states: dict[str, object] = {}
        for victim in victims:
            await victim.set_presence({"alive": True})
            states |= there(victim, alive=True)
        await node.until(watchers, presence=states)
        await doomed.kill()
        await node.until(watchers, within=REMOVAL, presence=dict.fromkeys(states))


@pytest.mark.parametrize("family", FAMILIES)
async def test_a_returned_client_is_seen_again(server: Server, node: NodeClients, name: str, family: Family) -> None:
    watcher = await node.open(server, "yws", name)
    person = await node.open(server, family, name)
    await node.until([watcher, person], synced=True)
    await person.set_presence({"at": 1})
    await watcher.until(presence=there(person, at=1))
    await person.disconnect()
    await watcher.until(presence=gone(person))
    await person.connect()
    await person.until(synced=True)
    await person.set_presence({"at": 2})
    await watcher.until(presence=there(person, at=2))


@pytest.mark.parametrize("family", FAMILIES)
async def test_the_late_death_of_an_old_socket_does_not_remove_who_has_returned(
    server: Server, node: NodeClients, name: str, family: Family
) -> None:
    watcher = await node.open(server, family, name)
    old, new = Peer(server, family, name), Peer(server, family, name)
    await old.sync()
    old.announce((7001, 5, '{"on":"old"}'))
    await watcher.until(presence={"7001": {"on": "old"}})
    await new.sync()
    new.announce((7001, 6, '{"on":"new"}'))
    await watcher.until(presence={"7001": {"on": "new"}})
    old.announce((7002, 1, '{"only":"old"}'))
    await watcher.until(presence={"7002": {"only": "old"}})
    await old.abort()
    # 7002 went with the old socket: its death has been dealt with
    await watcher.until(presence={"7002": None, "7001": {"on": "new"}})
    new.announce((7001, 7, '{"on":"newer"}'))
    await watcher.until(presence={"7001": {"on": "newer"}})
    await new.abort()
    await watcher.until(presence={"7001": None})


async def test_nobody_can_remove_or_speak_for_another(server: Server, node: NodeClients, name: str) -> None:
    watcher = await node.open(server, "hocus", name)
    honest = await node.open(server, "yws", name)
    await node.until([watcher, honest], synced=True)
    await honest.set_presence({"honest": True})
    await watcher.until(presence=there(honest, honest=True))
    for forger_id, kind in enumerate(FAMILIES, start=9009):
        forger = await Peer(server, kind, name).sync()
        forger.announce((forger_id, 1, '{"forger":true}'))
        await watcher.until(presence={str(forger_id): {"forger": True}})
        forger.announce((honest.client_id, 500, '{"honest":false}'))
        forger.announce((honest.client_id, 501, "null"))
        forger.announce((forger_id, 2, '{"forger":"done"}'))
        await watcher.until(presence={str(forger_id): {"forger": "done"}} | there(honest, honest=True))
        await forger.close()
        await watcher.until(presence={str(forger_id): None} | there(honest, honest=True))
    await honest.set_presence({"honest": "still"})
    await watcher.until(presence=there(honest, honest="still"))


@pytest.mark.parametrize("family", FAMILIES)
async def test_a_signed_in_persons_name_is_the_servers_and_their_cursor_their_own(
    server: Server, node: NodeClients, name: str, family: Family
) -> None:
    token = await server.create_token(f"ada-{name}@example.org", name="Ada Lovelace")
    watcher = await node.open(server, "yws", name)
    ada = await node.open(server, family, name, token=token)
    await node.until([watcher, ada], synced=True)
    await ada.set_presence({"user": {"name": "Somebody Else", "id": "forged", "color": "#123456"}, "cursor": 7})
    await watcher.until(presence=there(ada, cursor=7))
    user = (await watcher.presence())[ada.client_id]["user"]
    assert user["name"] == "Ada Lovelace"
    assert user["color"] == "#123456"
    assert user["id"] not in ("forged", None)


async def test_another_person_cannot_take_over_an_id_even_as_a_newcomer(
    server: Server, node: NodeClients, name: str
) -> None:
    watcher = await node.open(server, "hocus", name)
    people = [await server.create_token(f"{who}-{name[-8:]}@example.org") for who in ("bob", "eve")]
    bob, eve = [Peer(server, "yws", name, token=token) for token in people]
    await bob.sync()
    bob.announce((8001, 1, '{"who":"bob"}'))
    await watcher.until(presence={"8001": {"who": "bob"}})
    await eve.sync()
    eve.announce((8001, 2, '{"who":"eve"}'))
    eve.announce((8001, 3, "null"))
    eve.announce((8002, 1, '{"who":"eve"}'))
    await watcher.until(presence={"8001": {"who": "bob"}, "8002": {"who": "eve"}})
    await eve.close()
    await watcher.until(presence={"8001": {"who": "bob"}, "8002": None})
    await bob.close()


async def test_presence_does_not_outlive_its_document_connection(server: Server, node: NodeClients, name: str) -> None:
    """A Hocuspocus provider that leaves one document of its socket is gone from that document only."""
    socket = await node.open_socket(server)
    here, there_too = [await node.open(server, "hocus", f"{name}-{number}", socket=socket) for number in range(2)]
    watchers = [await node.open(server, "yws", f"{name}-{number}") for number in range(2)]
    await node.until([here, there_too, *watchers], synced=True)
    for client in (here, there_too):
        await client.set_presence({"in": "document"})
    for client, watcher in ((here, watchers[0]), (there_too, watchers[1])):
        await watcher.until(presence=there(client, **{"in": "document"}))
    await here.command("detach")
    await watchers[0].until(within=REMOVAL, presence=gone(here))
    await watchers[1].until(presence=there(there_too, **{"in": "document"}))


async def test_clients_without_presence_stay_connected(server: Server, node: NodeClients, name: str) -> None:
    """Both providers drop a socket on which nothing comes for 30 s; an old provider must not be sent a ping either."""
    quiet = [await node.open(server, kind, f"{name}-{kind}", quiet=True) for kind in FAMILIES]
    await node.until(quiet, saved=True)
    old = Peer(server, "hocus", f"{name}-old", version=None)
    frames: list[bytes] = []
    await old.connect()
    assert old.socket is not None
    old.socket.on_message = frames.append
    await asyncio.gather(*(client.throughout(36, connected=True, dialled=1) for client in quiet))
    assert all(len(frame) > 1 for frame in frames), "a one-byte frame makes a provider before version 4 throw"
    for client in quiet:
        await client.append("still here")
    await node.until(quiet, saved=True, text={"content": "still here"})
    await old.abort()


@pytest.mark.parametrize("family", FAMILIES)
async def test_a_state_that_is_not_json_reaches_nobody(
    server: Server, node: NodeClients, name: str, family: Family
) -> None:
    watchers = [await node.open(server, kind, name) for kind in FAMILIES]
    await node.until(watchers, synced=True)
    for state in ('{"cut', "undefined", "NaN", '{"a":' * 12_000, "[" * 60_000):
        sender = await Peer(server, family, name).sync()
        sender.announce((31_337, 1, state))
        await sender.refused()
        await sender.abort()
    await watchers[0].set_presence({"fine": json.dumps("ok")})
    await watchers[1].until(presence=there(watchers[0], fine=json.dumps("ok")))
    await node.until(watchers, presence={"31337": None})


@pytest.mark.parametrize("size", [70_000, 300_000])
@pytest.mark.parametrize("family", FAMILIES)
async def test_a_state_that_is_too_large_is_not_shown_and_editing_goes_on(
    server: Server, node: NodeClients, name: str, family: Family, size: int
) -> None:
    watchers = [await node.open(server, kind, name) for kind in FAMILIES]
    person = await node.open(server, family, name)
    await node.until([*watchers, person], synced=True)
    await person.set_presence({"at": 1})
    await node.until(watchers, presence=there(person, at=1))
    for picture in ("x", "y"):
        await person.set_presence({"at": 2, "picture": picture * size})
        await person.append("still here, ")
        await person.until(saved=True)
    await node.until(watchers, text={"content": "still here, still here, "}, presence=there(person, at=1))
    await person.set_presence({"at": 3})
    await node.until(watchers, presence=there(person, at=3))
    assert not (await person.view())["closes"]
    if family == "yws":
        assert len(await person.events("denied")) == 1
    else:
        [notice] = [json.loads(payload) for payload in await person.events("stateless")]
        assert (notice["type"], notice["code"]) == ("collab_server.notice", "too_large")

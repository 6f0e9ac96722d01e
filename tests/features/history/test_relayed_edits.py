"""Edits that somebody else delivers: whoever announced the Yjs client id is the author, or else they are relayed."""

from typing import Any

import pycrdt
import pytest

from tests.features.api_harness import PLAYGROUND, ApiHarness
from tests.peers import Family, Peer
from tests.people import Person
from tests.server import Server

FAMILIES: list[tuple[Family, Family]] = [("yws", "hocus"), ("hocus", "yws")]
STATE = '{"user": {"name": "%s"}}'


def typed(client: int, text: str) -> bytes:
    """The structs of a Yjs client that wrote this text."""
    doc: pycrdt.Doc[Any] = pycrdt.Doc(client_id=client)
    doc.get("content", type=pycrdt.Text).insert(0, text)
    return doc.get_update()


async def open_peer(server: Server, family: Family, document: dict[str, Any], token: str | None) -> Peer:
    return await Peer(server, family, document["id"], token=token).sync()


async def announce(peer: Peer, witness: Peer, client: int, name: str) -> None:
    """Announce presence, and wait until somebody else has heard of it."""
    peer.announce((client, 1, STATE % name))
    await witness.until(lambda: client in witness.presence, "the presence")


async def deliver(peer: Peer, update: bytes) -> None:
    peer.send_content(update)
    await peer.saved()


async def authors(reader: Person, document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The author of each run of text."""
    answer = await reader.get(f"/documents/{document['id']}/blame")
    assert answer.status_code == 200, answer.text
    return {run["text"]: run["author"] for run in answer.json()["runs"]}


async def close(*peers: Peer) -> None:
    for peer in peers:
        await peer.close()


@pytest.mark.parametrize("families", FAMILIES)
@pytest.mark.parametrize("has_presence", [True, False], ids=["relay with presence", "relay without"])
async def test_structs_of_an_announced_client_are_credited_to_who_announced_it(
    api: ApiHarness, families: tuple[Family, Family], has_presence: bool
) -> None:
    made = await api.make()
    ann = await open_peer(api.server, families[0], made, api.editor.token)
    relay = await open_peer(api.server, families[1], made, api.other.token)
    await announce(ann, relay, 7001, "Ann")
    if has_presence:
        await announce(relay, ann, 7002, "Relay")
    words = typed(7001, "by Ann")
    await deliver(relay, words)
    found = await authors(api.viewer, made)
    assert found["by Ann"]["id"] == api.editor.id
    assert found["by Ann"]["relayed"] is False
    await deliver(ann, words)
    await deliver(relay, typed(7002, "by the relay "))
    found = await authors(api.viewer, made)
    assert {text: author["id"] for text, author in found.items()} == {
        "by Ann": api.editor.id,
        "by the relay ": api.other.id,
    }
    assert not any(author["relayed"] for author in found.values())
    sessions = (await api.viewer.get(f"/documents/{made['id']}/history")).json()["items"]
    assert {one["author"]["id"]: one["inserted"] for one in sessions} == {api.editor.id: 6, api.other.id: 13}
    await close(ann, relay)


@pytest.mark.parametrize("family", ["yws", "hocus"])
async def test_structs_that_nobody_announced_are_relayed_by_who_announces_another_client(
    api: ApiHarness, family: Family
) -> None:
    made = await api.make()
    ann = await open_peer(api.server, "yws", made, api.editor.token)
    relay = await open_peer(api.server, family, made, api.other.token)
    await announce(relay, ann, 7002, "Relay")
    await deliver(relay, typed(7003, "by somebody"))
    found = await authors(api.viewer, made)
    assert (found["by somebody"]["id"], found["by somebody"]["relayed"]) == (api.other.id, True)
    # who delivers without any presence is the author
    await deliver(ann, typed(7004, "by Ann "))
    found = await authors(api.viewer, made)
    assert (found["by Ann "]["id"], found["by Ann "]["relayed"]) == (api.editor.id, False)
    assert (found["by somebody"]["id"], found["by somebody"]["relayed"]) == (api.other.id, True)
    await close(ann, relay)


async def test_one_update_has_structs_of_its_sender_of_others_and_of_nobody_known(api: ApiHarness) -> None:
    made = await api.make()
    ann = await open_peer(api.server, "yws", made, api.editor.token)
    relay = await open_peer(api.server, "hocus", made, api.other.token)
    await announce(ann, relay, 7001, "Ann")
    await announce(relay, ann, 7002, "Relay")
    doc: pycrdt.Doc[Any] = pycrdt.Doc()
    for client, text in ((7001, "<Ann>"), (7002, "<relay>"), (7003, "<somebody>")):
        doc.apply_update(typed(client, text))
    await deliver(relay, doc.get_update())
    found = await authors(api.viewer, made)
    assert (found["<Ann>"]["id"], found["<Ann>"]["relayed"]) == (api.editor.id, False)
    assert (found["<relay>"]["id"], found["<relay>"]["relayed"]) == (api.other.id, False)
    assert (found["<somebody>"]["id"], found["<somebody>"]["relayed"]) == (api.other.id, True)
    await close(ann, relay)


@pytest.mark.parametrize("family", ["yws", "hocus"])
async def test_what_a_person_delivers_for_a_guest_is_credited_to_the_guests_name(
    api: ApiHarness, family: Family
) -> None:
    made = await api.make(api.admin, PLAYGROUND)
    guest = await open_peer(api.server, family, made, None)
    admin = await open_peer(api.server, "yws", made, api.admin.token)
    await announce(guest, admin, 7005, "Otter")
    await deliver(admin, typed(7005, "by the guest"))
    await deliver(guest, typed(7006, "also by the guest "))

    found = await authors(api.admin, made)
    guests = {text: (author["kind"], author["name"], author["id"], author["relayed"]) for text, author in found.items()}
    assert guests == {
        "by the guest": ("guest", "Otter", None, False),
        "also by the guest ": ("guest", "Otter", None, True),
    }
    await close(guest, admin)


@pytest.mark.parametrize("family", ["yws", "hocus"])
async def test_who_comes_with_an_api_token_is_an_api_client_of_its_user(api: ApiHarness, family: Family) -> None:
    made = await api.make()
    program = await open_peer(api.server, family, made, api.editor.token)
    ticket = await api.other.post(f"/documents/{made['id']}/connect-tokens", json={"role": "editor"})
    assert ticket.status_code == 201, ticket.text
    person = await open_peer(api.server, family, made, ticket.json()["token"])
    await deliver(program, typed(7007, "by a program"))
    await deliver(person, typed(7008, "by a person "))
    found = await authors(api.editor, made)
    assert (found["by a program"]["kind"], found["by a program"]["id"]) == ("api_client", api.editor.id)
    assert (found["by a person "]["kind"], found["by a person "]["id"]) == ("user", api.other.id)
    assert found["by a program"]["name"] == api.editor.name
    await close(program, person)

"""Content reaches everyone, with the stock clients of both protocols."""

from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from pycrdt import Doc, Map, Text

from tests.interop.harness import FAMILIES, Family, NodeClient, NodeClients
from tests.peers import Peer
from tests.server import Server
from tests.waiting import until

OTHER: dict[Family, Family] = {"yws": "hocus", "hocus": "yws"}


async def open_both(node: NodeClients, server: Server, name: str) -> list[NodeClient]:
    clients = [await node.open(server, family, name) for family in FAMILIES]
    await node.until(clients, saved=True)
    return clients


def updates_of_typing(*texts: str) -> list[bytes]:
    """One update for each text, each appended to the ones before by one author."""
    doc: Doc[Any] = Doc()
    updates: list[bytes] = []
    subscription = doc.observe(lambda event: updates.append(event.update))
    content = doc.get("content", type=Text)
    for text in texts:
        content += text
    doc.unobserve(subscription)
    return updates


@pytest.mark.parametrize("family", FAMILIES)
async def test_edits_go_both_ways(server: Server, node: NodeClients, name: str, family: Family) -> None:
    first, second = [await node.open(server, family, name) for _ in range(2)]
    await node.until([first, second], synced=True)
    await first.append("from the first, ")
    await second.until(text={"content": "from the first, "})
    await second.append("from the second")
    await first.until(text={"content": "from the first, from the second"})
    await node.same([first, second])


@pytest.mark.parametrize("family", FAMILIES)
async def test_a_late_joiner_gets_everything(server: Server, node: NodeClients, name: str, family: Family) -> None:
    early = await node.open(server, family, name)
    await early.edit(
        ("insert", "content", 0, "written before"), ("set", "settings", "depth", {"$map": {"inner": [1, None]}})
    )
    await early.until(saved=True)
    for kind in (family, OTHER[family]):
        late = await node.open(server, kind, name)
        await node.same([early, late])
        assert await late.read(content="text", settings="map") == {
            "content": "written before",
            "settings": {"depth": {"inner": [1, None]}},
        }


@pytest.mark.parametrize("family", FAMILIES)
async def test_a_large_document_arrives_in_slices_and_what_is_typed_meanwhile_behind_it(
    server: Server, node: NodeClients, name: str, family: Family
) -> None:
    typist = await Peer(server, "yws", name).sync()
    for number in range(4):
        typist.insert(f"{number}: " + "no two lines are alike, said nobody of this one\n" * 30_000)
        await typist.saved()
    late = [await node.open(server, family, name) for _ in range(3)]
    for number in range(20):
        typist.insert(f"typed {number}, ", 0)
        await typist.saved()
    await node.until(late, synced=True, within=30)
    await late[0].edit(("insert", "content", 0, "at last, "))
    await node.until(late[:1], saved=True, within=30)
    await node.same(late)
    await until(lambda: typist.content.startswith("at last, typed 19, "), "the joiner's edit")
    assert await late[1].text() == typist.content
    await typist.close()


@pytest.mark.parametrize("family", FAMILIES)
async def test_offline_edits_of_both_sides_merge_after_reconnecting(
    server: Server, node: NodeClients, name: str, family: Family
) -> None:
    left, right = [await node.open(server, family, name) for _ in range(2)]
    await left.append("middle")
    await node.same([left, right])
    await left.disconnect()
    await right.disconnect()
    await left.edit(("insert", "content", 0, "left "), ("set", "settings", "by", "left"))
    await right.edit(("append", "content", " right"), ("delete", "content", 0, 1))
    await left.connect()
    await left.until(saved=True)
    await right.connect()
    await node.same([left, right])
    assert await right.text() == "left iddle right"


@pytest.mark.parametrize("family", FAMILIES)
async def test_content_from_before_the_first_connection_reaches_the_server(
    server: Server, node: NodeClients, name: str, family: Family
) -> None:
    author = await node.open(server, family, name, connect=False)
    await author.append("typed on the train")
    watcher = await node.open(server, OTHER[family], name)
    await watcher.until(synced=True)
    await author.connect()
    await watcher.until(text={"content": "typed on the train"})
    await author.until(saved=True)


@pytest.mark.parametrize("family", FAMILIES)
async def test_a_reconnecting_client_is_sent_only_what_it_lacks(
    server: Server, node: NodeClients, name: str, family: Family
) -> None:
    client = await node.open(server, family, name)
    await client.append("0123456789abcdef" * 20_000)
    await client.until(saved=True)
    await client.cut()
    await client.until(opened=2, saved=True)
    assert (await client.view())["bytesIn"] < 5_000


async def test_clients_of_both_protocols_edit_one_document(server: Server, node: NodeClients, name: str) -> None:
    clients = await open_both(node, server, name)
    for number, client in enumerate(clients * 3):
        await client.append(f"{client.family}{number} ")
        await node.until(clients, contains={"content": [f"{client.family}{number} "]})
    await node.same(clients)
    assert await clients[0].text() == "yws0 hocus1 yws2 hocus3 yws4 hocus5 "


async def test_formats_embeds_and_nested_types_cross_protocols(server: Server, node: NodeClients, name: str) -> None:
    clients = await open_both(node, server, name)
    yws, hocus = clients
    await yws.edit(
        ("insert", "content", 0, "plain "),
        ("insert", "content", 6, "bold", {"bold": True}),
        ("embed", "content", 10, {"image": "é.png"}, {"width": 4}),
        ("xml", "default", 0, {"$xml": ["p", {"class": "a"}, ["text", {"$xml": ["br", {}, []]}]]}),
    )
    await hocus.until(length={"content": 11})
    await hocus.edit(
        ("format", "content", 0, 5, {"italic": True, "color": None}),
        ("set", "settings", "tree", {"$map": {"leaf": 1.5, "none": None}}),
        ("push", "list", ["a", {"$array": [True, {"$map": {}}]}]),
    )
    await node.same(clients)
    for client in clients:
        assert await client.read(content="delta", settings="map", list="array", default="xml") == {
            "content": [
                {"insert": "plain", "attributes": {"italic": True}},
                {"insert": " "},
                {"insert": "bold", "attributes": {"bold": True}},
                {"insert": {"image": "é.png"}, "attributes": {"width": 4}},
            ],
            "settings": {"tree": {"leaf": 1.5, "none": None}},
            "list": ["a", [True, {}]],
            "default": '<p class="a">text<br></br></p>',
        }


@pytest.mark.parametrize("client_id", [0, 2**31, 2**32 - 1, 2**53 - 1])
async def test_every_client_id_that_javascript_can_write_works(
    server: Server, node: NodeClients, name: str, client_id: int
) -> None:
    authors = [await node.open(server, "yws", name, clientId=client_id), await node.open(server, "hocus", name)]
    await node.until(authors, saved=True)
    await authors[0].append("from a special id")
    await authors[1].until(text={"content": "from a special id"})
    await authors[1].edit(("delete", "content", 0, 5))
    late = await node.open(server, "hocus", name)
    await node.same([*authors, late])
    await authors[0].set_presence({"here": True})
    await node.until([authors[1], late], presence={str(client_id): {"here": True}})


async def test_updates_that_come_out_of_order_are_integrated_when_the_gap_closes(
    server: Server, node: NodeClients, name: str
) -> None:
    one, two, three, four = updates_of_typing("one ", "two ", "three ", "four")
    watchers = await open_both(node, server, name)
    sender = await Peer(server, "yws", name).sync()
    for update in (four, two, one):
        sender.send_content(update)
    await node.until(watchers, text={"content": "one two "})
    late = await node.open(server, "yws", name)
    await late.until(text={"content": "one two "}, pending=True)
    sender.send_content(three)
    await node.same([*watchers, late])
    assert await late.text() == "one two three four"
    await sender.close()


async def test_a_gap_stays_open_over_a_restart_and_closes_after_it(
    tmp_path: Path, node: NodeClients, name: str
) -> None:
    """In a text, where what comes later names what it follows, and in a map, where only the clocks tell of the gap."""
    one, two, three = updates_of_typing("one ", "two ", "three")
    doc: Doc[Any] = Doc()
    changes: list[bytes] = []
    subscription = doc.observe(lambda event: changes.append(event.update))
    for key in ("first", "second", "third"):
        doc.get("settings", type=Map)[key] = key
    doc.unobserve(subscription)
    async with Server(tmp_path, room_idle_seconds=0.1) as server:
        sender = await Peer(server, "hocus", name).sync()
        for update in (one, three, changes[0], changes[2]):
            sender.send_content(update)
        await sender.saved()
        await server.terminate()
        await server.start()
        late = await node.open(server, "yws", name)
        await late.until(text={"content": "one "}, map={"settings": {"first": "first"}}, pending=True)
        await sender.sync()
        sender.send_content(two)
        await late.until(text={"content": "one two three"}, map={"settings": {"first": "first"}}, pending=True)
        sender.send_content(changes[1])
        everything = {"first": "first", "second": "second", "third": "third"}
        await late.until(text={"content": "one two three"}, map={"settings": everything}, pending=False)
        await sender.close()


async def test_content_survives_everyone_leaving_and_a_restart(tmp_path: Path, node: NodeClients, name: str) -> None:
    async with Server(tmp_path) as server:
        dumps = {}
        for family in FAMILIES:
            author = await node.open(server, family, f"{name}-{family}")
            await author.command("random", seed=20_260_101, steps=200)
            await author.until(saved=True)
            dumps[family] = await author.dump()
            await author.destroy()
            again = await node.open(server, OTHER[family], f"{name}-{family}")
            await again.until(synced=True)
            assert await again.dump() == dumps[family]
            await again.destroy()
        assert await server.terminate() == 0
        await server.start()
        for family in FAMILIES:
            reader = await node.open(server, family, f"{name}-{family}")
            await reader.until(synced=True)
            assert await reader.dump() == dumps[family]


async def test_clients_stay_open_over_a_restart_and_go_on_by_themselves(
    tmp_path: Path, node: NodeClients, name: str
) -> None:
    async with Server(tmp_path) as server:
        clients = await open_both(node, server, name)
        await clients[0].append("before ")
        await node.same(clients)
        await server.terminate()
        await node.until(clients, connected=False)
        for client in clients:
            await client.append(f"{client.family} offline ")
        await server.start()
        await node.same(clients)
        assert sorted((await clients[0].text()).split()) == ["before", "hocus", "offline", "offline", "yws"]


async def test_a_client_that_did_not_ask_for_acknowledgements_gets_none(
    server: Server, node: NodeClients, name: str
) -> None:
    plain = await node.open(server, "yws", name, acks=False)
    asking = await node.open(server, "yws", name)
    await plain.append("a frame of type 8 would be a complaint on the console ")
    await asking.until(contains={"content": ["console"]})
    await asking.append("and here it is not")
    await asking.until(saved=True)
    await plain.until(contains={"content": ["is not"]})
    assert not await node.complaints()


@pytest.mark.parametrize("written", ["Größe & Maße", "a/b/c", "100% +1?", "日本語", "%2F"])
async def test_both_protocols_mean_the_same_document_by_a_name(
    server: Server, node: NodeClients, name: str, written: str
) -> None:
    address = f"playground/{name}/{written}"
    hocus = await node.open(server, "hocus", address)
    await hocus.append("one document")
    await hocus.until(saved=True)
    for escaped in {quote(address, safe="/"), quote(address, safe="")}:
        yws = await node.open(server, "yws", escaped)
        await yws.until(text={"content": "one document"})


async def test_a_bare_name_is_a_document_of_the_default_workspace(server: Server, node: NodeClients, name: str) -> None:
    bare = await node.open(server, "hocus", name)
    await bare.append("here")
    full = await node.open(server, "yws", f"playground/{name}")
    await full.until(text={"content": "here"})


@pytest.mark.parametrize("family", FAMILIES)
async def test_values_that_python_and_rust_do_not_have_go_both_ways_and_end_nobody(
    server: Server, node: NodeClients, name: str, family: Family
) -> None:
    """A title cut in the middle of an emoji, and numbers beyond 64 bits, in formats and embeds."""
    author, other = await node.open(server, family, name), await node.open(server, OTHER[family], name)
    await node.until([author, other], synced=True)
    await author.edit(
        ("insert", "content", 0, "link", {"link": {"title": "party \ud83c"}}),
        ("embed", "content", 4, {"id": 9223372036854776000, "half": "\udf89"}),
    )
    await author.append("typed later")
    await node.same([author, other])
    expected = [
        {"insert": "link", "attributes": {"link": {"title": "party \ud83c"}}},
        {"insert": {"id": 9223372036854776000, "half": "\udf89"}},
        {"insert": "typed later"},
    ]
    assert (await other.read(content="delta"))["content"] == expected
    await author.destroy()
    await other.destroy()
    late = await node.open(server, family, name)
    await late.until(saved=True)
    assert (await late.read(content="delta"))["content"] == expected
    assert not (await late.view())["closes"]

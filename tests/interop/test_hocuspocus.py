"""The Hocuspocus protocol with the stock provider: many documents on one socket, coming and going in every order."""

import pytest

from tests.interop.harness import NodeClient, NodeClients
from tests.interop.stalling import stalled_commits
from tests.peers import Peer
from tests.server import Server

DOCUMENTS = 200


async def test_two_hundred_documents_share_a_socket_and_come_back_after_a_cut(
    server: Server, node: NodeClients, name: str
) -> None:
    socket = await node.open_socket(server)
    documents = [await node.open(server, "hocus", f"{name}-{n}", socket=socket) for n in range(DOCUMENTS)]
    await node.until(documents, saved=True, within=30)
    for number, document in enumerate(documents):
        await document.append(f"first {number} ")
    await node.until(documents, saved=True, within=30)
    await node.command("cutSocket", socket=socket)
    await node.until(documents, connected=False)
    for number, document in enumerate(documents):
        await document.append(f"second {number}")
    await node.until(documents, opened=2, authenticated=True, saved=True, within=30)
    for number in (0, 57, 101, DOCUMENTS - 1):
        reader = await Peer(server, "yws", f"{name}-{number}").sync()
        assert reader.content == f"first {number} second {number}"
        await reader.close()


async def open_pair(node: NodeClients, server: Server, name: str) -> tuple[NodeClient, NodeClient]:
    """A client on a socket that stays open, and a watcher of the same document."""
    socket = await node.open_socket(server)
    client = await node.open(server, "hocus", name, socket=socket)
    watcher = await node.open(server, "yws", name)
    await node.until([client, watcher], saved=True)
    return client, watcher


async def works(client: NodeClient, watcher: NodeClient, text: str) -> None:
    """The client is logged in, its edits reach the watcher and are acknowledged, and the watcher's reach it."""
    await client.until(authenticated=True, synced=True)
    await client.append(text)
    await watcher.until(contains={"content": [text]})
    await watcher.append(f"({text})")
    await client.until(contains={"content": [f"({text})"]}, saved=True)


@pytest.mark.parametrize(
    "steps",
    [
        ["detach", "attach"],
        ["detach", "attach", "detach", "attach"],
        ["attach", "detach", "attach"],
        ["detach", "attach", "sendToken", "sendToken"],
        ["sendToken", "detach", "attach"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("at_once", [True, False], ids=["at once", "one by one"])
async def test_detach_and_attach_in_every_order(
    server: Server, node: NodeClients, name: str, steps: list[str], at_once: bool
) -> None:
    client, watcher = await open_pair(node, server, name)
    await works(client, watcher, "before")
    if at_once:
        await node.at_once(*(client.doing(step) for step in steps))
    else:
        for step in steps:
            await client.command(step)
    await client.until(events={"authenticated": 2}, saved=True)
    await works(client, watcher, "after")
    assert (await client.view())["dialled"] == 1


async def test_a_detached_document_hears_nothing_and_catches_up_when_attached(
    server: Server, node: NodeClients, name: str
) -> None:
    client, watcher = await open_pair(node, server, name)
    await client.command("detach")
    await watcher.append("while you were away")
    await watcher.until(saved=True)
    await client.append("meanwhile ")
    assert await client.text() == "meanwhile "
    await client.command("attach")
    await node.same([client, watcher])


async def test_whoever_attaches_again_still_sees_who_is_present(server: Server, node: NodeClients, name: str) -> None:
    """A client keeps the clocks of states it was told to drop: the same states sent again would not bring them back."""
    client, watcher = await open_pair(node, server, name)
    await watcher.set_presence({"here": True})
    await client.until(presence={str(watcher.client_id): {"here": True}})
    await node.at_once(client.doing("detach"), client.doing("attach"))
    await client.until(events={"authenticated": 2}, saved=True)
    await watcher.append("in order")
    await client.until(text={"content": "in order"}, presence={str(watcher.client_id): {"here": True}})


async def test_a_provider_destroyed_while_its_login_is_pending_leaves_the_address_free(
    server: Server, node: NodeClients, name: str
) -> None:
    socket = await node.open_socket(server)
    first = await node.open(server, "hocus", f"{name}-other", socket=socket)
    await first.until(saved=True)
    pending = await node.open(server, "hocus", name, socket=socket, slowToken=True)
    await pending.until(events={"tokenAsked": 1})
    await pending.append("typed while the token was fetched ")
    await pending.destroy()
    again: dict[str, object] = {
        "do": "open",
        "protocol": "hocus",
        "name": name,
        "socket": socket,
        "url": "",
        "token": None,
    }
    await node.at_once({**again, "client": "short"}, {"do": "destroy", "client": "short"}, {**again, "client": "stays"})
    stays = NodeClient(node, "stays", "hocus", 0)
    watcher = await node.open(server, "yws", name)
    await works(stays, watcher, "the third")
    await works(first, await node.open(server, "yws", f"{name}-other"), "undisturbed")


async def test_edits_typed_before_the_token_is_there_arrive(server: Server, node: NodeClients, name: str) -> None:
    watcher = await node.open(server, "yws", name)
    client = await node.open(server, "hocus", name, slowToken=True)
    await client.until(events={"tokenAsked": 1})
    await client.append("typed before the token, ")
    await client.set_presence({"early": True})
    await client.command("handToken", token="")
    await watcher.until(text={"content": "typed before the token, "})
    await works(client, watcher, "and after it")
    await watcher.until(presence={str(client.client_id): {"early": True}})


async def test_a_batching_provider_is_acknowledged_once_for_each_batch(
    server: Server, node: NodeClients, name: str
) -> None:
    client = await node.open(server, "hocus", name, flushDelay=20)
    watcher = await node.open(server, "yws", name)
    await client.until(saved=True)
    for number in range(30):
        await client.append(f"{number},")
    text = "".join(f"{number}," for number in range(30))
    await watcher.until(text={"content": text})
    await client.until(saved=True)


async def test_sessions_put_one_document_on_a_socket_several_times(
    server: Server, node: NodeClients, name: str
) -> None:
    socket = await node.open_socket(server)
    sessions = [await node.open(server, "hocus", name, socket=socket, sessionAwareness=True) for _ in range(3)]
    plain = await node.open(server, "hocus", name, socket=socket)
    other = await node.open(server, "yws", name)
    everyone = [*sessions, plain, other]
    await node.until(everyone, saved=True)
    for number, client in enumerate(everyone):
        await client.append(f"[{number}]")
        await client.set_presence({"number": number})
    await node.until(everyone, contains={"content": [f"[{number}]" for number in range(5)]})
    await node.same(everyone)
    await node.until(everyone, presence={str(c.client_id): {"number": n} for n, c in enumerate(everyone)})
    await sessions[0].command("stateless", payload="to all")
    await node.until([*sessions, plain], events={"stateless": 1})
    await sessions[1].command("detach")
    stay = [sessions[0], sessions[2], plain, other]
    await node.until(stay, presence={str(sessions[1].client_id): None, str(sessions[0].client_id): {"number": 0}})
    await sessions[0].append("on without one")
    await node.until(stay, contains={"content": ["on without one"]})
    assert "on without one" not in await sessions[1].text()
    await node.command("cutSocket", socket=socket)
    await sessions[1].command("attach")
    await node.until([sessions[0]], opened=2)
    await node.same(everyone)


async def test_acknowledged_means_committed(server: Server, node: NodeClients, name: str) -> None:
    hocus, yws = [await node.open(server, family, name) for family in ("hocus", "yws")]
    await node.until([hocus, yws], saved=True)
    async with stalled_commits(server):
        await hocus.append("typed while PostgreSQL waits, ")
        await yws.until(text={"content": "typed while PostgreSQL waits, "})
        await yws.append("both of us")
        await hocus.until(text={"content": "typed while PostgreSQL waits, both of us"})
        # what the server says about these comes back in order, behind any acknowledgement it might have sent
        await hocus.command("stateless", payload="in order")
        await hocus.until(events={"stateless": 1}, unsyncedAbove=0)
        await yws.until(unsyncedAbove=0)
        late = await node.open(server, "hocus", name)
        await late.until(synced=True)
        await node.until([hocus, yws], unsyncedAbove=0)
    await node.until([hocus, yws], saved=True, within=30)


async def test_a_token_that_fails_its_refresh_closes_that_document_only(
    server: Server, node: NodeClients, name: str
) -> None:
    socket = await node.open_socket(server)
    client, neighbour = [await node.open(server, "hocus", f"{name}{n}", socket=socket) for n in "ab"]
    watcher = await node.open(server, "yws", f"{name}a")
    await node.until([client, neighbour, watcher], saved=True)
    await client.command("sendToken")
    await works(client, watcher, "refreshed with the same right")
    await client.command("token", token="no such token")
    await client.command("sendToken")
    await client.until(events={"close": 1}, authenticated=False)
    await works(neighbour, await node.open(server, "yws", f"{name}b"), "the neighbour")
    await client.command("token", token=None)
    await node.at_once(client.doing("detach"), client.doing("attach"))
    await works(client, watcher, "back again")
    assert (await client.view())["dialled"] == 1


@pytest.mark.parametrize("blank", ["", " ", "\t\n"])
async def test_an_empty_document_name_is_refused_and_the_socket_goes_on(
    server: Server, node: NodeClients, name: str, blank: str
) -> None:
    socket = await node.open_socket(server)
    refused = await node.open(server, "hocus", blank, socket=socket)
    await refused.until(events={"authenticationFailed": 1}, authenticated=False)
    fine = await node.open(server, "hocus", name, socket=socket)
    await fine.append("fine")
    await fine.until(saved=True, dialled=1)
    assert not (await refused.view())["synced"]


async def test_a_wrong_token_is_refused_and_a_right_one_on_the_same_socket_is_not(
    server: Server, node: NodeClients, name: str
) -> None:
    socket = await node.open_socket(server)
    refused = await node.open(server, "hocus", name, socket=socket, token="wrong")
    await refused.until(events={"authenticationFailed": 1})
    await refused.destroy()
    welcome = await node.open(server, "hocus", name, socket=socket)
    watcher = await node.open(server, "yws", name)
    await works(welcome, watcher, "welcome")
    await welcome.until(dialled=1, never=["close", "authenticationFailed"])


async def test_stateless_messages_reach_everyone_in_the_document_in_order(
    server: Server, node: NodeClients, name: str
) -> None:
    people = [await node.open(server, "hocus", name) for _ in range(3)]
    stranger = await node.open(server, "hocus", f"{name}-elsewhere")
    yws = await node.open(server, "yws", name)
    await node.until([*people, stranger, yws], saved=True)
    payloads = [f"message {number} äöü\u0000" for number in range(50)]
    for payload in payloads:
        await people[0].command("stateless", payload=payload)
    await node.until(people, events={"stateless": 50})
    for person in people:
        assert await person.events("stateless") == payloads
    assert await stranger.events("stateless") == []


async def test_force_sync_brings_everything_and_ends_saved(server: Server, node: NodeClients, name: str) -> None:
    client, watcher = await open_pair(node, server, name)
    for _ in range(5):
        await client.append("text ")
        await client.command("forceSync")
    await client.until(saved=True)
    await node.same([client, watcher])

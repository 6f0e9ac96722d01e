"""Two servers, clients of both protocols on each: edits and presence reach everybody, whatever Redis does."""

import asyncio
import json
import os
import random
import signal
import time
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import httpx
from pycrdt import Doc, Text
from redis.asyncio import Redis
from redis.asyncio.client import PubSub

from tests.cluster.conftest import Cluster
from tests.events import listening
from tests.interop.harness import FAMILIES
from tests.peers import Peer, awareness_payload, var_bytes, var_string, var_uint
from tests.people import nobody
from tests.realtime.streams import page
from tests.seeds import choose_seed
from tests.server import Server
from tests.site import PLAYGROUND
from tests.waiting import until


async def test_an_edit_on_one_node_reaches_the_clients_of_the_other(two: Cluster) -> None:
    one, other = two.servers
    peers = [await Peer(server, family, "plan-a").sync() for server in (one, other) for family in ("yws", "hocus")]
    marks = [peer.type_mark() for peer in peers]
    for peer in peers:
        await peer.sees(*marks, within=5)
        await peer.saved()
    assert len({peer.content for peer in peers}) == 1
    assert await one.content("plan-a") == await other.content("plan-a") == peers[0].content
    late = await Peer(other, "yws", "plan-a").sync()
    assert late.content == peers[0].content
    for peer in [*peers, late]:
        await peer.close()


async def test_edits_at_the_same_moment_on_both_nodes_converge(two: Cluster) -> None:
    seed = choose_seed()
    rng = random.Random(seed)
    peers = [
        await Peer(two.servers[number % 2], rng.choice(("yws", "hocus")), f"doc{number % 3}").sync()
        for number in range(12)
    ]
    for _ in range(60):
        for peer in rng.sample(peers, 6):
            if peer.content and rng.random() < 0.3:
                del peer.text[0 : rng.randint(1, min(3, len(peer.text)))]
            else:
                peer.insert(rng.choice(("a", "bc", "def")), rng.randint(0, len(peer.text)))
        await asyncio.sleep(rng.random() * 0.02)
    for peer in peers:
        await peer.saved()
    for name in {peer.name for peer in peers}:
        own = [peer for peer in peers if peer.name == name]
        await alike(own)
        assert await two.servers[0].content(name) == own[0].content
    for peer in peers:
        await peer.close()


async def alike(peers: list[Peer]) -> None:
    await until(lambda: len({peer.content for peer in peers}) == 1, "the same text everywhere", 10)


def present(peer: Peer) -> set[int]:
    return {client for client, (_, state) in peer.presence.items() if state != "null"}


async def test_presence_crosses_nodes_and_leaves_with_its_client(two: Cluster) -> None:
    here = await Peer(two.servers[0], "yws", "plan-c").sync()
    there = await Peer(two.servers[1], "hocus", "plan-c").sync()
    here.announce((1, 1, json.dumps({"user": {"name": "Ann"}})))
    await there.until(lambda: present(there) == {1}, "Ann")
    there.announce((2, 1, "{}"))
    await here.until(lambda: 2 in present(here), "the other")
    late = await Peer(two.servers[1], "yws", "plan-c").sync()
    await late.until(lambda: present(late) == {1, 2}, "both")
    await here.abort()
    await there.until(lambda: 1 not in present(there), "Ann gone", 5)
    await late.until(lambda: 1 not in present(late), "Ann gone", 5)
    for peer in (there, late):
        await peer.close()


async def test_stateless_messages_cross_nodes(two: Cluster) -> None:
    here = await Peer(two.servers[0], "hocus", "plan-e").sync()
    there = await Peer(two.servers[1], "hocus", "plan-e").sync()
    here.send(b"\x05\x05hello")
    await there.until(lambda: there.stateless == ["hello"], "the message", 5)
    for peer in (here, there):
        await peer.close()


async def test_without_redis_edits_arrive_by_the_log_and_heal_when_it_is_back(frail: Cluster) -> None:
    here = await Peer(frail.servers[0], "yws", "plan-f").sync()
    there = await Peer(frail.servers[1], "hocus", "plan-f").sync()
    first = here.type_mark()
    await there.sees(first, within=5)
    frail.redis.kill()
    marks = [here.type_mark(), there.type_mark()]
    await there.sees(*marks, within=10)
    await here.sees(*marks, within=10)
    await frail.redis.start()
    marks = [here.type_mark(), there.type_mark()]
    await there.sees(*marks, within=10)
    await here.sees(*marks, within=10)
    there.announce((7, 1, "{}"))
    await here.until(lambda: 7 in present(here), "presence again", 15)
    frail.redis.signal(signal.SIGSTOP)
    marks = [here.type_mark(), there.type_mark()]
    await there.sees(*marks, within=15)
    await here.sees(*marks, within=15)
    frail.redis.signal(signal.SIGCONT)
    for peer in (here, there):
        await peer.saved()
        await peer.close()


async def test_large_edits_are_read_from_the_log_by_the_other_node(two: Cluster) -> None:
    here = await Peer(two.servers[0], "yws", "plan-g").sync()
    there = await Peer(two.servers[1], "yws", "plan-g").sync()
    here.insert("x" * 300_000)
    await there.until(lambda: len(there.text) == 300_000, "the text", 10)
    there.insert("y" * 50_000)
    await here.until(lambda: len(here.text) == 350_000, "the text", 10)
    for peer in (here, there):
        await peer.close()


async def test_a_fold_on_one_node_keeps_the_other_up_to_date(frail: Cluster) -> None:
    """REST settles and folds on the node that is asked: rows vanish from the log that the other may not have seen."""
    here = await Peer(frail.servers[0], "yws", "plan-h").sync()
    there = await Peer(frail.servers[1], "yws", "plan-h").sync()
    frail.redis.kill()
    for _ in range(5):
        mark = here.type_mark()
        await here.saved()
        assert mark in (await frail.servers[0].content("plan-h")).encode()
    await there.sees(*here.typed, within=10)
    mark = there.type_mark()
    await here.sees(mark, within=10)
    for peer in (here, there):
        await peer.close()


async def people_in(server: Server, document_id: str) -> int:
    async with httpx.AsyncClient(base_url=server.api) as client:
        told: int = (await client.get(f"/documents/{document_id}/presence")).json()["people"]
        listed: int = (await client.get(f"/documents/{document_id}")).json()["people"]
    return told if told == listed else -1


async def test_every_node_tells_who_is_in_a_document_and_none_tells_of_a_node_that_died(frail: Cluster) -> None:
    one, other = frail.servers
    here = await Peer(one, "yws", "plan-i").sync()
    there = [await Peer(other, family, "plan-i").sync() for family in ("yws", "hocus")]
    there[0].announce((2, 1, "{}"))
    await here.until(lambda: present(here) == {2}, "the other")
    document_id = (await one.document("plan-i"))["id"]

    async def three() -> bool:
        return [await people_in(server, document_id) for server in (one, other)] == [3, 3]

    async def alone() -> bool:
        return await people_in(one, document_id) == 1

    await until(three, "three people on both nodes")
    async with nobody(one) as guest, page(guest) as reader:
        await other.kill()
        await here.until(lambda: not present(here), "no ghost", 15)
        await until(alone, "no ghost in the table", 15)
        await until(lambda: document_id in reader.busy, "the page told that they are gone", 5)
    await there[0].abort()
    await there[1].abort()
    await here.close()


async def test_who_comes_to_one_node_is_told_to_the_pages_of_the_other_without_redis(frail: Cluster) -> None:
    one, other = frail.servers
    frail.redis.kill()
    async with nobody(one) as guest, page(guest) as reader:
        made = await guest.post(f"/workspaces/{PLAYGROUND}/documents", json={"title": "Plan"})
        document_id = made.json()["id"]
        peer = await Peer(other, "yws", document_id).sync()
        await until(lambda: reader.busy == [document_id], "somebody came to the other node")
        assert await people_in(one, document_id) == 1
        await peer.close()
        await until(lambda: reader.busy == [document_id] * 2, "somebody left the other node")
        await Peer(other, "hocus", document_id).sync()
        await until(lambda: reader.busy == [document_id] * 3, "somebody came again")
        assert await other.terminate() == 0
        await until(lambda: len(reader.busy) > 3, "the other node stopped")
        assert await people_in(one, document_id) == 0


async def test_what_is_said_for_a_stream_may_reach_any_node(two: Cluster) -> None:
    one, other = two.servers
    peer = await Peer(one, "yws", "plan-j").sync()
    document_id = (await one.document("plan-j"))["id"]
    async with (
        httpx.AsyncClient(base_url=one.api) as here,
        httpx.AsyncClient(base_url=other.api) as there,
        listening(here, document_id) as listener,
    ):
        answer = await listener.type("typed elsewhere", to=there)
        assert (answer.status_code, answer.json()) == (200, {"committed": 1})
        await peer.until(lambda: "typed elsewhere" in peer.content, "the edit")
        await listener.announce(9, 1, "{}", to=there)
        await peer.until(lambda: 9 in present(peer), "presence")
        peer.announce((1, 1, "{}"))
        await until(lambda: 1 in listener.presence, "presence of the socket")
        nobodys = f"{'0' * 16}.x"
        assert (await there.post(f"{listener.path}/{nobodys}", content=b"")).status_code == 200
        ended = f"{listener.stream.partition('.')[0]}.x"
        assert (await here.post(f"{listener.path}/{ended}", content=b"")).status_code == 404
    await peer.until(lambda: 9 not in present(peer), "presence gone", 5)
    await peer.close()


async def test_what_is_said_for_a_stream_is_refused_where_nobody_edits_together(two: Cluster) -> None:
    playground = f"{two.servers[0].api}/workspaces/00000000-0000-0000-0000-000000000002/documents"
    async with httpx.AsyncClient() as client:
        body = {"title": "Alone", "settings": {"collaboration": False}}
        made = (await client.post(playground, json=body)).json()
        url = f"{two.servers[0].api}/documents/{made['id']}/events/{'ab' * 8}.x"
        answer = await client.post(url, content=var_bytes(b"\x00\x02" + var_bytes(b"\0\0")))
    assert (answer.status_code, answer.json()["code"]) == (403, "not_collaborative")


async def test_a_program_is_seen_on_the_other_node_and_is_one_on_both(two: Cluster) -> None:
    peers = [await Peer(server, family, "plan-p").sync() for server in two.servers for family in ("yws", "hocus")]
    document = await two.servers[0].document("plan-p")
    shown: set[frozenset[int]] = set()
    for number, server in enumerate((two.servers[1], two.servers[0], two.servers[1])):
        async with httpx.AsyncClient() as client:
            url = f"{server.api}/documents/{document['id']}/content/append"
            answer = await client.post(url, json={"content": f"line {number}", "between": "line"})
        assert answer.status_code == 200, answer.text
        for peer in peers:
            await peer.until(lambda peer=peer, n=number: f"line {n}" in peer.content and present(peer), "the program")  # type: ignore[misc]
            shown.add(frozenset(present(peer)))
    assert len(shown) == 1
    [client_ids] = shown
    assert len(client_ids) == 1
    for peer in peers:
        [(_, state)] = peer.presence.values()
        assert json.loads(state)["user"]["name"] == "Guest (API)"
    for peer in peers:
        await peer.until(lambda peer=peer: not present(peer), "the program gone")  # type: ignore[misc]
        await peer.close()


async def test_a_node_that_stops_takes_its_programs_from_the_others(frail: Cluster) -> None:
    here, there = frail.servers
    peer = await Peer(here, "yws", "plan").sync()
    document = await here.document("plan")
    async with httpx.AsyncClient() as client:
        url = f"{there.api}/documents/{document['id']}/content/append"
        assert (await client.post(url, json={"content": "line"})).status_code == 200
    await peer.until(lambda: present(peer), "the program")
    assert await there.terminate() == 0
    await peer.until(lambda: not present(peer), "the program gone", 3)
    await peer.close()


async def counted(server: Server, name: str) -> float:
    """A metric of this server."""
    async with httpx.AsyncClient() as client:
        text = (await client.get(f"{server.http}/metrics")).text
    return sum(float(line.split()[1]) for line in text.splitlines() if line.startswith(f"{name} "))


async def test_what_others_publish_on_redis_changes_nothing(two: Cluster) -> None:
    """Neither what they make up, nor what they have recorded."""
    one, other = two.servers
    here = await Peer(one, "hocus", "plan-r").sync()
    there = await Peer(other, "hocus", "plan-r").sync()
    mark = here.type_mark()
    await there.sees(mark)
    document_id = (await one.document("plan-r"))["id"]
    channel = f"collab:d:{document_id}".encode()
    doc: Doc[Text] = Doc()
    doc.get("content", type=Text).insert(0, "FORGED BY WHOEVER WRITES TO REDIS")
    bodies = [
        b"\x01" + var_uint(first) + var_uint(2**40) + var_bytes(doc.get_update()) for first in (*range(1, 20), 2**40)
    ]
    bodies.append(b"\x02\x01\x00\x01\x07\x01" + var_string("{}") + var_string("ann"))
    bodies.append(b"\x02\x02\x00\x01\x07\x02" + var_string("{not json") + var_string("ann"))
    bodies.append(b"\x04" + var_string("forged"))
    head = os.urandom(8)
    # As nodes sent it before there were MACs, and as they do now.
    frames = [head + body for body in bodies] + [
        head + b"\0" + bytes(7) + b"\1" + int(time.time() * 1000).to_bytes(8) + body + os.urandom(16) for body in bodies
    ]
    before = [await counted(server, "collab_bus_forged_total") for server in two.servers]
    async with Redis.from_url(two.redis.url) as redis, redis.pubsub() as recorder:
        await recorder.subscribe(channel)
        for frame in frames:
            assert await redis.publish(channel, frame) == 3
        here.send(b"\x05\x05hello")
        await there.until(lambda: there.stateless == ["hello"], "the real message")
        recorded = [frame["data"] async for frame in anything(recorder, until=b"hello")]
        repeated = await counted(other, "collab_bus_repeated_total")
        assert await redis.publish(channel, recorded[-1]) == 3

        async def dropped() -> bool:
            return await counted(other, "collab_bus_repeated_total") == repeated + 1

        await until(dropped, "the recorded message")
    marks = [here.type_mark(), there.type_mark()]
    for peer in (here, there):
        await peer.sees(mark, *marks, within=5)
        await peer.saved()
        assert "FORGED" not in peer.content
        assert not present(peer)
    assert there.stateless == ["hello"]
    assert [await counted(server, "collab_bus_forged_total") for server in two.servers] == [
        count + len(frames) for count in before
    ]
    late = await Peer(other, "yws", "plan-r").sync()
    assert late.content == here.content
    heads = []
    for server in two.servers:
        async with httpx.AsyncClient() as client:
            answer = await client.get(f"{server.api}/documents/{document_id}/updates")
        heads.append(int(answer.headers["x-seq"]))
    assert heads == [3, 3]
    for peer in (here, there, late):
        await peer.close()


async def anything(recorder: PubSub, *, until: bytes) -> AsyncIterator[dict[str, Any]]:
    """All messages, the last of which has `until` in it."""
    async for message in recorder.listen():
        if message["type"] == "message":
            yield message
            if until in message["data"]:
                return


async def test_presence_beyond_the_bounds_ends_no_stream_and_no_node(two: Cluster) -> None:
    one, other = two.servers
    peer = await Peer(one, "yws", "plan-s").sync()
    document_id = (await one.document("plan-s"))["id"]
    too_many = b"\x01" + var_bytes(awareness_payload([(client, 1, "{}") for client in range(1, 200)]))
    async with (
        httpx.AsyncClient(base_url=one.api) as here,
        httpx.AsyncClient(base_url=other.api) as there,
        listening(here, document_id) as listener,
    ):
        await listener.say(too_many, to=there)
        await listener.say(b"\x01" + var_bytes(awareness_payload([(1, 2, '{"still": "here"}')])), to=there)
        await until(lambda: peer.presence.get(1) is not None, "the presence that has room")
        assert listener.close_code is None
    mark = peer.type_mark()
    await peer.saved()
    late = await Peer(other, "yws", "plan-s").sync()
    await late.sees(mark)
    for each in (peer, late):
        await each.close()


async def test_an_event_of_one_node_reaches_the_sockets_and_pages_of_the_other(two: Cluster) -> None:
    here, there = (nobody(server) for server in two.servers)
    peers = [await Peer(two.servers[1], family, "plan-events", events=True).sync() for family in FAMILIES]
    made = (await here.get("/documents/lookup", params={"address": "plan-events"})).json()["id"]

    def has_event(peer: Peer) -> bool:
        return ("update", made) in [(event.get("operation"), event.get("entity_id")) for event in peer.events]

    async with page(there) as reader:
        answer = await here.patch(f"/documents/{made}", json={"title": "Plan B"})
        assert answer.status_code == 200, answer.text
        await reader.receives(("update", "document", made))
        for peer in peers:
            await peer.until(partial(has_event, peer), "the event of the other node")
            await peer.close()

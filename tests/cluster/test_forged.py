"""Messages on the bus that no node has sent, or that a node sends which is wrong: nothing stays of them."""

import json
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

import pytest
from pycrdt import Doc, Text

from collab_server.backends.bus import LocalBus
from collab_server.backends.envelopes import Envelopes
from collab_server.crdt.messages import Stateless
from collab_server.crdt.node_messages import (
    MAX_STATE,
    Committed,
    NodeMessage,
    Said,
    State,
    States,
    WhoIsHere,
    encode,
)
from collab_server.documents import log_queries
from collab_server.errors import Unavailable
from collab_server.realtime.hub import Hub
from collab_server.realtime.nodes import JUMP_ROWS
from tests import databases
from tests.cluster.test_lossy_bus import Client, joined, new_document, node
from tests.cluster.wired import KEY
from tests.realtime.desk import session_of
from tests.waiting import until

FRAMES = 10_000


@dataclass(slots=True)
class Site:
    """Two nodes, and a third that is wrong: it has the key."""

    database: databases.Database
    hubs: list[Hub]
    bus: LocalBus
    wrong: Envelopes

    async def open(self) -> tuple[UUID, list[Client]]:
        """A document with a client on each node, who both see the text "true"."""
        document_id = await new_document(self.database)
        clients = [await joined(hub, document_id) for hub in self.hubs]
        clients[0].type("true", 0)
        await until(lambda: [client.content for client in clients] == ["true", "true"], "the text")
        return document_id, clients

    def tell(self, document_id: UUID, message: NodeMessage) -> None:
        channel = f"d:{document_id}"
        self.bus.publish(channel, self.wrong.wrap(channel, encode(message)))

    async def head(self, document_id: UUID) -> int:
        async with self.hubs[0].db.as_service() as conn:
            return (await log_queries.list_heads(conn, [document_id]))[document_id]

    async def works(self, clients: list[Client]) -> None:
        """What either types reaches the other."""
        for number, client in enumerate(clients):
            client.type(f"<{number}>", 0)
            await until(
                lambda number=number: all(f"<{number}>" in one.content for one in clients),  # type: ignore[misc]
                "an edit of the other node",
            )
        for client in clients:
            client.hub.leave(client.member)


@pytest.fixture(scope="module")
async def site() -> AsyncIterator[Site]:
    exchange: set[LocalBus] = set()
    async with (
        databases.migrated("18") as database,
        node(database.login_dsn, LocalBus(exchange)) as one,
        node(database.login_dsn, LocalBus(exchange)) as other,
    ):
        yield Site(database, [one, other], LocalBus(exchange), Envelopes(KEY.encode(), one.settings.redis_prefix))


def forged(text: str = "FORGED") -> bytes:
    doc: Doc[Text] = Doc()
    doc.get("content", type=Text).insert(0, text)
    return doc.get_update()


async def test_what_comes_from_somebody_without_the_key_is_dropped_and_counted(site: Site) -> None:
    document_id, clients = await site.open()
    head = await site.head(document_id)
    stranger = Envelopes(b"another key of sixteen characters", site.hubs[0].settings.redis_prefix)
    channel = f"d:{document_id}"
    before = [hub.counts.bus_forged for hub in site.hubs]
    for message in (
        Committed(head + 1, head + 1, forged()),
        Committed(head + 1, 2**40, forged()),
        States(1, False, (State(7, 1, "{}", "somebody"),)),
        WhoIsHere(),
        Stateless("forged"),
    ):
        site.bus.publish(channel, stranger.wrap(channel, encode(message)))
        # As nodes sent it before there were MACs.
        site.bus.publish(channel, b"whosaid?" + encode(message))
    await until(lambda: [hub.counts.bus_forged for hub in site.hubs] == [count + 10 for count in before], "all")
    for client in clients:
        assert client.content == "true"
        assert client.member.document.presence.states() == []
        assert client.member.document.room.coverage.upto == head
    await site.works(clients)


async def test_a_claim_far_beyond_the_log_is_looked_up_and_not_believed(site: Site) -> None:
    document_id, clients = await site.open()
    head = await site.head(document_id)
    gaps = [hub.counts.bus_gaps for hub in site.hubs]
    for first, last in ((head + 1, 2**40), (head + 1, head + JUMP_ROWS + 1), (2**40, 2**40), (2**52, 2**53 - 1)):
        site.tell(document_id, Committed(first, last, forged()))
        site.tell(document_id, Committed(first, last, b""))
    await until(
        lambda: all(hub.counts.bus_gaps > count for hub, count in zip(site.hubs, gaps, strict=True)),
        "a look at the log",
    )
    for hub in site.hubs:
        await until(lambda hub=hub: document_id not in hub.nodes._held, "the claims to be let go of")  # type: ignore[misc]
        _, known = await hub.edits.missing(document_id, b"\0")
        assert known.seq == head
    assert [client.content for client in clients] == ["true", "true"]
    await site.works(clients)
    # One look answers for all claims before it.
    assert all(hub.counts.bus_gaps <= count + 8 for hub, count in zip(site.hubs, gaps, strict=True))


async def test_rows_that_the_log_does_not_have_are_known_until_the_next_look_only(site: Site) -> None:
    document_id, clients = await site.open()
    head = await site.head(document_id)
    site.tell(document_id, Committed(head + 1, head + 5, forged()))
    await until(lambda: all("FORGED" in client.content for client in clients), "what the node with the key says")
    for hub in site.hubs:
        # Refused, unless the poll has been faster; never more than there is.
        with suppress(Unavailable):
            _, known = await hub.edits.missing(document_id, b"\0")
            assert known.seq == head
        _, known = await hub.edits.missing(document_id, b"\0")
        assert known.seq == head
    for client in clients:
        assert isinstance(session_of(client.member).ended, Unavailable)
    again = [await joined(hub, document_id) for hub in site.hubs]
    assert [client.content for client in again] == ["true", "true"]
    await site.works(again)


async def test_the_poll_finds_rows_that_the_log_does_not_have(site: Site) -> None:
    document_id, clients = await site.open()
    head = await site.head(document_id)
    site.tell(document_id, Committed(head + 1, head + 5, forged()))
    await until(lambda: all(isinstance(session_of(client.member).ended, Unavailable) for client in clients), "the poll")
    again = [await joined(hub, document_id) for hub in site.hubs]
    assert [client.content for client in again] == ["true", "true"]
    await site.works(again)


@pytest.mark.parametrize(
    "state",
    ["{not json", "NaN", '"' + "x" * MAX_STATE + '"', "[" * 20_000],
    ids=["no JSON", "no strict JSON", "too large", "too deep"],
)
async def test_presence_of_another_node_is_json_within_bounds(site: Site, state: str) -> None:
    document_id, clients = await site.open()
    before = [hub.counts.errors["malformed"] for hub in site.hubs]
    for number, shown in enumerate((state, json.dumps({"user": {"name": "Ann"}})), 1):
        site.tell(document_id, States(number, False, (State(number, 1, shown, "ann"),)))
    for client in clients:
        presence = client.member.document.presence
        await until(lambda presence=presence: bool(presence.states()), "Ann")  # type: ignore[misc]
        assert [number for number, _ in presence.states()] == [2]
    assert [hub.counts.errors["malformed"] for hub in site.hubs] == [count + 1 for count in before]
    await site.works(clients)


class Faulty:
    """A stream that fails in an unexpected way."""

    def hear(self, person: str, frame: bytes) -> None:
        raise RuntimeError("a fault")


def mutated(rng: random.Random, body: bytes) -> bytes:
    changed = bytearray(body)
    for _ in range(rng.randint(0, 3)):
        at = rng.randrange(len(changed) + 1)
        match rng.randrange(4):
            case 0 if at < len(changed):
                changed[at] = rng.randrange(256)
            case 1:
                del changed[at : at + rng.randint(1, 8)]
            case 2:
                changed[at:at] = rng.randbytes(rng.randint(1, 8))
            case _:
                changed += changed[at : at + 50]
    return bytes(changed)


async def test_no_message_ends_the_bus(site: Site) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    rng = random.Random(seed)
    document_id, clients = await site.open()
    hub = site.hubs[0]
    channel = f"d:{document_id}"
    states = tuple(State(number, number, "{}", "ann") for number in range(3))
    hub.streams["faulty"] = Faulty()
    bodies = [
        encode(message)
        for message in (
            Committed(2, 2, forged("a")),
            Committed(2, 3, b""),
            States(1, True, states),
            WhoIsHere(),
            Stateless("hello"),
            Said("faulty", "ann", b"\x01\x00"),
        )
    ]
    handed = hub.counts.bus_received + hub.counts.bus_forged
    for _ in range(FRAMES // 2):
        hub.nodes._on_message(channel, site.wrong.wrap(channel, mutated(rng, rng.choice(bodies))))
        hub.nodes._on_message(channel, mutated(rng, site.wrong.wrap(channel, rng.choice(bodies))))
    del hub.streams["faulty"]
    assert hub.counts.errors["malformed"] > FRAMES // 10
    assert hub.counts.bus_forged > FRAMES // 10
    assert hub.counts.bus_received + hub.counts.bus_forged == handed + FRAMES
    for client in clients:
        client.hub.leave(client.member)
    await site.works((await site.open())[1])

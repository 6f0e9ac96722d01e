"""Messages on the bus that no node has sent, or that a node sends which is wrong: nothing stays of them."""

import json
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

import pytest
from pycrdt import Doc, Text

from collab_server.adapters.bus import LocalBus
from collab_server.adapters.envelopes import Envelopes
from collab_server.core.protocol.cluster_messages import (
    MAX_STATE,
    ClientFrame,
    Committed,
    NodeMessage,
    State,
    States,
    StatesRequest,
    encode,
)
from collab_server.core.protocol.messages import Stateless
from collab_server.errors import Unavailable
from collab_server.features.document_log import log_queries
from collab_server.realtime.cluster.log_follower import JUMP_ROWS
from collab_server.realtime.service import RealtimeService
from tests import databases
from tests.cluster.test_lossy_bus import Client, joined, new_document, node
from tests.cluster.wired import KEY
from tests.realtime.document_harness import session_of
from tests.seeds import choose_seed
from tests.waiting import until

FRAMES = 10_000


@dataclass(slots=True)
class Site:
    """Two nodes, and a third that is wrong: it has the key."""

    database: databases.Database
    services: list[RealtimeService]
    bus: LocalBus
    wrong: Envelopes

    async def open(self) -> tuple[UUID, list[Client]]:
        """A document with a client on each node, who both see the text "true"."""
        document_id = await new_document(self.database)
        clients = [await joined(service, document_id) for service in self.services]
        clients[0].type("true", 0)
        await until(lambda: [client.content for client in clients] == ["true", "true"], "the text")
        return document_id, clients

    def tell(self, document_id: UUID, message: NodeMessage) -> None:
        channel = f"d:{document_id}"
        self.bus.publish(channel, self.wrong.wrap(channel, encode(message)))

    async def head(self, document_id: UUID) -> int:
        async with self.services[0].db.as_service() as conn:
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
            client.leave()


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
    stranger = Envelopes(b"another key of sixteen characters", site.services[0].settings.redis_prefix)
    channel = f"d:{document_id}"
    before = [service.counts.bus_forged for service in site.services]
    for message in (
        Committed(head + 1, head + 1, forged()),
        Committed(head + 1, 2**40, forged()),
        States(1, False, (State(7, 1, "{}", "somebody"),)),
        StatesRequest(),
        Stateless("forged"),
    ):
        site.bus.publish(channel, stranger.wrap(channel, encode(message)))
        # As nodes sent it before there were MACs.
        site.bus.publish(channel, b"whosaid?" + encode(message))
    await until(
        lambda: [service.counts.bus_forged for service in site.services] == [count + 10 for count in before], "all"
    )
    for client in clients:
        assert client.content == "true"
        assert client.document.presence.states() == []
        assert client.document.room.coverage.upto == head
    await site.works(clients)


async def test_a_claim_far_beyond_the_log_is_looked_up_and_not_believed(site: Site) -> None:
    document_id, clients = await site.open()
    head = await site.head(document_id)
    gaps = [service.counts.bus_gaps for service in site.services]
    for first, last in ((head + 1, 2**40), (head + 1, head + JUMP_ROWS + 1), (2**40, 2**40), (2**52, 2**53 - 1)):
        site.tell(document_id, Committed(first, last, forged()))
        site.tell(document_id, Committed(first, last, b""))
    await until(
        lambda: all(service.counts.bus_gaps > count for service, count in zip(site.services, gaps, strict=True)),
        "a look at the log",
    )
    for service in site.services:
        held = service.replication._log._held
        await until(lambda held=held: document_id not in held, "the claims to be dropped")  # type: ignore[misc]
        _, known = await service.rest_edits.missing(document_id, b"\0")
        assert known.seq == head
    assert [client.content for client in clients] == ["true", "true"]
    await site.works(clients)
    # One look answers for all claims before it.
    assert all(service.counts.bus_gaps <= count + 8 for service, count in zip(site.services, gaps, strict=True))


async def test_rows_that_the_log_does_not_have_are_known_until_the_next_look_only(site: Site) -> None:
    document_id, clients = await site.open()
    head = await site.head(document_id)
    site.tell(document_id, Committed(head + 1, head + 5, forged()))
    await until(lambda: all("FORGED" in client.content for client in clients), "what the node with the key says")
    for service in site.services:
        # Refused, unless the poll has been faster; never more than there is.
        with suppress(Unavailable):
            _, known = await service.rest_edits.missing(document_id, b"\0")
            assert known.seq == head
        _, known = await service.rest_edits.missing(document_id, b"\0")
        assert known.seq == head
    for client in clients:
        assert isinstance(session_of(client.member).ended, Unavailable)
    again = [await joined(service, document_id) for service in site.services]
    assert [client.content for client in again] == ["true", "true"]
    await site.works(again)


async def test_the_poll_finds_rows_that_the_log_does_not_have(site: Site) -> None:
    document_id, clients = await site.open()
    head = await site.head(document_id)
    site.tell(document_id, Committed(head + 1, head + 5, forged()))
    await until(lambda: all(isinstance(session_of(client.member).ended, Unavailable) for client in clients), "the poll")
    again = [await joined(service, document_id) for service in site.services]
    assert [client.content for client in again] == ["true", "true"]
    await site.works(again)


@pytest.mark.parametrize(
    "state",
    ["{not json", "NaN", '"' + "x" * MAX_STATE + '"', "[" * 20_000],
    ids=["no JSON", "no strict JSON", "too large", "too deep"],
)
async def test_presence_of_another_node_is_json_within_bounds(site: Site, state: str) -> None:
    document_id, clients = await site.open()
    before = [service.counts.errors["malformed"] for service in site.services]
    for number, shown in enumerate((state, json.dumps({"user": {"name": "Ann"}})), 1):
        site.tell(document_id, States(number, False, (State(number, 1, shown, "ann"),)))
    for client in clients:
        presence = client.document.presence
        await until(lambda presence=presence: bool(presence.states()), "Ann")  # type: ignore[misc]
        assert [number for number, _ in presence.states()] == [2]
    assert [service.counts.errors["malformed"] for service in site.services] == [count + 1 for count in before]
    await site.works(clients)


class Faulty:
    """A stream that fails in an unexpected way."""

    def receive(self, bearer: str, frame: bytes) -> None:
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
    seed = choose_seed()
    rng = random.Random(seed)
    document_id, clients = await site.open()
    service = site.services[0]
    channel = f"d:{document_id}"
    states = tuple(State(number, number, "{}", "ann") for number in range(3))
    service.streams["faulty"] = Faulty()
    bodies = [
        encode(message)
        for message in (
            Committed(2, 2, forged("a")),
            Committed(2, 3, b""),
            States(1, True, states),
            StatesRequest(),
            Stateless("hello"),
            ClientFrame("faulty", "ann", b"\x01\x00"),
        )
    ]
    handed = service.counts.bus_received + service.counts.bus_forged
    for _ in range(FRAMES // 2):
        service.replication._on_message(channel, site.wrong.wrap(channel, mutated(rng, rng.choice(bodies))))
        service.replication._on_message(channel, mutated(rng, site.wrong.wrap(channel, rng.choice(bodies))))
    del service.streams["faulty"]
    assert service.counts.errors["malformed"] > FRAMES // 10
    assert service.counts.bus_forged > FRAMES // 10
    assert service.counts.bus_received + service.counts.bus_forged == handed + FRAMES
    for client in clients:
        client.leave()
    await site.works((await site.open())[1])

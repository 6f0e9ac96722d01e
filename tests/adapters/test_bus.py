"""What every bus promises: in one process, over one Redis, over TLS with an ACL user, over a Redis Cluster."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from collab_server.adapters.bus import Bus, LocalBus
from collab_server.adapters.redis.redis_bus import RedisBus
from collab_server.errors import ConfigurationError
from tests.redis_cluster import RedisCluster, TlsRedis, self_signed
from tests.redis_server import RedisServer
from tests.waiting import until

PREFIX = "test:"
KINDS = ("local", "redis", "tls", "cluster")


@dataclass(slots=True)
class Node:
    """A bus that runs, and what it heard."""

    bus: Bus
    heard: list[tuple[str, bytes]] = field(default_factory=list)
    connections: int = 0
    task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self.task = asyncio.create_task(self.bus.run(lambda *message: self.heard.append(message), self._connected))

    def _connected(self) -> None:
        self.connections += 1

    async def stop(self) -> None:
        assert self.task is not None
        self.task.cancel()
        await asyncio.wait({self.task})

    async def hears(self, *channels: str) -> None:
        for channel in channels:
            self.bus.subscribe(channel)
            await self.bus.settled(channel)


@dataclass(slots=True)
class Site:
    """Where buses meet."""

    kind: str
    server: RedisServer | None = None
    cluster: RedisCluster | None = None
    exchange: set[LocalBus] = field(default_factory=set)

    def bus(self, prefix: str = PREFIX) -> Bus:
        if self.kind == "local":
            return LocalBus(self.exchange)
        assert self.servers
        return RedisBus(self.servers[0].url, prefix)

    @property
    def servers(self) -> list[RedisServer]:
        return self.cluster.nodes if self.cluster else [self.server] if self.server else []

    @asynccontextmanager
    async def nodes(self, count: int) -> AsyncIterator[list[Node]]:
        """So many buses, connected."""
        nodes = [Node(self.bus()) for _ in range(count)]
        for node in nodes:
            node.start()
        try:
            await until(lambda: all(node.bus.connected for node in nodes), "the buses to be connected")
            yield nodes
        finally:
            for node in nodes:
                await node.stop()


@pytest.fixture(scope="module", params=KINDS)
async def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    directory = tmp_path_factory.mktemp("bus") / request.param
    async with AsyncExitStack() as stack:
        if request.param == "cluster":
            yield Site(request.param, cluster=await stack.enter_async_context(RedisCluster(directory)))
        elif request.param == "local":
            yield Site(request.param)
        else:
            server = TlsRedis(directory, PREFIX) if request.param == "tls" else RedisServer(directory)
            yield Site(request.param, server=await stack.enter_async_context(server))


CHANNELS = [f"d:{number}" for number in range(12)]
"""On a cluster they lie on all three nodes."""


async def test_only_subscribers_hear_and_in_the_order_of_a_channel(site: Site) -> None:
    async with site.nodes(3) as (teller, listener, other):
        await listener.hears(*CHANNELS)
        await other.hears("d:elsewhere")
        for number in range(200):
            for channel in CHANNELS:
                teller.bus.publish(channel, b"%d" % number)
        await until(lambda: len(listener.heard) == 200 * len(CHANNELS), "all messages")
        for channel in CHANNELS:
            assert [m for c, m in listener.heard if c == channel] == [b"%d" % number for number in range(200)]
        assert not other.heard
        assert not teller.heard


async def test_a_bus_hears_itself_where_it_has_subscribed(site: Site) -> None:
    async with site.nodes(2) as (one, other):
        await one.hears("d:1")
        one.bus.publish("d:1", b"\0own\xff")
        other.bus.publish("d:1", b"")
        await until(lambda: len(one.heard) == 2, "both")
        assert set(one.heard) == {("d:1", b"\0own\xff"), ("d:1", b"")}


async def test_who_has_unsubscribed_hears_no_more_until_it_subscribes_again(site: Site) -> None:
    async with site.nodes(2) as (teller, listener):
        await listener.hears("d:1", "d:2")
        listener.bus.unsubscribe("d:1")
        # The order of subscriptions holds: the new one is in force after the old one has gone.
        await listener.hears("d:3", *CHANNELS)
        listener.bus.unsubscribe("d:2")
        listener.bus.subscribe("d:2")
        listener.bus.unsubscribe("d:1")
        await until(lambda: "d:1" not in subscriptions(listener.bus), "the end of the subscription")
        for channel in ("d:1", "d:2", "d:3"):
            teller.bus.publish(channel, b"x")
        await until(lambda: ("d:2", b"x") in listener.heard and ("d:3", b"x") in listener.heard, "the others")
        teller.bus.publish("d:1", b"y")
        await listener.hears("d:1")
        teller.bus.publish("d:1", b"z")
        await until(lambda: ("d:1", b"z") in listener.heard, "the new subscription")
        assert ("d:1", b"x") not in listener.heard


def subscriptions(bus: Bus) -> set[str]:
    """Those that are in force."""
    if isinstance(bus, RedisBus):
        return {channel for shard in bus._shards for channel in shard.in_force}
    assert isinstance(bus, LocalBus)
    return bus._channels


async def test_a_large_message_arrives_whole(site: Site) -> None:
    async with site.nodes(2) as (teller, listener):
        await listener.hears("d:large")
        message = bytes(range(256)) * 8_000
        teller.bus.publish("d:large", message)
        await until(lambda: listener.heard == [("d:large", message)], "the message")


async def test_subscriptions_hold_again_after_an_interruption(site: Site) -> None:
    async with site.nodes(2) as (teller, listener):
        await listener.hears(*CHANNELS)
        before = listener.connections
        if site.kind == "local":
            await listener.stop()
            teller.bus.publish("d:1", b"lost")
            listener.start()
        else:
            victim = site.servers[-1]
            victim.kill()
            await until(lambda: not listener.bus.connected and not teller.bus.connected, "the loss to be noticed")
            teller.bus.publish("d:1", b"lost")
            await listener.bus.settled("d:1")
            await victim.start()
        await until(lambda: listener.connections > before and teller.bus.connected, "the bus to be back")
        await until(lambda: listener.bus.connected, "the bus to be back")
        for channel in CHANNELS:
            await listener.bus.settled(channel)
            teller.bus.publish(channel, b"again")
        await until(lambda: len(listener.heard) == len(CHANNELS), "a message on each channel")
        assert set(listener.heard) == {(channel, b"again") for channel in CHANNELS}


async def test_a_restart_too_short_to_notice_loses_no_subscription(site: Site) -> None:
    if site.kind == "local":
        return
    async with site.nodes(2) as (teller, listener):
        await listener.hears(*CHANNELS)
        before = listener.connections
        site.servers[-1].kill()
        await site.servers[-1].start()
        await until(lambda: listener.connections > before and listener.bus.connected, "the bus to be back")
        await until(lambda: teller.bus.connected and teller.connections > 1, "the bus to be back")
        for channel in CHANNELS:
            await listener.bus.settled(channel)
            teller.bus.publish(channel, b"again")
        await until(lambda: {c for c, _ in listener.heard} == set(CHANNELS), "a message on each channel")


# ---- what only Redis has


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[RedisCluster]:
    async with RedisCluster(tmp_path) as running:
        yield running


async def test_two_prefixes_on_one_redis_do_not_hear_each_other(tmp_path: Path) -> None:
    async with RedisServer(tmp_path) as server:
        one, other = Node(RedisBus(server.url, "one:")), Node(RedisBus(server.url, "two:"))
        for node in (one, other):
            node.start()
            await until(lambda node=node: node.bus.connected, "the bus")  # type: ignore[misc]
            await node.hears("d:1", "d:2")
        one.bus.publish("d:1", b"x")
        other.bus.publish("d:2", b"y")
        await until(lambda: bool(one.heard and other.heard), "their own")
        assert (one.heard, other.heard) == ([("d:1", b"x")], [("d:2", b"y")])
        for node in (one, other):
            await node.stop()


async def test_a_cluster_carries_sharded_messages_and_a_slot_may_move(cluster: RedisCluster) -> None:
    site = Site("cluster", cluster=cluster)
    async with site.nodes(2) as (teller, listener):
        await listener.hears(*CHANNELS)
        shares = [await cluster.ask(number, "PUBSUB", "SHARDCHANNELS", f"{PREFIX}*") for number in range(3)]
        assert sorted(name for share in shares for name in share) == sorted(f"{PREFIX}{c}".encode() for c in CHANNELS)
        assert all(shares), "each node has some of them"
        moved = shares[0][0].decode()
        slot = await cluster.ask(0, "CLUSTER", "KEYSLOT", moved)
        owner, heir = [await cluster.ask(number, "CLUSTER", "MYID") for number in (0, 1)]
        before = listener.connections
        # Only a node that was importing announces the slot with a newer epoch, so that the others believe it.
        await cluster.ask(1, "CLUSTER", "SETSLOT", slot, "IMPORTING", owner)
        await cluster.ask(0, "CLUSTER", "SETSLOT", slot, "MIGRATING", heir)
        for number in (1, 0, 2):
            await cluster.ask(number, "CLUSTER", "SETSLOT", slot, "NODE", heir)
        await until(lambda: listener.connections > before and listener.bus.connected, "another look at the cluster")

        def arrives() -> bool:
            teller.bus.publish(moved.removeprefix(PREFIX), b"there")
            return bool(listener.heard)

        await until(arrives, "a message on the channel that moved")
        assert set(listener.heard) == {(moved.removeprefix(PREFIX), b"there")}


async def test_a_redis_that_is_not_who_it_should_be_is_not_talked_to(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    stranger, _ = self_signed(tmp_path / "other")
    async with TlsRedis(tmp_path / "redis", PREFIX) as server:
        parts = urlsplit(server.url)
        address = f"127.0.0.1:{server.port}"
        good = Node(RedisBus(server.url, PREFIX))
        bad = [
            Node(RedisBus(url, PREFIX))
            for url in (
                parts._replace(query=f"ssl_ca_certs={stranger}").geturl(),
                parts._replace(query="").geturl(),
                parts._replace(netloc=f"collab:wrong@{address}").geturl(),
                parts._replace(netloc=address).geturl(),
            )
        ]
        bad.append(Node(RedisBus(server.url, "outside:")))
        for node in (*bad, good):
            node.start()
        await until(lambda: good.bus.connected, "the one that is right")
        good.bus.subscribe("d:1")
        await good.bus.settled("d:1")
        good.bus.publish("d:1", b"x")
        await until(lambda: bool(good.heard), "its message")
        for node in (*bad, good):
            await node.stop()
            assert node.connections == (1 if node is good else 0)


@pytest.mark.parametrize("url", ["http://x", "redis://host:port/0", "redis://h:6379/0?ssl_ca_certs=x&db=zero"])
def test_a_url_that_cannot_be_read_is_a_fault_of_the_settings(url: str) -> None:
    with pytest.raises(ConfigurationError, match="COLLAB_REDIS_URL cannot be read"):
        RedisBus(url, PREFIX)


NESTED = b"*1\r\n" * 5_000 + b":1\r\n"
SLOTS = (
    b"*1\r\n*3\r\n:0\r\n:99999999999\r\n*2\r\n$1\r\nx\r\n:1\r\n",
    b"*1\r\n*1\r\n:0\r\n",
    b"*1\r\n:0\r\n",
    b"*1\r\n*3\r\n$1\r\nx\r\n$1\r\ny\r\n*2\r\n$1\r\n\xff\r\n:1\r\n",
    b"+OK\r\n",
    NESTED,
)
SAID = (
    b"*0\r\n",
    b"*1\r\n$7\r\nmessage\r\n",
    b"*3\r\n:1\r\n:2\r\n:3\r\n",
    NESTED,
    b"?\r\n",
    b"*3\r\n$7\r\nmessage\r\n:1\r\n:2\r\n",
)


async def test_an_answer_that_no_redis_gives_ends_the_connection_and_not_the_process() -> None:
    slots = said = b""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while command := await reader.read(10_000):
            if b"SLOTS" in command:
                writer.write(slots)
            elif b"SUBSCRIBE" in command:
                writer.write(b"*3\r\n$9\r\nsubscribe\r\n$6\r\ntest:-\r\n:1\r\n" + said)
                break
            else:
                writer.write(b"+OK\r\n" * command.count(b"*"))
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        for answers in [*((slots, b"") for slots in SLOTS), *((b"-ERR no\r\n", said) for said in SAID)]:
            slots, said = answers
            bus = RedisBus(f"redis://127.0.0.1:{port}/0?protocol=2", PREFIX)
            # One connection of those that `run` makes again and again. It would raise what ends the process.
            async with asyncio.timeout(30):
                await bus._carry(lambda _channel, _message: None, lambda: None)

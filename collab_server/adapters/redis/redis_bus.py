"""The bus over Redis: its usual pub/sub on one server, sharded pub/sub (Redis 7) on a Redis Cluster.

On a cluster the usual PUBLISH would go to every node; SPUBLISH goes to the one that owns the channel's slot, so the
traffic divides by the number of nodes. Both are redis_shard.Shard; a single server is a cluster of one.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, suppress
from typing import Any

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot
from redis.exceptions import RedisError, ResponseError

from collab_server.adapters.bus import OnBusMessage
from collab_server.adapters.redis.redis_shard import TIMEOUT, Shard
from collab_server.background import run_periodically
from collab_server.errors import ConfigurationError, Unavailable
from collab_server.observability.logging import log

_EXAMINED = "examined"

_Place = tuple[str, int]
"""Host and port."""
_Slots = tuple[int, int, _Place]
"""First and last slot, and where they are."""


class RedisBus:
    """Any fault of any shard ends all connections, and they are made anew from what the cluster looks like then: a
    message may be lost, and a rare reconnection is simpler to trust than one line of several that is silent.
    """

    def __init__(self, url: str, prefix: str) -> None:
        """Raises ConfigurationError for a URL that cannot be read."""
        self._prefix = prefix
        try:
            self._pool = ConnectionPool.from_url(url)
        except ValueError as error:
            raise ConfigurationError(f"COLLAB_REDIS_URL cannot be read: {error}") from None
        self._wanted: set[str] = set()
        self._waiters: dict[str, list[asyncio.Future[None]]] = {}
        self._shards: list[Shard] = []
        self._by_slot: list[Shard] = []
        self._dropped = 0

    @property
    def connected(self) -> bool:
        return bool(self._shards)

    @property
    def reaches_others(self) -> bool:
        return True

    @property
    def sharded(self) -> bool:
        """Whether it is connected to a Redis Cluster."""
        return bool(self._by_slot)

    @property
    def dropped(self) -> int:
        """Messages that found no Redis, or too many others waiting for it."""
        return self._dropped + sum(shard.dropped for shard in self._shards)

    def publish(self, channel: str, message: bytes) -> None:
        if (shard := self._shard(channel)) is None:
            self._dropped += 1
        else:
            shard.publish(channel, message)

    def subscribe(self, channel: str) -> None:
        self._wanted.add(channel)
        if (shard := self._shard(channel)) is not None:
            shard.subscribe(channel)

    def unsubscribe(self, channel: str) -> None:
        self._wanted.discard(channel)
        if (shard := self._shard(channel)) is not None:
            shard.unsubscribe(channel)

    async def settled(self, channel: str) -> None:
        shard = self._shard(channel)
        if shard is None or channel in shard.in_force:
            return
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.setdefault(channel, []).append(waiter)
        with suppress(TimeoutError):
            async with asyncio.timeout(TIMEOUT):
                await waiter

    async def run(self, on_message: OnBusMessage, on_connect: Callable[[], None]) -> None:
        async def connect_once() -> None:
            # A task of its own each time: when an error and a cancellation meet, a TaskGroup loses the cancellation.
            carrying = asyncio.create_task(self._carry(on_message, on_connect))
            try:
                await asyncio.wait({carrying})
            finally:
                if not carrying.done():
                    carrying.cancel()
                    await asyncio.wait({carrying})
                self._away()
            carrying.result()
            raise Unavailable("the connection to Redis ended")

        await run_periodically("carrying messages over Redis", connect_once, 0.0)

    async def examine(self) -> str:
        """Connect and hear a message of its own; -> what kind of Redis it is. For a bus that does not run.

        Raises ConfigurationError.
        """
        heard = asyncio.Event()
        faults: list[BaseException] = []
        try:
            async with asyncio.timeout(3 * TIMEOUT), AsyncExitStack() as stack, asyncio.TaskGroup() as tasks:
                await self._connect(stack, lambda _channel, _message: heard.set())
                carrying = [tasks.create_task(shard.run()) for shard in self._shards]
                self.subscribe(_EXAMINED)
                await self.settled(_EXAMINED)
                self.publish(_EXAMINED, b"heard")
                await heard.wait()
                for task in carrying:
                    task.cancel()
        except* (RedisError, OSError, TimeoutError) as group:
            faults.extend(group.exceptions)
        if faults:
            raise ConfigurationError(f"COLLAB_REDIS_URL: {faults[0] or 'no answer'}")
        return f"a Redis Cluster of {len(self._shards)} masters" if self.sharded else "one server"

    async def _carry(self, on_message: OnBusMessage, on_connect: Callable[[], None]) -> None:
        """Connect, and carry messages until something fails."""
        try:
            async with AsyncExitStack() as stack, asyncio.TaskGroup() as tasks:
                await self._connect(stack, on_message)
                log.info("the bus is connected", extra={"shards": len(self._shards), "sharded": self.sharded})
                on_connect()
                for shard in self._shards:
                    tasks.create_task(shard.run())
        except* (RedisError, OSError, TimeoutError) as group:
            level = logging.WARNING if self.connected else logging.DEBUG
            log.log(level, "the bus is away", extra={"error": repr(group.exceptions[0])})
        except* Exception as group:
            # An answer that no Redis gives (a proxy, another program on that port) must not end the process.
            log.warning("the bus is away", exc_info=group.exceptions[0])

    async def _connect(self, stack: AsyncExitStack, on_message: OnBusMessage) -> None:
        slots = await self._find_slots()
        places: list[_Place | None] = list(dict.fromkeys(place for _, _, place in slots))
        found: dict[_Place | None, Shard] = {}
        for place in places or [None]:
            shard = found[place] = Shard(
                self._client(stack, place, socket_timeout=TIMEOUT),
                # Silence is normal where one listens; the prober finds a connection that is dead.
                self._client(stack, place, socket_timeout=None, socket_keepalive=True),
                self._prefix,
                sharded=place is not None,
                on_message=on_message,
                on_force=lambda channel: self._settle((channel,)),
            )
            await shard.open(stack)
        by_slot = [found[place] for first, last, place in slots for _ in range(first, last + 1)]
        if by_slot and len(by_slot) != REDIS_CLUSTER_HASH_SLOTS:
            raise RedisError("some slots of the Redis Cluster are served by nobody")
        self._shards, self._by_slot = list(found.values()), by_slot
        for channel in self._wanted:
            if (shard_of := self._shard(channel)) is not None:
                shard_of.subscribe(channel)

    async def _find_slots(self) -> list[_Slots]:
        """Nodes of a Redis Cluster, in their order; empty for a Redis that is none (or whose user may not ask)."""
        async with AsyncExitStack() as stack:
            client = self._client(stack, None, socket_timeout=TIMEOUT)
            asked: Awaitable[list[Any]] = client.execute_command("CLUSTER", "SLOTS")  # type: ignore[no-untyped-call]
            try:
                rows = await asked
            except ResponseError:
                return []
        own_host = self._pool.connection_kwargs.get("host", "localhost")
        try:
            # A node that does not know its own address leaves it out: it is the one that was asked.
            slots = sorted((row[0], row[1], (row[2][0].decode() if row[2][0] else own_host, row[2][1])) for row in rows)
            if all(0 <= first <= last < REDIS_CLUSTER_HASH_SLOTS for first, last, _ in slots):
                return slots
        except (TypeError, IndexError, AttributeError, UnicodeDecodeError):
            pass
        raise RedisError("CLUSTER SLOTS was answered with something else")

    def _client(self, stack: AsyncExitStack, place: _Place | None, **options: object) -> "Redis":
        where = {"host": place[0], "port": place[1]} if place is not None else {}
        # redis-py's own reconnecting would forget what was subscribed. Upstream:
        # https://github.com/redis/redis-py/issues/3203 (closed), for shards https://github.com/redis/redis-py/pull/4038.
        given: dict[str, Any] = {"retry": Retry(NoBackoff(), 0), "socket_connect_timeout": TIMEOUT, **options}
        given.update(self._pool.connection_kwargs, **where)
        pool = ConnectionPool(connection_class=self._pool.connection_class, **given)
        client: Redis = Redis.from_pool(pool)
        stack.push_async_callback(_close, client)
        return client

    def _shard(self, channel: str) -> Shard | None:
        if self._by_slot:
            return self._by_slot[key_slot(f"{self._prefix}{channel}".encode())]
        return self._shards[0] if self._shards else None

    def _away(self) -> None:
        self._dropped = self.dropped
        self._shards, self._by_slot = [], []
        self._settle(list(self._waiters))

    def _settle(self, channels: Iterable[str]) -> None:
        for channel in channels:
            for waiter in self._waiters.pop(channel, ()):
                if not waiter.done():
                    waiter.set_result(None)


async def _close(client: "Redis") -> None:
    with suppress(RedisError, OSError, TimeoutError):
        await client.aclose()

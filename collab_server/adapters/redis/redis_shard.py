"""One Redis server of the bus: a connection that listens, and one that publishes what gathered in one round trip."""

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import ConnectionError as RedisConnectionError

from collab_server.adapters.bus import QUEUE_BYTES, OnBusMessage

BATCH = 256
TIMEOUT = 5.0
_HEARTBEAT = "-"
"""A channel that is always subscribed, so that there is something to listen to."""


class Shard:
    """`sharded`: a node of a Redis Cluster, which takes the channels of its slots only. `on_force`: called with a
    channel when its subscription holds. Every fault ends `run` with redis' error.
    """

    def __init__(
        self,
        talking: "Redis",
        listening: "Redis",
        prefix: str,
        *,
        sharded: bool,
        on_message: OnBusMessage,
        on_force: Callable[[str], None],
    ) -> None:
        self._talking = talking
        self._listening = listening
        self._prefix = prefix.encode()
        s = "S" if sharded else ""
        self._publish, self._subscribe, self._unsubscribe = f"{s}PUBLISH", f"{s}SUBSCRIBE", f"{s}UNSUBSCRIBE"
        self._most_at_once = 1 if sharded else BATCH
        """Channels that one command names: on a cluster all of them would have to be in one slot."""
        self._on_message = on_message
        self._on_force = on_force
        self._pubsub: PubSub | None = None
        self._outbox: deque[tuple[bytes, bytes]] = deque()
        self._outbox_bytes = 0
        self._wake = asyncio.Event()
        self._wanted: set[str] = set()
        self._changed = asyncio.Event()
        self._leaving: Counter[str] = Counter()
        self._heard = asyncio.Event()
        self.in_force: set[str] = set()
        self.dropped = 0

    async def open(self, stack: AsyncExitStack) -> None:
        """Connect. Raises redis' errors."""
        pubsub: PubSub = await stack.enter_async_context(self._listening.pubsub())
        self._pubsub = pubsub
        await pubsub.subscribe(self._name(_HEARTBEAT))
        async with asyncio.timeout(TIMEOUT):
            # A user without rights to the prefix is refused here, and not after the bus has called itself connected.
            await pubsub.parse_response(block=True)

    def publish(self, channel: str, message: bytes) -> None:
        if self._outbox_bytes + len(message) > QUEUE_BYTES:
            self.dropped += 1
            return
        self._outbox.append((self._name(channel), message))
        self._outbox_bytes += len(message)
        self._wake.set()

    def subscribe(self, channel: str) -> None:
        self._wanted.add(channel)
        self._changed.set()

    def unsubscribe(self, channel: str) -> None:
        self._wanted.discard(channel)
        self._changed.set()

    async def run(self) -> None:
        """Carry messages until cancelled, or something fails."""
        pubsub = self._pubsub
        assert pubsub is not None, "open() comes first"
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen(pubsub))
            tasks.create_task(self._subscriber(pubsub))
            tasks.create_task(self._publisher())
            tasks.create_task(self._prober(pubsub))

    async def _listen(self, pubsub: PubSub) -> None:
        while True:
            answer: Any = await pubsub.parse_response(block=True)
            self._heard.set()
            if not isinstance(answer, list) or len(answer) < 3:
                continue
            kind = answer[0]
            if kind in (b"message", b"smessage"):
                self._on_message(self._channel(answer[1]), answer[2])
            elif kind in (b"subscribe", b"ssubscribe"):
                channel = self._channel(answer[1])
                self.in_force.add(channel)
                self._on_force(channel)
            elif kind in (b"unsubscribe", b"sunsubscribe"):
                self._left(self._channel(answer[1]))

    def _left(self, channel: str) -> None:
        if not self._leaving[channel]:
            raise RedisConnectionError("a slot of the Redis Cluster has moved")
        self._leaving[channel] -= 1
        if not self._leaving[channel]:
            del self._leaving[channel]
        self.in_force.discard(channel)

    async def _subscriber(self, pubsub: PubSub) -> None:
        asked: set[str] = set()
        while True:
            await self._changed.wait()
            self._changed.clear()
            more, fewer = list(self._wanted - asked), list(asked - self._wanted)
            self._leaving.update(fewer)
            for verb, channels in ((self._subscribe, more), (self._unsubscribe, fewer)):
                for start in range(0, len(channels), self._most_at_once):
                    some = channels[start : start + self._most_at_once]
                    await pubsub.execute_command(verb, *map(self._name, some))
            asked = asked.difference(fewer).union(more)

    async def _publisher(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._outbox:
                async with self._talking.pipeline(transaction=False) as pipeline:
                    for _ in range(min(BATCH, len(self._outbox))):
                        channel, message = self._outbox.popleft()
                        self._outbox_bytes -= len(message)
                        pipeline.execute_command(self._publish, channel, message)
                    await pipeline.execute()
                if (task := asyncio.current_task()) is not None and task.cancelling():
                    # redis-py forgets a cancellation that meets the end of a pipeline. Upstream: not reported yet; like
                    # https://github.com/redis/redis-py/issues/2551.
                    raise asyncio.CancelledError

    async def _prober(self, pubsub: PubSub) -> None:
        while True:
            self._heard.clear()
            await pubsub.execute_command("PING", "")
            # Not wait_for: Python 3.11's forgets a cancellation that comes together with what it waits for:
            # https://github.com/python/cpython/issues/86296.
            async with asyncio.timeout(TIMEOUT):
                await self._heard.wait()
            await asyncio.sleep(TIMEOUT)

    def _name(self, channel: str) -> bytes:
        return self._prefix + channel.encode()

    def _channel(self, name: bytes) -> str:
        return name[len(self._prefix) :].decode()

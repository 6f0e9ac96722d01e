"""Token buckets that all servers on one Redis share. While Redis is away each process counts by itself."""

import asyncio
import time
from collections.abc import Awaitable
from contextlib import suppress
from typing import Any

from redis.asyncio import Redis, RedisCluster
from redis.exceptions import RedisClusterException, RedisError, ResponseError

from collab_server.adapters.rates import LocalBuckets, Rate, Taken
from collab_server.observability.logging import log

TIMEOUT = 0.25
"""Seconds: a request does not wait longer for Redis."""
PAUSE = 5.0
"""Seconds until Redis is asked again after it did not answer."""

# One step, so that several servers never hand out the same token. By the clock of Redis: those of the servers differ.
_TAKE = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local rate, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local bucket = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = tonumber(bucket[1]) or burst
tokens = math.min(burst, tokens + math.max(0, now - (tonumber(bucket[2]) or now)) * rate)
local left = tokens - 1
if left >= 0 then tokens = left end
redis.call('HSET', KEYS[1], 'tokens', tostring(tokens), 'at', string.format('%.6f', now))
redis.call('PEXPIRE', KEYS[1], math.ceil(burst / rate * 1000) + 1000)
return tostring(left)
"""


class RedisBuckets:
    """`url` is one that the bus has accepted."""

    def __init__(self, url: str, prefix: str) -> None:
        self._url = url
        self._prefix = f"{prefix}rate:"
        self._client: Redis | RedisCluster | None = None
        self._local = LocalBuckets()
        self._away_until = 0.0
        self._connecting = asyncio.Lock()

    async def take(self, key: str, rate: Rate) -> Taken:
        if time.monotonic() >= self._away_until:
            try:
                async with asyncio.timeout(TIMEOUT):
                    return Taken(rate, await self._ask(key, rate))
            except (RedisError, OSError, TimeoutError, ValueError) as error:
                if time.monotonic() >= self._away_until:
                    log.warning("requests are counted by this process alone", extra={"error": repr(error)})
                self._away_until = time.monotonic() + PAUSE
        return self._local.take_now(key, rate)

    async def _ask(self, key: str, rate: Rate) -> float:
        async with self._connecting:
            client = self._client = self._client or await self._connect()
        asked: Awaitable[Any] = client.eval(_TAKE, 1, self._prefix + key, str(rate.per_second), str(rate.burst))
        return float(await asked)

    async def _connect(self) -> "Redis | RedisCluster":
        single: Redis = Redis.from_url(self._url, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT)
        try:
            asked: Awaitable[Any] = single.execute_command("CLUSTER", "SLOTS")  # type: ignore[no-untyped-call]
            slots = await asked
        except ResponseError:
            return single
        except BaseException:
            await single.aclose()
            raise
        if not slots:
            return single
        await single.aclose()
        several: RedisCluster = RedisCluster.from_url(self._url, socket_timeout=TIMEOUT)
        try:
            await several.initialize()
        except RedisClusterException as error:
            raise RedisError(str(error)) from error
        return several

    async def close(self) -> None:
        if self._client is not None:
            with suppress(RedisError, OSError, TimeoutError):
                await self._client.aclose()
        await self._local.close()

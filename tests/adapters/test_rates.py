"""Token buckets, in memory and in Redis."""

import asyncio
from pathlib import Path

import pytest

from collab_server.adapters import rates
from collab_server.adapters.rates import LocalBuckets, Rate, network_of
from collab_server.adapters.redis import redis_rates
from collab_server.adapters.redis.redis_rates import RedisBuckets
from tests.redis_cluster import RedisCluster, TlsRedis
from tests.redis_server import RedisServer

SLOW = Rate(per_second=0.001, burst=10)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_a_bucket_is_emptied_and_fills_again() -> None:
    clock = Clock()
    buckets = LocalBuckets(clock)
    rate = Rate(per_second=2, burst=3)
    taken = [await buckets.take("a", rate) for _ in range(4)]
    assert [one.allowed for one in taken] == [True, True, True, False]
    assert [one.remaining for one in taken] == [2, 1, 0, 0]
    assert (taken[-1].until_next, taken[-1].until_full) == (0.5, 1.5)
    assert (await buckets.take("b", rate)).allowed
    clock.now = 0.5
    assert (await buckets.take("a", rate)).allowed
    assert not (await buckets.take("a", rate)).allowed
    clock.now = 1000
    assert (await buckets.take("a", rate)).remaining == 2


async def test_the_table_is_bounded() -> None:
    buckets = LocalBuckets()
    for number in range(rates.MOST_BUCKETS + 10):
        buckets.take_now(str(number), SLOW)
    assert len(buckets._buckets) == rates.MOST_BUCKETS


def test_one_machine_has_all_addresses_of_an_ipv6_network() -> None:
    assert network_of("2001:db8::1") == network_of("2001:db8::2:3") == "2001:db8::/64"
    assert network_of("::ffff:192.0.2.1") == network_of("192.0.2.1") == "192.0.2.1"
    assert network_of("unknown") == ""


async def test_servers_on_one_redis_share_their_buckets_and_go_on_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A busy machine must not make them count by themselves.
    monkeypatch.setattr(redis_rates, "TIMEOUT", 10.0)
    monkeypatch.setattr(redis_rates, "PAUSE", 0.0)
    async with RedisServer(tmp_path) as redis:
        one, other = RedisBuckets(redis.url, "t:"), RedisBuckets(redis.url, "t:")
        try:
            taken = await asyncio.gather(*(buckets.take("a", SLOW) for _ in range(10) for buckets in (one, other)))
            assert sum(each.allowed for each in taken) == SLOW.burst
            redis.kill()
            again = [await one.take("a", SLOW) for _ in range(11)]
            assert [each.allowed for each in again] == [True] * 10 + [False]
        finally:
            await redis.start()
            await one.close()
            await other.close()


async def test_servers_on_a_redis_cluster_share_buckets_that_lie_on_all_its_nodes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_rates, "TIMEOUT", 10.0)
    async with RedisCluster(tmp_path) as cluster:
        one, other = RedisBuckets(cluster.url, "t:"), RedisBuckets(cluster.url, "t:")
        try:
            for key in "abcdefgh":
                taken = [await buckets.take(key, SLOW) for _ in range(10) for buckets in (one, other)]
                assert sum(each.allowed for each in taken) == SLOW.burst
            sizes = [int(await cluster.ask(number, "DBSIZE")) for number in range(len(cluster.nodes))]
            assert sum(sizes) == 8 and sum(size > 0 for size in sizes) > 1
        finally:
            await one.close()
            await other.close()


async def test_a_user_with_the_documented_rights_may_count_in_redis(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_rates, "TIMEOUT", 10.0)
    async with TlsRedis(tmp_path / "redis", "t:") as redis:
        one, other = RedisBuckets(redis.url, "t:"), RedisBuckets(redis.url, "t:")
        try:
            taken = [await buckets.take("a", SLOW) for _ in range(10) for buckets in (one, other)]
            assert sum(each.allowed for each in taken) == SLOW.burst
        finally:
            await one.close()
            await other.close()

"""/health/ready is red for what another server would do better, and degraded for what all servers suffer together."""

from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import httpx
import pytest

from collab_server.adapters.embedded_postgres.server import EmbeddedPostgres
from tests import databases
from tests.peers import Peer
from tests.redis_server import RedisServer
from tests.server import Server
from tests.waiting import until


@pytest.fixture(scope="module")
async def redis(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RedisServer]:
    async with RedisServer(tmp_path_factory.mktemp("redis")) as running:
        yield running


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory, redis: RedisServer) -> AsyncIterator[Server]:
    directory = tmp_path_factory.mktemp("readiness")
    async with Server(directory, redis_url=redis.url, feed_lag_seconds=0.05) as running:
        yield running


async def ask(server: Server) -> tuple[int, str, dict[str, str]]:
    """(HTTP status, `status`, `checks`) of /health/ready."""
    async with httpx.AsyncClient(timeout=10) as client:
        answer = await client.get(f"{server.http}/health/ready")
    told = answer.json()
    return answer.status_code, told["status"], told["checks"]


async def check_says(server: Server, name: str, words: str) -> bool:
    """Whether the check says this; /health/ready must be green at any time."""
    status, summary, checks = await ask(server)
    assert status == 200, checks
    assert summary == ("ok" if set(checks.values()) == {"ok"} else "degraded")
    return words in checks[name]


@pytest.mark.parametrize("of_the_login", [True, False])
async def test_an_open_transaction_in_another_database_is_named_and_the_server_stays_ready(
    server: Server, of_the_login: bool
) -> None:
    """PostgreSQL shows the age of a session's transaction to its own role only, its pid to everybody."""
    owner = await asyncpg.connect(server.owner_dsn)
    other = f"other_{uuid4().hex}"
    await owner.execute(f"CREATE DATABASE {other}")
    settings = {"application_name": "nightly report"}
    embedded = EmbeddedPostgres(server.data_dir)
    own_dsn = embedded.attach()
    assert own_dsn is not None
    dsn = own_dsn if of_the_login else server.owner_dsn
    foreign = await asyncpg.connect(databases.with_database(dsn, other), server_settings=settings)
    try:
        await foreign.execute("BEGIN")
        await foreign.execute("SELECT pg_current_xact_id()")
        pid = foreign.get_server_pid()
        peer = await Peer(server, "yws", uuid4().hex).sync()
        await peer.close()
        named = f"pid {pid} (nightly report) in database {other}"
        await until(lambda: check_says(server, "feed", named), "the session to be named")
        _, _, checks = await ask(server)
        assert ("this login may not see other roles' sessions" in checks["feed"]) != of_the_login
        await foreign.execute("ROLLBACK")
        await until(lambda: check_says(server, "feed", "ok"), "the feed to go on")
    finally:
        await foreign.close()
        await owner.execute(f"DROP DATABASE {other} WITH (FORCE)")
        await owner.close()


async def test_without_redis_edits_are_acknowledged_and_the_server_stays_ready(
    server: Server, redis: RedisServer
) -> None:
    peer = await Peer(server, "hocus", "without-redis").sync()
    redis.kill()
    try:
        await until(lambda: check_says(server, "bus", "cannot be reached"), "the loss of Redis to be noticed")
        peer.type_mark()
        await peer.saved()
        async with httpx.AsyncClient() as client:
            assert "\ncollab_bus_connected 0.0" in (await client.get(f"{server.http}/metrics")).text
    finally:
        await redis.start()
        await peer.close()
    await until(lambda: check_says(server, "bus", "ok"), "Redis to be back")


async def test_a_document_that_cannot_be_stored_leaves_the_server_ready(server: Server) -> None:
    owner = await asyncpg.connect(server.owner_dsn)
    peer = await Peer(server, "hocus", "locked").sync()
    peer.type_mark()
    await peer.saved()
    document = await server.document("locked")
    try:
        async with owner.transaction():
            await owner.execute("SELECT FROM document_heads WHERE document_id = $1::uuid FOR UPDATE", document["id"])
            peer.type_mark()
            await until(lambda: check_says(server, "documents", "edits of 1 locked documents wait"), "the edit to wait")
        await peer.saved()
    finally:
        await peer.close()
        await owner.close()

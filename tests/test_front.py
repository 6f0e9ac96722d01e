"""What stands before every route: who asks, by which name, how often; and who reads the metrics."""

import asyncio
import re
from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.routing import Route

from collab_server.settings import Settings
from collab_server.web import metrics
from collab_server.web.middleware.hosts import is_known, names_of
from tests.raw_socket import Refused, Socket
from tests.server import Server, free_port
from tests.test_bodies import Unfinished, head

PROXY = "127.0.0.9"
BURST = 20
"""Of guests too. One more comes a minute, so that a slow machine changes nothing."""
LOGIN = "/auth/login"
UPLOAD = 1_000_000


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """Each test comes from addresses of its own, so that none uses up what another one may ask."""
    limits = {"rate_requests": 1, "rate_requests_burst": BURST, "rate_guest_requests": 1}
    async with Server(
        tmp_path_factory.mktemp("front"), trusted_proxies=f"{PROXY}, 10.0.0.0/8", registration="open", **limits
    ) as running:
        yield running


def through(server: Server, forwarded: str, source: str = PROXY, token: str | None = None) -> httpx.AsyncClient:
    """A client whose connection comes from `source`, with this X-Forwarded-For."""
    headers = {"x-forwarded-for": forwarded, **({"authorization": f"Bearer {token}"} if token else {})}
    return httpx.AsyncClient(
        base_url=server.api, headers=headers, transport=httpx.AsyncHTTPTransport(local_address=source), timeout=30
    )


async def remaining(client: httpx.AsyncClient) -> int:
    """How many more requests the client's address has."""
    answer = await client.get("/auth/me")
    assert answer.status_code == 200
    return int(answer.headers["ratelimit-remaining"])


# ---- who asks


async def test_a_stranger_does_not_lock_the_owner_out_behind_the_same_proxy(server: Server) -> None:
    wrong = {"email": f"{uuid4()}@example.com", "password": "not the right one"}
    async with through(server, "198.51.100.7") as attacker, through(server, "203.0.113.5") as owner:
        for _ in range(12):
            answer = await attacker.post(LOGIN, json=wrong)
            if answer.status_code == 429:
                break
        assert answer.status_code == 429 and "too many attempts" in answer.json()["detail"]
        assert (await owner.post(LOGIN, json=wrong)).status_code == 401


async def test_the_right_most_address_that_is_no_proxy_counts(server: Server) -> None:
    """What stands left of it the client has written itself."""
    found = []
    for number in range(3):
        async with through(server, f"192.0.2.{number}, 2001:db8::{number + 1}, 10.1.2.3") as client:
            found.append(await remaining(client))
    assert found == [BURST - 1, BURST - 2, BURST - 3]


async def test_others_are_not_believed_not_even_on_loopback(server: Server) -> None:
    found = []
    for number in range(3):
        async with through(server, f"192.0.2.{100 + number}", source="127.0.0.8") as client:
            found.append(await remaining(client))
    assert found == [BURST - 1, BURST - 2, BURST - 3]


# ---- how often


async def test_guests_of_one_address_have_a_limit_and_are_told(server: Server) -> None:
    async with through(server, "198.51.100.20") as guest:
        answers = [await guest.get("/auth/me") for _ in range(BURST + 3)]
        statuses = [answer.status_code for answer in answers]
        assert statuses[:BURST] == [200] * BURST and statuses[-1] == 429
        left = [int(answer.headers["ratelimit-remaining"]) for answer in answers]
        assert left == sorted(left, reverse=True) and (left[0], left[-1]) == (BURST - 1, 0)
        refused = answers[-1]
        assert refused.json()["code"] == "too_many"
        assert refused.headers["content-type"] == "application/problem+json"
        assert int(refused.headers["retry-after"]) >= 1
        assert refused.headers["ratelimit-limit"] == str(BURST)
        assert 0 < int(refused.headers["ratelimit-reset"]) <= 60 * BURST
        for path in ("/health/live", "/health/ready", "/signin"):
            answer = await guest.get(server.http + path)
            assert answer.status_code == 200
            assert "ratelimit-limit" not in answer.headers
    async with through(server, "198.51.100.21") as other:
        assert (await other.get("/auth/me")).status_code == 200


async def test_public_pages_are_requests_of_a_guest(server: Server) -> None:
    async with through(server, "198.51.100.22") as guest:
        for number, path in enumerate(("/p/nothing", "/p/nothing/events", "/w/nothing/feed.xml", "/sitemap.xml"), 1):
            answer = await guest.get(server.http + path)
            assert answer.headers["ratelimit-remaining"] == str(BURST - number), path
        for _ in range(BURST):
            answer = await guest.get(f"{server.http}/p/nothing")
        assert (answer.status_code, answer.json()["code"]) == (429, "too_many")
        assert (await guest.get(f"{server.http}/w/nothing")).status_code == 200


async def test_a_user_has_one_limit_for_all_tokens_and_others_at_the_address_their_own(server: Server) -> None:
    ann, bob = f"ann-{uuid4()}@example.com", f"bob-{uuid4()}@example.com"
    first, of_bob = await server.create_token(ann), await server.create_token(bob)
    second = await server.command("token", "create", ann, "--scope", "read")
    where = "198.51.100.30"
    async with (
        through(server, where, token=first) as one,
        through(server, where, token=second) as two,
        through(server, where, token=of_bob) as other,
    ):
        # Those of the first token count for the user, while the second token itself is fresh.
        found = [(await one.get("/auth/me")).status_code for _ in range(BURST)]
        assert found == [200] * BURST
        assert 429 in [(await two.get("/auth/me")).status_code for _ in range(3)]
        assert (await other.get("/auth/me")).status_code == 200


async def test_wrong_tokens_are_not_cheaper_than_none(server: Server) -> None:
    found = []
    for number in range(BURST + 3):
        async with through(server, "198.51.100.40", token=f"cs_wrong{number}") as client:
            found.append((await client.get("/auth/me")).status_code)
    assert found[:BURST] == [401] * BURST and found[-1] == 429


# ---- by which name


@pytest.mark.parametrize("path", ["/", "/metrics", "/health/live", "/api/v1/auth/me", "/api/v1/auth/login"])
async def test_a_rebound_name_reaches_nothing(server: Server, path: str) -> None:
    async with through(server, f"198.51.100.{50 + len(path)}") as client:
        answer = await client.get(server.http + path, headers={"host": f"evil.example:{server.port}"})
        assert answer.status_code == 421
        assert answer.json()["code"] == "unknown_host"
        login = await client.post(
            LOGIN, json={"email": "a@b.example", "password": "x"}, headers={"host": "evil.example"}
        )
        assert login.status_code == 421


async def test_a_rebound_name_opens_no_socket(server: Server) -> None:
    with pytest.raises(Refused) as refused:
        await Socket.dial(f"{server.ws}/plan", headers=[("Host", "evil.example")])
    assert refused.value.status == 403


async def test_a_page_may_open_sockets_of_its_own_host_only(server: Server) -> None:
    async with httpx.AsyncClient() as client:
        policy = (await client.get(server.http)).headers["content-security-policy"]
    assert f"connect-src 'self' ws://{server.host} wss://{server.host};" in policy
    assert not re.search(r"wss?:[ ;]", policy)


ANYWHERE = "0.0.0.0"  # noqa: S104


@pytest.mark.parametrize(
    ("settings", "host", "known"),
    [
        ({}, "localhost:8000", True),
        ({}, "[::1]:8000", True),
        ({}, "192.0.2.7:8000", True),
        ({}, "docs.example", False),
        ({}, "localhost.evil.example", False),
        ({"allowed_hosts": ["docs.example"]}, "Docs.Example:443", True),
        ({"allowed_origins": ["https://docs.example"]}, "docs.example", True),
        ({"public_url": "https://docs.example"}, "docs.example", True),
        ({"public_url": "https://docs.example", "host": ANYWHERE}, "other.example", False),
        ({"public_url": "https://docs.example", "host": ANYWHERE}, "192.0.2.7", True),
        ({"host": ANYWHERE}, "anything.example", True),
        ({"host": ANYWHERE, "allowed_hosts": ["docs.example"]}, "anything.example", False),
        ({"allowed_hosts": ["*"]}, "anything.example", True),
    ],
)
def test_names_of_the_server(settings: dict[str, object], host: str, *, known: bool) -> None:
    names = names_of(Settings(_env_file=None, **settings))  # type: ignore[arg-type, call-arg]
    assert (names is None or is_known(host, names)) is known


# ---- the metrics


async def test_metrics_are_for_this_machine_and_not_through_a_proxy(server: Server) -> None:
    async with httpx.AsyncClient(base_url=server.http) as near:
        assert (await near.get("/metrics")).status_code == 200
        for header in ("x-forwarded-for", "forwarded", "via", "x-real-ip"):
            assert (await near.get("/metrics", headers={header: "127.0.0.1"})).status_code == 403


@pytest.mark.parametrize(
    ("token", "client", "given", "status"),
    [
        ("", "127.0.0.1", "", 200),
        ("", "::ffff:127.0.0.1", "", 200),
        ("", "203.0.113.5", "", 403),
        ("secret", "203.0.113.5", "Bearer secret", 200),
        ("secret", "203.0.113.5", "Bearer secre", 401),
        ("secret", "127.0.0.1", "", 401),
    ],
)
async def test_the_token_of_the_metrics(token: str, client: str, given: str, status: int) -> None:
    async def collect() -> bytes:
        return b"collab_up 1\n"

    settings = Settings(metrics_token=SecretStr(token))
    app = Starlette(routes=[Route("/metrics", metrics.endpoint(settings, collect))])
    transport = httpx.ASGITransport(app, client=(client, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as asking:
        headers = {"authorization": given} if given else {}
        assert (await asking.get("/metrics", headers=headers)).status_code == status


@pytest.fixture(scope="module")
async def public(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """On https, with a port for its metrics, and with small uploads: two of the largest at a time for one person."""
    settings = {"public_url": "https://docs.example", "metrics_port": free_port()}
    sizes = {
        "max_import_bytes": UPLOAD,
        "max_message_bytes": UPLOAD,
        "max_document_bytes": UPLOAD,
        "guest_role": "editor",
    }
    async with Server(tmp_path_factory.mktemp("public"), **settings, **sizes) as running:
        yield running


async def test_metrics_on_a_port_of_their_own(public: Server) -> None:
    port = public.environment["COLLAB_METRICS_PORT"]
    own = f"http://127.0.0.1:{port}"
    async with httpx.AsyncClient() as client:
        assert "collab_sockets_open" in (await client.get(f"{own}/metrics")).text
        assert (await client.get(f"{own}/health/ready")).status_code == 200
        for path in ("/", "/api/v1/auth/me", "/signin"):
            assert (await client.get(own + path)).status_code == 404
        with pytest.raises(Refused):
            await Socket.dial(f"ws://127.0.0.1:{port}/ws/plan")
        assert (await client.get(f"{public.http}/metrics")).status_code == 404


async def test_a_server_on_https_says_so(public: Server) -> None:
    async with httpx.AsyncClient() as client:
        page = await client.get(public.http, headers={"host": "docs.example"})
        assert page.headers["strict-transport-security"] == "max-age=31536000"
        assert "connect-src 'self' wss://docs.example;" in page.headers["content-security-policy"]
        assert (await client.get(public.http, headers={"host": "other.example"})).status_code == 421


async def test_unfinished_uploads_of_one_person_have_a_bound_together(public: Server) -> None:
    async def begin(token: str = "") -> Unfinished:
        more = f"\r\nauthorization: Bearer {token}" if token else ""
        one = await Unfinished.begin(public, head("sync/push", UPLOAD, more=more))
        await one.send(b" " * (UPLOAD - 1))
        return one

    token = await public.create_token(f"{uuid4()}@example.com")
    guests = [await begin() for _ in range(3)]
    answered = {asyncio.ensure_future(one.status()): one for one in guests}
    done, _ = await asyncio.wait(answered, return_when=asyncio.FIRST_COMPLETED, timeout=30)
    assert [task.result() for task in done] == [429], "of three uploads two have room"
    other = await begin(token)
    await other.send(b" ")
    assert await other.status() == 422, "another person's arrives, and is no JSON"
    for task in answered:
        task.cancel()
    for one in (*guests, other):
        await one.close()

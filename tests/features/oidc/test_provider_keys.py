"""The provider's keys and metadata: when they are asked for, what replaces them, and what an outage leaves."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from collab_server.errors import ProviderUnavailable
from collab_server.features.oidc import provider_keys
from collab_server.features.oidc.discovery import FRESH_SECONDS, KEEP_SECONDS, RETRY_SECONDS, Discovery
from collab_server.features.oidc.fetch import Fetcher, is_safe_url
from collab_server.features.oidc.provider_keys import REFETCH_SECONDS, Keys, UnknownKey, read_keys
from tests.oidc_provider import Jwks, Provider
from tests.waiting import until


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def fetcher() -> AsyncIterator[Fetcher]:
    fetcher = Fetcher(seconds=0.5)
    yield fetcher
    await fetcher.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(provider: Provider, fetcher: Fetcher, clock: Clock) -> Keys:
    async def jwks_uri() -> str:
        return f"{provider.issuer}/jwks"

    return Keys(jwks_uri, fetcher, clock=clock)


@pytest.fixture
def discovery(provider: Provider, fetcher: Fetcher, clock: Clock) -> Discovery:
    return Discovery(provider.issuer, fetcher, clock=clock)


async def test_keys_are_fetched_once_and_kept(provider: Provider, keys: Keys) -> None:
    for _ in range(3):
        for algorithm in ("RS256", "ES256"):
            await keys.find(algorithm, provider.keys[algorithm].kid)
    assert provider.asked == ["jwks"]


async def test_a_hundred_at_once_cause_one_fetch(provider: Provider, keys: Keys) -> None:
    kid = provider.keys["RS256"].kid
    found = await asyncio.gather(*(keys.find("RS256", kid) for _ in range(100)))
    assert len(set(map(id, found))) == 1
    assert provider.asked == ["jwks"]


async def test_a_new_key_is_found_and_the_withdrawn_one_is_worthless(
    provider: Provider, keys: Keys, clock: Clock
) -> None:
    old = provider.keys["RS256"].kid
    await keys.find("RS256", old)
    provider.rotate()
    new = provider.keys["RS256"].kid
    clock.now += REFETCH_SECONDS
    await keys.find("RS256", new)
    with pytest.raises(UnknownKey):
        await keys.find("RS256", old)


async def test_unknown_keys_cause_at_most_one_fetch_in_ten_seconds(
    provider: Provider, keys: Keys, clock: Clock
) -> None:
    known = provider.keys["RS256"].kid
    await keys.find("RS256", known)
    for passed in (1, REFETCH_SECONDS - 2, 1.5, 1, 3):
        clock.now += passed
        results = await asyncio.gather(*(keys.find("RS256", f"made-up-{n}") for n in range(20)), return_exceptions=True)
        assert all(isinstance(result, UnknownKey) for result in results)
    assert provider.asked == ["jwks", "jwks"]
    await keys.find("RS256", known)


async def test_a_key_is_for_its_own_algorithm_only(provider: Provider, keys: Keys) -> None:
    with pytest.raises(UnknownKey):
        await keys.find("ES256", provider.keys["RS256"].kid)
    with pytest.raises(UnknownKey):
        await keys.find("HS256", provider.keys["RS256"].kid)


@pytest.mark.parametrize("fault", ["huge", "slow", "broken", "empty"])
async def test_keys_that_cannot_be_had_are_an_outage(provider: Provider, keys: Keys, clock: Clock, fault: Jwks) -> None:
    provider.jwks = fault
    kid = provider.keys["RS256"].kid
    with pytest.raises(ProviderUnavailable):
        await keys.find("RS256", kid)
    with pytest.raises(ProviderUnavailable):
        await keys.find("RS256", kid)
    assert provider.asked == ["jwks"], "the second did not wait for another fetch"
    provider.behave()
    clock.now += REFETCH_SECONDS
    await keys.find("RS256", kid)


@pytest.mark.parametrize("fault", ["huge", "slow", "broken", "empty"])
async def test_old_keys_stay_while_new_ones_cannot_be_had(
    provider: Provider, keys: Keys, clock: Clock, fault: Jwks
) -> None:
    kid = provider.keys["RS256"].kid
    await keys.find("RS256", kid)
    provider.jwks = fault
    clock.now += provider_keys.FRESH_SECONDS + 1
    await keys.find("RS256", kid)
    assert provider.asked == ["jwks", "jwks"]
    with pytest.raises(UnknownKey):
        await keys.find("RS256", "another")
    clock.now += provider_keys.KEEP_SECONDS
    with pytest.raises(ProviderUnavailable):
        await keys.find("RS256", kid)


async def test_nobody_waits_twice_for_a_provider_that_hangs(provider: Provider, keys: Keys, clock: Clock) -> None:
    kid = provider.keys["RS256"].kid
    await keys.find("RS256", kid)
    provider.jwks = "slow"
    clock.now += provider_keys.FRESH_SECONDS
    await keys.find("RS256", kid)
    clock.now += REFETCH_SECONDS
    asked = len(provider.asked)
    for _ in range(3):
        await keys.find("RS256", kid)
    assert len(provider.asked) == asked, "found before the provider was even reached"
    await until(lambda: len(provider.asked) == asked + 1, "one question beside the answers")
    provider.rotate()
    provider.behave()

    async def found_again() -> bool:
        clock.now += REFETCH_SECONDS
        try:
            await keys.find("RS256", kid)
        except UnknownKey:
            return True
        return False

    await until(found_again, "the withdrawn key is worthless once the provider answers")
    await keys.find("RS256", provider.keys["RS256"].kid)


@pytest.mark.filterwarnings("ignore:Key size should be")
async def test_only_public_signing_keys_that_are_strong_are_taken(provider: Provider, keys: Keys) -> None:
    provider.jwks = "private_and_symmetric"
    for algorithm in ("RS256", "ES256"):
        await keys.find(algorithm, provider.keys[algorithm].kid)
    for kid in ("oct", "weak", "enc", "no-modulus", "okp"):
        for algorithm in ("RS256", "ES256", "HS256"):
            with pytest.raises(UnknownKey):
                await keys.find(algorithm, kid)


async def test_a_private_key_that_is_published_does_not_stay_private_in_memory(provider: Provider) -> None:
    signing = provider.keys["RS256"]
    (read,) = read_keys({"keys": [{**signing.key.as_dict(private=True), "kid": "open"}]})
    assert not read.key.is_private


@pytest.mark.parametrize(
    "jwks",
    [{}, {"keys": None}, {"keys": {}}, {"keys": [1, None, "x", [], {"kty": []}, {"kty": "RSA", "n": 1, "e": {}}]}],
)
def test_a_set_of_anything_else_holds_no_keys(jwks: dict[str, Any]) -> None:
    assert read_keys(jwks) == ()


async def test_a_token_without_a_key_id_needs_a_single_key(provider: Provider, keys: Keys, clock: Clock) -> None:
    await keys.find("RS256", None)
    provider.keys["another"] = provider.keys["RS256"].__class__("another", "RS256", provider.keys["RS256"].key)
    try:
        clock.now += provider_keys.FRESH_SECONDS
        with pytest.raises(UnknownKey):
            await keys.find("RS256", None)
    finally:
        del provider.keys["another"]


# ---- discovery


async def test_metadata_is_fetched_once_an_hour(provider: Provider, discovery: Discovery, clock: Clock) -> None:
    found = await asyncio.gather(*(discovery.metadata() for _ in range(20)))
    assert found[0].token_endpoint == f"{provider.issuer}/token"
    assert provider.asked == ["metadata"]
    clock.now += FRESH_SECONDS + 1
    await discovery.metadata()
    assert provider.asked == ["metadata", "metadata"]


@pytest.mark.parametrize(
    "said",
    [
        {"issuer": "https://elsewhere.example"},
        {"issuer": None},
        {"issuer": 1},
        {"authorization_endpoint": "http://elsewhere.example/authorize"},
        {"token_endpoint": None},
        {"token_endpoint": "ftp://127.0.0.1/token"},
        {"jwks_uri": "javascript:alert(1)"},
        {"jwks_uri": ["https://elsewhere.example"]},
    ],
)
async def test_metadata_that_must_not_be_trusted_is_an_outage(
    provider: Provider, discovery: Discovery, clock: Clock, said: dict[str, Any]
) -> None:
    provider.changed_metadata = said
    with pytest.raises(ProviderUnavailable):
        await discovery.metadata()
    provider.behave()
    with pytest.raises(ProviderUnavailable):
        await discovery.metadata()
    clock.now += RETRY_SECONDS
    await discovery.metadata()
    assert provider.asked == ["metadata", "metadata"]


async def test_an_issuer_with_a_slash_more_is_another_issuer(provider: Provider, fetcher: Fetcher) -> None:
    with pytest.raises(ProviderUnavailable):
        await Discovery(f"{provider.issuer}/", fetcher).metadata()


async def test_what_was_known_outlives_an_outage_for_a_day(
    provider: Provider, discovery: Discovery, clock: Clock
) -> None:
    known = await discovery.metadata()
    await provider.stop()
    try:
        clock.now += FRESH_SECONDS + 1
        assert await discovery.metadata() == known
        clock.now += KEEP_SECONDS
        with pytest.raises(ProviderUnavailable):
            await discovery.metadata()
    finally:
        await provider.start()
    clock.now += RETRY_SECONDS
    assert await discovery.metadata() == known


async def test_endpoints_that_may_be_absent(provider: Provider, discovery: Discovery) -> None:
    provider.changed_metadata = {"end_session_endpoint": None, "userinfo_endpoint": "http://elsewhere.example/"}
    found = await discovery.metadata()
    assert (found.end_session_endpoint, found.userinfo_endpoint) == (None, None)


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://login.example", True),
        ("https://login.example:8443/realms/one", True),
        ("http://localhost:8080/realms/one", True),
        ("http://127.0.0.1", True),
        ("http://[::1]:80/", True),
        ("http://login.example", False),
        ("http://127.0.0.1.example", False),
        ("https://user@login.example", False),
        ("https://login.example/#fragment", False),
        ("https://", False),
        ("//login.example", False),
        ("https://[", False),
        (None, False),
    ],
)
def test_which_urls_secrets_may_travel_over(url: object, safe: bool) -> None:
    assert is_safe_url(url) is safe


async def test_a_redirect_is_not_followed(provider: Provider, fetcher: Fetcher) -> None:
    answer = await fetcher.get(f"{provider.issuer}/logout?post_logout_redirect_uri={provider.issuer}/jwks")
    assert answer.status == 303
    assert provider.asked == []

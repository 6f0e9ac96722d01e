"""Every check of the provider's tokens, by a token that fails only that one."""

import base64
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from collab_server.features.oidc.fetch import Fetcher
from collab_server.features.oidc.id_tokens import TokenRefused, Verifier, access_token_hash
from collab_server.features.oidc.provider_keys import Keys
from tests.oidc_provider import AUDIENCE, CLIENT_ID, Provider, Signature

NOW = 1_800_000_000.0


@pytest.fixture(scope="module")
async def running() -> AsyncIterator[Provider]:
    async with Provider(clock=lambda: NOW) as provider:
        yield provider


@pytest.fixture
def provider(running: Provider) -> Iterator[Provider]:
    yield running
    running.behave()


@pytest.fixture
async def verifier(provider: Provider) -> AsyncIterator[Verifier]:
    fetcher = Fetcher()

    async def jwks_uri() -> str:
        return f"{provider.issuer}/jwks"

    yield Verifier(provider.issuer, Keys(jwks_uri, fetcher), clock=lambda: NOW)
    await fetcher.close()


async def fault_of_id_token(verifier: Verifier, token: str, access_token: str | None = None) -> str:
    with pytest.raises(TokenRefused) as refused:
        await verifier.id_token(token, client_id=CLIENT_ID, nonce="n1", access_token=access_token)
    assert (refused.value.status, refused.value.close_code) == (401, 4401)
    return refused.value.fault


async def fault_of_access_token(verifier: Verifier, token: str) -> str:
    with pytest.raises(TokenRefused) as refused:
        await verifier.access_token(token, audience=AUDIENCE)
    return refused.value.fault


@pytest.mark.parametrize("signature", ["RS256", "ES256", "no_kid"])
async def test_a_good_token_of_either_algorithm_says_who_it_is(
    provider: Provider, verifier: Verifier, signature: Signature
) -> None:
    provider.signature = signature
    token = provider.sign(provider.id_claims("ann", nonce="n1", email="ann@example.com"))
    claims = await verifier.id_token(token, client_id=CLIENT_ID, nonce="n1")
    assert (claims["sub"], claims["email"]) == ("ann", "ann@example.com")
    access = await verifier.access_token(provider.access_token("ann", scope="collab:read"), audience=AUDIENCE)
    assert access["scope"] == "collab:read"


@pytest.mark.parametrize(
    ("signature", "fault"),
    [
        ("none", "algorithm"),
        ("hmac_with_public_key", "algorithm"),
        ("unknown_kid", "unknown_key"),
        ("foreign_key", "signature"),
    ],
)
async def test_a_token_that_the_provider_did_not_sign_is_refused(
    provider: Provider, verifier: Verifier, signature: Signature, fault: str
) -> None:
    provider.signature = signature
    assert await fault_of_id_token(verifier, provider.sign(provider.id_claims("ann", nonce="n1"))) == fault
    assert await fault_of_access_token(verifier, provider.access_token("ann")) == fault


@pytest.mark.parametrize(
    ("claims", "fault"),
    [
        ({"iss": "https://elsewhere.example"}, "issuer"),
        ({"iss": None}, "issuer"),
        ({"aud": "somebody-else"}, "audience"),
        ({"aud": []}, "audience"),
        ({"aud": None}, "audience"),
        ({"aud": {CLIENT_ID: 1}}, "audience"),
        ({"aud": [CLIENT_ID, "other"]}, "authorized_party"),
        ({"aud": [CLIENT_ID, "other"], "azp": "other"}, "authorized_party"),
        ({"azp": "other"}, "authorized_party"),
        ({"exp": NOW - 61}, "expired"),
        ({"exp": None}, "malformed"),
        ({"exp": "tomorrow"}, "malformed"),
        ({"exp": True}, "malformed"),
        ({"exp": -1}, "malformed"),
        ({"exp": 1e300}, "malformed"),
        ({"nbf": NOW + 120}, "not_yet_valid"),
        ({"iat": NOW + 120}, "not_yet_valid"),
        ({"iat": None}, "malformed"),
        ({"nonce": "n2"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"nonce": ["n1"]}, "nonce"),
        ({"sub": None}, "subject"),
        ({"sub": ""}, "subject"),
        ({"sub": 7}, "subject"),
        ({"sub": "a\x00b"}, "subject"),
        ({"sub": "x" * 256}, "subject"),
        ({"at_hash": "of-another-token"}, "at_hash"),
    ],
)
async def test_an_id_token_with_one_wrong_claim_is_refused(
    provider: Provider, verifier: Verifier, claims: dict[str, Any], fault: str
) -> None:
    good = provider.id_claims("ann", nonce="n1")
    changed = {name: value for name, value in {**good, **claims}.items() if value is not None}
    assert await fault_of_id_token(verifier, provider.sign(changed), "an access token") == fault


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": NOW - 30},
        {"nbf": NOW + 30},
        {"iat": NOW + 30},
        {"aud": [CLIENT_ID, "other"], "azp": CLIENT_ID},
        {"aud": [CLIENT_ID]},
        {"at_hash": access_token_hash("an access token")},
    ],
)
async def test_what_is_within_the_rules_is_accepted(
    provider: Provider, verifier: Verifier, claims: dict[str, Any]
) -> None:
    token = provider.sign({**provider.id_claims("ann", nonce="n1"), **claims})
    read = await verifier.id_token(token, client_id=CLIENT_ID, nonce="n1", access_token="an access token")
    assert read["sub"] == "ann"


async def test_at_hash_is_as_in_the_specification() -> None:
    """The example of OpenID Connect Core, appendix A.3."""
    assert access_token_hash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y") == "77QmUPtjPfzWtF2AnpK9RQ"


@pytest.mark.parametrize(
    ("claims", "fault"),
    [
        ({"aud": CLIENT_ID}, "audience"),
        ({"iss": "https://elsewhere.example"}, "issuer"),
        ({"exp": NOW - 61}, "expired"),
        ({"exp": None}, "malformed"),
        ({"nbf": NOW + 120}, "not_yet_valid"),
        ({"sub": None}, "subject"),
        ({"nonce": "n1"}, "not_an_access_token"),
        ({"at_hash": "x"}, "not_an_access_token"),
        ({"typ": "ID"}, "not_an_access_token"),
    ],
)
async def test_an_access_token_with_one_wrong_claim_is_refused(
    provider: Provider, verifier: Verifier, claims: dict[str, Any], fault: str
) -> None:
    assert await fault_of_access_token(verifier, provider.access_token("ann", **claims)) == fault


@pytest.mark.parametrize(
    "token",
    ["", "x", "a.b.c", "..", "eyJhbGciOiJSUzI1NiJ9", "eyJhbGciOiJSUzI1NiJ9.e30.", "W10.e30.x", "é.é.é", "x" * 20_000],
)
async def test_what_is_no_token_is_refused(verifier: Verifier, token: str) -> None:
    assert await fault_of_id_token(verifier, token) in ("malformed", "unknown_key", "signature")


async def test_a_changed_claim_breaks_the_signature(provider: Provider, verifier: Verifier) -> None:
    head, _, signature = provider.sign(provider.id_claims("ann", nonce="n1")).split(".")
    _, payload, _ = provider.sign(provider.id_claims("eve", nonce="n1")).split(".")
    assert await fault_of_id_token(verifier, f"{head}.{payload}.{signature}") == "signature"


async def test_a_critical_extension_is_refused(provider: Provider, verifier: Verifier) -> None:
    """`crit` says: refuse this token if you do not know what it names."""
    head = base64.urlsafe_b64encode(json.dumps({"alg": "RS256", "crit": ["exp"]}).encode()).decode().rstrip("=")
    _, payload, signature = provider.sign(provider.id_claims("ann", nonce="n1")).split(".")
    assert await fault_of_id_token(verifier, f"{head}.{payload}.{signature}") == "algorithm"

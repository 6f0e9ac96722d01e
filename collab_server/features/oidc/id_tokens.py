"""Verification of the provider's tokens: signature, audience, times and nonce.

Only RS256 and ES256 with a key of the provider's key set are accepted. A token without a signature, or with an HMAC
made from a public key, is refused by its header.
"""

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from typing import Any, Literal

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jws import JWSRegistry

from collab_server.errors import Unauthenticated
from collab_server.features.oidc.provider_keys import ALGORITHMS, Keys, UnknownKey
from collab_server.security import base64url

LEEWAY = 60.0
"""Tolerated difference of clocks in seconds."""
MAX_TOKEN = 16_384
MAX_SUBJECT = 255

Fault = Literal[
    "malformed",
    "algorithm",
    "unknown_key",
    "signature",
    "issuer",
    "audience",
    "authorized_party",
    "expired",
    "not_yet_valid",
    "subject",
    "nonce",
    "at_hash",
    "not_an_access_token",
]


class TokenRefused(Unauthenticated):
    """`fault`: the failed check, for logs, tests and the URL of the sign-in page."""

    def __init__(self, fault: Fault, detail: str) -> None:
        super().__init__(detail)
        self.fault = fault


class _Registry(JWSRegistry):
    max_header_length = 4096
    max_payload_length = MAX_TOKEN


_REGISTRY = _Registry(algorithms=ALGORITHMS, strict_check_header=False)


class Verifier:
    """`clock`: the time of day in seconds since 1970."""

    def __init__(self, issuer: str, keys: Keys, *, clock: Callable[[], float] = time.time) -> None:
        self.issuer = issuer
        self._keys = keys
        self._clock = clock

    async def id_token(
        self, token: str, *, client_id: str, nonce: str, access_token: str | None = None
    ) -> dict[str, Any]:
        """The claims of an ID token for this sign-in (OpenID Connect Core 3.1.3.7).

        Raises TokenRefused, ProviderUnavailable.
        """
        claims = await self._signed_claims(token, "the ID token")
        audience = self._check_for_whom(claims, client_id, "the ID token")
        self._check_times(claims, "the ID token", wants_iat=True)
        party = claims.get("azp")
        if (len(audience) > 1 or party is not None) and party != client_id:
            raise TokenRefused("authorized_party", "the ID token was issued to another client")
        if not isinstance(claims.get("nonce"), str) or not _same(claims["nonce"], nonce):
            raise TokenRefused("nonce", "the ID token is for another sign-in")
        if "at_hash" in claims and (
            access_token is None or not _same(str(claims["at_hash"]), access_token_hash(access_token))
        ):
            raise TokenRefused("at_hash", "the ID token does not match the access token")
        return claims

    async def access_token(self, token: str, *, audience: str) -> dict[str, Any]:
        """The claims of an access token (JWT) for this server. Raises TokenRefused, ProviderUnavailable."""
        claims = await self._signed_claims(token, "the token")
        self._check_for_whom(claims, audience, "the token")
        self._check_times(claims, "the token", wants_iat=False)
        # An ID token authenticates a user to a client. It grants no access.
        if not claims.keys().isdisjoint(("nonce", "at_hash", "c_hash")) or claims.get("typ") == "ID":
            raise TokenRefused("not_an_access_token", "an ID token was given instead of an access token")
        return claims

    async def _signed_claims(self, token: str, what: str) -> dict[str, Any]:
        header = read_header(token)
        if header is None:
            raise TokenRefused("malformed", f"{what} is not a signed JWT")
        algorithm, kid = header.get("alg"), header.get("kid")
        if algorithm not in ALGORITHMS or "crit" in header or header.get("b64", True) is not True:
            raise TokenRefused("algorithm", f"{what} is not signed with one of {', '.join(ALGORITHMS)}")
        if kid is not None and not isinstance(kid, str):
            raise TokenRefused("malformed", f"{what} is not a signed JWT")
        try:
            key = await self._keys.find(algorithm, kid)
        except UnknownKey as error:
            raise TokenRefused("unknown_key", f"{what} is signed with a key unknown to the provider") from error
        try:
            return jwt.decode(token, key, algorithms=[algorithm], registry=_REGISTRY).claims
        except (JoseError, ValueError, RecursionError) as error:
            raise TokenRefused("signature", f"{what} is not signed by the provider") from error

    def _check_for_whom(self, claims: Mapping[str, Any], wanted: str, what: str) -> list[str]:
        if claims.get("iss") != self.issuer:
            raise TokenRefused("issuer", f"{what} has another issuer")
        given = claims.get("aud")
        audience = [given] if isinstance(given, str) else given if isinstance(given, list) else []
        if wanted not in audience:
            raise TokenRefused("audience", f"{what} has another audience")
        subject = claims.get("sub")
        if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT or not subject.isprintable():
            raise TokenRefused("subject", f"{what} has no subject")
        return audience

    def _check_times(self, claims: Mapping[str, Any], what: str, *, wants_iat: bool) -> None:
        now = self._clock()
        if _seconds(claims, "exp", what, needed=True) <= now - LEEWAY:
            raise TokenRefused("expired", f"{what} has expired")
        if max(_seconds(claims, "nbf", what), _seconds(claims, "iat", what, needed=wants_iat)) > now + LEEWAY:
            raise TokenRefused("not_yet_valid", f"{what} is not valid yet")


def _seconds(claims: Mapping[str, Any], name: str, what: str, *, needed: bool = False) -> float:
    """A time claim; 0 where it is absent and not needed."""
    value = claims.get(name)
    if value is None and not needed:
        return 0.0
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**40:
        raise TokenRefused("malformed", f"{what} has no usable {name}")
    return float(value)


def read_header(token: str) -> dict[str, Any] | None:
    """Return the unverified header of a signed JWT, None for other strings."""
    parts = token.split(".")
    if len(token) > MAX_TOKEN or len(parts) != 3 or not token.isascii():
        return None
    try:
        header = json.loads(base64url.decode(parts[0]))
    except (ValueError, RecursionError):
        return None
    return header if isinstance(header, dict) else None


def access_token_hash(token: str) -> str:
    """`at_hash` for RS256 and ES256: the left half of the SHA-256, in base64url."""
    half = hashlib.sha256(token.encode()).digest()[:16]
    return base64url.encode(half)


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(errors="replace"), other.encode())

"""The provider's public keys, cached. A token with an unknown key id causes a new fetch."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from collab_server.errors import ProviderUnavailable
from collab_server.features.oidc.fetch import Fetcher
from collab_server.observability.logging import log

FRESH_SECONDS = 3600.0
KEEP_SECONDS = 86_400.0
"""While the provider is unreachable, the last keys stay valid for so long."""
REFETCH_SECONDS = 10.0
"""Minimum time between two fetches, regardless of tokens."""
MAX_KEYS = 64
MIN_RSA_BITS = 2048

ALGORITHMS = ("RS256", "ES256")


@dataclass(frozen=True, slots=True)
class PublicKey:
    key: RSAKey | ECKey
    kid: str | None
    algorithm: str


class UnknownKey(Exception):
    """No key of the provider fits."""


class Keys:
    """`jwks_uri`: called for each fetch. `clock`: monotonic seconds."""

    def __init__(
        self,
        jwks_uri: Callable[[], Awaitable[str]],
        fetcher: Fetcher,
        *,
        refetch_seconds: float = REFETCH_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._jwks_uri = jwks_uri
        self._fetcher = fetcher
        self._refetch_seconds = refetch_seconds
        self._clock = clock
        self._turn = asyncio.Lock()
        self._keys: tuple[PublicKey, ...] = ()
        self._fetched = self._tried = float("-inf")
        self._away = False
        self._asking: asyncio.Task[None] | None = None

    async def find(self, algorithm: str, kid: str | None) -> RSAKey | ECKey:
        """Return the key for a token's header. Without `kid` the provider must have only one key of that algorithm.
        Raises UnknownKey; ProviderUnavailable if the keys cannot be fetched.
        """
        now = self._clock()
        if key := _pick(self._keys, algorithm, kid):
            if now < self._fetched + FRESH_SECONDS:
                return key
            if self._away and now < self._fetched + KEEP_SECONDS:
                # The provider is unavailable: renew in the background instead of waiting.
                if self._asking is None or self._asking.done():
                    self._asking = asyncio.create_task(self._renew(algorithm, kid))
                return key
        await self._renew(algorithm, kid)
        if self._clock() >= self._fetched + KEEP_SECONDS:
            raise ProviderUnavailable("the sign-in provider's keys cannot be fetched now")
        if key := _pick(self._keys, algorithm, kid):
            return key
        raise UnknownKey(f"the provider has no {algorithm} key {kid!r}")

    async def _renew(self, algorithm: str, kid: str | None) -> None:
        """Fetch once for all waiting callers."""
        async with self._turn:
            now = self._clock()
            stale = now >= self._fetched + FRESH_SECONDS
            if now >= self._tried + self._refetch_seconds and (stale or not _pick(self._keys, algorithm, kid)):
                await self._refresh(now)

    async def _refresh(self, now: float) -> None:
        """Fetch the keys. A failure keeps the old keys; a success replaces them, so withdrawn keys become invalid."""
        self._tried = now
        try:
            found = await self.ask(await self._jwks_uri())
        except ProviderUnavailable as error:
            log.warning("the sign-in provider's keys cannot be fetched", extra={"error": error.detail})
            self._away = True
            return
        self._keys, self._fetched, self._away = found, now, False

    async def ask(self, jwks_uri: str) -> tuple[PublicKey, ...]:
        """Fetch the keys now; at least one. Raises ProviderUnavailable."""
        answer = await self._fetcher.get(jwks_uri)
        if answer.status != 200:
            raise ProviderUnavailable(f"the provider's keys answer {answer.status}")
        found = read_keys(answer.body)
        if not found:
            raise ProviderUnavailable("the provider publishes no usable key")
        return found


def read_keys(jwks: Mapping[str, Any]) -> tuple[PublicKey, ...]:
    """The public signing keys for RS256 and ES256 in a JWK set; all others (symmetric, weak, broken) are left out."""
    entries = jwks.get("keys")
    if not isinstance(entries, list):
        return ()
    return tuple(key for entry in entries[:MAX_KEYS] if (key := _read_key(entry)) is not None)


def _read_key(entry: Any) -> PublicKey | None:
    if not isinstance(entry, dict) or entry.get("use", "sig") != "sig":
        return None
    kid = entry.get("kid")
    if kid is not None and not isinstance(kid, str):
        return None
    algorithm = {"RSA": "RS256", "EC": "ES256"}.get(str(entry.get("kty")))
    if algorithm is None or entry.get("alg", algorithm) != algorithm:
        return None
    # Keep the public parts only, even if the provider publishes private ones.
    names = ("kty", "n", "e") if algorithm == "RS256" else ("kty", "crv", "x", "y")
    try:
        public: dict[str, str | list[str]] = {name: str(entry[name]) for name in names}
        if algorithm == "ES256":
            return PublicKey(ECKey.import_key(public), kid, algorithm) if public["crv"] == "P-256" else None
        key = RSAKey.import_key(public)
        raw = key.raw_value
    except (JoseError, ValueError, KeyError, TypeError):
        return None
    if not isinstance(raw, RSAPublicKey) or raw.key_size < MIN_RSA_BITS:
        return None
    return PublicKey(key, kid, algorithm)


def _pick(keys: tuple[PublicKey, ...], algorithm: str, kid: str | None) -> RSAKey | ECKey | None:
    fitting = [one for one in keys if one.algorithm == algorithm and (kid is None or one.kid == kid)]
    if not fitting or (kid is None and len(fitting) > 1):
        return None
    return fitting[0].key

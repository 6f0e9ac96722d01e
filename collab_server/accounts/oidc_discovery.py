"""What the provider says about itself: its endpoints, from `<issuer>/.well-known/openid-configuration`."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from collab_server.accounts.oidc_fetch import Fetcher, is_safe_url
from collab_server.errors import ProviderUnavailable
from collab_server.telemetry import log

FRESH_SECONDS = 3600.0
KEEP_SECONDS = 86_400.0
"""While the provider is away, what it said last counts for so long."""
RETRY_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Metadata:
    """`token_auth`: how this client proves itself at the token endpoint."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    end_session_endpoint: str | None
    token_auth: tuple[str, ...]
    names_issuer_in_answers: bool


class Discovery:
    """The provider's metadata, fetched when needed and kept. `clock`: seconds that only grow."""

    def __init__(self, issuer: str, fetcher: Fetcher, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.issuer = issuer
        self._fetcher = fetcher
        self._clock = clock
        self._turn = asyncio.Lock()
        self._known: Metadata | None = None
        self._fetched = self._tried = float("-inf")

    async def metadata(self) -> Metadata:
        """Raises ProviderUnavailable, also for metadata that is another issuer's or names endpoints without TLS."""
        if self._known is not None and self._clock() < self._fetched + FRESH_SECONDS:
            return self._known
        async with self._turn:
            now = self._clock()
            if self._known is not None and now < self._fetched + FRESH_SECONDS:
                return self._known
            if now >= self._tried + RETRY_SECONDS:
                self._tried = now
                try:
                    self._known = await self.ask()
                    self._fetched = self._tried = now
                except ProviderUnavailable as error:
                    log.warning("the sign-in provider cannot be discovered", extra={"error": error.detail})
            if self._known is None or now >= self._fetched + KEEP_SECONDS:
                raise ProviderUnavailable("the sign-in provider does not answer now")
            return self._known

    async def ask(self) -> Metadata:
        """What the provider says now. Raises ProviderUnavailable."""
        answer = await self._fetcher.get(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
        if answer.status != 200:
            raise ProviderUnavailable(f"the discovery document answers {answer.status}")
        return read_metadata(answer.body, self.issuer)


def read_metadata(said: Mapping[str, Any], issuer: str) -> Metadata:
    """Raises ProviderUnavailable for what this server cannot or must not use."""
    if said.get("issuer") != issuer:
        raise ProviderUnavailable(f"the provider calls itself {said.get('issuer')!r}, not {issuer!r}")
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        if not is_safe_url(said.get(name)):
            raise ProviderUnavailable(f"the provider's {name} is no https URL")
    methods = said.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    return Metadata(
        issuer,
        said["authorization_endpoint"],
        said["token_endpoint"],
        said["jwks_uri"],
        _optional(said, "userinfo_endpoint"),
        _optional(said, "end_session_endpoint"),
        tuple(map(str, methods)) if isinstance(methods, list) else (),
        said.get("authorization_response_iss_parameter_supported") is True,
    )


def _optional(said: Mapping[str, Any], name: str) -> str | None:
    return said[name] if is_safe_url(said.get(name)) else None

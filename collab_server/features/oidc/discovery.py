"""Metadata of the provider, such as its endpoints, from `<issuer>/.well-known/openid-configuration`."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from collab_server.errors import ProviderUnavailable
from collab_server.features.oidc.fetch import Fetcher, is_safe_url
from collab_server.observability.logging import log

FRESH_SECONDS = 3600.0
KEEP_SECONDS = 86_400.0
"""While the provider is unreachable, the last metadata stays valid for so long."""
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
    """Fetches and caches the provider's metadata. `clock`: monotonic seconds."""

    def __init__(self, issuer: str, fetcher: Fetcher, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.issuer = issuer
        self._fetcher = fetcher
        self._clock = clock
        self._turn = asyncio.Lock()
        self._metadata: Metadata | None = None
        self._fetched = self._tried = float("-inf")

    async def metadata(self) -> Metadata:
        """Return the metadata. Raises ProviderUnavailable, also for metadata of another issuer or with endpoints
        without TLS.
        """
        if self._metadata is not None and self._clock() < self._fetched + FRESH_SECONDS:
            return self._metadata
        async with self._turn:
            now = self._clock()
            if self._metadata is not None and now < self._fetched + FRESH_SECONDS:
                return self._metadata
            if now >= self._tried + RETRY_SECONDS:
                self._tried = now
                try:
                    self._metadata = await self.ask()
                    self._fetched = self._tried = now
                except ProviderUnavailable as error:
                    log.warning("the sign-in provider cannot be discovered", extra={"error": error.detail})
            if self._metadata is None or now >= self._fetched + KEEP_SECONDS:
                raise ProviderUnavailable("the sign-in provider is unavailable")
            return self._metadata

    async def ask(self) -> Metadata:
        """Fetch the metadata now. Raises ProviderUnavailable."""
        answer = await self._fetcher.get(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
        if answer.status != 200:
            raise ProviderUnavailable(f"the discovery document answers {answer.status}")
        return read_metadata(answer.body, self.issuer)


def read_metadata(document: Mapping[str, Any], issuer: str) -> Metadata:
    """Read the metadata. Raises ProviderUnavailable for unsupported or unsafe values."""
    if document.get("issuer") != issuer:
        raise ProviderUnavailable(f"the provider's issuer is {document.get('issuer')!r}, not {issuer!r}")
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        if not is_safe_url(document.get(name)):
            raise ProviderUnavailable(f"the provider's {name} is not an https URL")
    methods = document.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    return Metadata(
        issuer,
        document["authorization_endpoint"],
        document["token_endpoint"],
        document["jwks_uri"],
        _read_optional(document, "userinfo_endpoint"),
        _read_optional(document, "end_session_endpoint"),
        tuple(map(str, methods)) if isinstance(methods, list) else (),
        document.get("authorization_response_iss_parameter_supported") is True,
    )


def _read_optional(document: Mapping[str, Any], name: str) -> str | None:
    return document[name] if is_safe_url(document.get(name)) else None

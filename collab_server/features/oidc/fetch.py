"""Asking the provider: JSON over HTTP within bounds of time and size."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from collab_server.errors import ProviderUnavailable
from collab_server.settings import is_loopback

if TYPE_CHECKING:
    import httpx

SECONDS = 5.0
MAX_BYTES = 262_144


@dataclass(frozen=True, slots=True)
class Answer:
    """`body`: the JSON object; empty where the answer was something else."""

    status: int
    body: Mapping[str, Any]


def is_safe_url(url: object) -> bool:
    """Whether tokens and keys may travel over it: https, or http within this machine; without a fragment."""
    if not isinstance(url, str):
        return False
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    if not host or parts.fragment or parts.username is not None:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))


class Fetcher:
    """HTTP client for the provider. It follows no redirects."""

    def __init__(self, *, seconds: float = SECONDS) -> None:
        # Imported here: it takes a twentieth of a second, and most servers have no provider.
        import httpx

        self._client = httpx.AsyncClient(timeout=seconds, follow_redirects=False)
        self._seconds = seconds

    async def close(self) -> None:
        await self._client.aclose()

    async def get(self, url: str, *, bearer: str | None = None) -> Answer:
        """Send a GET request. Raises ProviderUnavailable after a timeout, above MAX_BYTES, and for a 5xx answer."""
        headers = {"authorization": f"Bearer {bearer}"} if bearer else {}
        return await self._ask(self._client.build_request("GET", url, headers=headers))

    async def post_form(self, url: str, form: Mapping[str, str], headers: Mapping[str, str] | None = None) -> Answer:
        """Raises as `get` does."""
        return await self._ask(self._client.build_request("POST", url, data=dict(form), headers=dict(headers or {})))

    async def _ask(self, request: "httpx.Request") -> Answer:
        import httpx

        request.headers["accept"] = "application/json"
        where = f"{request.url.host}{request.url.path}"
        raw = bytearray()
        try:
            # httpx's own timeout is for each read: a slow trickle would never end.
            async with asyncio.timeout(self._seconds):
                response = await self._client.send(request, stream=True)
                try:
                    async for piece in response.aiter_bytes():
                        raw += piece
                        if len(raw) > MAX_BYTES:
                            raise ProviderUnavailable(f"{where} answers more than {MAX_BYTES} bytes")
                finally:
                    await response.aclose()
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            raise ProviderUnavailable(f"{where} does not answer ({type(error).__name__})") from error
        if response.status_code >= 500 or response.status_code == 429:
            raise ProviderUnavailable(f"{where} answers {response.status_code}")
        return Answer(response.status_code, _parse_object(bytes(raw)))


def _parse_object(raw: bytes) -> Mapping[str, Any]:
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}

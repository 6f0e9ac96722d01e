"""A browser that signs in with a provider: it keeps cookies of the server, and can stop at any redirect."""

from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import httpx

from tests.oidc_provider import Provider
from tests.server import Server


class Browser:
    """`http` follows no redirects by itself."""

    def __init__(self, server: Server, provider: Provider) -> None:
        self.server = server
        self.provider = provider
        self.http = httpx.AsyncClient(timeout=60)

    async def leave(self, next_path: str | None = None) -> str:
        """Begin, as far as the provider; the URL there."""
        params = {} if next_path is None else {"next": next_path}
        answer = await self.http.get(f"{self.server.api}/auth/oidc/login", params=params)
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    async def consent(self, url: str, subject: str) -> str:
        """Be `subject` at the provider; the URL with which it sends back."""
        answer = await self.http.get(url, params={**_query(url), "person": subject})
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    async def come_back(self, url: str) -> str:
        """Where the server sends the browser on: a path, or another URL."""
        answer = await self.http.get(url)
        assert answer.status_code == 303, answer.text
        assert answer.headers["cache-control"] == "no-store"
        return answer.headers["location"]

    async def sign_in(self, subject: str, next_path: str | None = None) -> str:
        """The whole way; where it ends."""
        return await self.come_back(await self.consent(await self.leave(next_path), subject))

    async def me(self) -> dict[str, Any]:
        answer = await self.http.get(f"{self.server.api}/auth/me")
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    @property
    def attempts(self) -> list[str]:
        """Cookies of sign-ins on their way."""
        return [name for name in self.http.cookies if name.startswith("collab_oidc_")]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.http.aclose()


def error_of(location: str) -> str:
    """The code with which the sign-in page is told what went wrong, and the reason where there is one."""
    parts = urlsplit(location)
    assert (parts.netloc, parts.path) == ("", "/signin"), location
    query = _query(location)
    return "/".join(filter(None, (query["error"], query.get("reason"))))


def _query(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}

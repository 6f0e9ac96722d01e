"""A browser as far as signing in goes: it keeps the cookie, and sends the CSRF token and its page's origin."""

from types import TracebackType
from typing import Any, Self

import httpx

from tests.server import Server

PASSWORD = "correct horse battery"


class Visitor:
    def __init__(self, server: Server) -> None:
        self.server = server
        self.http = httpx.AsyncClient(base_url=server.api, headers={"origin": server.http}, timeout=60)
        self.csrf = ""

    @classmethod
    def from_place(cls, server: Server, address: str) -> Self:
        """With another address of this machine (127.0.0.0/8)."""
        visitor = cls(server)
        visitor.http = httpx.AsyncClient(
            base_url=server.api,
            headers={"origin": server.http},
            timeout=60,
            transport=httpx.AsyncHTTPTransport(local_address=address),
        )
        return visitor

    async def ask(self, method: str, path: str, json: object = None, **headers: str) -> httpx.Response:
        sent = {"x-csrf-token": self.csrf, **headers} if self.csrf else headers
        return await self.http.request(method, path, json=json, headers=sent)

    async def enter(self, path: str, body: object) -> httpx.Response:
        """A way of signing in; what it answers is remembered."""
        answer = await self.ask("POST", path, body)
        if answer.is_success:
            self.csrf = answer.json()["csrf_token"]
        return answer

    async def sign_in(self, email: str, password: str = PASSWORD) -> dict[str, Any]:
        answer = await self.enter("/auth/login", {"email": email, "password": password})
        assert answer.status_code == 200, answer.text
        signed_in: dict[str, Any] = answer.json()
        return signed_in

    @property
    def cookie(self) -> str:
        found = self.http.cookies.get("collab_session")
        assert found
        return found

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.http.aclose()


def code(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return answer.status_code, str(answer.json()["code"])


async def create_user(server: Server, email: str, *options: str, password: str | None = PASSWORD) -> str:
    """The new user's id."""
    if password is None:
        return await server.command("user", "create", email, *options)
    return await server.command("user", "create", email, *options, "--password-stdin", given=password)


async def metric(server: Server, name: str) -> float:
    async with httpx.AsyncClient() as client:
        text = (await client.get(f"{server.http}/metrics")).text
    return next(float(line.split()[1]) for line in text.splitlines() if line.startswith(f"collab_{name}"))

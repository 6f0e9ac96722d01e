"""Bodies of requests: how large they may be, and what those that are not whole yet may cost.

A small body is collected in memory. A larger one is taken where its route says so, from whom the credential it brings
lets in, is kept on disk until it is whole, and then waits for its share of the memory that all large bodies have.
"""

import asyncio
import re
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import Any, Literal

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from collab_server.access.identity import Identity
from collab_server.errors import CollabError, TooLarge, TooMany, Unavailable
from collab_server.settings import Settings
from collab_server.web import problems
from collab_server.web.credentials import identify
from collab_server.web.middleware.headers import client_address
from collab_server.web.services import web_services

SMALL = 65_536
"""Bytes of a body that any route takes, from anybody."""
MEMORY = 64_000_000
"""Bytes of all large bodies that are in memory at a time."""
PATIENCE = 10.0
"""Seconds that a large body waits for its share of MEMORY."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Routes that take more than SMALL. `kept`: until the body is whole; else the route reads it piece by piece and
    keeps it on disk itself. `refusal`: of what is larger.
    """

    method: Literal["POST", "PUT", "PATCH"]
    path: re.Pattern[str]
    most: int
    kept: bool = True
    refusal: type[TooLarge] = TooLarge


class Share:
    """Bytes that are handed out up to a total, in the order in which they are asked for."""

    def __init__(self, total: int) -> None:
        self._free = total
        self._total = total
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    async def take(self, count: int) -> int:
        """-> what to give back. Raises Unavailable after PATIENCE."""
        count = min(count, self._total)
        if not self._waiting and count <= self._free:
            self._free -= count
            return count
        turn = asyncio.get_running_loop().create_future()
        entry = (count, turn)
        self._waiting.append(entry)
        try:
            async with asyncio.timeout(PATIENCE):
                await asyncio.shield(turn)
        except BaseException as error:
            if turn.done():
                self.give_back(count)
            else:
                self._waiting.remove(entry)
                self._hand_out()
            if isinstance(error, TimeoutError):
                raise Unavailable("too many large requests at once") from None
            raise
        return count

    def give_back(self, count: int) -> None:
        self._free += count
        self._hand_out()

    def _hand_out(self) -> None:
        while self._waiting and self._waiting[0][0] <= self._free:
            count, turn = self._waiting.popleft()
            self._free -= count
            turn.set_result(None)


class BodyLimit:
    """Refuses bodies by Content-Length or while they arrive, with 413, 401, 403 or 429."""

    def __init__(self, app: ASGIApp, settings: Settings, rules: tuple[Rule, ...]) -> None:
        self._app = app
        self._settings = settings
        self._rules = rules
        self._memory = Share(MEMORY)
        self._on_disk: Counter[str] = Counter()
        # Routes that keep their bodies themselves count them, too.
        self._most_on_disk = 2 * max(settings.max_import_bytes, *(rule.most for rule in rules if rule.kept))

    def _rule(self, scope: Scope) -> Rule | None:
        if scope["method"] in ("GET", "HEAD"):
            return None
        path, method = scope["path"], scope["method"]
        return next((rule for rule in self._rules if rule.method == method and rule.path.fullmatch(path)), None)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        rule = self._rule(scope)
        most = rule.most if rule else SMALL
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if not declared.isdigit() or int(declared) > most:
            refusal = rule.refusal if rule else TooLarge
            await problems.of(refusal(f"a body may have at most {most} bytes"))(scope, receive, send)
            return
        body = _Body(self, scope, receive, rule, most, int(declared))
        try:
            await self._app(scope, body.receive, _instead_of(scope, receive, send, lambda: body.refusal))
        except CollabError as error:
            if error is not body.refusal:
                raise
            await problems.of(error)(scope, receive, send)
        finally:
            body.close()

    async def admit(self, scope: Scope) -> str:
        """Who sends a large body. Raises Unauthenticated, Forbidden, Unavailable."""
        connection = HTTPConnection(scope)
        identity: Identity = await identify(connection, web_services(connection).authenticator, self._settings)
        return f"user {identity.user_id}" if identity.user_id else f"address {client_address(scope)}"

    def count(self, person: str, more: int) -> None:
        """Raises TooMany where one person's unfinished bodies take too much of the disk."""
        if self._on_disk[person] + more > self._most_on_disk:
            raise TooMany(f"your uploads may have {self._most_on_disk} bytes at a time", retry_after=5)
        self._on_disk[person] += more

    def forget(self, person: str, count: int) -> None:
        self._on_disk[person] -= count
        if self._on_disk[person] <= 0:
            del self._on_disk[person]

    async def share(self, count: int) -> int:
        return await self._memory.take(count)

    def give_back(self, count: int) -> None:
        self._memory.give_back(count)


class _Body:
    """The body of one request. `refusal`: why no more of it is read."""

    def __init__(
        self, limit: BodyLimit, scope: Scope, receive: Receive, rule: Rule | None, most: int, declared: int
    ) -> None:
        self._limit = limit
        self._scope = scope
        self._receive = receive
        self._rule = rule
        self._most = most
        self._declared = declared
        self._seen = 0
        self._person: str | None = None
        self._on_disk = 0
        self._in_memory = 0
        self._whole = False
        self.refusal: CollabError | None = None

    async def receive(self) -> Message:
        try:
            if self._whole or self._rule is None or not self._rule.kept:
                return await self._next()
            return await self._collected()
        except CollabError as error:
            self.refusal = error
            raise

    async def _next(self) -> Message:
        if self._declared > SMALL and self._person is None:
            await self._admit()
        message = await self._receive()
        piece = len(message.get("body", b""))
        self._seen += piece
        if self._seen > self._most:
            refusal = self._rule.refusal if self._rule is not None else TooLarge
            raise refusal(f"a body may have at most {self._most} bytes")
        if self._rule is not None and self._seen > SMALL:
            if self._person is None:
                await self._admit()
            if self._rule.kept:
                self._count(self._seen - self._on_disk)
        return message

    async def _admit(self) -> None:
        self._person = await self._limit.admit(self._scope)

    def _count(self, more: int) -> None:
        assert self._person is not None
        self._limit.count(self._person, more)
        self._on_disk += more

    async def _collected(self) -> Message:
        """All of it at once."""
        with SpooledTemporaryFile(SMALL) as file:
            while True:
                message = await self._next()
                if message["type"] != "http.request":
                    return message
                file.write(message.get("body", b""))
                if not message.get("more_body", False):
                    break
            self._whole = True
            if self._seen > SMALL:
                self._in_memory = await self._limit.share(self._seen)
            file.seek(0)
            return {"type": "http.request", "body": file.read(), "more_body": False}

    def close(self) -> None:
        if self._person is not None:
            self._limit.forget(self._person, self._on_disk)
        if self._in_memory:
            self._limit.give_back(self._in_memory)


def _instead_of(scope: Scope, receive: Receive, send: Send, refusal: Callable[[], CollabError | None]) -> Send:
    """Sends the problem of the refusal, if there is one when the answer begins: a framework that reads a body may take
    it for a fault in the body.
    """
    begun: list[Any] = []

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start" and not begun:
            error = refusal()
            begun.append(error)
            if error is not None:
                await problems.of(error)(scope, receive, send)
        if begun[:1] in ([], [None]):
            await send(message)

    return sending

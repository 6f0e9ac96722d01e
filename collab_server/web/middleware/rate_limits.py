"""How many requests to the API and to public pages one user, one token or session, and one address may make."""

import hashlib
import math
import re
from uuid import UUID

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from collab_server.adapters.rates import Buckets, Rate, Taken, network_of
from collab_server.errors import TooMany
from collab_server.settings import Settings
from collab_server.web import problems
from collab_server.web.cookies import session_token
from collab_server.web.credentials import bearer_token
from collab_server.web.depends import RATES
from collab_server.web.middleware.headers import client_address

_COUNTED = re.compile(r"/(?:api|p)/.*|/w/[^/]+/feed\.xml|/sitemap\.xml", re.DOTALL)
"""The API, and what the server makes for public pages. Files of the web application are not counted."""
_PER_ADDRESS = 10
"""So many times the rate of one user: many may share an address."""


class Rates:
    """Answers of the buckets of one request so far."""

    def __init__(self, buckets: Buckets, settings: Settings, address: str) -> None:
        self._buckets = buckets
        self._address = address
        per_second, burst = settings.rate_requests / 60, settings.rate_requests_burst
        self._signed_in = Rate(per_second, burst)
        self._together = Rate(per_second * _PER_ADDRESS, burst * _PER_ADDRESS)
        guests = settings.rate_guest_requests
        self._guest = Rate(guests / 60, max(1, burst * guests // settings.rate_requests))
        self._user: UUID | None = None
        self.tightest: Taken | None = None

    async def begin(self, credential: str | None) -> None:
        """Count a request before its credential is checked. Raises TooMany."""
        if credential is None:
            await self.take_as_guest()
            return
        digest = hashlib.sha256(credential.encode()).hexdigest()[:32]
        await self._take(f"address:{self._address}", self._together)
        await self._take(f"credential:{digest}", self._signed_in)

    async def take_as_guest(self) -> None:
        """Count a request of a guest, or with a wrong credential, which must not be cheaper. Raises TooMany."""
        await self._take(f"guest:{self._address}", self._guest)

    async def take_of_user(self, user_id: UUID) -> None:
        """Count the request for the user, once. Raises TooMany."""
        if self._user is None:
            self._user = user_id
            await self._take(f"user:{user_id}", self._signed_in)

    async def _take(self, key: str, rate: Rate) -> None:
        taken = await self._buckets.take(key, rate)
        if self.tightest is None or taken.tokens < self.tightest.tokens:
            self.tightest = taken
        if not taken.allowed:
            wait = max(1, math.ceil(taken.until_next))
            raise TooMany(f"too many requests: try again in {wait} s", retry_after=wait)

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """RateLimit-Limit: requests at once; -Remaining: of them now; -Reset: seconds until all are there again."""
        taken = self.tightest
        if taken is None:
            return []
        return [
            (b"ratelimit-limit", b"%d" % taken.rate.burst),
            (b"ratelimit-remaining", b"%d" % taken.remaining),
            (b"ratelimit-reset", b"%d" % math.ceil(taken.until_full)),
        ]


class RateLimit:
    def __init__(self, app: ASGIApp, settings: Settings, buckets: Buckets) -> None:
        self._app = app
        self._settings = settings
        self._buckets = buckets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not self._settings.rate_requests or not _COUNTED.fullmatch(scope["path"]):
            await self._app(scope, receive, send)
            return
        rates = scope[RATES] = Rates(self._buckets, self._settings, network_of(client_address(scope)))

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *rates.headers]
            await send(message)

        connection = HTTPConnection(scope)
        try:
            await rates.begin(bearer_token(connection) or session_token(connection, self._settings))
        except TooMany as error:
            await problems.of(error)(scope, receive, with_headers)
            return
        await self._app(scope, receive, with_headers)

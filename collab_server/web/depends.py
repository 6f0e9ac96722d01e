"""What routes ask of a request. The lifespan's state is at `request.state` (see app.py)."""

import hmac
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Generic, Protocol, TypedDict
from uuid import UUID

from fastapi import Depends, Request
from starlette.requests import HTTPConnection

from collab_server.access.identity import READER, Authenticator, Identity
from collab_server.backends.db import Database
from collab_server.backends.fair_queue import address_of, on_behalf_of
from collab_server.backends.mail import Mailer
from collab_server.backends.workers import Workers
from collab_server.crdt.edits import Editing, P, T
from collab_server.crdt.room import Author
from collab_server.crypto import Signer, csrf_token
from collab_server.errors import CsrfRejected, Forbidden, Unauthenticated
from collab_server.settings import Settings, is_loopback
from collab_server.web.cookies import session_token
from collab_server.web.origins import guest_may_come, is_own_page

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
CSRF_HEADER = "x-csrf-token"
PUBLIC = re.compile(r"/api/v1/documents/(?:lookup|[0-9a-fA-F-]{36}(?:/(?:content|export|updates))?)")
"""What everybody may read of a public document."""
READS_PUBLIC = "collab_server.reads_public"
"""Key in an HTTP request's scope: READER asks, and is asked to sign in for what is not public (problems.py)."""
RATES = "collab_server.rates"
"""Key in an HTTP request's scope: its web.rate_limits.Rates, where there is a limit."""


@dataclass(frozen=True, slots=True)
class Committed:
    """The log of a document, of this generation, holds an update in one of its rows up to `seq`."""

    generation: int
    seq: int


class Append(Protocol):
    """Puts a Yjs update into a document as a socket would: everybody who has it open sees it at once."""

    async def __call__(
        self, document_id: UUID, update: bytes, author: Author, *, generation: int | None = None
    ) -> Committed:
        """Returns when it is committed; the same update twice is harmless. Rights are the caller's to look at.

        `generation`: of the document that the update was made for (None: whichever is there). Raises Malformed,
        NotFound, UnprocessableContent (it is encrypted), StaleGeneration, TooLarge, Unavailable.
        """
        ...


@dataclass(frozen=True, slots=True)
class Edited(Generic[T]):
    """`result`: what the editing function told besides its update."""

    committed: Committed
    result: T


@dataclass(frozen=True, slots=True)
class Writer:
    """Who edits by a request. `device`: as it names itself, for the log."""

    identity: Identity
    device: str | None

    @property
    def author(self) -> Author:
        return Author(self.identity.user_id, self.device)


class Edits(Protocol):
    """Edits that need the document as a whole. Rights are the caller's to look at. People who have it open see who
    edits, and where.
    """

    async def edit(
        self, document_id: UUID, writer: Writer, function: Editing[P, T], *args: P.args, **named: P.kwargs
    ) -> Edited[T]:
        """Have a worker run the function on the document as it is now, and append the update that it makes: whoever is
        in the document sees it at once, and people who type meanwhile lose nothing. Returns when it is committed.

        Raises NotFound, StaleGeneration, TooLarge, TooMany, Unavailable, UnprocessableContent (it is encrypted), and
        what the function raises.
        """
        ...

    async def edit_alone(
        self, document_id: UUID, writer: Writer, function: Editing[P, T], *args: P.args, **named: P.kwargs
    ) -> Edited[T]:
        """As `edit`; the function is run again where anybody else has edited meanwhile."""
        ...

    async def missing(self, document_id: UUID, state_vector: bytes) -> tuple[bytes, Committed]:
        """What a client with this state lacks, as one update: all that is committed, and what is received here.

        Raises Malformed, NotFound, StaleGeneration, Unavailable.
        """
        ...


@dataclass(frozen=True, slots=True)
class Rooms:
    """What routes may ask of the real-time core, which lies above them.

    `settle`: have a document's stored content include everything received by now.
    """

    settle: Callable[[UUID], Awaitable[None]]
    append: Append
    edits: Edits


class State(TypedDict):
    """The lifespan's state, the same object for HTTP and WebSocket requests."""

    settings: Settings
    db: Database
    authenticator: Authenticator
    signer: Signer
    mailer: Mailer
    rooms: Rooms
    workers: Workers


def bearer_token(connection: HTTPConnection) -> str | None:
    """The token of the Authorization header, or of the query (browsers cannot set headers on WebSockets)."""
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    return connection.query_params.get("token") or None


def guests_from_here(connection: HTTPConnection, settings: Settings) -> bool:
    headers = connection.headers
    if connection.scope["type"] == "websocket" and "origin" not in headers:
        # Browsers name the origin of every socket: this is a program.
        return True
    return guest_may_come(
        headers.get("origin"), headers.get("host"), settings.allowed_origins, on_loopback=is_loopback(settings.host)
    )


@dataclass(frozen=True, slots=True)
class Presented:
    """By what a request or socket says who asks. `rejection`: why its page may not use the cookie; empty: it may.
    `guests`: it may come as a guest, where guests are let in.
    """

    bearer: str | None
    cookie: str | None
    rejection: str
    guests: bool


def presented(connection: HTTPConnection, settings: Settings) -> Presented:
    cookie = session_token(connection, settings)
    return Presented(
        bearer_token(connection),
        cookie,
        _rejection(connection, cookie, settings) if cookie else "",
        guests_from_here(connection, settings),
    )


def _rejection(connection: HTTPConnection, cookie: str, settings: Settings) -> str:
    """Browsers send the cookie along whoever's page asks: what changes something must come from one of ours."""
    if connection.scope["type"] == "websocket":
        if "origin" not in connection.headers:
            return "a socket with the session's cookie must name its origin; programs bring a token"
        return _foreign(connection, settings)
    if connection.scope["method"] in SAFE_METHODS:
        return ""
    given = connection.headers.get(CSRF_HEADER, "")
    if not hmac.compare_digest(given.encode(), csrf_token(cookie).encode()):
        return "the header X-CSRF-Token is missing or wrong; GET auth/me tells the right one"
    return _foreign(connection, settings)


def _foreign(connection: HTTPConnection, settings: Settings) -> str:
    origin = connection.headers.get("origin")
    if origin is None or is_own_page(origin, connection.headers.get("host"), settings.base_url):
        return ""
    return f"the page {origin[:60]} is not one of this server's"


async def identify(
    connection: HTTPConnection, authenticator: Authenticator, settings: Settings, *, reading: bool = False
) -> Identity:
    """Who asks: see identity_of. What the present task has workers do counts for them from now on."""
    identity = await identity_of(presented(connection, settings), authenticator, reading=reading)
    on_behalf_of.set(identity.counted_as(came_from(connection)))
    return identity


def came_from(connection: HTTPConnection) -> str:
    """As fair_queue.address_of."""
    return address_of(connection.client.host if connection.client else "")


async def identity_of(given: Presented, authenticator: Authenticator, *, reading: bool = False) -> Identity:
    """By token, which wins; else by the session's cookie; else a guest, or who may at most be `reading` a public
    document.

    Whoever brings the cookie of a session that has ended is no guest: what their client sends is not for everybody.
    Raises Unauthenticated; CsrfRejected; Forbidden for a guest from a foreign page.
    """
    if given.bearer is None and given.cookie is not None:
        identity = await authenticator.of_session(given.cookie)
        if identity is None:
            raise Unauthenticated("the session has ended: sign in again", session_ended=True)
        if given.rejection:
            raise CsrfRejected(given.rejection)
        return identity
    identity = await authenticator.identify(given.bearer, reading=reading)
    if identity.kind == "guest" and not given.guests:
        raise Forbidden("guests may come from pages of this server only; see COLLAB_ALLOWED_ORIGINS")
    return identity


class Counting(Protocol):
    """See web.rate_limits.Rates."""

    async def take_as_guest(self) -> None: ...
    async def take_of_user(self, user_id: UUID) -> None: ...


async def current_identity(request: Request) -> Identity:
    """Who asks: see identity_of. Raises TooMany where a user, or an address with wrong credentials, asks too often."""
    rates: Counting | None = request.scope.get(RATES)
    reading = request.method in SAFE_METHODS and PUBLIC.fullmatch(request.url.path) is not None
    try:
        identity = await identify(request, request.state.authenticator, request.state.settings, reading=reading)
    except Unauthenticated:
        if rates is not None and bearer_token(request) is not None:
            await rates.take_as_guest()
        raise
    if identity is READER:
        request.scope[READS_PUBLIC] = True
    if rates is not None and identity.user_id is not None:
        await rates.take_of_user(identity.user_id)
    return identity


async def current_user(request: Request) -> Identity:
    """A user, by whatever credential. Raises Unauthenticated for guests, Forbidden for connect tokens."""
    identity = await current_identity(request)
    if identity.kind == "guest":
        raise Unauthenticated("sign in, or give a token")
    if identity.kind == "connect":
        raise Forbidden("a connect token opens one document and nothing else")
    return identity


async def current_administrator(request: Request) -> Identity:
    """Raises Unauthenticated, Forbidden."""
    identity = await current_user(request)
    if not identity.is_admin:
        raise Forbidden("for administrators of this server, by session or by a token with the scope admin")
    return identity


async def own_page(request: Request) -> None:
    """For routes that sign in: a foreign page must not sign its reader in as somebody else. Raises CsrfRejected."""
    if reason := _foreign(request, request.state.settings):
        raise CsrfRejected(reason)


# Without an await of their own, yet coroutines: FastAPI runs a plain function in a thread, at the price of a query.


async def database(request: Request) -> Database:
    db: Database = request.state.db
    return db


async def mailer(request: Request) -> Mailer:
    found: Mailer = request.state.mailer
    return found


async def rooms(request: Request) -> Rooms:
    found: Rooms = request.state.rooms
    return found


async def workers(request: Request) -> Workers:
    found: Workers = request.state.workers
    return found


CurrentIdentity = Annotated[Identity, Depends(current_identity)]
CurrentUser = Annotated[Identity, Depends(current_user)]
CurrentAdministrator = Annotated[Identity, Depends(current_administrator)]
CurrentDatabase = Annotated[Database, Depends(database)]
CurrentMailer = Annotated[Mailer, Depends(mailer)]
CurrentRooms = Annotated[Rooms, Depends(rooms)]
CurrentWorkers = Annotated[Workers, Depends(workers)]

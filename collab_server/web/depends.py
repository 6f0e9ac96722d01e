"""What routes ask of a request. The lifespan's state is at `request.state` (see app.py)."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, TypedDict
from uuid import UUID

from fastapi import Depends, Request
from starlette.requests import HTTPConnection

from collab_server.access.identity import Authenticator, Identity
from collab_server.backends.db import Database
from collab_server.crypto import Signer
from collab_server.errors import Forbidden
from collab_server.settings import Settings, is_loopback
from collab_server.web.origins import guest_may_come


@dataclass(frozen=True, slots=True)
class Rooms:
    """What routes may ask of the real-time core, which lies above them.

    `settle`: have a document's stored content include everything received by now. `people_in`: open sockets in it.
    """

    settle: Callable[[UUID], Awaitable[None]]
    people_in: Callable[[UUID], int]


class State(TypedDict):
    """The lifespan's state, the same object for HTTP and WebSocket requests."""

    settings: Settings
    db: Database
    authenticator: Authenticator
    signer: Signer
    rooms: Rooms


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


async def identify(connection: HTTPConnection, authenticator: Authenticator, settings: Settings) -> Identity:
    """Who asks. Raises Unauthenticated; Forbidden for a guest from a foreign page."""
    identity = await authenticator.identify(bearer_token(connection))
    if identity.kind == "guest" and not guests_from_here(connection, settings):
        raise Forbidden("guests may come from pages of this server only; see COLLAB_ALLOWED_ORIGINS")
    return identity


async def current_identity(request: Request) -> Identity:
    return await identify(request, request.state.authenticator, request.state.settings)


def database(request: Request) -> Database:
    db: Database = request.state.db
    return db


def rooms(request: Request) -> Rooms:
    found: Rooms = request.state.rooms
    return found


CurrentIdentity = Annotated[Identity, Depends(current_identity)]
CurrentDatabase = Annotated[Database, Depends(database)]
CurrentRooms = Annotated[Rooms, Depends(rooms)]

"""FastAPI dependencies: identity, database and other values of a request."""

import re
from typing import Annotated, Protocol
from uuid import UUID

from fastapi import Depends, Request

from collab_server.access.identity import READER, Identity
from collab_server.adapters.mail import Mailer
from collab_server.adapters.postgres import Database
from collab_server.adapters.workers import Workers
from collab_server.errors import CsrfRejected, Forbidden, Unauthenticated
from collab_server.web.credentials import SAFE_METHODS, bearer_token, foreign_origin, identify, share_token
from collab_server.web.rooms import Rooms
from collab_server.web.services import web_services

PUBLIC = re.compile(
    r"/api/v1/documents/(?:lookup|[0-9a-fA-F-]{36}(?:/(?:content|export|updates|comments|suggestions|attachments))?)"
    r"|/api/v1/attachments/[0-9a-fA-F-]{36}(?:/(?:content|thumbnail))?"
)
"""Paths that everybody may read for a public document."""
READS_PUBLIC = "collab_server.reads_public"
"""Key in an HTTP request's scope, set for READER: it must sign in for anything not public (see problems.py)."""
RATES = "collab_server.rates"
"""Key in an HTTP request's scope: its Rates of web.middleware.rate_limits, if there is a limit."""


class RequestRates(Protocol):
    """See web.middleware.rate_limits.Rates."""

    async def take_as_guest(self) -> None: ...
    async def take_of_user(self, user_id: UUID) -> None: ...


async def current_identity(request: Request) -> Identity:
    """Identity of the request; see `credentials.authenticate`.

    Raises TooMany for a user above the rate limit, or for an address that sends too many wrong credentials.
    """
    rates: RequestRates | None = request.scope.get(RATES)
    reading = request.method in SAFE_METHODS and PUBLIC.fullmatch(request.url.path) is not None
    services = web_services(request)
    try:
        identity = await identify(request, services.authenticator, services.settings, reading=reading)
    except Unauthenticated:
        if rates is not None and (bearer_token(request) or share_token(request)) is not None:
            await rates.take_as_guest()
        raise
    if identity is READER:
        request.scope[READS_PUBLIC] = True
    if rates is not None and identity.user_id is not None:
        await rates.take_of_user(identity.user_id)
    services.readers.note_request(identity, _document_of(request))
    return identity


def _document_of(request: Request) -> UUID | None:
    """The document in the path of the request, as far as it is a well-formed id."""
    try:
        return UUID(request.path_params["document_id"])
    except (KeyError, ValueError):
        return None


async def current_user(request: Request) -> Identity:
    """A user, with any credential. Raises Unauthenticated for guests, Forbidden for connect tokens."""
    identity = await current_identity(request)
    if identity.kind == "guest":
        raise Unauthenticated("sign in, or send a token")
    if identity.kind == "connect":
        raise Forbidden("a connect token is valid for one document only")
    return identity


async def current_administrator(request: Request) -> Identity:
    """An administrator of the server. Raises Unauthenticated, Forbidden."""
    identity = await current_user(request)
    if not identity.is_admin:
        raise Forbidden("for administrators of this server, by session or by a token with the scope admin")
    return identity


async def own_page(request: Request) -> None:
    """A check for routes that sign in: a foreign page must not sign in its reader as another user.

    Raises CsrfRejected.
    """
    if reason := foreign_origin(request, web_services(request).settings):
        raise CsrfRejected(reason)


# Coroutines although they do not await: FastAPI runs a plain function in a thread, which costs as much as a query.


async def database(request: Request) -> Database:
    return web_services(request).db


async def mailer(request: Request) -> Mailer:
    return web_services(request).mailer


async def rooms(request: Request) -> Rooms:
    return web_services(request).rooms


async def workers(request: Request) -> Workers:
    return web_services(request).editing


CurrentIdentity = Annotated[Identity, Depends(current_identity)]
CurrentUser = Annotated[Identity, Depends(current_user)]
CurrentAdministrator = Annotated[Identity, Depends(current_administrator)]
CurrentDatabase = Annotated[Database, Depends(database)]
CurrentMailer = Annotated[Mailer, Depends(mailer)]
CurrentRooms = Annotated[Rooms, Depends(rooms)]
CurrentWorkers = Annotated[Workers, Depends(workers)]

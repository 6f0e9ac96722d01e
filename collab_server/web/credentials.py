"""Credentials of requests and sockets, and the identity that they prove."""

import hmac
from dataclasses import dataclass, replace

from starlette.requests import HTTPConnection

from collab_server.access.identity import Authenticator, Identity
from collab_server.access.links import UNKNOWN_DEVICE, Device, is_link_token
from collab_server.adapters.fair_queue import address_of, on_behalf_of
from collab_server.adapters.rates import network_of
from collab_server.errors import CsrfRejected, Forbidden, Unauthenticated
from collab_server.security.tokens import csrf_token
from collab_server.settings import Settings, is_loopback
from collab_server.web.cookies import session_token
from collab_server.web.origins import guest_may_come, is_own_page

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
CSRF_HEADER = "x-csrf-token"
SHARE_HEADER = "x-share-token"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Credentials of a request or socket.

    `rejection`: the reason why its page may not use the cookie; empty if it may. `is_guest_allowed`: whether it may
    proceed as a guest, if the server admits guests. `share`: the token of a link. `device`: who opens it.
    """

    bearer: str | None
    cookie: str | None
    rejection: str
    is_guest_allowed: bool
    share: str | None = None
    device: Device = UNKNOWN_DEVICE

    def with_share(self, token: str) -> "Credentials":
        """These credentials with the token of a link, which the client sent in a message."""
        return replace(self, share=token)


def read_credentials(connection: HTTPConnection, settings: Settings) -> Credentials:
    cookie = session_token(connection, settings)
    return Credentials(
        bearer_token(connection),
        cookie,
        _cookie_rejection(connection, cookie, settings) if cookie else "",
        _is_guest_allowed(connection, settings),
        share_token(connection),
        device_of(connection),
    )


def device_of(connection: HTTPConnection) -> Device:
    """The device that sends this request or socket."""
    headers, query = connection.headers, connection.query_params
    device_id = headers.get("x-device-id") or query.get("device_id") or ""
    address = network_of(connection.client.host) if connection.client else ""
    return Device(address, headers.get("user-agent", "")[:500], device_id[:200])


def bearer_token(connection: HTTPConnection) -> str | None:
    """The token of the Authorization header, or of the query (browsers cannot set headers on WebSockets)."""
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    return connection.query_params.get("token") or None


def share_token(connection: HTTPConnection) -> str | None:
    """The token of a link, in the header X-Share-Token or the query."""
    return connection.headers.get(SHARE_HEADER) or connection.query_params.get("share") or None


def _is_guest_allowed(connection: HTTPConnection, settings: Settings) -> bool:
    headers = connection.headers
    if connection.scope["type"] == "websocket" and "origin" not in headers:
        # Browsers send the origin with every socket, so this client is not a browser.
        return True
    return guest_may_come(
        headers.get("origin"), headers.get("host"), settings.allowed_origins, on_loopback=is_loopback(settings.host)
    )


def _cookie_rejection(connection: HTTPConnection, cookie: str, settings: Settings) -> str:
    """The reason why the cookie does not count: browsers send it with requests of foreign pages too."""
    if connection.scope["type"] == "websocket":
        if "origin" not in connection.headers:
            return "a socket with a session cookie needs an Origin header; programs use a token"
        return foreign_origin(connection, settings)
    if connection.scope["method"] in SAFE_METHODS:
        return ""
    given = connection.headers.get(CSRF_HEADER, "")
    if not hmac.compare_digest(given.encode(), csrf_token(cookie).encode()):
        return "the header X-CSRF-Token is missing or wrong; GET auth/me returns the right one"
    return foreign_origin(connection, settings)


def foreign_origin(connection: HTTPConnection, settings: Settings) -> str:
    """A message that names the page's origin if it is not one of this server; else an empty string."""
    origin = connection.headers.get("origin")
    if origin is None or is_own_page(origin, connection.headers.get("host"), settings.base_url):
        return ""
    return f"the page {origin[:60]} does not belong to this server"


async def identify(
    connection: HTTPConnection, authenticator: Authenticator, settings: Settings, *, reading: bool = False
) -> Identity:
    """Like `authenticate`, with the credentials of a request or socket.

    Work that the current task gives to workers counts for this identity from now on.
    """
    identity = await authenticate(read_credentials(connection, settings), authenticator, reading=reading)
    on_behalf_of.set(identity.counted_as(address_of(connection.client.host if connection.client else "")))
    return identity


async def authenticate(given: Credentials, authenticator: Authenticator, *, reading: bool = False) -> Identity:
    """Return the identity by token; without a token by the session's cookie; without both a guest.

    `reading`: the request reads a document that may be public, so that guests may be admitted even if the server
    admits no guests elsewhere. The cookie of an ended session does not make a guest: the client has edits of a user.
    The token of a link adds the link's rights, and is enough without other credentials.

    Raises Unauthenticated; CsrfRejected; Forbidden for a guest from a foreign page; for links ShareEnded,
    SharePasswordRequired, ShareUsedUp.
    """
    if given.share is not None:
        return await authenticator.with_link(await _find_user(given, authenticator), given.share, given.device)
    if given.bearer is None and given.cookie is not None:
        return await _identify_by_cookie(given, authenticator)
    identity = await authenticator.identify(given.bearer, reading=reading, device=given.device)
    if identity.kind == "guest" and identity.link is None and not given.is_guest_allowed:
        raise Forbidden("guests may come from pages of this server only; see COLLAB_ALLOWED_ORIGINS")
    return identity


async def _find_user(given: Credentials, authenticator: Authenticator) -> Identity | None:
    """The identity of who has a link besides. None: the link's token is their only valid credential."""
    if given.bearer is not None:
        return None if is_link_token(given.bearer) else await authenticator.identify(given.bearer)
    return await _identify_by_cookie(given, authenticator) if given.cookie is not None else None


async def _identify_by_cookie(given: Credentials, authenticator: Authenticator) -> Identity:
    """The identity behind the session's cookie. Raises Unauthenticated, CsrfRejected."""
    assert given.cookie is not None
    identity = await authenticator.of_session(given.cookie)
    if identity is None:
        raise Unauthenticated("the session has ended: sign in again", session_ended=True)
    if given.rejection:
        raise CsrfRejected(given.rejection)
    return identity

"""Which web pages may act as a guest, and which with the session's cookie.

A page from anywhere can open a WebSocket to this machine. Whoever has a token has proved something; a guest has not,
so a guest's page must come from this server, from this machine, or from an origin that the operator has named.
"""

from collections.abc import Iterable
from urllib.parse import urlsplit

from collab_server.settings import is_loopback


def guest_may_come(origin: str | None, host: str | None, allowed: Iterable[str], *, on_loopback: bool) -> bool:
    """`origin`, `host`: the request's headers. Programs send no Origin.

    `on_loopback`: the server listens on loopback only. A Host that is no loopback name then means DNS rebinding, or a
    proxy that makes the server public, where guests are let in by naming the proxy's origin.
    """
    named = set(allowed)
    if "*" in named or (origin is not None and origin.rstrip("/") in named):
        return True
    own_name = _hostname(f"//{host}") if host else None
    if own_name is not None and is_loopback(own_name):
        return origin is None or is_loopback(_hostname(origin) or "")
    return not on_loopback and (origin is None or urlsplit(origin).netloc == host)


def is_own_page(origin: str, host: str | None, base_url: str) -> bool:
    """Whether a page of this server asks: only these may use the session's cookie. `base_url`: Settings.base_url.

    Scheme aside, as a proxy may have taken off TLS. Rebinding a foreign name gains nothing: the cookie stays with ours.
    """
    if origin.rstrip("/").lower() == base_url.lower():
        return True
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return bool(host) and parts.scheme in ("http", "https") and parts.netloc.lower() == str(host).lower()


def _hostname(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None

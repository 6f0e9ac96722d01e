"""The address that a server listens on."""

import ipaddress
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from collab_server.errors import ConfigurationError
from collab_server.settings import Settings


@contextmanager
def bound(settings: Settings, *, shared: bool = False) -> Iterator[socket.socket]:
    """A socket at HOST:PORT that does not listen yet. Raises ConfigurationError.

    `shared`: other processes of this account may bind the same address, and the kernel spreads connections evenly over
    those that listen (over one socket that all inherit they spread as epoll wakes: of 400 connections, 2 to 186 each).
    """
    try:
        family = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if shared:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            listener.bind((settings.host, settings.port))
        except BaseException:
            listener.close()
            raise
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigurationError(f"cannot listen on {settings.host}:{settings.port}: {reason}") from error
    with listener:
        yield listener


@contextmanager
def metrics(settings: Settings) -> Iterator[list[socket.socket]]:
    """A socket at METRICS_HOST:METRICS_PORT, shared by all serving processes; none without METRICS_PORT."""
    if not settings.metrics_port:
        yield []
        return
    own = settings.model_copy(update={"host": settings.metrics_host, "port": settings.metrics_port})
    with bound(own, shared=True) as listener:
        yield [listener]


def with_mapped(networks: Iterable[str]) -> list[str]:
    """The networks, and those of IPv4 as a socket that takes both families names them (::ffff:192.0.2.1)."""
    found = []
    for network in map(ipaddress.ip_network, networks):
        found.append(str(network))
        if isinstance(network, ipaddress.IPv4Network):
            found.append(f"::ffff:{network.network_address}/{96 + network.prefixlen}")
    return found


def shown(listener: socket.socket) -> str:
    """Its URL."""
    host, port = listener.getsockname()[:2]
    named = f"[{host}]" if ":" in host else host
    return urlsplit(f"http://{named}:{port}").geturl()

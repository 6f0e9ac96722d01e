"""uvicorn's WebSocket protocol class for the handshake only: an accepted connection is handed to a `Connection`.

uvicorn's object, the ASGI task and the scope go once the endpoint has returned; what stays of a connection is what
`transport.connection` keeps. Where this class is not used (another ASGI server, Starlette's TestClient),
`transport.asgi` does the same through the standard interface.
"""

from functools import cache
from typing import Any

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from collab_server.adapters.websocket.connection import HELD_BYTES, Connection
from collab_server.adapters.websocket.large_messages import Bounds

EXTENSION = "collab_server.socket"
"""Key in the ASGI scope's `extensions` under which the endpoint finds the protocol object."""

_HEAD_END = b"\r\n\r\n"

_bounds = cache(Bounds)


class FanOutProtocol(WebSocketsSansIOProtocol):
    """A connection up to its handshake."""

    _connection: Connection | None = None
    _behind = b""
    """What the client sent behind its request; websockets' parser never sees it."""

    def handle_connect(self, event: Any) -> None:
        super().handle_connect(event)
        if (scope := getattr(self, "scope", None)) and not self.conn.extensions:
            scope["extensions"][EXTENSION] = self

    def data_received(self, data: bytes) -> None:
        if not self.handshake_initiated:
            # uvicorn gives the request's head whole, with what came behind it. Upstream: not reported yet.
            head = data.find(_HEAD_END) + len(_HEAD_END)
            if head >= len(_HEAD_END):
                self._behind = data[head:]
                data = data[:head]
            super().data_received(data)
            return
        self._behind += data
        if len(self._behind) > HELD_BYTES and not self.read_paused:
            self.read_paused = True
            self.transport.pause_reading()

    def hand_over(self) -> Connection:
        """The accepted connection, from now on without this object."""
        bounds = _bounds(self.config.ws_max_size, self.config.ws_ping_interval, self.config.ws_ping_timeout)
        behind, self._behind = self._behind, b""
        self.stop_keepalive()
        self._connection = Connection(
            self.transport, bounds, self.connections, behind, reading=not self.read_paused, lost=self.disconnected
        )
        self.connections.discard(self)
        return self._connection

    async def run_asgi(self) -> None:
        try:
            await self.app(self.scope, self.receive, self.send)
        except ClientDisconnected:
            pass
        except Exception:
            self.logger.exception("a WebSocket's endpoint failed")
            self.send_500_response()
        if self._connection is not None:
            self._connection.endpoint_left()
        elif self.close_timer is None:
            self.transport.close()

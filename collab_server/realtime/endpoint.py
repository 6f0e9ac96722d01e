"""The two WebSocket endpoints: who is it, may they, and then the session until the socket ends."""

import secrets
from urllib.parse import unquote

from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from collab_server.documents.addresses import Addresses
from collab_server.errors import CollabError, Malformed, Unavailable
from collab_server.realtime.hocuspocus_session import HocuspocusSession
from collab_server.realtime.hub import Hub
from collab_server.realtime.ywebsocket_session import YWebsocketSession
from collab_server.telemetry import log
from collab_server.transport.asgi import socket_of
from collab_server.transport.socket import Socket
from collab_server.web.depends import bearer_token, guests_from_here, identify

MAX_DEVICE = 200


async def ywebsocket(scope: Scope, receive: Receive, send: Send) -> None:
    """`/ws/{address}`: one document, named by the path; `token`, `acks`, `device_id` and `generation` in the query."""
    websocket = WebSocket(scope, receive, send)
    await websocket.accept()
    socket = socket_of(scope, receive, send)
    hub: Hub = websocket.state.hub
    connection = secrets.token_hex(4)
    try:
        hub.check_open()
        identity = await identify(websocket, websocket.state.authenticator, hub.settings)
        addresses = Addresses(hub.db, hub.settings.default_workspace)
        async with hub.join_slots:
            resolved = await addresses.resolve(identity, _address(scope), create=True)
        log.info(
            "socket opened",
            extra={"connection": connection, "document": resolved.document_id, "protocol": "y-websocket"},
        )
        acks = websocket.query_params.get("acks") == "1"
        session = YWebsocketSession(hub, socket, identity, acks=acks, connection=connection)
        await session.run(resolved, _device(websocket), _generation(websocket))
    except CollabError as error:
        await _refuse(hub, socket, connection, error)
    except Exception:
        log.exception("a socket failed", extra={"connection": connection})
        await _refuse(hub, socket, connection, Unavailable("an internal error; come back later"))
    else:
        log.info("socket ended", extra={"connection": connection})


async def hocuspocus(scope: Scope, receive: Receive, send: Send) -> None:
    """`/hocuspocus`: many documents, each named and authenticated in the messages."""
    websocket = WebSocket(scope, receive, send)
    await websocket.accept()
    socket = socket_of(scope, receive, send)
    hub: Hub = websocket.state.hub
    connection = secrets.token_hex(4)
    log.info("socket opened", extra={"connection": connection, "protocol": "hocuspocus"})
    try:
        session = HocuspocusSession(
            hub,
            socket,
            websocket.state.authenticator,
            Addresses(hub.db, hub.settings.default_workspace),
            header_token=bearer_token(websocket),
            guests=guests_from_here(websocket, hub.settings),
            device=_device(websocket),
            connection=connection,
        )
        await session.run()
    except CollabError as error:
        await _refuse(hub, socket, connection, error)
    except Exception:
        log.exception("a socket failed", extra={"connection": connection})
        await _refuse(hub, socket, connection, Unavailable("an internal error; come back later"))
    else:
        log.info("socket ended", extra={"connection": connection})


async def _refuse(hub: Hub, socket: Socket, connection: str, error: CollabError) -> None:
    hub.counts.errors[error.code] += 1
    log.info("socket refused", extra={"connection": connection, "code": error.code, "reason": error.detail})
    socket.end(error.close_code, error.close_reason)
    # Until the peer has answered the close, or has gone.
    await socket.run(lambda _: None, lambda: None)


def _address(scope: Scope) -> str:
    """The path below the endpoint, percent-decoded as UTF-8 (clients put names in as they are)."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    mount = f"{scope.get('root_path', '')}/ws/".encode()
    try:
        return unquote(raw.partition(b"?")[0].removeprefix(mount).decode("ascii"), errors="strict")
    except UnicodeDecodeError:
        raise Malformed("the address is not UTF-8") from None


def _device(websocket: WebSocket) -> str | None:
    device = websocket.query_params.get("device_id", "").replace("\x00", "").strip()[:MAX_DEVICE]
    return device or None


def _generation(websocket: WebSocket) -> int | None:
    given = websocket.query_params.get("generation")
    if given is None:
        return None
    if not given.isascii() or not given.isdigit() or len(given) > 18:
        raise Malformed("generation is a number")
    return int(given)

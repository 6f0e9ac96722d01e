"""The two WebSocket endpoints: who is it, may they, and then the session until the socket ends."""

import secrets
from urllib.parse import unquote

from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from collab_server.access.identity import Authenticator, asked_to_sign_in
from collab_server.backends.rates import network_of
from collab_server.documents.addresses import Addresses
from collab_server.errors import Malformed
from collab_server.realtime.hocuspocus_session import HocuspocusSession
from collab_server.realtime.hub import Hub
from collab_server.realtime.refusal import refuse
from collab_server.realtime.ywebsocket_session import YWebsocketSession
from collab_server.telemetry import log
from collab_server.transport.asgi import socket_of
from collab_server.web.depends import identify, identity_of, presented

MAX_DEVICE = 200
MAX_AGENT = 500


async def ywebsocket(scope: Scope, receive: Receive, send: Send) -> None:
    """`/ws/{address}`: one document, named by the path; `token`, `acks`, `device_id` and `generation` in the query."""
    websocket = WebSocket(scope, receive, send)
    await websocket.accept()
    socket = socket_of(scope, receive, send)
    hub: Hub = websocket.state.hub
    connection = secrets.token_hex(4)
    client = client_of(websocket)
    try:
        hub.admission.enter(socket, client)
        hub.check_open()
        epoch = hub.access.epoch
        addresses = _addresses(hub, client)
        async with hub.join_slots.held(client, connection):
            identity = await identify(websocket, websocket.state.authenticator, hub.settings, reading=True)
            with asked_to_sign_in(identity):
                resolved = await addresses.resolve(identity, _address(scope), create=True)
        hub.admission.accept(socket, guest=identity.kind == "guest")
        log.info(
            "socket opened",
            extra={"connection": connection, "document": resolved.document_id, "protocol": "y-websocket"},
        )
        acks = websocket.query_params.get("acks") == "1"
        session = YWebsocketSession(hub, socket, identity, acks=acks, connection=connection)
        await session.run(resolved, _device(websocket), _generation(websocket), epoch, agent=_agent(websocket))
    except Exception as error:
        refuse(hub, socket, connection, error)
        await socket.run(_ignore, _nothing, lambda _: hub.admission.leave(socket))


async def hocuspocus(scope: Scope, receive: Receive, send: Send) -> None:
    """`/hocuspocus`: many documents, each named and authenticated in the messages."""
    websocket = WebSocket(scope, receive, send)
    await websocket.accept()
    socket = socket_of(scope, receive, send)
    hub: Hub = websocket.state.hub
    connection = secrets.token_hex(4)
    log.info("socket opened", extra={"connection": connection, "protocol": "hocuspocus"})
    came_with = presented(websocket, hub.settings)
    authenticator: Authenticator = websocket.state.authenticator
    client = client_of(websocket)
    try:
        hub.admission.enter(socket, client)
        session = HocuspocusSession(
            hub,
            socket,
            authenticator,
            _addresses(hub, client),
            without_token=lambda: identity_of(came_with, authenticator, reading=True),
            device=_device(websocket),
            agent=_agent(websocket),
            connection=connection,
            client=client,
        )
        await session.run()
    except Exception as error:
        refuse(hub, socket, connection, error)
        await socket.run(_ignore, _nothing, lambda _: hub.admission.leave(socket))


def _ignore(message: bytes) -> None:
    """A refused client's messages, until it has answered the close or has gone."""


def _nothing() -> None: ...


def client_of(connection: HTTPConnection) -> str:
    """The IP address of the client; empty where the server does not know it."""
    return connection.client.host if connection.client else ""


def _address(scope: Scope) -> str:
    """The path below the endpoint, percent-decoded as UTF-8 (clients put names in as they are)."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    mount = f"{scope.get('root_path', '')}/ws/".encode()
    try:
        return unquote(raw.partition(b"?")[0].removeprefix(mount).decode("ascii"), errors="strict")
    except UnicodeDecodeError:
        raise Malformed("the address is not UTF-8") from None


def _addresses(hub: Hub, client: str) -> Addresses:
    """Documents by name, of which as many are made as may come from the client's address."""
    return Addresses(hub.db, hub.settings.default_workspace, hub.quotas.by(network_of(client)))


def _device(websocket: WebSocket) -> str | None:
    device = websocket.query_params.get("device_id", "").replace("\x00", "").strip()[:MAX_DEVICE]
    return device or None


def _agent(websocket: WebSocket) -> str:
    return websocket.headers.get("user-agent", "")[:MAX_AGENT]


def _generation(websocket: WebSocket) -> int | None:
    given = websocket.query_params.get("generation")
    if given is None:
        return None
    if not given.isascii() or not given.isdigit() or len(given) > 18:
        raise Malformed("generation is a number")
    return int(given)

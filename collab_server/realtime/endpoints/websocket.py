"""The two WebSocket endpoints: identify the client, check its rights, run its session."""

import secrets
from urllib.parse import unquote

from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from collab_server.access.identity import Authenticator, asked_to_sign_in
from collab_server.adapters.rates import network_of
from collab_server.adapters.websocket.asgi import socket_of
from collab_server.errors import Malformed
from collab_server.features.documents.addresses import Addresses
from collab_server.observability.logging import log
from collab_server.realtime.endpoints.services import realtime_services
from collab_server.realtime.service import RealtimeService
from collab_server.realtime.sessions.attachment import Client
from collab_server.realtime.sessions.hocuspocus import HocuspocusSession
from collab_server.realtime.sessions.refusal import refuse
from collab_server.realtime.sessions.ywebsocket import YWebsocketSession
from collab_server.web.credentials import authenticate, identify, read_credentials
from collab_server.web.services import web_services

MAX_DEVICE = 200
MAX_AGENT = 500


async def ywebsocket(scope: Scope, receive: Receive, send: Send) -> None:
    """`/ws/{address}`: one document, named by the path; the query has `token`, `acks`, `events`, `device_id` and
    `generation`.
    """
    websocket = WebSocket(scope, receive, send)
    await websocket.accept()
    socket = socket_of(scope, receive, send)
    service = realtime_services(websocket).realtime
    name = secrets.token_hex(4)
    client = client_of(websocket)
    try:
        service.admission.enter(socket, client)
        service.hub.check_open()
        epoch = service.access.epoch
        addresses = _addresses(service, client)
        async with service.join_slots.held(client, name):
            identity = await identify(websocket, web_services(websocket).authenticator, service.settings, reading=True)
            with asked_to_sign_in(identity):
                resolved = await addresses.resolve(identity, _address(scope), create=True)
        service.admission.accept(socket, guest=identity.is_guest)
        log.info(
            "socket opened",
            extra={"connection": name, "document": resolved.document_id, "protocol": "y-websocket"},
        )
        acks = websocket.query_params.get("acks") == "1"
        session = YWebsocketSession(service, socket, identity, acks=acks, events=_asks_for_events(websocket), name=name)
        await session.run(resolved, _device(websocket), _generation(websocket), epoch, agent=_agent(websocket))
    except Exception as error:
        refuse(service.counts, socket, name, error)
        await socket.run(_ignore, _nothing, lambda _: service.admission.leave(socket))


async def hocuspocus(scope: Scope, receive: Receive, send: Send) -> None:
    """`/hocuspocus`: many documents, each named and authenticated in the messages."""
    websocket = WebSocket(scope, receive, send)
    await websocket.accept()
    socket = socket_of(scope, receive, send)
    service = realtime_services(websocket).realtime
    name = secrets.token_hex(4)
    log.info("socket opened", extra={"connection": name, "protocol": "hocuspocus"})
    credentials = read_credentials(websocket, service.settings)
    authenticator: Authenticator = web_services(websocket).authenticator
    client = client_of(websocket)
    try:
        service.admission.enter(socket, client)
        session = HocuspocusSession(
            service,
            socket,
            authenticator,
            _addresses(service, client),
            Client(
                name,
                client,
                _device(websocket),
                _agent(websocket),
                _asks_for_events(websocket),
                without_token=lambda: authenticate(credentials, authenticator, reading=True),
                with_share=lambda token: authenticate(credentials.with_share(token), authenticator),
            ),
        )
        await session.run()
    except Exception as error:
        refuse(service.counts, socket, name, error)
        await socket.run(_ignore, _nothing, lambda _: service.admission.leave(socket))


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


def _addresses(service: RealtimeService, client: str) -> Addresses:
    """Documents by name, of which as many are made as may come from the client's address."""
    return Addresses(service.db, service.settings.default_workspace, service.quotas.creations_from(network_of(client)))


def _device(websocket: WebSocket) -> str | None:
    device = websocket.query_params.get("device_id", "").replace("\x00", "").strip()[:MAX_DEVICE]
    return device or None


def _asks_for_events(websocket: WebSocket) -> bool:
    return websocket.query_params.get("events") == "1"


def _agent(websocket: WebSocket) -> str:
    return websocket.headers.get("user-agent", "")[:MAX_AGENT]


def _generation(websocket: WebSocket) -> int | None:
    given = websocket.query_params.get("generation")
    if given is None:
        return None
    if not given.isascii() or not given.isdigit() or len(given) > 18:
        raise Malformed("generation is a number")
    return int(given)

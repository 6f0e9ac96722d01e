"""A y-websocket socket: one document."""

import asyncio
import json
from collections.abc import Coroutine
from typing import Any

from collab_server.access.identity import Identity
from collab_server.access.policy import Action, allowed
from collab_server.adapters.websocket.frame_parser import Outgoing
from collab_server.adapters.websocket.socket import Socket
from collab_server.core.protocol import ywebsocket
from collab_server.core.protocol.messages import Unknown
from collab_server.core.yjs.inspection import Range, UpdateSummary
from collab_server.errors import CollabError, StaleGeneration, Unauthenticated
from collab_server.features.documents.addresses import Resolved
from collab_server.observability.logging import log
from collab_server.realtime.documents.document_connection import READ_ONLY, DocumentConnection
from collab_server.realtime.documents.live_document import LiveDocument
from collab_server.realtime.keepalive import KEEPALIVE_SECONDS, remaining
from collab_server.realtime.service import RealtimeService
from collab_server.realtime.sessions.message_handler import (
    COST_PER_BYTE,
    catch_up,
    handle_message,
    handle_update,
)
from collab_server.realtime.sessions.refusal import close_socket, refuse, too_large

_ALIVE = Outgoing((ywebsocket.EMPTY_AWARENESS,))


class YWebsocketSession:
    """Implements `Session` for the y-websocket protocol."""

    __slots__ = (
        "_acknowledged",
        "_acks",
        "_budget",
        "_catching_up",
        "_identity",
        "_joined",
        "_name",
        "_receives_events",
        "_service",
        "_warned",
        "socket",
    )

    def __init__(
        self, service: RealtimeService, socket: Socket, identity: Identity, *, acks: bool, events: bool, name: str
    ) -> None:
        """`acks`, `events`: the client asked for acknowledgements of commits, for live events. `name`: of the socket
        in the log.
        """
        self.socket = socket
        self._service = service
        self._identity = identity
        self._acks = acks
        self._receives_events = events
        self._name = name
        self._acknowledged = 0
        self._warned = False
        self._joined: tuple[LiveDocument, DocumentConnection] | None = None
        self._catching_up: asyncio.Task[None] | None = None
        self._budget = service.admission.budget(socket)

    async def run(
        self, resolved: Resolved, device: str | None, generation: int | None, epoch: int, *, agent: str = ""
    ) -> None:
        """Join the document and serve the socket until it ends; returns at once if the socket runs without its caller.

        `generation`: of the document that the client's copy is of, if the client told. `epoch`: AccessWatch's, before
        the identity and its rights were read. Raises StaleGeneration where the document has been replaced since, and
        what `Hub.join` raises.
        """
        self._service.admit(self)
        try:
            document, connection = self._joined = await self._service.hub.join(
                self,
                self._identity,
                resolved.document_id,
                address=None,
                can_edit=allowed(resolved.role, Action.EDIT),
                device=device,
                agent=agent,
                receives_events=self._receives_events,
            )
            if generation is not None and generation != document.generation:
                raise StaleGeneration()
            self.socket.allow_large(self._service.settings.largest_message, self._on_too_large, shown=0)
            connection.ready = True
            document.send_generation(connection)
            document.send_greeting(connection)
            self._service.access.joined(connection, epoch)
        except BaseException:
            self._leave()
            raise
        self.socket.take_updates(self._on_update, addressed=False)
        await self.socket.run(self._on_message, self._on_writable, self._on_end)

    def _on_end(self, error: Exception | None) -> None:
        self._leave()
        if error is not None:
            refuse(self._service.counts, self.socket, self._name, error)
        log.info("socket ended", extra={"connection": self._name})

    def _leave(self) -> None:
        self._service.dismiss(self)
        if self._joined is not None:
            self._service.hub.leave(*self._joined)
        if self._catching_up is not None:
            self._catching_up.cancel()

    def _on_message(self, frame: bytes) -> Coroutine[Any, Any, None] | None:
        self._budget.spend(1.0 + len(frame) * COST_PER_BYTE)
        message = ywebsocket.decode(frame)
        if type(message) is Unknown or self._joined is None:
            return None
        document, connection = self._joined
        return handle_message(
            self._service,
            document,
            connection,
            message,  # type: ignore[arg-type]
            self._budget,
            with_step1=False,
        )

    def _on_update(
        self, size: int, address: str | None, update: bytes, structs: tuple[Range, ...], deletes: tuple[Range, ...]
    ) -> Coroutine[Any, Any, None] | None:
        self._budget.spend(1.0 + size * COST_PER_BYTE)
        if self._joined is not None:
            handle_update(self._service, *self._joined, update, UpdateSummary(structs, deletes))
        return None

    def _on_too_large(self, beginning: bytes, size: int) -> None:
        self.close(too_large(self._service.settings.max_document_bytes))

    def _on_writable(self) -> None:
        if self._joined is None or not self._joined[1].has_unsent:
            return
        if self._catching_up is None or self._catching_up.done():
            self._catching_up = asyncio.get_running_loop().create_task(self._catch_up(*self._joined))

    async def _catch_up(self, document: LiveDocument, connection: DocumentConnection) -> None:
        try:
            await catch_up(self._service, document, connection)
        except CollabError as error:
            self.close(error)

    @property
    def tells_of_commits(self) -> bool:
        return self._acks

    def acknowledge(self, connection: DocumentConnection, count: int) -> None:
        self._acknowledged += count
        if self._acks:
            connection.send(ywebsocket.committed(self._acknowledged))

    def refuse(self, connection: DocumentConnection, reason: str) -> None:
        # The protocol has no answer to a single message. Stock clients print this one.
        if not self._warned:
            self._warned = True
            connection.send(ywebsocket.permission_denied(reason))

    def send_event(self, connection: DocumentConnection, event: dict[str, Any]) -> None:
        connection.send(ywebsocket.event(json.dumps(event)))

    def notify(self, connection: DocumentConnection, error: CollabError) -> None:
        # Stock clients print this message.
        connection.send(ywebsocket.permission_denied(error.close_reason))

    def access_changed(self, connection: DocumentConnection) -> None:
        if self._receives_events:
            self.send_event(connection, {"type": "role", "can_edit": connection.can_edit})
        if not connection.can_edit:
            self.refuse(connection, READ_ONLY)
        elif self._joined is not None:
            self._warned = False
            document, _ = self._joined
            document.request_missing(connection)

    def end(self, connection: DocumentConnection, error: CollabError) -> None:
        self.close(error)

    def close(self, error: CollabError) -> None:
        close_socket(self._service.counts, self.socket, self._name, error)

    def restart(self) -> None:
        self.socket.end(1012, "restarting: the server restarts; come back")

    def tick(self, now: float) -> None:
        if remaining(self._identity) <= 0:
            self.close(Unauthenticated("the token has expired"))
        elif now - self.socket.last_sent > KEEPALIVE_SECONDS and not self.socket.congested:
            self.socket.write(_ALIVE)

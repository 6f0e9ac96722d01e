"""An event stream: server-sent events to the client, POSTs from it. One document, the messages of y-websocket."""

import asyncio
import secrets
import time
from base64 import b64encode
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from collab_server.access.identity import Identity
from collab_server.access.policy import Action, Role, allowed
from collab_server.adapters.websocket.sse import EventStream
from collab_server.core.protocol import ywebsocket
from collab_server.core.protocol.messages import Awareness, QueryAwareness, SyncStep2, Unknown, Update
from collab_server.core.yjs.updates import decode_state_vector
from collab_server.errors import (
    CollabError,
    Forbidden,
    Malformed,
    StaleGeneration,
    TooLarge,
    Unauthenticated,
    Unavailable,
)
from collab_server.observability.logging import log
from collab_server.realtime.documents.document_connection import READ_ONLY, DocumentConnection
from collab_server.realtime.documents.live_document import LiveDocument
from collab_server.realtime.keepalive import KEEPALIVE_SECONDS, remaining
from collab_server.realtime.service import RealtimeService
from collab_server.realtime.sessions.message_handler import COST_PER_BYTE, catch_up, handle_message
from collab_server.realtime.sessions.refusal import close_socket

SILENT_SECONDS = 90.0
"""Clients renew their presence every 15 s, and once a minute in a background tab. A client that has not done so for
this long has gone without its network telling."""
MAX_EVENT_ID = 4096
FRAMES_PER_TURN = 64
"""Messages of one request that are handled in one turn of the event loop."""


class EventsSession:
    """Implements `Session` for event streams. `socket`: the response to the GET. `id`: names the stream in POSTs."""

    def __init__(self, service: RealtimeService, identity: Identity, document_id: UUID, client: str) -> None:
        """`client`: the IP address. Raises TooMany."""
        self.socket = EventStream()
        self.id = f"{service.replication.id.hex()}.{secrets.token_urlsafe(16)}"
        self.document_id = document_id
        self._service = service
        self._identity = identity
        self._joined: tuple[LiveDocument, DocumentConnection] | None = None
        self._warned = False
        self._refusal: str | None = None
        self._untold = 0
        """Messages with content in requests that were answered with a refusal."""
        self._receiving = asyncio.Lock()
        """Requests are handled one after the other."""
        self._catching_up: asyncio.Task[None] | None = None
        self._last_received = time.monotonic()
        service.admission.enter(self.socket, client)
        self._budget = service.admission.budget(self.socket)

    async def open(
        self,
        role: Role,
        *,
        device: str | None,
        agent: str,
        generation: int | None,
        state_vector: bytes,
        epoch: int,
        events: bool,
    ) -> None:
        """Join, and write the first events: the stream's id, the server's SyncStep1, everybody's presence, and what a
        client with this `state_vector` lacks.

        `events`: the client asked for live events.
        `generation` and `epoch`: see YWebsocketSession.run, which raises the same.
        """
        service = self._service
        try:
            service.admission.accept(self.socket, guest=self._identity.is_guest)
            service.admit(self)
            document, connection = self._joined = await service.hub.join(
                self,
                self._identity,
                self.document_id,
                address=None,
                can_edit=allowed(role, Action.EDIT),
                device=device,
                agent=agent,
                receives_events=events,
            )
            await service.loader.prepare_answer(document, state_vector)
            if generation is not None and generation != document.generation:
                raise StaleGeneration()
            if document.former_clients:
                document.check_generation(decode_state_vector(state_vector))
            self.socket.send_event("open", {"stream": self.id, "generation": document.generation, "role": role.label})
            connection.ready = True
            document.send_greeting(connection)
            document.answer_sync(connection, state_vector, with_step1=False)
            service.access.joined(connection, epoch)
            await self.socket.run(_receive_nothing, self._on_writable, self._on_end)
        except BaseException:
            self._leave()
            raise
        service.streams[self.id] = self
        log.info("socket opened", extra={"connection": self.id, "document": self.document_id, "protocol": "events"})

    def _on_end(self, error: Exception | None) -> None:
        self._leave()
        log.info("socket ended", extra={"connection": self.id})

    def _leave(self) -> None:
        self._service.dismiss(self)
        self._service.streams.pop(self.id, None)
        if self._joined is not None:
            self._service.hub.leave(*self._joined)
        if self._catching_up is not None:
            self._catching_up.cancel()

    # ---- messages of the client

    def is_of(self, identity: Identity, document_id: UUID) -> bool:
        """Whether the stream was opened by this identity, for this document."""
        return identity.bearer == self._identity.bearer and document_id == self.document_id

    async def handle(self, frames: Sequence[bytes]) -> int:
        """Handle the messages of one request and wait for their commit. Returns how many more messages with content are
        stored: also those that were refused before, once an answer has brought what they hold.

        Raises Forbidden and TooLarge for refused content, after the other messages were handled; Unavailable where it
        may not be committed. Malformed and TooMany end the stream.
        """
        assert self._joined is not None
        document, connection = self._joined
        async with self._receiving:
            self._service.hub.check_open()
            self._last_received = time.monotonic()
            self._refusal = None
            content = 0
            try:
                for number, frame in enumerate(frames):
                    if number % FRAMES_PER_TURN == FRAMES_PER_TURN - 1:
                        await asyncio.sleep(0)
                    content += await self._handle_frame(document, connection, frame)
                    if not connection.refused:
                        content, self._untold = content + self._untold, 0
            except CollabError as error:
                self.close(error)
                raise
            refusal, self._refusal = self._refusal, None
        if content:
            await self._service.group_commit.wait_committed(document)
        if document.replaced:
            raise document.replaced_error()
        if connection.key not in document.connections:
            raise Unavailable("the stream has ended; open another")
        if refusal is not None:
            self._untold += content
            raise Forbidden(refusal) if refusal == READ_ONLY else TooLarge(refusal)
        return content

    async def _handle_frame(self, document: LiveDocument, connection: DocumentConnection, frame: bytes) -> bool:
        self._budget.spend(1.0 + len(frame) * COST_PER_BYTE)
        message = ywebsocket.decode(frame)
        if type(message) is Unknown:
            return False
        pending = handle_message(
            self._service,
            document,
            connection,
            message,  # type: ignore[arg-type]
            self._budget,
            with_step1=False,
        )
        if pending is not None:
            await pending
        return isinstance(message, SyncStep2 | Update)

    def receive(self, bearer: str, frame: bytes) -> None:
        """Handle a presence frame that reached another node. That node writes content into the log itself."""
        if self._joined is None or bearer != self._identity.bearer:
            return
        document, connection = self._joined
        if connection.key not in document.connections:
            return
        try:
            message = ywebsocket.decode(frame)
            if not isinstance(message, Awareness | QueryAwareness):
                raise Malformed("only presence is passed on")
            self._last_received = time.monotonic()
            self._budget.spend(1.0 + len(frame) * COST_PER_BYTE)
            handle_message(self._service, document, connection, message, self._budget, with_step1=False)
        except CollabError as error:
            self.close(error)

    # ---- events to the client

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
        return False

    def acknowledge(self, connection: DocumentConnection, count: int) -> None:
        """The answer to the POST acknowledges."""

    def refuse(self, connection: DocumentConnection, reason: str) -> None:
        self._refusal = reason
        self._send_refusal(connection, reason)

    def _send_refusal(self, connection: DocumentConnection, reason: str) -> None:
        if not self._warned:
            self._warned = True
            connection.send(ywebsocket.permission_denied(reason))

    def send_event(self, connection: DocumentConnection, event: dict[str, Any]) -> None:
        self.socket.send_event("resync" if event["type"] == "resync" else "change", event)

    def notify(self, connection: DocumentConnection, error: CollabError) -> None:
        connection.send(ywebsocket.permission_denied(error.close_reason))

    def access_changed(self, connection: DocumentConnection) -> None:
        self.socket.send_event("role", {"can_edit": connection.can_edit})
        if not connection.can_edit:
            self._send_refusal(connection, READ_ONLY)
        elif self._joined is not None:
            self._warned = False
            document, _ = self._joined
            document.request_missing(connection)

    def end(self, connection: DocumentConnection, error: CollabError) -> None:
        self.close(error)

    def close(self, error: CollabError) -> None:
        close_socket(self._service.counts, self.socket, self.id, error)

    def restart(self) -> None:
        self.socket.end(1012, "restarting: the server restarts; come back")

    def tick(self, now: float) -> None:
        if remaining(self._identity) <= 0:
            self.close(Unauthenticated("the token has expired"))
            return
        if self._joined is None:
            return
        document, connection = self._joined
        if now - self._last_received > SILENT_SECONDS and document.presence.owned_by(connection.key):
            self.socket.end(1001, "silent: nothing was heard of the client; come back")
        elif now - self.socket.last_sent > KEEPALIVE_SECONDS and not self.socket.congested:
            self.socket.send_keepalive(_last_event_id(document, connection))


def _last_event_id(document: LiveDocument, connection: DocumentConnection) -> str | None:
    """The clocks of a client that has read everything before, with which it may reconnect; None if too long."""
    if connection.lagging_from is not None or not document.is_flushed:
        return None
    state_vector = b64encode(document.room.state_vector()).decode()
    return state_vector if len(state_vector) <= MAX_EVENT_ID else None


def _receive_nothing(message: bytes) -> None:
    raise AssertionError("a response carries nothing inwards")

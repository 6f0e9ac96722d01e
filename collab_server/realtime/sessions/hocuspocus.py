"""A Hocuspocus socket: many documents, each address with its own login, acknowledgements and end.

Messages of one address are handled strictly in order. Messages after a Token wait for the decision on it; see
attachments.py. A Close ends the address at once, whatever waits.

Over 300 lines: the socket and the session of its documents are one object for the rooms.
"""

import asyncio
import json
import time
from collections.abc import Coroutine
from typing import Any

from collab_server.access.identity import Authenticator
from collab_server.adapters.websocket.frame_parser import Outgoing
from collab_server.adapters.websocket.socket import Socket
from collab_server.core.protocol import hocuspocus
from collab_server.core.protocol.messages import Close, HocuspocusMessage, Ping, Pong, Stateless, Token, Unknown, Update
from collab_server.core.protocol.ywebsocket import EMPTY_AWARENESS
from collab_server.core.yjs.inspection import Range, UpdateSummary
from collab_server.core.yjs.lib0 import Reader
from collab_server.errors import (
    CollabError,
    DocumentBlocked,
    DocumentDamaged,
    Malformed,
    StaleGeneration,
    TooLarge,
    TooMany,
    Unavailable,
)
from collab_server.features.documents.addresses import Addresses
from collab_server.observability.logging import log
from collab_server.realtime.documents.document_connection import DocumentConnection, addressed
from collab_server.realtime.documents.live_document import LiveDocument
from collab_server.realtime.keepalive import KEEPALIVE_SECONDS
from collab_server.realtime.service import RealtimeService
from collab_server.realtime.sessions.attachment import Attachment, Client, cut
from collab_server.realtime.sessions.attachments import Attachments
from collab_server.realtime.sessions.message_handler import (
    COST_PER_BYTE,
    catch_up,
    handle_message,
    handle_update,
)
from collab_server.realtime.sessions.refusal import close_socket, refuse, too_large

FIRST_MESSAGE_BYTES = 1_048_576
"""Largest message of a socket before its first accepted login."""
MAX_STATELESS_BYTES = 262_144
MAX_BAD_MESSAGES = 10
"""Each malformed message ends one document of the socket; this many end the socket."""
LOGIN_SECONDS = 30.0
"""A socket without an accepted login is closed after this time."""

_PING = Outgoing((hocuspocus.PING,))
_PONG = Outgoing((hocuspocus.PONG,))


class HocuspocusSession:
    """Implements `Session` for the Hocuspocus protocol."""

    def __init__(
        self,
        service: RealtimeService,
        socket: Socket,
        authenticator: Authenticator,
        addresses: Addresses,
        client: Client,
    ) -> None:
        self.socket = socket
        self._service = service
        self._client = client
        self._attachments = Attachments(service, self, authenticator, addresses, client)
        self._bad_messages = 0
        self._pings = False
        """The client answers pings: it told its version."""
        self._opened = time.monotonic()
        self._is_accepted = False
        """Whether a login was accepted."""
        self._catching_up: asyncio.Task[None] | None = None
        self._budget = service.admission.budget(socket)

    async def run(self) -> None:
        """Serve the socket until it ends; returns at once if the socket runs without its caller.

        Raises Unavailable while the process takes no sockets.
        """
        self._service.admit(self)
        self.socket.limit_messages(FIRST_MESSAGE_BYTES)
        self.socket.take_updates(self._on_update, addressed=True)
        await self.socket.run(self._on_message, self._on_writable, self._on_end)

    def _on_end(self, error: Exception | None) -> None:
        self._service.dismiss(self)
        self._attachments.detach_all()
        if self._catching_up is not None:
            self._catching_up.cancel()
        if error is not None:
            refuse(self._service.counts, self.socket, self._client.name, error)
        log.info("socket ended", extra={"connection": self._client.name})

    # ---- messages of the client

    def _on_message(self, frame: bytes) -> Coroutine[Any, Any, None] | None:
        self._budget.spend(1.0 + len(frame) * COST_PER_BYTE)
        try:
            address, message = hocuspocus.decode(frame)
        except Malformed as error:
            self._end_malformed(_address_in(frame), error)
            return None
        if address is None:
            if type(message) is Ping and not self.socket.congested:
                self.socket.write(_PONG)
            return None
        attachments = self._attachments
        attachment = attachments.find(address)
        if attachment is None:
            # Other messages without a login are ignored; the client repeats them after its token was accepted.
            return self._log_in(address, message, len(frame)) if type(message) is Token else None
        if type(message) is Close:
            # No answer: a provider that attaches again at once would apply it to its new attachment.
            attachments.detach(address)
            return None
        if attachment.login is not None:
            return self._put(attachment, message, len(frame))
        return self.handle(address, attachment, message)

    def _on_update(
        self, size: int, address: str | None, update: bytes, structs: tuple[Range, ...], deletes: tuple[Range, ...]
    ) -> Coroutine[Any, Any, None] | None:
        self._budget.spend(1.0 + size * COST_PER_BYTE)
        attachment = self._attachments.find(address)
        if address is None or attachment is None:
            return None
        if attachment.login is not None:
            return self._put(attachment, Update(update), size)
        assert attachment.joined is not None
        try:
            handle_update(self._service, *attachment.joined, update, UpdateSummary(structs, deletes))
        except StaleGeneration as error:
            self._end_document(address, error)
        return None

    def _put(self, attachment: Attachment, message: HocuspocusMessage, size: int) -> Coroutine[Any, Any, None] | None:
        """Keep a message until the attachment's login is decided."""
        self._attachments.put(attachment, message, size)
        return self._attachments.wait_until_read() if self._attachments.is_full else None

    def _log_in(self, address: str, token: Token, size: int) -> Coroutine[Any, Any, None] | None:
        if size > hocuspocus.MAX_ADDRESS_BYTES and len(address.encode()) > hocuspocus.MAX_ADDRESS_BYTES:
            self._refuse_long_address(address)
            return None
        self._pings = self._pings or token.version is not None
        self._attachments.log_in(address, token)
        return self._attachments.wait_until_read() if self._attachments.is_full else None

    def _refuse_long_address(self, address: str) -> None:
        """Refuse one address; the other documents of the socket continue."""
        self._bad_messages += 1
        error = Malformed(f"an address may have at most {hocuspocus.MAX_ADDRESS_BYTES} bytes")
        if self._bad_messages > MAX_BAD_MESSAGES:
            raise error
        self._service.counts.errors[error.code] += 1
        self.socket.write(Outgoing((hocuspocus.permission_denied(address, error.close_reason),)))

    def _on_too_large(self, beginning: bytes, size: int) -> None:
        """A message was dropped. Its document ends on this socket, because the provider would send it again."""
        try:
            self._budget.spend(1.0 + size * COST_PER_BYTE)
        except TooMany as error:
            self.close(error)
            return
        attachment = self._attachments.find(_address_in(beginning))
        if attachment is not None and attachment.joined is not None:
            self.end(attachment.joined[1], too_large(self._service.settings.max_document_bytes))

    def handle(
        self, address: str, attachment: Attachment, message: HocuspocusMessage
    ) -> Coroutine[Any, Any, None] | None:
        """Handle a message for a document that has been joined; see `handle_message`."""
        assert attachment.joined is not None
        document, connection = attachment.joined
        if type(message) is Token:
            return self._attachments.renew(address, attachment, message)
        if type(message) is Stateless:
            self._relay(document, connection, message)
            return None
        if isinstance(message, Unknown | Pong | Ping | Close | Token | Stateless):
            return None
        try:
            pending = handle_message(self._service, document, connection, message, self._budget, with_step1=True)
        except (Malformed, StaleGeneration) as error:
            self._end_document(address, error)
            return None
        return None if pending is None else self._guard(address, pending)

    def _relay(self, document: LiveDocument, connection: DocumentConnection, message: Stateless) -> None:
        """Send a stateless message to everybody in the document, on every node."""
        if len(message.payload) > MAX_STATELESS_BYTES:
            self._service.counts.errors[TooLarge.code] += 1
            self.notify(connection, TooLarge(f"a stateless message may have at most {MAX_STATELESS_BYTES} characters"))
            return
        self._budget.spend(len(document.connections) * len(message.payload) * COST_PER_BYTE)
        document.broadcast(message.payload)
        self._service.replication.publish_stateless(document, message.payload)

    async def _guard(self, address: str, pending: Coroutine[Any, Any, None]) -> None:
        try:
            await pending
        except (Malformed, DocumentDamaged, StaleGeneration) as error:
            self._end_document(address, error)

    def _end_document(self, address: str, error: CollabError) -> None:
        if isinstance(error, Malformed):
            self._end_malformed(address, error)
        elif (attachment := self._attachments.find(address)) is not None and attachment.joined is not None:
            self.end(attachment.joined[1], error)

    def _end_malformed(self, address: str | None, error: Malformed) -> None:
        """End the document of a malformed message. Without a document, or too often, raises the error."""
        self._bad_messages += 1
        if address is None or self._attachments.find(address) is None or self._bad_messages > MAX_BAD_MESSAGES:
            raise error
        self._service.counts.errors[error.code] += 1
        log.info(
            "document closed: bad message",
            extra={"connection": self._client.name, "address": cut(address), "reason": error.detail},
        )
        self._attachments.detach(address)
        self.socket.write(Outgoing((hocuspocus.close(address, error.close_reason),)))

    # ---- messages to the client

    def on_accepted(self, connection: DocumentConnection) -> None:
        """Lift the limits for sockets without a login, and tell the client what it may do."""
        if not self._is_accepted:
            self._is_accepted = True
            self.socket.limit_messages(None)
            self.socket.allow_large(self._service.settings.largest_message, self._on_too_large)
        self._send_scope(connection)

    def _on_writable(self) -> None:
        if self._catching_up is None or self._catching_up.done():
            self._catching_up = asyncio.get_running_loop().create_task(self._catch_up())

    async def _catch_up(self) -> None:
        for attachment in self._attachments:
            if self.socket.congested:
                return
            if attachment.joined is not None and attachment.joined[1].has_unsent:
                document, connection = attachment.joined
                try:
                    await catch_up(self._service, document, connection)
                except Unavailable as error:
                    self.close(error)
                    return
                except CollabError as error:
                    self.end(connection, error)

    @property
    def tells_of_commits(self) -> bool:
        return True

    def acknowledge(self, connection: DocumentConnection, count: int) -> None:
        assert connection.address is not None
        self.socket.write(Outgoing((hocuspocus.sync_status(connection.address, saved=True),) * count))

    def refuse(self, connection: DocumentConnection, reason: str) -> None:
        assert connection.address is not None
        # The client counts what is saved, and keeps the rest anyway.
        if not self.socket.congested:
            self.socket.write(Outgoing((hocuspocus.sync_status(connection.address, saved=False),)))

    def send_event(self, connection: DocumentConnection, event: dict[str, Any]) -> None:
        assert connection.address is not None
        self.socket.write(Outgoing((hocuspocus.stateless(connection.address, json.dumps(event)),)))

    def notify(self, connection: DocumentConnection, error: CollabError) -> None:
        assert connection.address is not None
        if not self.socket.congested:
            self.socket.write(Outgoing((hocuspocus.notice(connection.address, error.code, error.detail),)))

    def access_changed(self, connection: DocumentConnection) -> None:
        self._send_scope(connection)
        attachment = self._attachments.find(connection.address)
        if connection.can_edit and attachment is not None and attachment.joined is not None:
            document, joined = attachment.joined
            if joined is connection:
                document.request_missing(connection)

    def _send_scope(self, connection: DocumentConnection) -> None:
        assert connection.address is not None
        scope: hocuspocus.Scope = "read-write" if connection.can_edit else "readonly"
        self.socket.write(Outgoing((hocuspocus.authenticated(connection.address, scope),)))

    def end(self, connection: DocumentConnection, error: CollabError) -> None:
        assert connection.address is not None
        attachment = self._attachments.find(connection.address)
        if isinstance(error, DocumentBlocked) and len(self._attachments) == 1:
            # A stock client reconnects after the end of its socket, but not after that of a document on it.
            self.close(error)
        elif attachment is not None and attachment.joined is not None and attachment.joined[1] is connection:
            self._service.counts.errors[error.code] += 1
            self._attachments.detach(connection.address)
            self.socket.write(Outgoing((hocuspocus.close(connection.address, error.close_reason),)))

    def close(self, error: CollabError) -> None:
        close_socket(self._service.counts, self.socket, self._client.name, error)

    def restart(self) -> None:
        self.socket.end(1012, "restarting: the server restarts; come back")

    def tick(self, now: float) -> None:
        if not self._is_accepted and now - self._opened > LOGIN_SECONDS:
            self.socket.end(4408, "login_timeout: nobody logged in")
            return
        self._attachments.tick()
        if now - self.socket.last_sent > KEEPALIVE_SECONDS and not self.socket.congested:
            if self._pings:
                self.socket.write(_PING)
            elif (address := self._attachments.first_address()) is not None:
                self.socket.write(Outgoing(addressed(address, (EMPTY_AWARENESS,))))


def _address_in(frame: bytes) -> str | None:
    """The address of a frame, or of the beginning of one; None where it cannot be read."""
    try:
        if Reader(frame).var_uint() > hocuspocus.MAX_ADDRESS_BYTES:
            return None
        return Reader(frame).var_string()
    except Malformed:
        return None

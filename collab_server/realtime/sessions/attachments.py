"""The addresses of a Hocuspocus socket: logging in, joining the document, renewing the token, leaving.

Messages that come for an address while its login is decided wait until then. After a refusal they are dropped, up to
the next Token.
"""

import asyncio
import logging
from collections.abc import Coroutine, Iterator
from typing import Any, Protocol

from collab_server.access.identity import Authenticator, Identity, asked_to_sign_in
from collab_server.access.links import is_link_token
from collab_server.access.policy import Action, allowed
from collab_server.adapters.fair_queue import address_of, on_behalf_of
from collab_server.adapters.websocket.frame_parser import Outgoing
from collab_server.core.protocol import hocuspocus
from collab_server.core.protocol.messages import HocuspocusMessage, Token
from collab_server.errors import CollabError, DocumentBlocked, NotFound, TooMany, Unauthenticated, Unavailable
from collab_server.features.documents.addresses import Addresses
from collab_server.observability.logging import log
from collab_server.realtime.documents.document_connection import DocumentConnection, Session
from collab_server.realtime.keepalive import remaining
from collab_server.realtime.service import RealtimeService
from collab_server.realtime.sessions.attachment import Attachment, Client, cut

SHARE_PREFIX = "share:"
MAX_ADDRESSES = 10_000
MAX_WAITING_BYTES = 4_000_000
"""Bytes of messages that wait for logins. With more the socket is not read until a login is decided."""
WAITING_OVERHEAD = 200
"""Bytes that a waiting message takes besides its own."""
MAX_LOGINS = 32
"""Concurrent logins of a socket. With so many it is not read until one is decided."""
REFUSALS_LOGGED = 20
"""Refused logins of a socket that are logged at level info; further ones at level debug."""
RENEW_SECONDS = 30.0
"""How long before its expiry a token is requested again."""


class AttachingSession(Session, Protocol):
    """The session that owns the attachments."""

    def handle(
        self, address: str, attachment: Attachment, message: HocuspocusMessage
    ) -> Coroutine[Any, Any, None] | None:
        """Handle a message for a document that has been joined."""
        ...

    def on_accepted(self, connection: DocumentConnection) -> None:
        """Called when a connection has joined, before anything else is sent to it."""
        ...


class Attachments:
    """The attachments of one socket, by address."""

    def __init__(
        self,
        service: RealtimeService,
        session: AttachingSession,
        authenticator: Authenticator,
        addresses: Addresses,
        client: Client,
    ) -> None:
        self._service = service
        self._session = session
        self._authenticator = authenticator
        self._addresses = addresses
        self._client = client
        self._by_address: dict[str, Attachment] = {}
        self._expiring: set[str] = set()
        """Addresses whose token expires."""
        self._waiting_bytes = 0
        self._logins = 0
        self._decided: asyncio.Event | None = None
        """Set when a login is decided; made by whoever waits for that."""
        self._refused = 0

    def __len__(self) -> int:
        return len(self._by_address)

    def __iter__(self) -> Iterator[Attachment]:
        """Iterate over the present attachments; they may be detached meanwhile."""
        return iter(list(self._by_address.values()))

    def find(self, address: str | None) -> Attachment | None:
        return None if address is None else self._by_address.get(address)

    def first_address(self) -> str | None:
        return next(iter(self._by_address), None)

    # ---- waiting

    @property
    def is_full(self) -> bool:
        """Whether the socket must wait for a login before it is read on."""
        return self._logins >= MAX_LOGINS or self._waiting_bytes > MAX_WAITING_BYTES

    def put(self, attachment: Attachment, message: HocuspocusMessage, size: int) -> None:
        """Keep a message of `size` bytes until the attachment's login is decided."""
        self._put(attachment, message, size + WAITING_OVERHEAD)

    def _put(self, attachment: Attachment, message: HocuspocusMessage, size: int) -> None:
        self._waiting_bytes += size
        attachment.waiting.append((message, size))

    async def wait_until_read(self) -> None:
        """Wait until fewer logins run and fewer messages wait for them."""
        while self._logins and self.is_full:
            self._decided = self._decided or asyncio.Event()
            self._decided.clear()
            await self._decided.wait()

    # ---- logging in

    def log_in(self, address: str, token: Token) -> None:
        """Begin to log in at an address that is not attached. Raises TooMany."""
        if len(self._by_address) >= MAX_ADDRESSES:
            raise TooMany(f"a socket may hold at most {MAX_ADDRESSES} documents")
        self._logins += 1
        task = asyncio.get_running_loop().create_task(self._decide(address, token))
        task.add_done_callback(self._on_decided)
        self._by_address[address] = Attachment(task)

    def _on_decided(self, task: asyncio.Task[None]) -> None:
        self._logins -= 1
        if self._decided is not None:
            self._decided.set()

    async def _decide(self, address: str, token: Token) -> None:
        attachment = self._by_address[address]
        try:
            await self._accept(address, attachment, token)
        except Unavailable as error:
            if isinstance(error, DocumentBlocked) and len(self._by_address) > 1:
                self._refuse(address, attachment, error)
            else:
                self._session.close(error)
        except CollabError as error:
            self._refuse(address, attachment, error)
        except Exception:
            log.exception("a login failed", extra={"connection": self._client.name, "address": cut(address)})
            self._session.close(Unavailable("an internal error; come back later"))

    async def _accept(self, address: str, attachment: Attachment, token: Token) -> None:
        service, session, client = self._service, self._session, self._client
        async with service.join_slots.held(client.ip, client.name):
            epoch = service.access.epoch
            identity = await self._identify(token)
            on_behalf_of.set(identity.counted_as(address_of(client.ip)))
            name, _ = hocuspocus.split_address(address)
            with asked_to_sign_in(identity):
                resolved = await self._addresses.resolve(identity, name, create=True)
            service.admission.accept(session.socket, guest=identity.is_guest)
            document, connection = await service.hub.join(
                session,
                identity,
                resolved.document_id,
                address=address,
                can_edit=allowed(resolved.role, Action.EDIT),
                device=client.device,
                agent=client.agent,
                receives_events=client.events,
            )
        if self._by_address.get(address) is not attachment:
            service.hub.leave(document, connection)
            return
        attachment.joined = document, connection
        self._note_expiry(address, identity)
        session.on_accepted(connection)
        connection.ready = True
        document.send_generation(connection)
        document.send_presence(connection)
        service.access.joined(connection, epoch)
        log.info("document opened", extra={"connection": client.name, "document": resolved.document_id})
        while attachment.waiting:
            message, size = attachment.waiting.popleft()
            self._waiting_bytes -= size
            pending = session.handle(address, attachment, message)
            if pending is not None:
                await pending
            if self._by_address.get(address) is not attachment:
                return
        attachment.login = None

    async def _identify(self, token: Token) -> Identity:
        """Identify the client by the message's token (`share:` and the token of a link, too), or by the socket where
        the token is empty.
        """
        if not token.token:
            return await self._client.without_token()
        if token.token.startswith(SHARE_PREFIX):
            return await self._client.with_share(token.token.removeprefix(SHARE_PREFIX))
        if is_link_token(token.token):
            return await self._client.with_share(token.token)
        return await self._authenticator.identify(token.token)

    def _refuse(self, address: str, attachment: Attachment, error: CollabError) -> None:
        if self._by_address.get(address) is not attachment:
            return
        self._service.counts.errors[error.code] += 1
        self._refused += 1
        log.log(
            logging.INFO if self._refused <= REFUSALS_LOGGED else logging.DEBUG,
            "login refused",
            extra={
                "connection": self._client.name,
                "address": cut(address),
                "code": error.code,
                "reason": error.detail,
            },
        )
        waiting = attachment.waiting
        attachment.login = None
        self.detach(address)
        self._session.socket.write(Outgoing((hocuspocus.permission_denied(address, error.close_reason),)))
        # Messages sent with the refused token are dropped; a later token starts anew.
        while waiting:
            message, _ = waiting.popleft()
            if type(message) is Token:
                self.log_in(address, message)
                fresh = self._by_address[address]
                for later, later_size in waiting:
                    self._put(fresh, later, later_size)
                return

    # ---- renewal and the end

    async def renew(self, address: str, attachment: Attachment, token: Token) -> None:
        """Take a new token for a document that is open.

        The address may name another document by now, or for another person. Then the document is closed.
        """
        assert attachment.joined is not None
        document, connection = attachment.joined
        epoch = self._service.access.epoch
        try:
            identity = await self._identify(token)
            name, _ = hocuspocus.split_address(address)
            resolved = await self._addresses.resolve(identity, name, create=False)
            if resolved.document_id != document.id:
                raise NotFound("this address names another document now")
        except Unavailable:
            attachment.renewal_requested = False
            return
        except CollabError as error:
            self._session.end(connection, error)
            return
        if self._by_address.get(address) is not attachment:
            return
        can_edit = allowed(resolved.role, Action.EDIT)
        changed, connection.can_edit = can_edit != connection.can_edit, can_edit
        if identity.person == connection.identity.person:
            connection.identity = identity
        else:
            self._service.hub.hand_over(document, connection, identity)
            connection.on_behalf_of = identity.counted_as(address_of(self._client.ip))
        if changed:
            self._session.access_changed(connection)
        self._service.access.joined(connection, epoch)
        attachment.renewal_requested = False
        self._note_expiry(address, identity)

    def _note_expiry(self, address: str, identity: Identity) -> None:
        if identity.expires_at is None:
            self._expiring.discard(address)
        else:
            self._expiring.add(address)

    def tick(self) -> None:
        """Request tokens that expire soon, and end connections whose token has expired."""
        for address in list(self._expiring):
            attachment = self._by_address[address]
            if attachment.joined is None:
                continue
            _, connection = attachment.joined
            left = remaining(connection.identity)
            if left <= 0:
                self._session.end(connection, Unauthenticated("the token has expired"))
            elif left < RENEW_SECONDS and not attachment.renewal_requested:
                attachment.renewal_requested = True
                self._session.socket.write(Outgoing((hocuspocus.token_request(address),)))

    def detach(self, address: str) -> None:
        """Leave the document of an address, or cancel its login."""
        attachment = self._by_address.pop(address)
        self._expiring.discard(address)
        self._waiting_bytes -= sum(size for _, size in attachment.waiting)
        login, attachment.login = attachment.login, None
        if login is not None and login is not asyncio.current_task():
            login.cancel()
        if attachment.joined is not None:
            self._service.hub.leave(*attachment.joined)

    def detach_all(self) -> None:
        for address in list(self._by_address):
            self.detach(address)

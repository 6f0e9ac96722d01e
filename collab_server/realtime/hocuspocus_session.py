"""A Hocuspocus client: many documents on one socket, each address with its own login, acknowledgements and end.

Messages of an address are handled strictly in order: what follows a Token waits for its verdict, what follows a
refusal is dropped up to the next Token, and a Close ends the address at once, whatever was waiting.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from collab_server.access.identity import Authenticator, Identity, asked_to_sign_in
from collab_server.access.policy import Action, allowed
from collab_server.backends.fair_queue import address_of, on_behalf_of
from collab_server.crdt import hocuspocus
from collab_server.crdt.messages import (
    Close,
    HocuspocusMessage,
    Ping,
    Pong,
    Stateless,
    Token,
    Unknown,
)
from collab_server.crdt.ywebsocket import EMPTY_AWARENESS
from collab_server.documents.addresses import Addresses
from collab_server.errors import (
    CollabError,
    DocumentBlocked,
    DocumentDamaged,
    Malformed,
    NotFound,
    TooLarge,
    TooMany,
    Unauthenticated,
    Unavailable,
)
from collab_server.realtime.attachment import Attachment, address_in, cut
from collab_server.realtime.hub import Hub
from collab_server.realtime.keepalive import KEEPALIVE_SECONDS, remaining
from collab_server.realtime.member import Member, addressed
from collab_server.realtime.refusal import refuse, too_large
from collab_server.realtime.traffic import COST_PER_BYTE, catch_up, handle
from collab_server.telemetry import log
from collab_server.transport.frames import Outgoing
from collab_server.transport.socket import Socket

MAX_ADDRESSES = 10_000
MAX_WAITING_BYTES = 4_000_000
"""Messages that wait for the verdict on a login; beyond it the socket is not read until there is one."""
WAITING_OVERHEAD = 200
"""Bytes that a waiting message takes besides its own."""
MAX_LOGINS = 32
"""Logins of a socket that are being decided; with so many it is not read until one is."""
FIRST_MESSAGE_BYTES = 1_048_576
"""Largest message of a socket on which nobody has been accepted."""
MAX_STATELESS_BYTES = 262_144
REFUSALS_LOGGED = 20
"""Refused logins of a socket that are logged at level info; further ones at level debug."""
MAX_BAD_MESSAGES = 10
"""Malformed messages each end one document on the socket; so many end the socket."""
LOGIN_SECONDS = 30.0
"""A socket on which nobody has logged in for so long is closed."""
RENEW_SECONDS = 30.0
"""How long before its expiry a token is asked for again."""

_PING = Outgoing((hocuspocus.PING,))
_PONG = Outgoing((hocuspocus.PONG,))


class HocuspocusSession:
    def __init__(
        self,
        hub: Hub,
        socket: Socket,
        authenticator: Authenticator,
        addresses: Addresses,
        *,
        without_token: Callable[[], Awaitable[Identity]],
        device: str | None,
        agent: str = "",
        connection: str,
        client: str,
    ) -> None:
        """`client`: its IP address. `connection`: its name in the log."""
        self.socket = socket
        self._hub = hub
        self._authenticator = authenticator
        self._addresses = addresses
        self._without_token = without_token
        self._device = device
        self._agent = agent
        self._connection = connection
        self._client = client
        self._attachments: dict[str, Attachment] = {}
        self._expiring: set[str] = set()
        self._waiting_bytes = 0
        self._logins = 0
        self._decided: asyncio.Event | None = None
        """Set when a login is decided; made by whoever waits for that."""
        self._refused_logins = 0
        self._bad_messages = 0
        self._pings = False
        self._opened = time.monotonic()
        self._anyone = False
        self._catching_up: asyncio.Task[None] | None = None
        self._budget = hub.admission.budget(socket)

    async def run(self) -> None:
        """Serve the socket until it ends; returns at once where the socket lives without its caller.

        Raises what forbids it to begin.
        """
        self._hub.admit(self)
        self.socket.limit_messages(FIRST_MESSAGE_BYTES)
        await self.socket.run(self._on_message, self._on_writable, self._ended)

    def _ended(self, error: Exception | None) -> None:
        self._hub.dismiss(self)
        for address in list(self._attachments):
            self._detach(address)
        if self._catching_up is not None:
            self._catching_up.cancel()
        if error is not None:
            refuse(self._hub, self.socket, self._connection, error)
        log.info("socket ended", extra={"connection": self._connection})

    # ---- inwards

    def _on_message(self, frame: bytes) -> Coroutine[Any, Any, None] | None:
        self._budget.spend(1.0 + len(frame) * COST_PER_BYTE)
        try:
            address, message = hocuspocus.decode(frame)
        except Malformed as error:
            self._bad(address_in(frame), error)
            return None
        if address is None:
            if type(message) is Ping and not self.socket.congested:
                self.socket.write(_PONG)
            return None
        attachment = self._attachments.get(address)
        if attachment is None:
            # Without a token nothing counts; the client says all of it again after its token was accepted.
            if type(message) is Token:
                if len(frame) > hocuspocus.MAX_ADDRESS_BYTES and len(address.encode()) > hocuspocus.MAX_ADDRESS_BYTES:
                    self._refuse_long(address)
                    return None
                self._log_in(address, message)
                if self._logins >= MAX_LOGINS:
                    return self._wait_for_verdict()
            return None
        if type(message) is Close:
            # No answer: a provider that attaches again at once would take it for the end of its new life.
            self._detach(address)
            return None
        if attachment.login is not None:
            self._wait(attachment, message, len(frame) + WAITING_OVERHEAD)
            return self._wait_for_verdict() if self._waiting_bytes > MAX_WAITING_BYTES else None
        return self._handle(address, attachment, message)

    def _too_large(self, beginning: bytes, size: int) -> None:
        """A message that was dropped. Its document ends on this socket, for the provider would send it again."""
        try:
            self._budget.spend(1.0 + size * COST_PER_BYTE)
        except TooMany as error:
            self.close(error)
            return
        address = address_in(beginning)
        attachment = self._attachments.get(address) if address is not None else None
        if attachment is not None and attachment.member is not None:
            self.end(attachment.member, too_large(self._hub.settings.max_document_bytes))

    def _wait(self, attachment: Attachment, message: HocuspocusMessage, size: int) -> None:
        self._waiting_bytes += size
        attachment.waiting.append((message, size))

    async def _wait_for_verdict(self) -> None:
        """Wait until fewer logins are being decided and fewer messages wait for them. Pauses reading."""
        while self._logins and (self._logins >= MAX_LOGINS or self._waiting_bytes > MAX_WAITING_BYTES):
            self._decided = self._decided or asyncio.Event()
            self._decided.clear()
            await self._decided.wait()

    def _handle(
        self, address: str, attachment: Attachment, message: HocuspocusMessage
    ) -> Coroutine[Any, Any, None] | None:
        member = attachment.member
        assert member is not None
        if type(message) is Token:
            return self._renew(address, attachment, message)
        if type(message) is Stateless:
            if len(message.payload) > MAX_STATELESS_BYTES:
                self._hub.counts.errors[TooLarge.code] += 1
                self.tell(member, TooLarge(f"a stateless message may have at most {MAX_STATELESS_BYTES} characters"))
                return None
            self._budget.spend(len(member.document.members) * len(message.payload) * COST_PER_BYTE)
            member.document.broadcast(message.payload)
            self._hub.nodes.tell_stateless(member.document, message.payload)
            return None
        if isinstance(message, Unknown | Pong | Ping | Close | Token | Stateless):
            return None
        try:
            pending = handle(self._hub, member, message, self._budget, step1_back=True)
        except Malformed as error:
            self._bad(address, error)
            return None
        return None if pending is None else self._guarded(address, pending)

    async def _guarded(self, address: str, pending: Coroutine[Any, Any, None]) -> None:
        try:
            await pending
        except Malformed as error:
            self._bad(address, error)
        except DocumentDamaged as error:
            if (attachment := self._attachments.get(address)) is not None and attachment.member is not None:
                self.end(attachment.member, error)

    def _bad(self, address: str | None, error: Malformed) -> None:
        """A message that cannot be read ends its document; without one, or too often, the socket."""
        self._bad_messages += 1
        attachment = self._attachments.get(address) if address is not None else None
        if address is None or attachment is None or self._bad_messages > MAX_BAD_MESSAGES:
            raise error
        self._hub.counts.errors[error.code] += 1
        log.info(
            "document closed: bad message",
            extra={"connection": self._connection, "address": cut(address), "reason": error.detail},
        )
        self._detach(address)
        self.socket.write(Outgoing((hocuspocus.close(address, error.close_reason),)))

    # ---- logins

    def _log_in(self, address: str, token: Token) -> None:
        if len(self._attachments) >= MAX_ADDRESSES:
            raise TooMany(f"a socket may hold at most {MAX_ADDRESSES} documents")
        self._pings = self._pings or token.version is not None
        self._logins += 1
        task = asyncio.get_running_loop().create_task(self._decide(address, token))
        task.add_done_callback(self._login_decided)
        self._attachments[address] = Attachment(task)

    def _refuse_long(self, address: str) -> None:
        """The other documents of the socket go on."""
        self._bad_messages += 1
        error = Malformed(f"an address may have at most {hocuspocus.MAX_ADDRESS_BYTES} bytes")
        if self._bad_messages > MAX_BAD_MESSAGES:
            raise error
        self._hub.counts.errors[error.code] += 1
        self.socket.write(Outgoing((hocuspocus.permission_denied(address, error.close_reason),)))

    def _login_decided(self, task: asyncio.Task[None]) -> None:
        self._logins -= 1
        if self._decided is not None:
            self._decided.set()

    async def _decide(self, address: str, token: Token) -> None:
        attachment = self._attachments[address]
        try:
            await self._accept(address, attachment, token)
        except Unavailable as error:
            if isinstance(error, DocumentBlocked) and len(self._attachments) > 1:
                self._refuse_login(address, attachment, error)
            else:
                self.close(error)
        except CollabError as error:
            self._refuse_login(address, attachment, error)
        except Exception:
            log.exception("a login failed", extra={"connection": self._connection, "address": cut(address)})
            self.close(Unavailable("an internal error; come back later"))

    async def _accept(self, address: str, attachment: Attachment, token: Token) -> None:
        async with self._hub.join_slots.held(self._client, self._connection):
            epoch = self._hub.access.epoch
            identity = await self._identify(token)
            on_behalf_of.set(identity.counted_as(address_of(self._client)))
            name, _ = hocuspocus.split_address(address)
            with asked_to_sign_in(identity):
                resolved = await self._addresses.resolve(identity, name, create=True)
            self._hub.admission.accept(self.socket, guest=identity.kind == "guest")
            can_edit = allowed(resolved.role, Action.EDIT)
            member = await self._hub.join(
                self,
                identity,
                resolved.document_id,
                address=address,
                can_edit=can_edit,
                device=self._device,
                agent=self._agent,
            )
        if self._attachments.get(address) is not attachment:
            self._hub.leave(member)
            return
        attachment.member = member
        if not self._anyone:
            self._anyone = True
            self.socket.limit_messages(None)
            self.socket.allow_large(self._hub.settings.largest_message, self._too_large)
        if identity.expires_at is not None:
            self._expiring.add(address)
        self._tell_scope(member)
        member.ready = True
        member.document.send_presence(member)
        self._hub.access.joined(member, epoch)
        log.info("document opened", extra={"connection": self._connection, "document": resolved.document_id})
        while attachment.waiting:
            message, size = attachment.waiting.popleft()
            self._waiting_bytes -= size
            pending = self._handle(address, attachment, message)
            if pending is not None:
                await pending
            if self._attachments.get(address) is not attachment:
                return
        attachment.login = None

    async def _identify(self, token: Token) -> Identity:
        """A message's token wins; without one, the socket itself tells: by header, query, cookie, or as a guest."""
        return await (self._authenticator.identify(token.token) if token.token else self._without_token())

    def _refuse_login(self, address: str, attachment: Attachment, error: CollabError) -> None:
        if self._attachments.get(address) is not attachment:
            return
        self._hub.counts.errors[error.code] += 1
        self._refused_logins += 1
        log.log(
            logging.INFO if self._refused_logins <= REFUSALS_LOGGED else logging.DEBUG,
            "login refused",
            extra={
                "connection": self._connection,
                "address": cut(address),
                "code": error.code,
                "reason": error.detail,
            },
        )
        waiting = attachment.waiting
        attachment.login = None
        self._detach(address)
        self.socket.write(Outgoing((hocuspocus.permission_denied(address, error.close_reason),)))
        # What was sent on the strength of the refused token goes with it; a later token starts afresh.
        while waiting:
            message, _ = waiting.popleft()
            if type(message) is Token:
                self._log_in(address, message)
                fresh = self._attachments[address]
                for later, later_size in waiting:
                    self._wait(fresh, later, later_size)
                return

    async def _renew(self, address: str, attachment: Attachment, token: Token) -> None:
        """A token for a document that is open. It must be good for this same document, or the document is closed:
        the address may name another one by now, or for somebody else.
        """
        member = attachment.member
        assert member is not None
        epoch = self._hub.access.epoch
        try:
            identity = await self._identify(token)
            name, _ = hocuspocus.split_address(address)
            resolved = await self._addresses.resolve(identity, name, create=False)
            if resolved.document_id != member.document.id:
                raise NotFound("this address names another document now")
        except Unavailable:
            attachment.renewal_asked = False
            return
        except CollabError as error:
            self.end(member, error)
            return
        if self._attachments.get(address) is not attachment:
            return
        can_edit = allowed(resolved.role, Action.EDIT)
        changed, member.can_edit = can_edit != member.can_edit, can_edit
        if identity.person == member.identity.person:
            member.identity = identity
        else:
            self._hub.hand_over(member, identity)
            member.person = identity.counted_as(address_of(self._client))
        if changed:
            self.access_changed(member)
        self._hub.access.joined(member, epoch)
        attachment.renewal_asked = False
        if identity.expires_at is None:
            self._expiring.discard(address)
        else:
            self._expiring.add(address)

    def _detach(self, address: str) -> None:
        attachment = self._attachments.pop(address)
        self._expiring.discard(address)
        self._waiting_bytes -= sum(size for _, size in attachment.waiting)
        login, attachment.login = attachment.login, None
        if login is not None and login is not asyncio.current_task():
            login.cancel()
        if attachment.member is not None:
            self._hub.leave(attachment.member)

    # ---- outwards

    def _on_writable(self) -> None:
        if self._catching_up is None or self._catching_up.done():
            self._catching_up = asyncio.get_running_loop().create_task(self._catch_up())

    async def _catch_up(self) -> None:
        for attachment in list(self._attachments.values()):
            member = attachment.member
            if self.socket.congested:
                return
            if member is not None and member.is_owed:
                try:
                    await catch_up(self._hub, member)
                except Unavailable as error:
                    self.close(error)
                    return
                except CollabError as error:
                    self.end(member, error)

    def acknowledge(self, member: Member, count: int) -> None:
        assert member.address is not None
        self.socket.write(Outgoing((hocuspocus.sync_status(member.address, saved=True),) * count))

    def refuse(self, member: Member, *, saved: bool, reason: str) -> None:
        assert member.address is not None
        if self.socket.congested:
            # The client counts what is saved; what is not saved it keeps anyway.
            member.acks_owed += saved
            return
        self.socket.write(Outgoing((hocuspocus.sync_status(member.address, saved=saved),)))

    def tell(self, member: Member, error: CollabError) -> None:
        assert member.address is not None
        if not self.socket.congested:
            self.socket.write(Outgoing((hocuspocus.notice(member.address, error.code, error.detail),)))

    def access_changed(self, member: Member) -> None:
        self._tell_scope(member)
        if member.can_edit:
            member.document.ask(member)

    def _tell_scope(self, member: Member) -> None:
        assert member.address is not None
        scope: hocuspocus.Scope = "read-write" if member.can_edit else "readonly"
        self.socket.write(Outgoing((hocuspocus.authenticated(member.address, scope),)))

    def end(self, member: Member, error: CollabError) -> None:
        assert member.address is not None
        attachment = self._attachments.get(member.address)
        if isinstance(error, DocumentBlocked) and len(self._attachments) == 1:
            # A stock client comes back after the end of its socket, and not after that of a document on it.
            self.close(error)
        elif attachment is not None and attachment.member is member:
            self._hub.counts.errors[error.code] += 1
            self._detach(member.address)
            self.socket.write(Outgoing((hocuspocus.close(member.address, error.close_reason),)))

    def close(self, error: CollabError) -> None:
        self._hub.counts.errors[error.code] += 1
        log.info(
            "socket closed by the server",
            extra={"connection": self._connection, "code": error.code, "reason": error.detail},
        )
        self.socket.end(error.close_code, error.close_reason)

    def restart(self) -> None:
        self.socket.end(1012, "restarting: the server restarts; come back")

    def tend(self, now: float) -> None:
        if not self._anyone and now - self._opened > LOGIN_SECONDS:
            self.socket.end(4408, "login_timeout: nobody logged in")
            return
        for address in list(self._expiring):
            self._tend_token(address)
        if now - self.socket.last_sent > KEEPALIVE_SECONDS and not self.socket.congested:
            if self._pings:
                self.socket.write(_PING)
            elif self._attachments:
                address = next(iter(self._attachments))
                self.socket.write(Outgoing(addressed(address, (EMPTY_AWARENESS,))))

    def _tend_token(self, address: str) -> None:
        attachment = self._attachments[address]
        member = attachment.member
        if member is None:
            return
        left = remaining(member.identity)
        if left <= 0:
            self.end(member, Unauthenticated("the token has expired"))
        elif left < RENEW_SECONDS and not attachment.renewal_asked:
            attachment.renewal_asked = True
            self.socket.write(Outgoing((hocuspocus.token_request(address),)))

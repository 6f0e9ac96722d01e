"""A client that reads server-sent events and speaks by POST: one document, the messages of y-websocket."""

import asyncio
import secrets
import time
from base64 import b64encode
from collections.abc import Sequence
from uuid import UUID

from collab_server.access.identity import Identity
from collab_server.access.policy import Action, Role, allowed
from collab_server.crdt import ywebsocket
from collab_server.crdt.messages import Awareness, QueryAwareness, SyncStep2, Unknown, Update
from collab_server.errors import (
    CollabError,
    Forbidden,
    Malformed,
    NotFound,
    StaleGeneration,
    TooLarge,
    Unauthenticated,
    Unavailable,
)
from collab_server.realtime.hub import Hub
from collab_server.realtime.keepalive import KEEPALIVE_SECONDS, remaining
from collab_server.realtime.member import READ_ONLY, Member
from collab_server.realtime.preparing import prepare_answer
from collab_server.realtime.traffic import COST_PER_BYTE, catch_up, handle
from collab_server.telemetry import log
from collab_server.transport.events import EventStream

SILENT_SECONDS = 90.0
"""Whoever has shown presence renews it every 15 s (once a minute in a tab in the background). After so long without,
the client has gone, though its network did not say so.
"""
MAX_EVENT_ID = 4096
FRAMES_PER_TURN = 64
"""Messages of one request that are handled within a turn of the event loop."""


class EventsSession:
    """`socket`: the response to its GET. `id`: names it in POSTs, with the node that holds it."""

    def __init__(self, hub: Hub, identity: Identity, document_id: UUID, client: str) -> None:
        """`client`: the IP address. Raises TooMany."""
        self.socket = EventStream()
        self.id = f"{hub.nodes.id.hex()}.{secrets.token_urlsafe(16)}"
        self.document_id = document_id
        self._hub = hub
        self._identity = identity
        self._member: Member | None = None
        self._warned = False
        self._refusal: str | None = None
        self._speaking = asyncio.Lock()
        self._catching_up: asyncio.Task[None] | None = None
        self._heard = time.monotonic()
        hub.admission.enter(self.socket, client)
        self._budget = hub.admission.budget(self.socket)

    async def open(
        self,
        role: Role,
        *,
        device: str | None,
        agent: str,
        generation: int | None,
        state_vector: bytes,
        epoch: int,
    ) -> None:
        """Join, and write what the client needs to begin: the stream's id, the server's question for what it lacks, who
        is here, and what a client with this `state_vector` lacks.

        Raises what forbids it to begin; `generation` and `epoch` as YWebsocketSession.run.
        """
        try:
            self._hub.admission.accept(self.socket, guest=self._identity.kind == "guest")
            self._hub.admit(self)
            member = self._member = await self._hub.join(
                self,
                self._identity,
                self.document_id,
                address=None,
                can_edit=allowed(role, Action.EDIT),
                device=device,
                agent=agent,
            )
            await prepare_answer(self._hub, member.document, state_vector)
            if generation is not None and generation != member.document.generation:
                raise StaleGeneration()
            self.socket.tell("open", {"stream": self.id, "generation": member.document.generation, "role": role.label})
            member.ready = True
            member.document.greet(member)
            member.document.answer(member, state_vector, with_step1=False)
            self._hub.access.joined(member, epoch)
            await self.socket.run(_nothing_comes, self._on_writable, self._ended)
        except BaseException:
            self._leave()
            raise
        self._hub.streams[self.id] = self
        log.info("socket opened", extra={"connection": self.id, "document": self.document_id, "protocol": "events"})

    def _ended(self, error: Exception | None) -> None:
        self._leave()
        log.info("socket ended", extra={"connection": self.id})

    def _leave(self) -> None:
        self._hub.dismiss(self)
        self._hub.streams.pop(self.id, None)
        if self._member is not None:
            self._hub.leave(self._member)
        if self._catching_up is not None:
            self._catching_up.cancel()

    # ---- inwards

    def is_of(self, identity: Identity, document_id: UUID) -> bool:
        return identity.bearer == self._identity.bearer and document_id == self.document_id

    async def take(self, frames: Sequence[bytes]) -> int:
        """Do what the client's messages ask, and wait until the content among them is committed; returns how many
        messages had some.

        Raises Forbidden and TooLarge for content that was not taken, when all others were; Unavailable where it may not
        be committed. Malformed and TooMany end the stream, as they end a socket.
        """
        member = self._member
        assert member is not None
        async with self._speaking:
            self._hub.check_open()
            self._heard = time.monotonic()
            self._refusal = None
            content = 0
            try:
                for number, frame in enumerate(frames):
                    if number % FRAMES_PER_TURN == FRAMES_PER_TURN - 1:
                        await asyncio.sleep(0)
                    content += await self._handle(member, frame)
            except CollabError as error:
                self.close(error)
                raise
            refusal, self._refusal = self._refusal, None
        document = member.document
        if content:
            await self._hub.committed(document)
        if document.gone:
            raise NotFound("the document was deleted or replaced at this moment")
        if member.key not in document.members:
            raise Unavailable("the stream has ended; open another")
        if refusal is not None:
            raise Forbidden(refusal) if refusal == READ_ONLY else TooLarge(refusal)
        return content

    async def _handle(self, member: Member, frame: bytes) -> bool:
        self._budget.spend(1.0 + len(frame) * COST_PER_BYTE)
        message = ywebsocket.decode(frame)
        if type(message) is Unknown:
            return False
        pending = handle(self._hub, member, message, self._budget, step1_back=False)  # type: ignore[arg-type]
        if pending is not None:
            await pending
        return isinstance(message, SyncStep2 | Update)

    def hear(self, bearer: str, frame: bytes) -> None:
        """A frame that reached another node. Content never comes this way: that node writes it into the log itself."""
        member = self._member
        if member is None or bearer != self._identity.bearer or member.key not in member.document.members:
            return
        try:
            message = ywebsocket.decode(frame)
            if not isinstance(message, Awareness | QueryAwareness):
                raise Malformed("only presence is passed on")
            self._heard = time.monotonic()
            self._budget.spend(1.0 + len(frame) * COST_PER_BYTE)
            handle(self._hub, member, message, self._budget, step1_back=False)
        except CollabError as error:
            self.close(error)

    # ---- outwards

    def _on_writable(self) -> None:
        member = self._member
        if member is None or not member.is_owed or (self._catching_up and not self._catching_up.done()):
            return
        self._catching_up = asyncio.get_running_loop().create_task(self._catch_up(member))

    async def _catch_up(self, member: Member) -> None:
        try:
            await catch_up(self._hub, member)
        except CollabError as error:
            self.close(error)

    def acknowledge(self, member: Member, count: int) -> None:
        """The answer to the POST does."""

    def refuse(self, member: Member, *, saved: bool, reason: str) -> None:
        if saved:
            return
        self._refusal = reason
        self._tell_refusal(member, reason)

    def _tell_refusal(self, member: Member, reason: str) -> None:
        if not self._warned:
            self._warned = True
            member.send(ywebsocket.permission_denied(reason))

    def tell(self, member: Member, error: CollabError) -> None:
        member.send(ywebsocket.permission_denied(error.close_reason))

    def access_changed(self, member: Member) -> None:
        self.socket.tell("role", {"can_edit": member.can_edit})
        if member.can_edit:
            self._warned = False
            member.document.ask(member)
        else:
            self._tell_refusal(member, READ_ONLY)

    def end(self, member: Member, error: CollabError) -> None:
        self.close(error)

    def close(self, error: CollabError) -> None:
        self._hub.counts.errors[error.code] += 1
        log.info(
            "socket closed by the server",
            extra={"connection": self.id, "code": error.code, "reason": error.detail},
        )
        self.socket.end(error.close_code, error.close_reason)

    def restart(self) -> None:
        self.socket.end(1012, "restarting: the server restarts; come back")

    def tend(self, now: float) -> None:
        member = self._member
        if remaining(self._identity) <= 0:
            self.close(Unauthenticated("the token has expired"))
        elif member is None:
            return
        elif now - self._heard > SILENT_SECONDS and member.document.presence.owned_by(member.key):
            self.socket.end(1001, "silent: nothing was heard of the client; come back")
        elif now - self.socket.last_sent > KEEPALIVE_SECONDS and not self.socket.congested:
            self.socket.rest(self._last_event_id(member))

    def _last_event_id(self, member: Member) -> str | None:
        """The clocks that the client has when it has read everything before, for it to come back with."""
        if member.behind is not None or not member.document.sent_all:
            return None
        state_vector = b64encode(member.document.room.state_vector()).decode()
        return state_vector if len(state_vector) <= MAX_EVENT_ID else None


def _nothing_comes(message: bytes) -> None:
    raise AssertionError("a response carries nothing inwards")

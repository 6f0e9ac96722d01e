"""A y-websocket client: one document on one socket."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from collab_server.access.identity import Identity
from collab_server.access.policy import Action, allowed
from collab_server.crdt import ywebsocket
from collab_server.crdt.messages import Unknown
from collab_server.documents.addresses import Resolved
from collab_server.errors import CollabError, StaleGeneration, Unauthenticated
from collab_server.realtime.hub import Hub
from collab_server.realtime.keepalive import KEEPALIVE_SECONDS, remaining
from collab_server.realtime.member import READ_ONLY, Member
from collab_server.realtime.refusal import refuse, too_large
from collab_server.realtime.traffic import COST_PER_BYTE, catch_up, handle
from collab_server.telemetry import log
from collab_server.transport.frames import Outgoing
from collab_server.transport.socket import Socket

_ALIVE = Outgoing((ywebsocket.EMPTY_AWARENESS,))


class YWebsocketSession:
    """`acks`: the client asked for the frames that tell what is committed. `connection`: its name in the log."""

    __slots__ = (
        "_acknowledged",
        "_acks",
        "_budget",
        "_catching_up",
        "_connection",
        "_hub",
        "_identity",
        "_member",
        "_warned",
        "socket",
    )

    def __init__(self, hub: Hub, socket: Socket, identity: Identity, *, acks: bool, connection: str) -> None:
        self.socket = socket
        self._hub = hub
        self._identity = identity
        self._acks = acks
        self._connection = connection
        self._acknowledged = 0
        self._warned = False
        self._member: Member | None = None
        self._catching_up: asyncio.Task[None] | None = None
        self._budget = hub.admission.budget(socket)

    async def run(
        self, resolved: Resolved, device: str | None, generation: int | None, epoch: int, *, agent: str = ""
    ) -> None:
        """Be in the document until the socket ends; returns at once where the socket lives without its caller.

        `generation`: the one the client's copy belongs to, if it said. `epoch`: AccessWatch's, before the identity and
        its rights were looked up. Raises what forbids it to begin; StaleGeneration where the document has been replaced
        since.
        """
        self._hub.admit(self)
        try:
            member = self._member = await self._hub.join(
                self,
                self._identity,
                resolved.document_id,
                address=None,
                can_edit=allowed(resolved.role, Action.EDIT),
                device=device,
                agent=agent,
            )
            if generation is not None and generation != member.document.generation:
                raise StaleGeneration()
            self.socket.allow_large(self._hub.settings.largest_message, self._too_large, shown=0)
            member.ready = True
            member.document.greet(member)
            self._hub.access.joined(member, epoch)
        except BaseException:
            self._leave()
            raise
        await self.socket.run(self._on_message, self._on_writable, self._ended)

    def _ended(self, error: Exception | None) -> None:
        self._leave()
        if error is not None:
            refuse(self._hub, self.socket, self._connection, error)
        log.info("socket ended", extra={"connection": self._connection})

    def _leave(self) -> None:
        self._hub.dismiss(self)
        if self._member is not None:
            self._hub.leave(self._member)
        if self._catching_up is not None:
            self._catching_up.cancel()

    def _on_message(self, frame: bytes) -> Coroutine[Any, Any, None] | None:
        self._budget.spend(1.0 + len(frame) * COST_PER_BYTE)
        message = ywebsocket.decode(frame)
        if type(message) is Unknown or self._member is None:
            return None
        return handle(self._hub, self._member, message, self._budget, step1_back=False)  # type: ignore[arg-type]

    def _too_large(self, beginning: bytes, size: int) -> None:
        self.close(too_large(self._hub.settings.max_document_bytes))

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
        self._acknowledged += count
        if self._acks:
            member.send(ywebsocket.committed(self._acknowledged))

    def refuse(self, member: Member, *, saved: bool, reason: str) -> None:
        # The protocol has no answer to a single message; stock clients print this one.
        if not saved and not self._warned:
            self._warned = True
            member.send(ywebsocket.permission_denied(reason))

    def tell(self, member: Member, error: CollabError) -> None:
        # As in `refuse`.
        member.send(ywebsocket.permission_denied(error.close_reason))

    def access_changed(self, member: Member) -> None:
        if member.can_edit:
            self._warned = False
            member.document.ask(member)
        else:
            self.refuse(member, saved=False, reason=READ_ONLY)

    def end(self, member: Member, error: CollabError) -> None:
        self.close(error)

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
        if remaining(self._identity) <= 0:
            self.close(Unauthenticated("the token has expired"))
        elif now - self.socket.last_sent > KEEPALIVE_SECONDS and not self.socket.congested:
            self.socket.write(_ALIVE)

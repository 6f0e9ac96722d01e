"""A document that is open here: its room, its presence, its members, and the turn that carries edits to them.

What arrives within one turn of the event loop leaves at its end: one message for everybody who wrote none of it, each
built once and written to every socket; authors get the others' edits. A member whose socket is full is left behind on
purpose: it is sent nothing until it has drained, and then one diff from what it is known to have.
"""

from __future__ import annotations

import asyncio
import time
from typing import Protocol
from uuid import UUID

from collab_server.backends.fair_queue import FairQueue
from collab_server.backends.workers import MAX_EDITS_OF_ONE
from collab_server.crdt import hocuspocus
from collab_server.crdt.messages import (
    encode_awareness,
    encode_sync_step1,
    encode_update,
    sync_step2_parts,
    update_parts,
)
from collab_server.crdt.node_messages import State
from collab_server.crdt.presence import Presence
from collab_server.crdt.room import Author, Room
from collab_server.crdt.updates import UpdateSummary, encode_state_vector, merge
from collab_server.errors import CollabError, Encrypted, NotTogether, TooLarge
from collab_server.realtime.member import READ_ONLY, Member, addressed, framed
from collab_server.realtime.programs import Program
from collab_server.telemetry import Counts
from collab_server.transport.frames import LargeOutgoing, Outgoing

SMALL_ROOM = 16
"""Up to so many members, presence goes out with the turn; in larger rooms it is gathered, as n members who move their
cursors are n * n messages a second."""
PRESENCE_SECONDS_EACH = 0.0005
PRESENCE_SECONDS = 0.1
ACKNOWLEDGED_AT_ONCE = 256
"""A Hocuspocus client is sent one frame for each, with the address; then its socket is looked at again."""
SHARED_ANSWERS = 16
"""First syncs kept framed per document, for the next who asks."""


class Turns(Protocol):
    """What a document asks of the process it lives in."""

    counts: Counts

    def schedule_turn(self, document: LiveDocument) -> None: ...

    def schedule_presence(self, document: LiveDocument, delay: float) -> None:
        """Call the document's `presence_due` after `delay` seconds."""
        ...

    def schedule_commit(self, document: LiveDocument, size: int) -> None: ...

    def tell_presence(self, document: LiveDocument, clients: set[int]) -> None:
        """Presence that this node's connections changed is to reach the other nodes."""
        ...

    def note(self, member: Member, *, typed: bool) -> None:
        """The member has edited (`typed`), or changed its state."""
        ...


NOBODY = 0
"""Author of what comes from other nodes; connections are numbered from 1, other nodes downwards from -1."""


class LiveDocument:
    def __init__(self, document_id: UUID, generation: int | None, room: Room, turns: Turns) -> None:
        self.id = document_id
        self.generation = generation
        """Of what is in the room; None until it was loaded for the first time."""
        self.collaborative = True
        """The document may be edited together: nobody may join otherwise."""
        self.room = room
        self.presence = Presence()
        self.members: dict[int, Member] = {}
        self.has_text = True
        """Its content is not encrypted by its owner's device."""
        self.has_returns = False
        """Its text has carriage returns, which are to be taken out: see crdt/line_ends.py."""
        self.wanted_until = 0.0
        """How long it stays open for the next request (monotonic seconds)."""
        self.programs: dict[str, Program] = {}
        """Those that have edited it by requests; see realtime/programs.py."""
        self.writing = FairQueue(1, most_of_one=MAX_EDITS_OF_ONE)
        """Held while a request's edit is worked out: the next one starts from what it leaves."""
        self.revision = 0
        """Raised by whatever changes the content."""
        self.measured = -1
        """The revision at which the room of its workspace was last asked for; see realtime/storage_limits.py."""
        self.holds = 0
        """How many who are no members need it open; see Hub.holding."""
        self.last_edit = time.monotonic()
        self.last_fold = self.last_edit
        self.last_use = self.last_edit
        """When content was last written or asked for."""
        self.unsaved_since: float | None = None
        """When the oldest edit that is not committed yet arrived (monotonic seconds)."""
        self.gone = False
        """The document was deleted or replaced: nothing of this can be stored, and nobody joins any more."""
        self._turns = turns
        self._answers: dict[tuple[str | None, bytes], tuple[tuple[bytes, ...], Outgoing | LargeOutgoing]] = {}
        self._next_commit: asyncio.Future[None] | None = None
        self._updates: list[tuple[int, bytes]] = []
        self._clocks_before: dict[int, int] = {}
        self._presence_due = False
        self._presence_changed: set[int] = set()
        self._presence_from: set[int] = set()
        self._presence_to_tell: set[int] = set()
        self.known = False
        """It has been loaded once: its clocks and its place in the log are known, even while its bytes are let go."""

    # ---- members

    def check_together(self) -> None:
        """Raises Encrypted or NotTogether where nobody may join. Once loaded."""
        if not self.has_text:
            raise Encrypted("a password is opened by the application that encrypted it; it is not edited together")
        if not self.collaborative:
            raise NotTogether("this document cannot be edited together: its settings say so")

    def join(self, member: Member) -> None:
        self.last_use = time.monotonic()
        self.members[member.key] = member
        self.presence.join(member.key)

    def leave(self, member: Member) -> None:
        if self.members.pop(member.key, None) is not None:
            self._presence_news(member.key, self.presence.leave(member.key))

    def release(self) -> None:
        """Let go of the content's bytes; see Room.release."""
        self.room.release()
        self.forget_answers()

    def forget_answers(self) -> None:
        """The room's bytes are others now: frames made of the former only cost memory."""
        self._answers.clear()

    def is_held(self, now: float) -> bool:
        """Somebody is here or needs it open, or a request has been a moment ago and may come again."""
        if self.members or self.holds or now < self.wanted_until:
            return True
        return any(program.shown for program in self.programs.values())

    @property
    def sent_all(self) -> bool:
        """All that is in the room was written to its members, but for those who are behind."""
        return not self._updates

    @property
    def anyone_behind(self) -> bool:
        return any(member.behind is not None for member in self.members.values())

    def end(self, error: CollabError) -> None:
        """Tell every member the verdict and let it go."""
        for member in list(self.members.values()):
            member.can_edit = False
            member.session.end(member, error)

    # ---- what members send

    def content(self, member: Member, update: bytes, summary: UpdateSummary, *, is_answer: bool) -> None:
        """A validated SyncStep2 (`is_answer`) or Update."""
        self.count_update()
        self.piece(member, update, summary, is_answer=is_answer, is_last=True)

    def count_update(self) -> None:
        self._turns.counts.updates_received += 1

    def piece(self, member: Member, update: bytes, summary: UpdateSummary, *, is_answer: bool, is_last: bool) -> bool:
        """A part of a validated content message; the last one stands for the message where that is acknowledged.
        False: it was refused.
        """
        room = self.room
        if not member.can_edit:
            known = is_answer and room.is_known(summary, compare_deletes=True)
            member.session.refuse(member, saved=known, reason=READ_ONLY)
            return known
        try:
            self.take(update, summary, member.key, member.author, compare_deletes=is_answer, acknowledge=is_last)
        except TooLarge as error:
            member.session.refuse(member, saved=False, reason=error.close_reason)
            return False
        return True

    def take(
        self,
        update: bytes,
        summary: UpdateSummary,
        sender: int,
        author: Author,
        *,
        compare_deletes: bool,
        acknowledge: bool = True,
    ) -> None:
        """A validated update that may be written: to everybody but `sender`, and to the log. `acknowledge`: `sender`
        is told of the commit.

        Raises TooLarge where the document is full, QuotaExceeded where its workspace is.
        """
        room = self.room
        before = {client: room.clocks.get(client, 0) for client, _, _ in summary.structs}
        try:
            told = sender if acknowledge else NOBODY
            news = room.receive(update, summary, told, author, compare_deletes=compare_deletes)
        except TooLarge as error:
            self._turns.counts.errors[error.code] += 1
            raise
        if news is not None:
            self._note_news(sender, news, before)
            if (member := self.members.get(sender)) is not None:
                self._turns.note(member, typed=True)
        self._turns.schedule_commit(self, len(news or b""))

    def _note_news(self, sender: int, news: bytes, before: dict[int, int]) -> None:
        """`before`: the clocks, before them, of the clients whose structs are in the news."""
        self.revision += 1
        self.last_edit = self.last_use = time.monotonic()
        self._clocks_before = before | self._clocks_before
        self._updates.append((sender, news))
        self._turns.schedule_turn(self)

    def learn(self, update: bytes, summary: UpdateSummary, first: int, last: int) -> None:
        """A validated update that another node has committed as log rows `first` to `last`."""
        before = {client: self.room.clocks.get(client, 0) for client, _, _ in summary.structs}
        news = self.room.learn(update, summary, first, last)
        if news is not None:
            self._note_news(NOBODY, news, before)

    def presence_of_node(self, owner: int, states: tuple[State, ...], *, complete: bool) -> None:
        self._presence_news(owner, self.presence.receive_from_node(owner, states, complete=complete))

    def node_left(self, owner: int) -> None:
        """Another node has died, or has nobody in this document any more."""
        self._presence_news(owner, self.presence.leave(owner))

    def show(self, owner: int, person: str, client: int, clock: int, state: str) -> tuple[int, int] | None:
        """See Presence.show; everybody hears of it with this turn's edits."""
        shown = self.presence.show(owner, person, client, clock, state)
        if shown is not None:
            self._presence_news(owner, {shown[0]})
        return shown

    def hide(self, owner: int) -> None:
        """What the server showed under this number is gone."""
        self._presence_news(owner, self.presence.leave(owner))

    def withdraw_presence(self, member: Member) -> None:
        """Take back what the member has shown of itself, and tell the member too: stock clients show it anew then."""
        ids = self.presence.leave(member.key)
        self._presence_news(member.key, ids)
        if ids and member.ready:
            member.send(encode_awareness(self.presence.payload(ids)))

    def awareness(self, member: Member, payload: bytes) -> None:
        self._turns.counts.presence_received += 1
        identity = member.identity
        self._presence_news(member.key, self.presence.receive(member.key, identity.person, identity.vouched, payload))
        if self.presence.not_taken:
            self.presence_not_taken(member, self.presence.not_taken)

    def presence_not_taken(self, member: Member, reason: str) -> None:
        """The member's edits go on; it is told the first time."""
        self._turns.counts.errors[TooLarge.code] += 1
        if not member.told:
            member.told = True
            member.session.tell(member, TooLarge(reason))

    def _presence_news(self, source: int, changed: set[int]) -> None:
        if not changed:
            return
        waiting = bool(self._presence_changed)
        self._presence_changed |= changed
        self._presence_from.add(source)
        if source > NOBODY:
            self._presence_to_tell |= changed
            if (member := self.members.get(source)) is not None:
                self._turns.note(member, typed=False)
        if len(self.members) <= SMALL_ROOM:
            self._presence_due = True
            self._turns.schedule_turn(self)
        elif not waiting:
            self._turns.schedule_presence(self, min(PRESENCE_SECONDS, len(self.members) * PRESENCE_SECONDS_EACH))

    def presence_due(self) -> None:
        """The time that presence changes were gathered for has passed: they go out with this turn."""
        self._presence_due = True
        self._turns.schedule_turn(self)

    # ---- what members are sent

    def greet(self, member: Member) -> None:
        """On y-websocket the server speaks first: what it has, and who is here."""
        states = self.presence.everyone()
        greeting = encode_sync_step1(self.room.state_vector())
        member.send(*((greeting, encode_awareness(states)) if states else (greeting,)))

    def send_presence(self, member: Member) -> None:
        if member.session.socket.congested:
            self._leave_behind(member, {}, self.presence.clients())
        elif states := self.presence.everyone():
            member.send(encode_awareness(states))

    def ask(self, member: Member) -> None:
        """Have the client send what the room lacks of its edits."""
        member.send(encode_sync_step1(self.room.state_vector()))

    def answer(self, member: Member, state_vector: bytes, *, with_step1: bool) -> None:
        """The SyncStep2 for a SyncStep1, after the rest that travels as Updates; framed once for all who ask the same
        while the room does not change. The room must be loaded.
        """
        self.last_use = time.monotonic()
        parts = self.room.answer(state_vector)
        known = self._answers.get((member.address, state_vector))
        # The room gives the same object as long as it has not changed.
        if known is None or known[0] is not parts:
            messages = self._answer_messages(parts, with_step1=with_step1)
            if len(self._answers) >= SHARED_ANSWERS:
                self._answers.clear()
            known = (parts, framed(member.address, messages))
            self._answers[(member.address, state_vector)] = known
        member.deliver(known[1])

    def flush(self) -> None:
        """End of the turn: write what came in to everybody else. Members that are not ready get it with their first
        sync.
        """
        updates, self._updates = self._updates, []
        changed: set[int] = set()
        sources: set[int] = set()
        if self._presence_due:
            self._presence_due = False
            changed, self._presence_changed = self._presence_changed, changed
            sources, self._presence_from = self._presence_from, sources
        if self._presence_to_tell and changed:
            self._turns.tell_presence(self, self._presence_to_tell)
            self._presence_to_tell = set()
        before, self._clocks_before = self._clocks_before, {}
        if not updates and not changed:
            return
        presence = encode_awareness(self.presence.payload(changed)) if changed else None
        only_source = next(iter(sources)) if len(sources) == 1 else None
        authors = {key for key, _ in updates}
        news: tuple[bytes, ...] = ()
        if updates:
            self._answers.clear()
            news = (encode_update(updates[0][1] if len(updates) == 1 else merge([u for _, u in updates])),)
        everything = (*news, presence) if presence is not None else news
        # The frequent case, y-websocket members who are owed the edits alone, is not looked up.
        plain = Outgoing(news)
        built: dict[tuple[str | None, bool], Outgoing] = {}
        delivered = 0
        for key, member in self.members.items():
            if not member.ready:
                continue
            socket = member.session.socket
            if member.behind is not None or socket.congested:
                self._leave_behind(member, before, changed)
                continue
            with_presence = presence is not None and key != only_source
            if key in authors:
                own = [encode_update(update) for author, update in updates if author != key]
                delivered += len(own)
                if with_presence and presence is not None:
                    own.append(presence)
                if own:
                    member.send(*own)
                continue
            address = member.address
            if address is None and not with_presence:
                if news:
                    socket.write(plain)
                    delivered += len(updates)
                continue
            messages = everything if with_presence else news
            if not messages:
                continue
            outgoing = built.get((address, with_presence))
            if outgoing is None:
                outgoing = built[address, with_presence] = Outgoing(addressed(address, messages))
            socket.write(outgoing)
            delivered += len(updates)
        self._turns.counts.deliveries += delivered

    def send_answer(self, member: Member, parts: tuple[bytes, ...], *, with_step1: bool) -> None:
        """As `answer`, of parts that were worked out elsewhere."""
        self.last_use = time.monotonic()
        member.deliver(framed(member.address, self._answer_messages(parts, with_step1=with_step1)))

    def _answer_messages(self, parts: tuple[bytes, ...], *, with_step1: bool) -> list[tuple[bytes, bytes]]:
        messages = [*map(update_parts, parts[:-1]), sync_step2_parts(parts[-1])]
        return [(encode_sync_step1(self.room.state_vector()), b""), *messages] if with_step1 else messages

    def _leave_behind(self, member: Member, before: dict[int, int], changed: set[int]) -> None:
        if member.behind is None:
            member.behind = self.room.clocks | before
        member.missed_presence |= changed

    def catch_up(self, member: Member) -> None:
        """A slow reader has drained: one diff, the presence it missed, the acknowledgements owed. The room must be
        loaded.
        """
        if member.behind is None:
            return
        messages = [*map(update_parts, self.room.answer(encode_state_vector(member.behind)))]
        if member.missed_presence:
            messages.append((encode_awareness(self.presence.payload(member.missed_presence)), b""))
        member.behind = None
        member.missed_presence = frozenset()
        self._turns.counts.caught_up += 1
        member.deliver(framed(member.address, messages))
        self.pay_acknowledgements(member)

    def broadcast(self, payload: str) -> None:
        """Send a stateless message to everyone in the document who speaks Hocuspocus' protocol and reads in time."""
        built: dict[str, Outgoing] = {}
        for member in self.members.values():
            address, socket = member.address, member.session.socket
            if address is None or not member.ready or member.behind is not None or socket.congested:
                continue
            outgoing = built.get(address)
            if outgoing is None:
                outgoing = built[address] = Outgoing((hocuspocus.stateless(address, payload),))
            socket.write(outgoing)

    # ---- acknowledgements

    def next_commit(self) -> asyncio.Future[None]:
        """Done when the next commit of this document is known."""
        if self._next_commit is None:
            self._next_commit = asyncio.get_running_loop().create_future()
        return self._next_commit

    def committed(self, payloads: list[bytes], seq: int) -> None:
        """PostgreSQL has what was in flight: acknowledge it to its senders."""
        owed: dict[int, int] = {}
        for entry in self.room.committed(payloads, seq):
            owed[entry.sender] = owed.get(entry.sender, 0) + 1
        self.unsaved_since = None if self.room.saved else time.monotonic()
        if self._next_commit is not None:
            self._next_commit.set_result(None)
            self._next_commit = None
        for key, count in owed.items():
            if (member := self.members.get(key)) is not None:
                member.acks_owed += count
                self.pay_acknowledgements(member)

    def pay_acknowledgements(self, member: Member) -> None:
        """Send the acknowledgements that are owed, as far as the socket takes them."""
        while member.acks_owed and member.behind is None and not member.session.socket.congested:
            count = min(member.acks_owed, ACKNOWLEDGED_AT_ONCE)
            member.acks_owed -= count
            member.session.acknowledge(member, count)

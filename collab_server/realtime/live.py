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

from collab_server.crdt.messages import (
    encode_awareness,
    encode_sync_step1,
    encode_sync_step2,
    encode_update,
)
from collab_server.crdt.presence import Presence
from collab_server.crdt.room import Room
from collab_server.crdt.updates import UpdateSummary, encode_state_vector, merge
from collab_server.errors import CollabError, TooLarge
from collab_server.realtime.member import Member, addressed
from collab_server.telemetry import Counts
from collab_server.transport.frames import Outgoing

SMALL_ROOM = 16
"""Up to so many members, presence goes out with the turn; in larger rooms it is gathered, as n members who move their
cursors are n * n messages a second."""
PRESENCE_SECONDS_EACH = 0.0005
PRESENCE_SECONDS = 0.1
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


class LiveDocument:
    def __init__(self, document_id: UUID, generation: int, room: Room, turns: Turns) -> None:
        self.id = document_id
        self.generation = generation
        self.room = room
        self.presence = Presence()
        self.members: dict[int, Member] = {}
        self.last_edit = time.monotonic()
        self.last_fold = self.last_edit
        self.last_use = self.last_edit
        """When content was last written or asked for."""
        self.unsaved_since: float | None = None
        """When the oldest edit that is not committed yet arrived (monotonic seconds)."""
        self.gone = False
        """The document was deleted: nothing of it can be stored."""
        self._turns = turns
        self._answers: dict[tuple[str | None, bytes], tuple[tuple[bytes, ...], Outgoing]] = {}
        self._next_commit: asyncio.Future[None] | None = None
        self._updates: list[tuple[int, bytes]] = []
        self._clocks_before: dict[int, int] = {}
        self._presence_due = False
        self._presence_changed: set[int] = set()
        self._presence_from: set[int] = set()

    # ---- members

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

    @property
    def anyone_behind(self) -> bool:
        return any(member.behind is not None for member in self.members.values())

    def end(self, error: CollabError) -> None:
        """Tell every member the verdict and let it go."""
        for member in list(self.members.values()):
            member.session.end(member, error)

    # ---- what members send

    def content(self, member: Member, update: bytes, summary: UpdateSummary, *, is_answer: bool) -> None:
        """A validated SyncStep2 (`is_answer`) or Update."""
        self._turns.counts.updates_received += 1
        room = self.room
        if not member.can_edit:
            known = is_answer and room.is_known(summary, compare_deletes=True)
            member.session.refuse(member, saved=known, reason="forbidden: you may only read this document")
            return
        before = {client: room.clocks.get(client, 0) for client, _, _ in summary.structs}
        try:
            news = room.receive(update, summary, member.key, member.author, compare_deletes=is_answer)
        except TooLarge as error:
            self._turns.counts.errors[error.code] += 1
            member.session.refuse(member, saved=False, reason=error.close_reason)
            return
        if news is not None:
            self.last_edit = self.last_use = time.monotonic()
            self._clocks_before = before | self._clocks_before
            self._updates.append((member.key, news))
            self._turns.schedule_turn(self)
        self._turns.schedule_commit(self, len(news or b""))

    def awareness(self, member: Member, payload: bytes) -> None:
        self._turns.counts.presence_received += 1
        identity = member.identity
        self._presence_news(member.key, self.presence.receive(member.key, identity.person, identity.vouched, payload))

    def _presence_news(self, source: int, changed: set[int]) -> None:
        if not changed:
            return
        waiting = bool(self._presence_changed)
        self._presence_changed |= changed
        self._presence_from.add(source)
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
        if states := self.presence.everyone():
            member.send(encode_awareness(states))

    def answer(self, member: Member, state_vector: bytes, *, with_step1: bool) -> None:
        """The SyncStep2 for a SyncStep1, after the rest that travels as Updates; framed once for all who ask the same
        while the room does not change. The room must be loaded.
        """
        self.last_use = time.monotonic()
        parts = self.room.answer(state_vector)
        known = self._answers.get((member.address, state_vector))
        # The room gives the same object as long as it has not changed.
        if known is None or known[0] is not parts:
            messages = [*map(encode_update, parts[:-1]), encode_sync_step2(parts[-1])]
            if with_step1:
                messages.insert(0, encode_sync_step1(self.room.state_vector()))
            if len(self._answers) >= SHARED_ANSWERS:
                self._answers.clear()
            known = (parts, Outgoing(addressed(member.address, tuple(messages))))
            self._answers[(member.address, state_vector)] = known
        member.session.socket.write(known[1])

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
        built: dict[tuple[str | None, bool], Outgoing] = {}
        delivered = 0
        for key, member in self.members.items():
            if not member.ready:
                continue
            if member.behind is not None or member.session.socket.congested:
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
            messages = everything if with_presence else news
            if not messages:
                continue
            variant = (member.address, with_presence)
            outgoing = built.get(variant)
            if outgoing is None:
                outgoing = built[variant] = Outgoing(addressed(member.address, messages))
            member.session.socket.write(outgoing)
            delivered += len(updates)
        self._turns.counts.deliveries += delivered

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
        messages = [encode_update(u) for u in self.room.answer(encode_state_vector(member.behind))]
        if member.missed_presence:
            messages.append(encode_awareness(self.presence.payload(member.missed_presence)))
        member.behind = None
        member.missed_presence = set()
        self._turns.counts.caught_up += 1
        member.send(*messages)
        self._acknowledge(member, 0)

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
                self._acknowledge(member, count)

    def _acknowledge(self, member: Member, count: int) -> None:
        member.acks_owed += count
        if member.acks_owed and member.behind is None:
            count, member.acks_owed = member.acks_owed, 0
            member.session.acknowledge(member, count)

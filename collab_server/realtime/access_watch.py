"""Open sockets follow the rights of their people.

PostgreSQL tells what changed (migration 0009_notices); whom of those who are connected here that concerns is looked up
among them, and what they may do now in the database: for many in a few statements. A notice can be lost, with its
connection or behind a pooler that shares connections between transactions. So everybody is looked at again whenever
listening begins anew, and now and then anyway: a lost notice costs time, never the change.
"""

from __future__ import annotations

import asyncio
import heapq
import random
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from collab_server.access import live_queries
from collab_server.access.identity import Identity
from collab_server.access.policy import Action, Role, allowed, role_of_permission
from collab_server.backends.db import Database
from collab_server.errors import (
    CollabError,
    Forbidden,
    NotFound,
    NotTogether,
    StaleGeneration,
    Unauthenticated,
    Unavailable,
)
from collab_server.realtime.live import LiveDocument
from collab_server.realtime.member import Member
from collab_server.telemetry import log

if TYPE_CHECKING:
    from collab_server.realtime.hub import Hub

CHANNEL = "collab_access"
Heard = Callable[[str, UUID | None], None]
"""Takes `user|workspace|document|token|session` and an id; None: notices may have been missed."""
BATCH = 200
"""Members that are looked at with one set of statements."""
SHARE = 0.9
"""Of the time within which everybody is looked at again: the statements take the rest."""
RETRY = (0.05, 2.0)
"""Seconds before the first and (doubling, with jitter) at most between later attempts while PostgreSQL is away."""


@dataclass(frozen=True, slots=True)
class _Found:
    """What PostgreSQL says now of some members' people, credentials and documents."""

    active_users: set[UUID]
    valid_credentials: set[UUID]
    documents: dict[UUID, live_queries.DocumentState]
    permissions: dict[live_queries.Pair, str | None]


class AccessWatch:
    """`epoch`: raised by every notice. Who has looked a right up and then joins says at which epoch the look was."""

    def __init__(self, hub: Hub, db: Database) -> None:
        self.epoch = 0
        self.listening = False
        self._hub = hub
        self._db = db
        self._others: list[Heard] = []
        self._notices: set[tuple[str, UUID]] = set()
        self._doubtful: set[Member] = set()
        self._everybody = False
        self._wake = asyncio.Event()
        self._looking = asyncio.Lock()
        """What was looked up later is never overwritten by what was looked up earlier."""

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen())
            tasks.create_task(self._follow())
            tasks.create_task(self._sweep())

    def tell(self, heard: Heard) -> None:
        """Give every notice to `heard` too."""
        self._others.append(heard)

    # ---- whom to look at

    def joined(self, member: Member, epoch: int) -> None:
        """A member whose rights were looked up at `epoch` can be told about changes from now on."""
        if epoch != self.epoch:
            self._doubtful.add(member)
            self._wake.set()

    async def _listen(self) -> None:
        delay = RETRY[0]
        while True:
            try:
                await self._db.listen(CHANNEL, self._heard, self._began)
            except Unavailable:
                pass
            except Exception:
                log.exception("listening for changes of access failed")
            delay = RETRY[0] if self.listening else min(delay * 2, RETRY[1])
            self.listening = False
            await asyncio.sleep(delay * random.uniform(0.5, 1.0))  # noqa: S311

    def _began(self) -> None:
        self.listening = True
        self.epoch += 1
        self._everybody = True
        self._wake.set()
        for heard in self._others:
            heard("", None)

    def _heard(self, notice: str) -> None:
        """`user|workspace|document|token|session <id>`"""
        kind, _, subject = notice.partition(" ")
        try:
            subject_id = UUID(subject)
        except ValueError:
            log.warning("a notice of changed access cannot be read", extra={"notice": notice[:100]})
            return
        self._notices.add((kind, subject_id))
        self.epoch += 1
        self._wake.set()
        for heard in self._others:
            heard(kind, subject_id)

    async def _follow(self) -> None:
        delay = RETRY[0]
        while True:
            await self._wake.wait()
            self._wake.clear()
            notices, self._notices = self._notices, set()
            doubtful, self._doubtful = self._doubtful, set()
            everybody, self._everybody = self._everybody, False
            try:
                if everybody:
                    await self._look_at(list(self._hub.members()), self._hub.documents)
                else:
                    await self._look_after(notices, doubtful)
                delay = RETRY[0]
                continue
            except CollabError:
                pass
            except Exception:
                log.exception("following changes of access failed")
            self._notices |= notices
            self._doubtful |= doubtful
            self._everybody |= everybody
            self._wake.set()
            await asyncio.sleep(delay * random.uniform(0.5, 1.0))  # noqa: S311
            delay = min(delay * 2, RETRY[1])

    async def _sweep(self) -> None:
        """Look at everybody again, those first who were looked at longest ago."""
        while True:
            looks = [member.looked_at for member in self._hub.members()]
            await asyncio.sleep(pause(looks, self._hub.settings.access_recheck_seconds, time.monotonic()))
            batch = heapq.nsmallest(BATCH, self._hub.members(), key=lambda member: member.looked_at)
            try:
                await self._look_at(batch, {member.document.id for member in batch})
                continue
            except CollabError:
                pass
            except Exception:
                log.exception("a sweep of access failed")
            await asyncio.sleep(RETRY[1])

    async def _look_after(self, notices: set[tuple[str, UUID]], doubtful: set[Member]) -> None:
        subjects: dict[str, set[UUID]] = {}
        for kind, subject in notices:
            subjects.setdefault(kind, set()).add(subject)
        documents = subjects.get("document", set()) & self._hub.documents.keys()
        if (workspaces := subjects.get("workspace")) and self._hub.documents:
            async with self._db.as_service() as conn:
                documents.update(await live_queries.list_documents_of(conn, workspaces, self._hub.documents))
        users = subjects.get("user", set())
        credentials = subjects.get("token", set()) | subjects.get("session", set())
        members = [
            member
            for member in self._hub.members()
            if member.document.id in documents
            or member.identity.rights_of in users
            or (member.identity.credential is not None and member.identity.credential.id in credentials)
            or member in doubtful
        ]
        await self._look_at(members, documents)

    # ---- what they may do now

    async def check_together(self, document: LiveDocument) -> None:
        """Raises Encrypted or NotTogether where nobody may join. A refusal is final for clients, and the notice that
        would take it back may be on its way: PostgreSQL is asked first. Raises Unavailable.
        """
        if not document.collaborative:
            async with self._looking, self._db.as_service() as conn:
                found = (await live_queries.find_documents(conn, [document.id])).get(document.id)
                if found is not None:
                    document.collaborative = found.collaborative
        document.check_together()

    async def _look_at(self, members: Sequence[Member], documents: Iterable[UUID]) -> None:
        """Let the members, and these documents as a whole, have what PostgreSQL gives them now. Raises Unavailable."""
        document_ids = set(documents)
        for start in range(0, len(members), BATCH) if members else ((0,) if document_ids else ()):
            batch = members[start : start + BATCH]
            document_ids.update(member.document.id for member in batch)
            async with self._looking:
                began = time.monotonic()
                identities = [member.identity for member in batch]
                found = await self._find(batch, document_ids)
                for document_id in document_ids:
                    if (document := self._hub.find(document_id)) is not None:
                        self._update_document(document, found.documents.get(document_id))
                for member, identity in zip(batch, identities, strict=True):
                    if member.identity is not identity:
                        # It has brought another token meanwhile.
                        self._doubtful.add(member)
                        self._wake.set()
                    elif member.key in member.document.members:
                        member.looked_at = began
                        self._update_member(member, found)
            document_ids = set()

    async def _find(self, members: Sequence[Member], document_ids: set[UUID]) -> _Found:
        pairs = {(member.identity.rights_of, member.document.id) for member in members}
        users = {member.identity.user_id for member in members if member.identity.user_id is not None}
        credentials = {member.identity.credential for member in members if member.identity.credential is not None}
        async with self._db.as_service() as conn:
            return _Found(
                await live_queries.list_active_users(conn, users),
                await live_queries.list_valid_credentials(conn, {c.id for c in credentials if c.id is not None}),
                await live_queries.find_documents(conn, document_ids),
                await live_queries.find_permissions(conn, list(pairs), self._db.guest_role),
            )

    def _update_document(self, document: LiveDocument, state: live_queries.DocumentState | None) -> None:
        if state is None:
            self._hub.discard(document)
            document.end(NotFound("the document was deleted"))
        elif document.generation is not None and state.generation != document.generation:
            self._hub.discard(document)
            self._hub.writer.forget(document)
            document.end(StaleGeneration())
        else:
            document.collaborative = state.collaborative

    def _update_member(self, member: Member, found: _Found) -> None:
        verdict = verdict_on(member.identity, member.document.id, found)
        if isinstance(verdict, CollabError):
            self._hub.counts.access_changes += 1
            member.can_edit = False
            member.session.end(member, verdict)
            if member.ready:
                # Others see at once that it is gone, however long its client takes to answer the close.
                self._hub.leave(member)
            return
        can_edit = allowed(verdict, Action.EDIT)
        if can_edit != member.can_edit:
            self._hub.counts.access_changes += 1
            member.can_edit = can_edit
            if member.ready:
                member.session.access_changed(member)


def pause(looks: Sequence[float], recheck: float, now: float) -> float:
    """Seconds to wait before the next BATCH of members is looked at, the longest unseen first. `looks`: when each was
    looked at last. Nobody waits longer than `recheck` seconds; looks are spread evenly over that time.
    """
    if not looks:
        return recheck * SHARE
    even = recheck * SHARE / -(-len(looks) // BATCH)
    return max(0.0, min(even, min(looks) + recheck * SHARE - now))


def verdict_on(identity: Identity, document_id: UUID, found: _Found) -> Role | CollabError:
    """The role that this identity has in the document now, or why it has none."""
    credential = identity.credential
    if credential is not None and credential.id is not None and credential.id not in found.valid_credentials:
        return Unauthenticated("you were signed out: the token or session has ended")
    if identity.kind == "user" and identity.user_id not in found.active_users:
        return Unauthenticated("your account was deactivated")
    state = found.documents.get(document_id)
    if state is None:
        return NotFound("the document was deleted")
    if not state.collaborative:
        return NotTogether("this document cannot be edited together: its settings say so")
    role = role_of_permission(found.permissions[identity.rights_of, document_id])
    if role is None:
        return Forbidden("you may not see this document any more")
    return min(role, identity.role_cap)

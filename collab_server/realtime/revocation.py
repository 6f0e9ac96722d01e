"""Applies changed access rights to open connections.

PostgreSQL sends a notice for each change (migration 0009). The connections that a notice concerns are found in
memory, and their present rights are read from the database, many in a few statements. A notice can be lost
(`realtime/notices.py`). Therefore all rights are read again when listening begins, and each at least once in
`COLLAB_ACCESS_RECHECK_SECONDS`. A lost notice delays a change; it never loses one.

Over 300 lines: notices, looks and verdicts share the set of connections in doubt.
"""

import asyncio
import heapq
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from collab_server.access import live_queries
from collab_server.access.identity import Identity
from collab_server.access.policy import Action, Role, allowed, role_of_permission
from collab_server.adapters.postgres import Database
from collab_server.background import run_periodically
from collab_server.errors import (
    CollabError,
    Forbidden,
    NotFound,
    NotTogether,
    ShareEnded,
    StaleGeneration,
    Unauthenticated,
)
from collab_server.observability.logging import log
from collab_server.observability.metrics import Counts
from collab_server.realtime.documents.document_connection import DocumentConnection
from collab_server.realtime.documents.live_document import LiveDocument
from collab_server.realtime.notices import Notices

CHANNEL = "collab_access"
OnNotice = Callable[[str, UUID | None], None]
"""Takes `user|workspace|document|token|session` and an id; None: notices may have been missed."""
BATCH = 200
"""Connections whose rights are read with one set of statements."""
SHARE = 0.9
"""Part of the recheck time over which the checks are spread. The statements take the rest."""
RETRY = (0.05, 2.0)
"""Seconds before the first and (doubling, with jitter) at most between later attempts while PostgreSQL is away."""

Joined = tuple[LiveDocument, DocumentConnection]


class OpenDocuments(Protocol):
    """The open documents of this process."""

    @property
    def documents(self) -> Mapping[UUID, LiveDocument]: ...

    def connections(self) -> Iterator[Joined]:
        """Each connection with its document."""
        ...

    def leave(self, document: LiveDocument, connection: DocumentConnection) -> None:
        """Remove the connection from the document."""
        ...

    def discard(self, document: LiveDocument) -> None:
        """Close a deleted or replaced document."""
        ...

    def discard_unsaved(self, document: LiveDocument) -> None:
        """Like `discard`. Uncommitted edits are dropped."""
        ...


@dataclass(frozen=True, slots=True)
class Rights:
    """Rows of PostgreSQL that decide what some connections may do now."""

    active_users: set[UUID]
    valid_credentials: set[UUID]
    documents: dict[UUID, live_queries.DocumentState]
    permissions: dict[live_queries.Pair, str | None]


class AccessWatch:
    """`epoch`: raised by every notice. A session reads it before it looks up a right, and passes it to `joined`."""

    def __init__(
        self, open_documents: OpenDocuments, db: Database, notices: Notices, counts: Counts, recheck_seconds: float
    ) -> None:
        """`recheck_seconds`: the longest time between two checks of a connection."""
        self.epoch = 0
        self._open = open_documents
        self._db = db
        self._counts = counts
        self._recheck_seconds = recheck_seconds
        self._subscribers: list[OnNotice] = []
        self._notices: set[tuple[str, UUID]] = set()
        self._stale: set[DocumentConnection] = set()
        self._all_stale = False
        self._wake = asyncio.Event()
        self._reading = asyncio.Lock()
        """An earlier read never overwrites the result of a later one."""
        notices.subscribe(CHANNEL, self._on_notice, self._on_listening)

    async def run(self) -> None:
        """Apply notices and recheck connections until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(
                run_periodically(
                    "following changes of access", self._apply_notices, None, first=None, wake=self._wake, retry=RETRY
                )
            )
            tasks.create_task(
                run_periodically(
                    "a sweep of access", self._recheck, None, first=self._next_recheck(), retry=(RETRY[1], RETRY[1])
                )
            )

    def subscribe(self, on_notice: OnNotice) -> None:
        """Call `on_notice` with every notice too."""
        self._subscribers.append(on_notice)

    # ---- notices

    def joined(self, connection: DocumentConnection, epoch: int) -> None:
        """Check the connection again if a notice came after `epoch`, at which its rights were read."""
        if epoch != self.epoch:
            self._mark_stale(connection)

    def _mark_stale(self, connection: DocumentConnection) -> None:
        self._stale.add(connection)
        self._wake.set()

    def _on_listening(self) -> None:
        self.epoch += 1
        self._all_stale = True
        self._wake.set()
        for on_notice in self._subscribers:
            on_notice("", None)

    def _on_notice(self, notice: str) -> None:
        """`notice`: `user|workspace|document|token|session <id>`."""
        kind, _, subject = notice.partition(" ")
        try:
            subject_id = UUID(subject)
        except ValueError:
            log.warning("a notice of changed access cannot be read", extra={"notice": notice[:100]})
            return
        self._notices.add((kind, subject_id))
        self.epoch += 1
        self._wake.set()
        for on_notice in self._subscribers:
            on_notice(kind, subject_id)

    async def _apply_notices(self) -> None:
        notices, self._notices = self._notices, set()
        stale, self._stale = self._stale, set()
        all_stale, self._all_stale = self._all_stale, False
        try:
            if all_stale:
                await self._check(list(self._open.connections()), self._open.documents)
            else:
                await self._check_concerned(notices, stale)
        except Exception:
            self._notices |= notices
            self._stale |= stale
            self._all_stale |= all_stale
            raise

    async def _check_concerned(self, notices: set[tuple[str, UUID]], stale: set[DocumentConnection]) -> None:
        subjects: dict[str, set[UUID]] = {}
        for kind, subject in notices:
            subjects.setdefault(kind, set()).add(subject)
        documents = subjects.get("document", set()) & self._open.documents.keys()
        if (workspaces := subjects.get("workspace")) and self._open.documents:
            async with self._db.as_service() as conn:
                documents.update(await live_queries.list_documents_of(conn, workspaces, self._open.documents))
        users = subjects.get("user", set())
        credentials = subjects.get("token", set()) | subjects.get("session", set())
        concerned = [
            (document, connection)
            for document, connection in self._open.connections()
            if document.id in documents
            or connection.identity.rights_of in users
            or (connection.identity.credential is not None and connection.identity.credential.id in credentials)
            or connection in stale
        ]
        await self._check(concerned, documents)

    async def _recheck(self) -> float:
        """Check the connections whose last check is the oldest. Return the seconds until the next of them."""
        batch = heapq.nsmallest(BATCH, self._open.connections(), key=lambda joined: joined[1].checked_at)
        await self._check(batch, {document.id for document, _ in batch})
        return self._next_recheck()

    def _next_recheck(self) -> float:
        checks = [connection.checked_at for _, connection in self._open.connections()]
        return pause(checks, self._recheck_seconds, time.monotonic())

    # ---- present rights

    async def check_joinable(self, document: LiveDocument) -> None:
        """Raises Encrypted or NotTogether where the document is not for collaborative editing, and Unavailable.

        A refusal is final for clients. The notice that lifts it may still be on its way, so PostgreSQL is asked first.
        """
        if not document.collaborative:
            async with self._reading, self._db.as_service() as conn:
                found = (await live_queries.find_documents(conn, [document.id])).get(document.id)
                if found is not None:
                    document.collaborative = found.collaborative
        document.check_joinable()

    async def _check(self, joined: Sequence[Joined], documents: Iterable[UUID]) -> None:
        """Apply the present rights to these connections and these documents. Raises Unavailable."""
        document_ids = set(documents)
        for start in range(0, len(joined), BATCH) if joined else ((0,) if document_ids else ()):
            batch = joined[start : start + BATCH]
            document_ids.update(document.id for document, _ in batch)
            async with self._reading:
                began = time.monotonic()
                identities = [connection.identity for _, connection in batch]
                rights = await read_rights(self._db, batch, document_ids)
                for document_id in document_ids:
                    if (current := self._open.documents.get(document_id)) is not None:
                        self._update_document(current, rights.documents.get(document_id))
                for (document, connection), identity in zip(batch, identities, strict=True):
                    if connection.identity is not identity:
                        # It has presented another token meanwhile.
                        self._mark_stale(connection)
                    elif connection.key in document.connections:
                        connection.checked_at = began
                        self._update_connection(document, connection, rights)
            document_ids = set()

    def _update_document(self, document: LiveDocument, state: live_queries.DocumentState | None) -> None:
        if state is None:
            self._open.discard(document)
            document.end(NotFound("the document was deleted"))
        elif document.generation is not None and state.generation != document.generation:
            self._open.discard_unsaved(document)
            document.end(StaleGeneration())
        else:
            document.collaborative = state.collaborative

    def _update_connection(self, document: LiveDocument, connection: DocumentConnection, rights: Rights) -> None:
        verdict = decide(connection.identity, document.id, rights)
        if isinstance(verdict, CollabError):
            self._counts.access_changes += 1
            connection.can_edit = False
            connection.session.end(connection, verdict)
            if connection.ready:
                # Others see at once that it has left, however long its client takes to answer the close.
                self._open.leave(document, connection)
            return
        can_edit = allowed(verdict, Action.EDIT)
        if can_edit != connection.can_edit:
            self._counts.access_changes += 1
            connection.can_edit = can_edit
            if connection.ready:
                connection.session.access_changed(connection)


def pause(checks: Sequence[float], recheck: float, now: float) -> float:
    """Seconds to wait before the next BATCH of connections is checked, those with the oldest check first.

    `checks`: time of each connection's last check. No connection waits longer than `recheck` seconds, and the checks
    are spread evenly over that time.
    """
    if not checks:
        return recheck * SHARE
    even = recheck * SHARE / -(-len(checks) // BATCH)
    return max(0.0, min(even, min(checks) + recheck * SHARE - now))


async def read_rights(db: Database, joined: Sequence[Joined], document_ids: set[UUID]) -> Rights:
    """Read the rows that decide what these connections may do, and the state of these documents. Raises Unavailable."""
    identities = [connection.identity for _, connection in joined]
    pairs = {(connection.identity.rights, document.id) for document, connection in joined}
    users = {identity.user_id for identity in identities if identity.user_id is not None}
    credentials = {identity.credential for identity in identities if identity.credential is not None}
    openings = {identity.link.opening_id for identity in identities if identity.link is not None}
    async with db.as_service() as conn:
        # A change between two statements may end both a permission and a credential. The reason that `decide` tells
        # first is read last, so that it is known where its consequence is.
        permissions = await live_queries.find_permissions(conn, pairs, db.guest_role)
        documents = await live_queries.find_documents(conn, document_ids)
        active = await live_queries.list_active_users(conn, users)
        valid = await live_queries.list_valid_credentials(
            conn, {c.id for c in credentials if c.id is not None} | openings
        )
    return Rights(active, valid, documents, permissions)


def decide(identity: Identity, document_id: UUID, rights: Rights) -> Role | CollabError:
    """The present role of this identity in the document, or the error that explains why it has none."""
    credential = identity.credential
    if identity.link is not None and identity.link.opening_id not in rights.valid_credentials:
        return ShareEnded("the link has another password now: open it again")
    if credential is not None and credential.id is not None and credential.id not in rights.valid_credentials:
        return Unauthenticated("you were signed out: the token or session has ended")
    if identity.kind == "user" and identity.user_id not in rights.active_users:
        return Unauthenticated("your account was deactivated")
    state = rights.documents.get(document_id)
    if state is None:
        return NotFound("the document was deleted")
    if not state.collaborative:
        return NotTogether("this document cannot be edited together: its settings say so")
    role = role_of_permission(rights.permissions[identity.rights, document_id])
    if role is None:
        return Forbidden("you may not see this document any more")
    return min(role, identity.role_cap)

"""The parts of a server that commands with documents need."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import TypeVar, cast
from uuid import UUID

from collab_server.access.identity import GUEST, Identity
from collab_server.adapters.conversion.converters import Converters
from collab_server.adapters.postgres import Database
from collab_server.adapters.workers import Workers
from collab_server.cli.database import OPERATOR, run_on_database
from collab_server.cli.stored_edits import StoredEdits
from collab_server.errors import ConfigurationError, NotFound
from collab_server.features.attachments.services import AttachmentParts
from collab_server.features.document_log import store
from collab_server.features.documents import document_queries, tag_queries
from collab_server.features.documents.addresses import Addresses, check_address
from collab_server.features.documents.document_queries import Document, Encrypted
from collab_server.features.documents.kinds import ENCRYPTED
from collab_server.features.documents.request_context import RequestContext
from collab_server.features.exports import manifest
from collab_server.features.exports.services import Sources
from collab_server.features.quotas.quotas import Quotas
from collab_server.features.view_counts.view_counts import Views
from collab_server.features.workspaces import operator_queries
from collab_server.settings import Settings, load
from collab_server.web.rooms import Rooms

T = TypeVar("T")


class CommandContext:
    """The services that a command uses, with or without a running server."""

    def __init__(self, settings: Settings, db: Database) -> None:
        self.settings = settings
        self.db = db
        self.workers = Workers(1)
        self.converters = Converters()
        self.attachments = AttachmentParts.build(settings, db, self.converters)
        self.sources = Sources(db, self.workers, self.converters, self.attachments.store, self._settle)

    async def _settle(self, document_id: UUID) -> None:
        await store.fold(self.db, self.workers, document_id)

    def rooms(self) -> Rooms:
        """Return what imports, restores and conversions use of the rooms, which belong to a server. Servers that run
        hear from the database that a document was replaced.
        """
        edits = StoredEdits(self.db, self.workers)
        return cast(
            Rooms,
            SimpleNamespace(settle=self._settle, edits=edits, people_in=lambda _: 0, end_generation=lambda _: None),
        )

    def request_context(self, acting: Identity) -> RequestContext:
        creations = Quotas(self.settings, paced=False).creations_from("")
        return RequestContext(
            acting, self.db, self.rooms(), self.workers, self.settings, Views(), creations, self.attachments.copier
        )

    async def workspace(self, slug: str, email: str | None = None) -> tuple[UUID, Identity]:
        """Return the id of a workspace, and the identity of the user with this e-mail address, or of the owner.

        Raises ConfigurationError.
        """
        async with self.db.as_service() as conn:
            found = await operator_queries.find_workspace_with_owner(conn, slug)
        if found is None:
            raise ConfigurationError(f"there is no workspace {slug}")
        if email:
            return found.id, await self.person(email)
        return found.id, GUEST if found.owner_id is None else Identity("user", found.owner_id, OPERATOR)

    async def person(self, email: str) -> Identity:
        """Return the identity of the user with this e-mail address. Raises ConfigurationError."""
        async with self.db.as_service() as conn:
            found = await operator_queries.find_person(conn, email)
        if found is None:
            raise ConfigurationError(f"there is no user {email}")
        return Identity("user", found, email)

    async def document(self, address: str) -> tuple[Document, tuple[str, ...], Encrypted | None]:
        """Return a document, the names of its category from the root on, and its secret. Raises NotFound."""
        found: UUID | None = None
        async with self.db.as_service() as conn:
            try:
                found = UUID(address)
            except ValueError:
                addresses = Addresses(self.db, self.settings.default_workspace)
                found = await addresses.find_unchecked(conn, check_address(address))
            document = await document_queries.find_document_unchecked(conn, found) if found else None
            if document is None:
                raise NotFound(f"there is no document {address}")
            paths = manifest.make_category_paths(await tag_queries.list_categories(conn, document.workspace_id))
            secret = await document_queries.find_encrypted(conn, document.id) if document.type == ENCRYPTED else None
        return document, paths.get(document.category_id, ()) if document.category_id else (), secret


@asynccontextmanager
async def _open(settings: Settings, dsn: str) -> AsyncIterator[CommandContext]:
    db = Database(dsn, guest_role="editor", pool_size=2)
    await db.open()
    context = CommandContext(settings, db)
    # Files are written under the lock of their writer.
    writing = asyncio.create_task(context.attachments.writers.run())
    try:
        yield context
    finally:
        writing.cancel()
        await asyncio.wait({writing})
        context.attachments.store.close()
        await context.converters.close()
        await context.workers.close()
        await db.close()


def with_context(work: Callable[[CommandContext], Awaitable[T]]) -> T:
    """Run `work` and return its result. Raises ConfigurationError."""
    settings = load()

    async def run(dsn: str) -> T:
        async with _open(settings, dsn) as context:
            return await work(context)

    return run_on_database(settings, run)

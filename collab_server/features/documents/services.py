"""Services of the process for the routes of documents."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol
from uuid import UUID

from starlette.requests import HTTPConnection

from collab_server.access.identity import Identity
from collab_server.adapters.postgres import Conn
from collab_server.features.quotas.quotas import Quotas
from collab_server.features.view_counts.view_counts import Views
from collab_server.web.services import WebServices


class FileCopies(Protocol):
    """The attachments that a new document is about to get."""

    @property
    def ids(self) -> Mapping[UUID, UUID]:
        """Ids of the copies by the ids of their originals."""
        ...

    @property
    def size(self) -> int:
        """Bytes of all together."""
        ...

    async def insert(self, conn: Conn, document_id: UUID) -> None:
        """Make the rows of the new document, within its transaction. Needs app_service.

        Raises QuotaExceeded, LostRace (an original is gone), Unavailable.
        """
        ...


class FileCopier(Protocol):
    """Copies the living attachments of a document; features/attachments/with_document/ does."""

    def copy(
        self, identity: Identity, document_id: UUID, workspace_id: UUID
    ) -> AbstractAsyncContextManager[FileCopies]:
        """Prepare the copies for a new document in a workspace. The block makes the document; after an error in it
        nothing is left. The caller has checked the rights. Raises LostRace, StoreUnavailable, Unavailable.
        """
        ...


class DocumentServices(WebServices, Protocol):
    quotas: Quotas
    views: Views
    file_copier: FileCopier


def document_services(connection: HTTPConnection) -> DocumentServices:
    services: DocumentServices = connection.state.services
    return services

"""The part of a process's services that all routes may use."""

from typing import Literal, Protocol
from uuid import UUID

from starlette.requests import HTTPConnection

from collab_server.access.identity import Authenticator, Identity
from collab_server.adapters.mail import Mailer
from collab_server.adapters.postgres import Database
from collab_server.adapters.workers import Workers
from collab_server.security.tokens import Signer
from collab_server.settings import Settings
from collab_server.web.rooms import Rooms


class KeepVersion(Protocol):
    """Makes a version of a document before an edit that removes much of it."""

    async def __call__(
        self, document_id: UUID, kind: Literal["import", "before-deletion"], user_id: UUID | None
    ) -> None:
        """Return when the version is stored, or the last one has the same content, or the document cannot have one
        (which is logged). Raises NotFound, TooMany, Unavailable.
        """
        ...


class Readers(Protocol):
    """Knows which stored texts somebody reads."""

    def note_request(self, identity: Identity, document_id: UUID | None) -> None:
        """Record a request by this identity, about this document if it is about one."""
        ...


class WebServices(Protocol):
    """Attributes of collab_server.services.Services. Features with services of their own extend this protocol.

    `workers`: the processes for edits and renderings by requests.
    """

    settings: Settings
    db: Database
    authenticator: Authenticator
    signer: Signer
    mailer: Mailer
    rooms: Rooms
    editing: Workers
    keep_version: KeepVersion
    readers: Readers


def web_services(connection: HTTPConnection) -> WebServices:
    """Return the services of the process that serves this request or socket."""
    services: WebServices = connection.state.services
    return services

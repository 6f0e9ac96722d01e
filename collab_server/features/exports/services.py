"""Services of the process for exports and imports."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from starlette.requests import HTTPConnection

from collab_server.adapters.conversion.converters import Converters
from collab_server.adapters.object_store import ObjectStore
from collab_server.adapters.postgres import Database
from collab_server.adapters.workers import Workers
from collab_server.features.attachments.services import AttachmentServices


class ConversionServices(AttachmentServices, Protocol):
    """Attributes of collab_server.services.Services."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Services for reading documents. `store`: of their attachments. `settle`: see web.depends.Rooms."""

    db: Database
    workers: Workers
    converters: Converters
    store: ObjectStore
    settle: Callable[[UUID], Awaitable[None]]


def conversion_services(connection: HTTPConnection) -> ConversionServices:
    services: ConversionServices = connection.state.services
    return services

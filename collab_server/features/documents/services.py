"""Services of the process for the routes of documents."""

from typing import Protocol

from starlette.requests import HTTPConnection

from collab_server.features.quotas.quotas import Quotas
from collab_server.features.view_counts.view_counts import Views
from collab_server.web.services import WebServices


class DocumentServices(WebServices, Protocol):
    quotas: Quotas
    views: Views


def document_services(connection: HTTPConnection) -> DocumentServices:
    services: DocumentServices = connection.state.services
    return services

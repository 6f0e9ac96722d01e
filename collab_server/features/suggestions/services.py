"""The services of suggestions."""

from typing import Protocol

from starlette.requests import HTTPConnection

from collab_server.features.suggestions.deciding import Decisions
from collab_server.web.services import WebServices


class SuggestionServices(WebServices, Protocol):
    """Attributes of collab_server.services.Services."""

    decisions: Decisions


def suggestion_services(connection: HTTPConnection) -> SuggestionServices:
    """Return the services of the process that serves this request."""
    services: SuggestionServices = connection.state.services
    return services

"""Services of the process for exports and imports."""

from typing import Protocol

from starlette.requests import HTTPConnection

from collab_server.adapters.conversion.converters import Converters
from collab_server.web.services import WebServices


class ConversionServices(WebServices, Protocol):
    converters: Converters


def conversion_services(connection: HTTPConnection) -> ConversionServices:
    services: ConversionServices = connection.state.services
    return services

"""Services of the process for sign-in and accounts."""

from typing import Protocol

from starlette.requests import HTTPConnection

from collab_server.features.auth.sign_in_log import SignIns
from collab_server.features.users.passwords import Passwords
from collab_server.web.services import WebServices


class AuthServices(WebServices, Protocol):
    passwords: Passwords
    sign_ins: SignIns


def auth_services(connection: HTTPConnection) -> AuthServices:
    services: AuthServices = connection.state.services
    return services

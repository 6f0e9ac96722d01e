"""Services of the process that the real-time routes use."""

from typing import Protocol

from starlette.requests import HTTPConnection

from collab_server.realtime.live_events import LiveEvents
from collab_server.realtime.service import RealtimeService
from collab_server.web.services import WebServices


class RealtimeServices(WebServices, Protocol):
    realtime: RealtimeService
    live_events: LiveEvents


def realtime_services(connection: HTTPConnection) -> RealtimeServices:
    services: RealtimeServices = connection.state.services
    return services

"""The services of public pages."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from starlette.requests import HTTPConnection

from collab_server.adapters.postgres import Database
from collab_server.adapters.workers import Workers
from collab_server.features.changes.reader import FeedReader
from collab_server.features.public_pages.articles import Articles
from collab_server.features.public_pages.live import PageStreams
from collab_server.settings import Settings
from collab_server.web.services import WebServices


@dataclass(frozen=True, slots=True)
class PublicPages:
    """The parts of one process."""

    articles: Articles
    streams: PageStreams

    @classmethod
    def build(
        cls,
        settings: Settings,
        db: Database,
        workers: Workers,
        settle: Callable[[UUID], Awaitable[None]],
        feed: FeedReader,
    ) -> "PublicPages":
        """`settle`: see web.rooms.Rooms."""
        own = settings.base_url if settings.public_url else ""
        return cls(Articles(db, workers, settle, own), PageStreams(feed, db))


class PublicPageServices(WebServices, Protocol):
    """Attributes of collab_server.services.Services."""

    public_pages: PublicPages


def public_page_services(connection: HTTPConnection) -> PublicPageServices:
    """Return the services of the process that serves this request."""
    services: PublicPageServices = connection.state.services
    return services

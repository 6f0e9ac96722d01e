"""The pages themselves, outside the API: they need no credential, whatever guests may do, and set no cookie."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from collab_server.adapters.fair_queue import address_of, on_behalf_of
from collab_server.adapters.rates import network_of
from collab_server.adapters.websocket.sse import EventStream
from collab_server.errors import CollabError, NotFound
from collab_server.features.public_pages import feeds, queries
from collab_server.features.public_pages.addresses import get_base_url, page_path
from collab_server.features.public_pages.page import (
    PAGE_SIZE,
    make_etag,
    write_cache_control,
    write_index,
    write_page,
)
from collab_server.features.public_pages.queries import Page
from collab_server.features.public_pages.services import public_page_services
from collab_server.web import cursors, problems
from collab_server.web.etags import not_modified
from collab_server.web.middleware.headers import client_address

Endpoint = Callable[[Request], Awaitable[Response]]

_DIAGRAM_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


def routes() -> list[BaseRoute]:
    """The routes of this module."""
    return [
        Route("/p/", _answering(_show_index), methods=["GET"]),
        Route("/p/{slug}", _answering(_show_page), methods=["GET"]),
        Route("/p/{slug}/diagrams/{name}", _answering(_show_diagram), methods=["GET"]),
        Route("/p/{slug}/events", _answering(_open_events), methods=["GET"]),
        Route("/w/{slug}/feed.xml", _answering(_show_feed), methods=["GET"]),
        Route("/sitemap.xml", _answering(_show_sitemap), methods=["GET"]),
        Route("/robots.txt", _answering(_show_robots), methods=["GET"]),
    ]


def _answering(endpoint: Endpoint) -> Endpoint:
    """The endpoint with errors as answers: what is absent is the page for it, everything else a problem."""

    async def answer(request: Request) -> Response:
        token = on_behalf_of.set(address_of(client_address(request.scope)))
        try:
            return await endpoint(request)
        except NotFound as error:
            raise HTTPException(404, error.detail) from None
        except CollabError as error:
            return problems.of(error)
        finally:
            on_behalf_of.reset(token)

    return answer


def _public(request: Request, body: bytes, media_type: str, more: dict[str, str] | None = None) -> Response:
    """An answer that caches may keep for a short time, or a 304."""
    etag = make_etag(body)
    kept = write_cache_control(public_page_services(request).settings.public_page_seconds)
    headers = {"etag": etag, "cache-control": kept, **(more or {})}
    if (unchanged := not_modified(request, etag)) is not None:
        unchanged.headers.update(headers)
        return unchanged
    return Response(body, media_type=media_type, headers=headers)


async def _find(request: Request) -> Page:
    """Find the page of the address. Raises NotFound."""
    page = await public_page_services(request).public_pages.articles.find_page(request.path_params["slug"])
    if page is None:
        raise NotFound("there is no such page")
    return page


async def _show_page(request: Request) -> Response:
    services = public_page_services(request)
    articles = services.public_pages.articles
    page = await articles.find_page(request.path_params["slug"])
    if page is None:
        return await _redirect(request)
    article = await articles.get_article(page)
    robots = {} if page.indexable else {"x-robots-tag": "noindex"}
    return _public(request, write_page(page, article, get_base_url(request)), "text/html; charset=utf-8", robots)


async def _redirect(request: Request) -> Response:
    """Redirect a former address to the present one. Raises NotFound."""
    async with public_page_services(request).db.as_service() as conn:
        slug = await queries.find_present_slug(conn, request.path_params["slug"])
    if slug is None:
        raise NotFound("there is no such page")
    return RedirectResponse(page_path(slug), 301, {"cache-control": "public, max-age=300"})


async def _show_index(request: Request) -> Response:
    cursor = request.query_params.get("cursor")
    after = cursors.read_position(cursor, datetime, UUID, of="public pages")
    async with public_page_services(request).db.as_service() as conn:
        found = await queries.list_pages(conn, PAGE_SIZE + 1, feeds.BEGINNING, after)
    if not found:
        raise NotFound("no page is listed here")
    pages, following = cursors.cut_page(
        found, PAGE_SIZE, lambda page: (page.published_at, page.document_id), of="public pages"
    )
    return _public(request, write_index(pages, get_base_url(request), cursor, following), "text/html; charset=utf-8")


async def _show_diagram(request: Request) -> Response:
    page = await _find(request)
    article = await public_page_services(request).public_pages.articles.get_article(page)
    svg = article.diagrams.get(request.path_params["name"]) if article is not None else None
    if svg is None:
        raise NotFound("there is no such diagram")
    headers = {"content-security-policy": _DIAGRAM_POLICY, "x-robots-tag": "noindex"}
    return _public(request, svg.encode(), "image/svg+xml", headers)


async def _open_events(request: Request) -> Response:
    page = await _find(request)
    if not page.live:
        raise NotFound("the page is not live")
    if request.method == "HEAD":
        return Response(media_type="text/event-stream", headers={"cache-control": "no-store"})
    network = network_of(client_address(request.scope))
    streams = public_page_services(request).public_pages.streams
    return _StreamResponse(await streams.open_stream(page.document_id, network))


class _StreamResponse(Response):
    def __init__(self, stream: EventStream) -> None:
        super().__init__()
        self._stream = stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._stream(scope, receive, send)


async def _show_feed(request: Request) -> Response:
    slug = request.path_params["slug"]
    async with public_page_services(request).db.as_service() as conn:
        feed = await queries.find_feed(conn, slug, feeds.MAX_ITEMS, feeds.BEGINNING)
    if feed is None:
        raise NotFound("there is no such feed")
    body = feeds.write_feed(feed, get_base_url(request), slug)
    return _public(request, body, "application/rss+xml; charset=utf-8")


async def _show_sitemap(request: Request) -> Response:
    async with public_page_services(request).db.as_service() as conn:
        pages = await queries.list_indexable(conn)
    return _public(request, feeds.write_sitemap(pages, get_base_url(request)), "application/xml; charset=utf-8")


async def _show_robots(request: Request) -> Response:
    return _public(request, feeds.write_robots(get_base_url(request)), "text/plain; charset=utf-8")

"""Addresses of public pages."""

from urllib.parse import quote

from starlette.requests import HTTPConnection

from collab_server.web.services import web_services

PREFIX = "/p/"


def page_path(slug: str) -> str:
    return PREFIX + quote(slug, safe="")


def page_url(base: str, slug: str) -> str:
    return base + page_path(slug)


def feed_path(workspace_slug: str) -> str:
    return f"/w/{quote(workspace_slug, safe='')}/feed.xml"


def get_base_url(request: HTTPConnection) -> str:
    """Where browsers reach this server, without a slash at the end: COLLAB_PUBLIC_URL, or as the request came."""
    settings = web_services(request).settings
    if settings.public_url:
        return settings.base_url
    return f"{request.url.scheme}://{request.url.netloc}"

"""Lists of indexable pages for programs: the feed of a workspace (RSS 2.0), the sitemap, and robots.txt. Pure."""

import re
from collections.abc import Sequence
from email.utils import format_datetime
from html import escape
from typing import Final

from collab_server.core.markdown.excerpts import excerpt
from collab_server.features.public_pages.addresses import feed_path, page_url
from collab_server.features.public_pages.queries import Feed, Listed

MAX_ITEMS: Final = 50
"""Items of a feed."""
BEGINNING: Final = 2000
"""Characters of a text that an excerpt is made of."""
_NOT_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def escape_text(text: str) -> str:
    """Return the text for XML or HTML, without the control characters that these may not have."""
    return escape(_NOT_XML.sub("", text))


def write_feed(feed: Feed, base: str, slug: str) -> bytes:
    """Write the feed of the workspace with this slug."""
    name = escape_text(feed.name)
    own = escape_text(base + feed_path(slug))
    items = "".join(_write_item(page, base) for page in feed.pages)
    newest = max(page.published_at for page in feed.pages)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom">\n<channel>\n'
        f"<title>{name}</title>\n<link>{own}</link>\n<description>Pages of {name}</description>\n"
        f'<atom:link href="{own}" rel="self" type="application/rss+xml"/>\n'
        f"<lastBuildDate>{format_datetime(newest, usegmt=True)}</lastBuildDate>\n{items}</channel>\n</rss>\n"
    ).encode()


def _write_item(page: Listed, base: str) -> str:
    url = escape_text(page_url(base, page.slug))
    summary = escape_text(page.description or summarise(page))
    return (
        f"<item>\n<title>{escape_text(page.title)}</title>\n<link>{url}</link>\n"
        f'<guid isPermaLink="false">urn:uuid:{page.document_id}</guid>\n'
        f"<pubDate>{format_datetime(page.published_at, usegmt=True)}</pubDate>\n"
        f"<description>{summary}</description>\n</item>\n"
    )


def summarise(page: Listed) -> str:
    """Return the beginning of the text, without a heading that repeats the title."""
    return excerpt(page.beginning).removeprefix(page.title).lstrip()


def write_sitemap(pages: Sequence[Listed], base: str) -> bytes:
    urls = "".join(
        f"<url><loc>{escape_text(page_url(base, page.slug))}</loc>"
        f"<lastmod>{page.changed_at:%Y-%m-%dT%H:%M:%SZ}</lastmod></url>\n"
        for page in pages
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{urls}</urlset>\n'
    ).encode()


def write_robots(base: str) -> bytes:
    """Programs may read public pages, which say themselves whether they may be listed, and nothing else."""
    return (
        "User-agent: *\nAllow: /p/\nAllow: /static/\nAllow: /api/v1/attachments/\nAllow: /w/*/feed.xml\nDisallow: /\n\n"
        f"Sitemap: {base}/sitemap.xml\n"
    ).encode()

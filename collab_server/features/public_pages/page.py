"""The HTML of a public page around its article, and of the list of pages at `/p/`. Pure."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from html import escape
from typing import Final
from urllib.parse import quote

from collab_server.features.documents.languages import CONFIGURATIONS
from collab_server.features.public_pages.addresses import PREFIX, feed_path, page_path, page_url
from collab_server.features.public_pages.article import DIAGRAMS, Article
from collab_server.features.public_pages.feeds import escape_text, summarise
from collab_server.features.public_pages.headings import Entry
from collab_server.features.public_pages.queries import Listed, Page

MIN_CONTENTS: Final = 2
"""Headings from which on there is a table of contents."""

_PAGE: Final = """\
<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
{meta}<link rel="canonical" href="{url}">
<link rel="icon" href="/static/favicon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/static/public.css">
{script}</head>
<body>
<a class="skip" href="#article" lang="en">Skip to the text</a>
<main id="page"{events}>
<article dir="auto">
<header>
<h1>{heading}</h1>
<p class="byline" lang="en">Last edited <time datetime="{moment}">{changed.day} {changed:%B %Y}</time></p>
</header>
{contents}<div id="article" tabindex="-1" dir="auto">
{body}</div>
</article>
</main>
<footer lang="en">
<p id="state" role="status"></p>
<p>Published with <a href="/">collab_server</a></p>
</footer>
</body>
</html>
"""
_SCRIPT: Final = '<script type="module" src="/static/live.js"></script>\n'
_TOO_LARGE: Final = (
    '<p lang="en">This document is too large to be shown as a page. '
    '<a href="/api/v1/documents/{id}/content?format=markdown">Its text is here</a>.</p>\n'
)

PAGE_SIZE: Final = 50
"""Entries of one page of the list."""
_LIST: Final = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Public pages</title>
<link rel="canonical" href="{url}">
<link rel="icon" href="/static/favicon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/static/public.css">
</head>
<body>
<a class="skip" href="#article">Skip to the list</a>
<main id="page">
<article>
<header>
<h1>Public pages</h1>
</header>
<div id="article" tabindex="-1">
{entries}{more}</div>
</article>
</main>
<footer>
<p>Published with <a href="/">collab_server</a></p>
</footer>
</body>
</html>
"""


def write_page(page: Page, article: Article | None, base: str) -> bytes:
    """Write the page. `article`: None for a text that cannot be rendered. `base`: where browsers reach this server."""
    url = page_url(base, page.slug)
    body = _TOO_LARGE.format(id=page.document_id) if article is None else _place(article.body, page.slug)
    heading = article.title if article is not None and article.title else escape(page.title)
    return _PAGE.format(
        language=CONFIGURATIONS.get(page.language, "en"),
        title=escape(page.title),
        meta=_write_meta(page, article, base, url),
        url=escape(url),
        script=_SCRIPT if page.live else "",
        events=f' data-events="{escape(page_path(page.slug))}/events"' if page.live else "",
        heading=heading,
        changed=page.changed_at,
        moment=_write_time(page.changed_at),
        contents=_write_contents(article.contents) if article is not None else "",
        body=body,
    ).encode()


def make_etag(body: bytes) -> str:
    return f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'


def write_cache_control(seconds: int) -> str:
    """Let caches keep an answer for so many seconds without a question, and as long again during one; 0: always ask."""
    return f"public, max-age={seconds}, stale-while-revalidate={seconds}" if seconds else "public, no-cache"


def _place(body: str, slug: str) -> str:
    """Put the slug into the addresses of diagrams."""
    return body.replace(f'"{DIAGRAMS}', f'"{page_path(slug)}{DIAGRAMS.removeprefix(PREFIX + ":slug")}')


def _write_meta(page: Page, article: Article | None, base: str, url: str) -> str:
    description = " ".join((page.description or (article.description if article else "")).split())[:300]
    image = base + article.image if article is not None and article.image else ""
    named = {
        "description": description,
        "robots": "" if page.indexable else "noindex",
        "twitter:card": "summary_large_image" if image else "summary",
    }
    properties = {
        "og:type": "article",
        "og:title": page.title,
        "og:description": description,
        "og:url": url,
        "og:image": image,
        "article:published_time": _write_time(page.published_at),
        "article:modified_time": _write_time(page.changed_at),
    }
    lines = [f'<meta name="{name}" content="{escape(value)}">\n' for name, value in named.items() if value]
    lines += [f'<meta property="{name}" content="{escape(value)}">\n' for name, value in properties.items() if value]
    if page.indexable and page.feed:
        feed = escape(base + feed_path(page.feed))
        lines.append(f'<link rel="alternate" type="application/rss+xml" title="Feed" href="{feed}">\n')
    return "".join(lines)


def _write_time(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _write_contents(entries: Sequence[Entry]) -> str:
    if len(entries) < MIN_CONTENTS:
        return ""
    least = min(entry.level for entry in entries)
    lines = "".join(
        f'<li class="level-{entry.level - least + 1}"><a href="#{escape(entry.anchor)}">{escape(entry.text)}</a></li>\n'
        for entry in entries
    )
    return (
        '<nav id="contents" aria-labelledby="contents-title"><details>'
        f'<summary id="contents-title" lang="en">Contents</summary>\n<ol>\n{lines}</ol>\n</details></nav>\n'
    )


def write_index(pages: Sequence[Listed], base: str, cursor: str | None, following: str | None) -> bytes:
    """Write one page of the list, the last published first. `cursor`: of this page; `following`: of the next one."""
    entries = "".join(_write_entry(page) for page in pages)
    more = f'<p><a href="{_index_path(following)}" rel="next">Earlier pages</a></p>\n' if following else ""
    return _LIST.format(url=escape(base + _index_path(cursor)), entries=entries, more=more).encode()


def _index_path(cursor: str | None) -> str:
    return f"{PREFIX}?cursor={quote(cursor, safe='')}" if cursor else PREFIX


def _write_entry(page: Listed) -> str:
    summary = escape_text(page.description or summarise(page))
    return (
        f'<section dir="auto">\n<h2><a href="{escape(page_path(page.slug))}">{escape_text(page.title)}</a></h2>\n'
        f'<p class="byline" lang="en">Published <time datetime="{page.published_at:%Y-%m-%dT%H:%M:%SZ}">'
        f"{page.published_at.day} {page.published_at:%B %Y}</time></p>\n"
        f"{f'<p>{summary}</p>' if summary else ''}\n</section>\n"
    )

"""A document's text as HTML or plain text: rendered once per text, in a worker process, and kept."""

from typing import Final
from uuid import UUID

from collab_server.adapters.postgres import Database
from collab_server.adapters.workers import Workers
from collab_server.errors import TooLarge, TooMuchWork
from collab_server.features.content import markup, render_queries

MAX_BYTES: Final = 1_000_000
"""Maximum size of rendered Markdown."""

MEDIA_TYPES: Final[dict[str, markup.Format]] = {"text/html": "html", "text/plain": "text"}

CONTENT_POLICY: Final = "sandbox; default-src 'none'; img-src http: https: data:; style-src 'unsafe-inline'"
"""Content-Security-Policy of the answer: no scripts and no origin when it is opened as a page."""


async def render_cached(
    db: Database, workers: Workers, document_id: UUID, content: str, content_hash: str, kind: markup.Format
) -> str:
    """The text as this format. Raises TooLarge, TooMuchWork, TooMany, Unavailable."""
    if len(content) > MAX_BYTES or len(content.encode()) > MAX_BYTES:
        raise TooLarge(f"a text of more than {MAX_BYTES} bytes is not rendered; ask for text/markdown")
    async with db.as_service() as conn:
        cached = await render_queries.find_render(conn, document_id, kind, content_hash, markup.RENDERER)
    if cached is None:
        body: str | None
        try:
            body = await workers.run(markup.render, content, kind)
        except (markup.TooLong, TooMuchWork):
            body = None  # is kept too: or asking again and again would keep the workers busy
        async with db.as_service() as conn:
            await render_queries.save_render(conn, document_id, kind, content_hash, markup.RENDERER, body)
        cached = render_queries.Render(body)
    if cached.body is None:
        raise TooMuchWork("rendering this text takes too long; ask for text/markdown")
    return cached.body


async def render(workers: Workers, content: str, kind: markup.Format) -> str:
    """Render a text that is not kept. Raises TooLarge, TooMuchWork, TooMany, Unavailable."""
    if len(content.encode()) > MAX_BYTES:
        raise TooLarge(f"a text of more than {MAX_BYTES} bytes is not rendered; ask for text/markdown")
    try:
        return await workers.run(markup.render, content, kind)
    except markup.TooLong:
        raise TooMuchWork("rendering this text takes too long; ask for text/markdown") from None


def make_etag(content_hash: str, kind: markup.Format) -> str:
    return f'"{content_hash}-{kind}{markup.RENDERER}"'

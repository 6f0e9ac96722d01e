"""A document's text as HTML or plain text: rendered once per text, in a worker process, and kept."""

from typing import Final
from uuid import UUID

from collab_server.backends.db import Database
from collab_server.backends.workers import Workers
from collab_server.documents import markup, render_queries
from collab_server.errors import TooLarge, TooMuchWork

MAX_BYTES: Final = 1_000_000
"""Of Markdown; a longer text is not rendered."""

MEDIA_TYPES: Final[dict[str, markup.Format]] = {"text/html": "html", "text/plain": "text"}

CONTENT_POLICY: Final = "sandbox; default-src 'none'; img-src http: https: data:; style-src 'unsafe-inline'"
"""For whoever opens the answer as a page: nothing in it runs, and it has no origin."""


async def rendered(
    db: Database, workers: Workers, document_id: UUID, content: str, content_hash: str, kind: markup.Format
) -> str:
    """The text as this format. Raises TooLarge, TooMuchWork, TooMany, Unavailable."""
    if len(content) > MAX_BYTES or len(content.encode()) > MAX_BYTES:
        raise TooLarge(f"a text of more than {MAX_BYTES} bytes is not rendered; ask for text/markdown")
    async with db.as_service() as conn:
        known = await render_queries.find_render(conn, document_id, kind, content_hash, markup.RENDERER)
    if known is None:
        body: str | None
        try:
            body = await workers.run(markup.render, content, kind)
        except (markup.TooLong, TooMuchWork):
            body = None  # is kept too: or asking again and again would keep the workers busy
        async with db.as_service() as conn:
            await render_queries.save_render(conn, document_id, kind, content_hash, markup.RENDERER, body)
        known = render_queries.Render(body)
    if known.body is None:
        raise TooMuchWork("this text cannot be rendered within bounds; ask for text/markdown")
    return known.body


def etag(content_hash: str, kind: markup.Format) -> str:
    return f'"{content_hash}-{kind}{markup.RENDERER}"'

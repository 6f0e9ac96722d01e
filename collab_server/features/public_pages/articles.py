"""The articles of public pages: rendered once for each content, in a worker process, and kept in memory and PostgreSQL.

No message is needed to drop one: the key is made of everything that the article shows, and each request reads the
present state of the document, in any process.
"""

import asyncio
import hashlib
import json
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from collab_server.adapters.postgres import Database
from collab_server.adapters.workers import Workers
from collab_server.errors import CollabError, NotFound, TooMuchWork
from collab_server.features.content import render_queries, rendering
from collab_server.features.content.markup import TooLong
from collab_server.features.public_pages import article, article_job, queries
from collab_server.features.public_pages.article import Article
from collab_server.features.public_pages.queries import Page
from collab_server.observability.logging import log

FORMAT: Final = "page"
MAX_KEPT_BYTES: Final = 32_000_000
"""Limit of the articles in the memory of a process."""
_ROUNDS: Final = 2


@dataclass(frozen=True, slots=True)
class _Kept:
    article: Article | None
    size: int


class Articles:
    """`settle`: see web.rooms.Rooms. `own`: the public address of this server, or ''."""

    def __init__(self, db: Database, workers: Workers, settle: Callable[[UUID], Awaitable[None]], own: str) -> None:
        self._db = db
        self._workers = workers
        self._settle = settle
        self._own = own
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._size = 0
        self._making: dict[str, asyncio.Task[Article | None]] = {}
        self._settling: dict[UUID, asyncio.Task[None]] = {}

    async def find_page(self, slug: str) -> Page | None:
        """Find a page that everybody may read, with a stored text that has all committed edits."""
        for last in (False, True):
            async with self._db.as_service() as conn:
                page = await queries.find_page(conn, slug)
            if page is None or not page.is_behind or last:
                return page
            await self._catch_up(page.document_id)
        raise AssertionError

    async def _catch_up(self, document_id: UUID) -> None:
        """Have the stored text include all edits. However many ask, one call runs for a document. A call that runs
        already may miss the last edits: the second round is for these.
        """
        for _ in range(_ROUNDS):
            running = self._settling.get(document_id)
            task = running or asyncio.create_task(self._settle_stored(document_id))
            if running is None:
                self._settling[document_id] = task
                task.add_done_callback(lambda _: self._settling.pop(document_id, None))
            await asyncio.wait({task})
            if running is None:
                return

    async def _settle_stored(self, document_id: UUID) -> None:
        try:
            await self._settle(document_id)
        except Exception as error:
            # The text of the last fold is there.
            known = isinstance(error, CollabError)
            log.warning(
                "a public page shows an older text",
                extra={"document": str(document_id), "reason": str(error)},
                exc_info=None if known else error,
            )

    async def get_article(self, page: Page) -> Article | None:
        """Return the article of a page; None: it is too large to be rendered. Raises NotFound, TooMany, Unavailable."""
        key = self._key(page, page.content_hash)
        if (kept := self._kept.get(key)) is not None:
            self._kept.move_to_end(key)
            return kept.article
        task = self._making.get(key)
        if task is None:
            task = self._making[key] = asyncio.create_task(self._make(page))
            task.add_done_callback(lambda done: self._made(key, done))
        return await asyncio.shield(task)

    def _made(self, key: str, task: asyncio.Task[Article | None]) -> None:
        self._making.pop(key, None)
        if not task.cancelled():
            task.exception()  # Of a task that nobody waits for any more, nobody else asks.

    def _key(self, page: Page, content_hash: str) -> str:
        shown = [article.VERSION, content_hash, page.title, page.files, self._own]
        return hashlib.sha256(json.dumps(shown).encode()).hexdigest()

    async def _make(self, page: Page) -> Article | None:
        async with self._db.as_service() as conn:
            stored = await queries.find_text(conn, page.document_id)
            if stored is None:
                raise NotFound("there is no such page")
            text, content_hash = stored
            key = self._key(page, content_hash)
            cached = await render_queries.find_render(conn, page.document_id, FORMAT, key, article.VERSION)
            pictures = await queries.list_pictures(conn, page.document_id) if cached is None else {}
        if cached is not None:
            return self._keep(key, cached.body)
        body: str | None = None
        if len(text.encode()) <= rendering.MAX_BYTES:
            try:
                body = await self._workers.run(article_job.render_json, text, page.title, pictures, self._own)
            except (TooLong, TooMuchWork):
                body = None  # is kept too: or asking again and again would keep the workers busy
        async with self._db.as_service() as conn:
            await render_queries.save_render(conn, page.document_id, FORMAT, key, article.VERSION, body)
        return self._keep(key, body)

    def _keep(self, key: str, body: str | None) -> Article | None:
        kept = _Kept(None if body is None else Article.from_json(body), len(body or "") + 1000)
        if key not in self._kept:
            self._kept[key] = kept
            self._size += kept.size
        while self._size > MAX_KEPT_BYTES and len(self._kept) > 1:
            _, oldest = self._kept.popitem(last=False)
            self._size -= oldest.size
        return kept.article

"""What the offline client does without a connection."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ParamSpec, Self, TypeVar
from uuid import UUID, uuid4

from collab_server.client.comment_store import CommentStore
from collab_server.client.comments import CommentRefusal, LocalComment
from collab_server.client.files.file_store import FileStore, LocalFile
from collab_server.client.inbox import Inbox
from collab_server.client.local_document import LocalDocument
from collab_server.client.outbox import Outbox
from collab_server.client.store import Store

_P = ParamSpec("_P")
_T = TypeVar("_T")


class NotSetUp(Exception):
    """The file has no server."""


class LocalClient:
    """A client's file, for one device: its documents, their comments, and what waits to be sent.

    Edits are on disk when their method returns. Several processes may use the file at the same time. Copies of the file
    must not be used: both would edit as the same Yjs client.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="collab-client")
        self._store: Store | None = None
        self._edited = asyncio.Event()

    async def __aenter__(self) -> Self:
        store = await asyncio.get_running_loop().run_in_executor(self._thread, Store, str(self._path))
        self._store, self._inbox, self._outbox = store, Inbox(store), Outbox(store)
        self._comments = CommentStore(store)
        self._files = FileStore(store, self._path.with_name(f"{self._path.name}.files"))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._do(self._opened.close)
        self._thread.shutdown()

    @property
    def _opened(self) -> Store:
        assert self._store is not None, "use `async with OfflineClient(...)`"
        return self._store

    async def _do(self, function: Callable[_P, _T], *arguments: _P.args, **named: _P.kwargs) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: function(*arguments, **named))

    async def set_up(self, server: str, token: str) -> None:
        """Set the server and the API token. The server of a file cannot change; the token can."""
        known = await self._do(self._opened.get, "server")
        if known is not None and known != server:
            raise NotSetUp(f"this file belongs to {known}: use another for another server")
        device = await self._do(self._opened.get, "device") or f"client-{uuid4().hex[:12]}"
        await self._do(self._opened.set, server=server, token=token, device=device)

    async def documents(self) -> list[LocalDocument]:
        return await self._do(self._opened.documents)

    async def find(self, name: str) -> UUID:
        """Find a document by its id, name or title. Raises NoSuchDocument."""
        return await self._do(self._opened.find, name)

    async def content(self, document_id: UUID) -> str:
        return await self._do(self._opened.content, document_id)

    async def splice(self, document_id: UUID, position: int, deleted: int, inserted: str) -> bool:
        """Delete and insert characters. Raises NoSuchDocument, ValueError."""
        return await self._edit(document_id, lambda text: text.splice(position, deleted, inserted))

    async def append(self, document_id: UUID, inserted: str) -> bool:
        return await self._edit(document_id, lambda text: text.append(inserted))

    async def replace(self, document_id: UUID, wanted: str) -> bool:
        """Change the text to `wanted` by a minimal edit."""
        return await self._edit(document_id, lambda text: text.replace(wanted))

    async def _edit(self, document_id: UUID, change: Callable[[Any], bytes]) -> bool:
        changed = await self._do(self._opened.edit, document_id, change)
        self._edited.set()
        return changed

    async def create(self, title: str, text: str = "", workspace_id: UUID | None = None) -> UUID:
        """Create a document, by default in the personal workspace. Raises NotSetUp before the first sync."""
        if workspace_id is None:
            home = await self._do(self._opened.get, "home")
            if home is None:
                raise NotSetUp("sync once before, or name the workspace")
            workspace_id = UUID(home)
        document_id = await self._do(self._opened.create, workspace_id, title, text)
        self._edited.set()
        return document_id

    async def rename(self, document_id: UUID, title: str) -> None:
        await self.set_fields(document_id, {"title": title})

    async def set_fields(self, document_id: UUID, fields: dict[str, Any]) -> None:
        """Change metadata fields, as in PATCH documents/{id}."""
        await self._do(self._opened.set_fields, document_id, fields)
        self._edited.set()

    async def set_tags(self, document_id: UUID, tags: Sequence[str]) -> None:
        await self._do(self._opened.set_tags, document_id, list(tags))
        self._edited.set()

    async def remove(self, document_id: UUID) -> None:
        await self._do(self._opened.remove, document_id)
        self._edited.set()

    async def retry(self, document_id: UUID) -> None:
        """Send refused changes again."""
        await self._do(self._opened.retry, document_id)
        self._edited.set()

    async def status(self) -> tuple[int, int, int]:
        """The numbers of documents, pending changes (of comments too), and rescued texts."""
        documents, waiting, rescued = await self._do(self._opened.status)
        return documents, waiting + await self._do(self._comments.count_waiting), rescued

    async def refused(self) -> list[tuple[UUID, str, str, int]]:
        """Refused documents as (document, title, code, number of changes); their changes are not sent."""
        return await self._do(self._opened.refused)

    async def rescued(self) -> list[tuple[int, UUID, str, str, str | None]]:
        """Rescued texts as (number, document, title, reason, text)."""
        return await self._do(self._opened.rescued)

    # ---- comments

    async def comments(self, document_id: UUID) -> list[LocalComment]:
        """The comments of a document, thread by thread, the oldest first. Raises NoSuchDocument.

        If the server has never listed them here, they come with the next sync.
        """
        shown = await self._do(self._comments.open, document_id)
        self._edited.set()
        return shown

    async def comment(
        self,
        document_id: UUID,
        content: str,
        *,
        quote: str | None = None,
        at: int | None = None,
        parent: UUID | None = None,
        mentions: Sequence[UUID] = (),
    ) -> UUID:
        """Comment on a document, on words of it (`quote`), or reply to a comment (`parent`); returns the new id.

        `at`: where the quote begins, in characters of the content, if it occurs repeatedly. `mentions`: users to
        mention besides those in the text. Raises NoSuchDocument, NoSuchComment, ValueError.
        """
        return await self._commented(self._comments.create, document_id, content, quote, at, parent, tuple(mentions))

    async def edit_comment(self, comment_id: UUID, content: str) -> None:
        """Replace the text of a comment. Raises NoSuchComment, ValueError."""
        await self._commented(self._comments.edit, comment_id, content)

    async def delete_comment(self, comment_id: UUID) -> None:
        """Delete a comment. Raises NoSuchComment."""
        await self._commented(self._comments.delete, comment_id)

    async def resolve(self, comment_id: UUID) -> None:
        """Resolve a thread, by any of its comments. Raises NoSuchComment."""
        await self._commented(self._comments.set_resolved, comment_id, resolved=True)

    async def reopen(self, comment_id: UUID) -> None:
        """Reopen a thread, by any of its comments. Raises NoSuchComment."""
        await self._commented(self._comments.set_resolved, comment_id, resolved=False)

    async def react(self, comment_id: UUID, emoji: str) -> None:
        """React to a comment. Raises NoSuchComment, ValueError."""
        await self._commented(self._comments.set_reaction, comment_id, emoji, present=True)

    async def unreact(self, comment_id: UUID, emoji: str) -> None:
        """Take a reaction away. Raises NoSuchComment, ValueError."""
        await self._commented(self._comments.set_reaction, comment_id, emoji, present=False)

    async def refused_comments(self) -> list[CommentRefusal]:
        """What the server did not take, until `retry_comment` or `dismiss_comment`."""
        return await self._do(self._comments.refusals)

    async def retry_comment(self, number: int) -> None:
        """Send a refused change of a comment again. An edit then replaces the text at the server.

        Raises NoSuchComment.
        """
        await self._commented(self._comments.retry, number)

    async def dismiss_comment(self, number: int) -> None:
        """Forget a refused change of a comment. Raises NoSuchComment."""
        await self._do(self._comments.dismiss, number)

    # ---- attachments

    async def files(self, document_id: UUID) -> list[LocalFile]:
        """The attachments of a document, the oldest first. Raises NoSuchDocument.

        If the server has never listed them here, they come with the next sync. `OfflineClient.download` fetches one.
        """
        shown = await self._do(self._files.open, document_id)
        self._edited.set()
        return shown

    async def _commented(self, change: Callable[_P, _T], *arguments: _P.args, **named: _P.kwargs) -> _T:
        result = await self._do(change, *arguments, **named)
        self._edited.set()
        return result

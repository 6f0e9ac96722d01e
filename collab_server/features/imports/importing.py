"""Creation of documents from files, each completely or not at all."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import IO, Any, Final
from uuid import UUID

from collab_server.adapters.conversion.converters import Converters
from collab_server.core.yjs.updates import EMPTY_UPDATE
from collab_server.errors import (
    AmbiguousAddress,
    CollabError,
    Conflict,
    Malformed,
    QuotaExceeded,
    Unavailable,
)
from collab_server.features.attachments.with_document.adding import FileAdder, NewFiles
from collab_server.features.document_log.store import State
from collab_server.features.documents import models
from collab_server.features.documents.kinds import adopt_settings
from collab_server.features.documents.request_context import RequestContext
from collab_server.features.imports import attaching, discussing, parsing, threads
from collab_server.features.imports.archive_reader import MAX_MANIFEST, Archive, Member
from collab_server.features.imports.attaching import Wanted
from collab_server.features.imports.categories import Categories
from collab_server.features.imports.foreign import notes as foreign_notes
from collab_server.features.imports.making import DocumentMaker
from collab_server.features.imports.threads import Discussion
from collab_server.web.fields import a_line

_FIELDS: Final = (
    "title",
    "name",
    "type",
    "description",
    "status",
    "priority",
    "language",
    "metadata",
    "settings",
    "tags",
    "is_template",
    "expires_at",
    "content_encrypted",
    "encryption",
)
_MAX_TITLE: Final = 500
_NOTHING: Final = parsing.Details()


@dataclass(frozen=True, slots=True)
class Upload:
    """A single file. `name`: its file name, can be ''. `title`, `tags`, `category_id`: from the sender."""

    format: parsing.Format
    name: str
    charset: str = ""
    title: str = ""
    tags: Sequence[str] = ()
    category_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one file: the document or the error. `notes`: omissions and changes."""

    file: str
    document: models.DocumentOut | None
    error: CollabError | None = None
    notes: tuple[str, ...] = ()


_Read = tuple[State | None, parsing.Details]
"""The content of a new document, and details of its file."""


@dataclass(frozen=True, slots=True)
class Importer:
    """Creates documents in a workspace. The caller needs the right to create some."""

    context: RequestContext
    converters: Converters
    files: FileAdder
    workspace_id: UUID

    @property
    def _maker(self) -> DocumentMaker:
        return DocumentMaker(self.context, self.workspace_id)

    async def file(self, upload: Upload, content: bytes) -> Outcome:
        """Import one file. The outcome has a document. Raises Malformed, UnprocessableContent, TooLarge, TooMany,
        Conflict, Forbidden, LimitReached, Unavailable.
        """
        plain = await self._parsed(upload.format, content, upload.charset)

        async def make(read: _Read, new: NewFiles | None, notes: list[str]) -> models.DocumentOut:
            state, parsed = read
            given: dict[str, Any] = {"title": _titled(upload.title, parsed.title, upload.name)}
            if upload.category_id is not None:
                given["category_id"] = upload.category_id
            if parsed.metadata:
                given["metadata"] = dict(parsed.metadata)
            given["tags"] = list(upload.tags)
            document = await self._maker.make_tagged(given, state, parsed.tags, notes, new)
            notes += await self._discuss(document, state, parsed.discussion)
            return document

        return await self._with_files(
            upload.name,
            plain,
            attaching.list_embedded(plain[1]),
            lambda links: self._parsed(upload.format, content, upload.charset, links),
            make,
        )

    async def _with_files(
        self,
        name: str,
        plain: _Read,
        wanted: Sequence[Wanted],
        read: Callable[[parsing.Links], Awaitable[_Read]],
        make: Callable[[_Read, NewFiles | None, list[str]], Awaitable[models.DocumentOut]],
    ) -> Outcome:
        """Make a document with its files, and without them where they do not fit. `plain`: the file as it is; `read`:
        with links to attachments.
        """
        notes: list[str] = []
        try:
            if wanted:
                async with self.files.adding(self.context.identity, self.workspace_id) as new:
                    links, kept, told = await attaching.store(new, self.converters.spool, wanted)
                    if kept:
                        linked = await read(links)
                        document = await make(linked, new, notes)
                        for each in kept:
                            each.used()
                        return Outcome(name, document, notes=(*linked[1].notes, *notes, *told))
                notes += told
        except QuotaExceeded as error:
            # Somebody else has taken the space that there was, or the text needs it.
            notes = [f"{foreign_notes.note_left_out([each.label for each in wanted], 'file')} ({error.detail})"]
        document = await make(plain, None, notes)
        return Outcome(name, document, notes=(*plain[1].notes, *notes))

    async def _discuss(
        self, document: models.DocumentOut, state: State | None, discussion: Discussion | None
    ) -> Sequence[str]:
        """Store the comments of a new document. Return notes."""
        if discussion is None or not discussion.threads:
            return ()
        # An encrypted document has no text: its threads are on the document.
        update = state.update if state is not None else EMPTY_UPDATE
        return await discussing.store(self.context, self.converters, document.id, update, discussion)

    async def archive(
        self,
        file: IO[bytes],
        max_bytes: int,
        expect: Callable[[int], object] = lambda _: None,
        note: Callable[[str], object] = lambda _: None,
    ) -> AsyncIterator[Outcome]:
        """Yield an outcome for each document of a zip, in order. `expect`: called first with their number; `note`:
        called last for ignored files. Raises Malformed, TooLarge, UnprocessableContent before the first outcome;
        Unavailable and TooMany at any time.
        """
        async with self.converters.archive():
            archive = await asyncio.to_thread(Archive, file, max_bytes)
            try:
                categories = Categories(self.context, self.workspace_id)
                members = await asyncio.to_thread(archive.members)
                expect(len(members))
                for member in members:
                    yield await self._member(archive, member, categories)
                for text in archive.left_out():
                    note(text)
            finally:
                archive.close()

    async def _member(self, archive: Archive, member: Member, categories: Categories) -> Outcome:
        name = member.path or str(member.entry.get("title", ""))[:_MAX_TITLE]
        try:
            if member.refusal:
                raise Malformed(member.refusal)
            plain: _Read = (None, _NOTHING)
            content, form = b"", member.format
            if member.file is not None and form is not None:
                content = await asyncio.to_thread(archive.read, member.file, parsing.MOST_BYTES[form])
                plain = await self._parsed(form, content)
            wanted, lost = attaching.list_of_member(archive, member, plain[1])

            async def read(links: parsing.Links) -> _Read:
                return plain if form is None else await self._parsed(form, content, "", links)

            async def make(found: _Read, new: NewFiles | None, notes: list[str]) -> models.DocumentOut:
                discussion, doubts = await self._read_discussion(archive, member, plain, found)
                notes += [*lost, *doubts, *([member.note] if member.note else [])]
                return await self._make_member(member, found, discussion, categories, new, notes)

            return await self._with_files(name, plain, wanted, read, make)
        except Unavailable:
            raise
        except CollabError as error:
            return Outcome(name, None, error)

    async def _make_member(
        self,
        member: Member,
        read: _Read,
        discussion: Discussion | None,
        categories: Categories,
        new: NewFiles | None,
        notes: list[str],
    ) -> models.DocumentOut:
        state, parsed = read
        given = {field: member.entry[field] for field in _FIELDS if member.entry.get(field) is not None}
        given["title"] = _titled(given.get("title"), parsed.title, member.path or "")
        if isinstance(given.get("settings"), dict):
            given["settings"] = adopt_settings(given["settings"])
        given["category_id"] = await categories.find(member.category)
        if member.category and given["category_id"] is None:
            notes.append("without its category, which you may not make here")
        if "expires_at" in given and (self.context.identity.kind == "guest" or _is_past(given["expires_at"])):
            del given["expires_at"]
            notes.append("without its expiry, which is past or not yours to set")
        if parsed.metadata:
            given.setdefault("metadata", dict(parsed.metadata))
        tags = () if "tags" in given else parsed.tags
        try:
            document = await self._maker.make_tagged(given, state, tags, notes, new)
        except Conflict as error:
            if given.pop("name", None) is None:
                raise
            if isinstance(error, AmbiguousAddress):
                notes.append("without its name, which would read as the address of another workspace's document")
            else:
                notes.append("without its name, which another document here has")
            document = await self._maker.make_tagged(given, state, tags, notes, new)
        notes += await self._discuss(document, state, discussion)
        return document

    async def _read_discussion(
        self, archive: Archive, member: Member, plain: _Read, read: _Read
    ) -> tuple[Discussion | None, Sequence[str]]:
        """Return (the comments of a document of an archive, notes). `plain`: the document as it is in the archive."""
        if member.comments is None:
            return read[1].discussion, ()
        try:
            file = await asyncio.to_thread(archive.read, member.comments, MAX_MANIFEST)
            found = await self.converters.run(threads.read_file, file)
            if member.format == "yjs" and plain[0] and read[0]:
                found = found.moved(plain[0].content, read[0].content)
            return found, ()
        except Malformed as error:
            return None, (f"its comments are left out: {error.detail}",)

    async def _parsed(
        self, format_: parsing.Format, content: bytes, charset: str = "", links: parsing.Links = parsing.NO_LINKS
    ) -> _Read:
        """Return (content of the new document, details of the file)."""
        client_id = secrets.randbelow(2**31 - 1) + 1
        parsed = await self.converters.run(parsing.parse, format_, content, client_id, charset, links)
        folded, projection = parsed.folded, parsed.folded.projection
        return State(
            folded.snapshot, folded.state_vector, projection.content, projection.words, projection.truncated
        ), parsed.details


def _titled(given: Any, details: str, file_name: str) -> str:
    """Return the first valid title: from the sender, from the file, or its name."""
    for candidate in (given, details, PurePosixPath(file_name.replace("\\", "/")).stem):
        if isinstance(candidate, str):
            try:
                return a_line(" ".join(candidate.split())[:_MAX_TITLE])[:_MAX_TITLE]
            except ValueError:
                continue
    return "Untitled"


def _is_past(moment: Any) -> bool:
    try:
        return datetime.fromisoformat(moment) <= datetime.now(UTC)
    except (TypeError, ValueError):
        return False

"""Creation of documents from files, each completely or not at all."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import IO, Any, Final
from uuid import UUID

from pydantic import ValidationError

from collab_server.access.check import standing_in
from collab_server.access.policy import WorkspaceAction
from collab_server.adapters.conversion.converters import Converters
from collab_server.adapters.postgres import Conn
from collab_server.adapters.postgres_errors import CheckViolation, InsufficientPrivilege, UniqueViolation
from collab_server.core.yjs.updates import EMPTY_UPDATE
from collab_server.errors import AmbiguousAddress, CollabError, Conflict, LimitReached, LostRace, Malformed, Unavailable
from collab_server.features.document_log.store import State
from collab_server.features.documents import field_changes, field_types, models, tag_queries
from collab_server.features.documents.kinds import adopt_settings
from collab_server.features.documents.request_context import RequestContext
from collab_server.features.documents.slugs import make_slug
from collab_server.features.documents.tag_queries import Category
from collab_server.features.imports import discussing, parsing, threads
from collab_server.features.imports.archive_reader import MAX_MANIFEST, Archive, Member
from collab_server.features.imports.foreign import notes as foreign_notes
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
_ATTEMPTS: Final = 4
_MAX_DEPTH: Final = 20


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


@dataclass(frozen=True, slots=True)
class Importer:
    """Creates documents in a workspace. The caller needs the right to create some."""

    context: RequestContext
    converters: Converters
    workspace_id: UUID

    async def file(self, upload: Upload, content: bytes) -> Outcome:
        """Import one file. The outcome has a document. Raises Malformed, UnprocessableContent, TooLarge, TooMany,
        Conflict, Forbidden, LimitReached, Unavailable.
        """
        state, parsed = await self._parsed(upload.format, content, upload.charset)
        given: dict[str, Any] = {"title": _titled(upload.title, parsed.title, upload.name)}
        if upload.category_id is not None:
            given["category_id"] = upload.category_id
        if parsed.metadata:
            given["metadata"] = dict(parsed.metadata)
        notes = list(parsed.notes)
        given["tags"] = list(upload.tags)
        document = await self._make_tagged(given, state, parsed.tags, notes)
        notes += await self._discuss(document, state, parsed.discussion)
        return Outcome(upload.name, document, notes=tuple(notes))

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
        called for ignored files. Raises Malformed, TooLarge, UnprocessableContent before the first outcome; Unavailable
        and TooMany at any time.
        """
        async with self.converters.archive():
            archive = await asyncio.to_thread(Archive, file, max_bytes)
            try:
                categories = Categories(self.context, self.workspace_id)
                members = await asyncio.to_thread(archive.members)
                expect(len(members))
                for text in archive.notes:
                    note(text)
                for member in members:
                    yield await self._member(archive, member, categories)
            finally:
                archive.close()

    async def _member(self, archive: Archive, member: Member, categories: "Categories") -> Outcome:
        name = member.path or str(member.entry.get("title", ""))[:_MAX_TITLE]
        try:
            if member.refusal:
                raise Malformed(member.refusal)
            state, parsed = None, _NOTHING
            if member.file is not None and member.format is not None:
                content = await asyncio.to_thread(archive.read, member.file, parsing.MOST_BYTES[member.format])
                state, parsed = await self._parsed(member.format, content)
            discussion, doubts = await self._read_discussion(archive, member, parsed)
            given = {field: member.entry[field] for field in _FIELDS if member.entry.get(field) is not None}
            given["title"] = _titled(given.get("title"), parsed.title, member.path or "")
            if isinstance(given.get("settings"), dict):
                given["settings"] = adopt_settings(given["settings"])
            given["category_id"] = await categories.find(member.category)
            notes = [*parsed.notes, *doubts, *([member.note] if member.note else [])]
            if member.category and given["category_id"] is None:
                notes.append("without its category, which you may not make here")
            if "expires_at" in given and (self.context.identity.kind == "guest" or _is_past(given["expires_at"])):
                del given["expires_at"]
                notes.append("without its expiry, which is past or not yours to set")
            if parsed.metadata:
                given.setdefault("metadata", dict(parsed.metadata))
            tags = () if "tags" in given else parsed.tags
            try:
                document = await self._make_tagged(given, state, tags, notes)
            except Conflict as error:
                if given.pop("name", None) is None:
                    raise
                if isinstance(error, AmbiguousAddress):
                    notes.append("without its name, which would read as the address of another workspace's document")
                else:
                    notes.append("without its name, which another document here has")
                document = await self._make_tagged(given, state, tags, notes)
            notes += await self._discuss(document, state, discussion)
            return Outcome(name, document, notes=tuple(notes))
        except Unavailable:
            raise
        except CollabError as error:
            return Outcome(name, None, error)

    async def _read_discussion(
        self, archive: Archive, member: Member, parsed: parsing.Details
    ) -> tuple[Discussion | None, Sequence[str]]:
        """Return (the comments of a document of an archive, notes)."""
        if member.comments is None:
            return parsed.discussion, ()
        try:
            file = await asyncio.to_thread(archive.read, member.comments, MAX_MANIFEST)
            return await self.converters.run(threads.read_file, file), ()
        except Malformed as error:
            return None, (f"its comments are left out: {error.detail}",)

    async def _parsed(
        self, format_: parsing.Format, content: bytes, charset: str = ""
    ) -> tuple[State | None, parsing.Details]:
        """Return (content of the new document, details of the file)."""
        client_id = secrets.randbelow(2**31 - 1) + 1
        parsed = await self.converters.run(parsing.parse, format_, content, client_id, charset)
        folded, projection = parsed.folded, parsed.folded.projection
        return State(
            folded.snapshot, folded.state_vector, projection.content, projection.words, projection.truncated
        ), parsed.details

    async def _make_tagged(
        self, given: dict[str, Any], state: State | None, tags: Sequence[str], notes: list[str]
    ) -> models.DocumentOut:
        """Create a document. `tags`: added if the limits allow it; otherwise a note goes to `notes`."""
        known = {make_slug(str(tag)) for tag in given.get("tags", ())}
        more = [tag for tag in tags if make_slug(tag) not in known]
        if more:
            with_all = {**given, "tags": [*given.get("tags", ()), *more]}
            try:
                if len(with_all["tags"]) <= field_types.MAX_TAGS:
                    return await self._make(with_all, state)
            except LimitReached:
                pass  # perhaps of tags
        document = await self._make(given, state)
        if more:
            notes.append(foreign_notes.note_left_out(more, "tag of the front matter", "tags of the front matter"))
        return document

    async def _make(self, given: dict[str, Any], state: State | None) -> models.DocumentOut:
        try:
            body = models.DocumentIn.model_validate(given)
        except ValidationError as error:
            faults = (f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()[:5])
            raise Malformed("; ".join(faults)) from None
        fields = field_changes.decode_fields(body.model_dump(exclude={"tags", "content", "template_id"}))
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return await self.context.create(self.workspace_id, fields, body.tags, state)
            except LostRace:
                if attempt == _ATTEMPTS:
                    raise
        raise AssertionError


class Categories:
    """Finds categories by their names from the outermost, and creates missing ones if the caller may."""

    def __init__(self, context: RequestContext, workspace_id: UUID) -> None:
        self._context = context
        self._workspace_id = workspace_id
        self._known: dict[tuple[str, ...], UUID | None] = {(): None}

    async def find(self, names: tuple[str, ...]) -> UUID | None:
        """Find or create a category. None if it is missing and cannot be created."""
        if len(names) > _MAX_DEPTH:
            return None
        key = tuple(make_slug(name) for name in names)
        if key not in self._known:
            parent = await self.find(names[:-1])
            self._known[key] = None
            if parent is not None or len(names) == 1:
                self._known[key] = await self._find_or_make(parent, names[-1])
        return self._known[key]

    async def _find_or_make(self, parent: UUID | None, name: str) -> UUID | None:
        try:
            async with self._context.db.as_user(self._context.identity.subject) as conn:
                if (found := await self._find(conn, parent, name)) is not None:
                    return found.id
                standing = await standing_in(conn, self._context.identity, self._workspace_id)
                if not standing.may(WorkspaceAction.ORGANIZE):
                    return None
                fields = {"name": a_line(name)[:100], "parent_id": parent}
                return await tag_queries.insert_category(conn, self._workspace_id, fields)
        except (LimitReached, CheckViolation, InsufficientPrivilege, ValueError):
            return None
        except UniqueViolation:  # created concurrently
            async with self._context.db.as_user(self._context.identity.subject) as conn:
                found = await self._find(conn, parent, name)
            return found.id if found else None

    async def _find(self, conn: Conn, parent: UUID | None, name: str) -> Category | None:
        slug = make_slug(name)
        for category in await tag_queries.list_categories(conn, self._workspace_id):
            if category.parent_id == parent and make_slug(category.name) == slug:
                return category
        return None


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

"""Documents out of files: each is made whole or not at all."""

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
from collab_server.backends.db import CheckViolation, Conn, InsufficientPrivilege, UniqueViolation
from collab_server.documents import models, organizing_queries, patching
from collab_server.documents.kinds import adopted_settings
from collab_server.documents.organizing_queries import Category
from collab_server.documents.showing import Desk
from collab_server.documents.slugs import slug_of
from collab_server.documents.store import State
from collab_server.errors import AmbiguousAddress, CollabError, Conflict, LimitReached, LostRace, Malformed, Unavailable
from collab_server.exports import parsing
from collab_server.exports.archive_reader import Archive, Member
from collab_server.exports.converting import Converters
from collab_server.exports.foreign import notes as foreign_notes
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
_NOTHING: Final = parsing.Told()
_ATTEMPTS: Final = 4
_MAX_DEPTH: Final = 20


@dataclass(frozen=True, slots=True)
class Upload:
    """A single file. `name`: its file's, perhaps ''. `title`, `tags`, `category_id`: what the sender says of it."""

    format: parsing.Format
    name: str
    charset: str = ""
    title: str = ""
    tags: Sequence[str] = ()
    category_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one file: the document that was made of it, or why none was. `notes`: what was left out or changed."""

    file: str
    document: models.DocumentOut | None
    error: CollabError | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Importer:
    """Makes documents in a workspace in which the caller may create some."""

    desk: Desk
    converters: Converters
    workspace_id: UUID

    async def file(self, upload: Upload, content: bytes) -> Outcome:
        """With a document.

        Raises Malformed, UnprocessableContent, TooLarge, TooMany, Conflict, Forbidden, LimitReached, Unavailable.
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
        return Outcome(upload.name, document, notes=tuple(notes))

    async def archive(
        self,
        file: IO[bytes],
        max_bytes: int,
        expect: Callable[[int], object] = lambda _: None,
        note: Callable[[str], object] = lambda _: None,
    ) -> AsyncIterator[Outcome]:
        """One outcome for each document of a zip, in its order. `expect` is told before how many, and `note` what of
        the zip is no document.

        Raises Malformed, TooLarge, UnprocessableContent before the first; Unavailable and TooMany at any time.
        """
        async with self.converters.archive():
            archive = await asyncio.to_thread(Archive, file, max_bytes)
            try:
                categories = Categories(self.desk, self.workspace_id)
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
            given = {field: member.entry[field] for field in _FIELDS if member.entry.get(field) is not None}
            given["title"] = _titled(given.get("title"), parsed.title, member.path or "")
            if isinstance(given.get("settings"), dict):
                given["settings"] = adopted_settings(given["settings"])
            given["category_id"] = await categories.find(member.category)
            notes = [*parsed.notes, *([member.note] if member.note else [])]
            if member.category and given["category_id"] is None:
                notes.append("without its category, which you may not make here")
            if "expires_at" in given and (self.desk.identity.kind == "guest" or _is_past(given["expires_at"])):
                del given["expires_at"]
                notes.append("without its expiry, which is past or not yours to set")
            if parsed.metadata:
                given.setdefault("metadata", dict(parsed.metadata))
            tags = () if "tags" in given else parsed.tags
            try:
                return Outcome(name, await self._make_tagged(given, state, tags, notes), notes=tuple(notes))
            except Conflict as error:
                if given.pop("name", None) is None:
                    raise
                if isinstance(error, AmbiguousAddress):
                    notes.append("without its name, which would read as the address of another workspace's document")
                else:
                    notes.append("without its name, which another document here has")
                return Outcome(name, await self._make_tagged(given, state, tags, notes), notes=tuple(notes))
        except Unavailable:
            raise
        except CollabError as error:
            return Outcome(name, None, error)

    async def _parsed(
        self, format_: parsing.Format, content: bytes, charset: str = ""
    ) -> tuple[State | None, parsing.Told]:
        """(the new document's content, what the file says of it)"""
        client_id = secrets.randbelow(2**31 - 1) + 1
        parsed = await self.converters.run(parsing.parse, format_, content, client_id, charset)
        folded, said = parsed.folded, parsed.folded.projection
        return State(folded.snapshot, folded.state_vector, said.content, said.words, said.truncated), parsed.told

    async def _make_tagged(
        self, given: dict[str, Any], state: State | None, tags: Sequence[str], notes: list[str]
    ) -> models.DocumentOut:
        """`tags`: beside those that are given, if there is room for them; `notes` is told if not."""
        known = {slug_of(str(tag)) for tag in given.get("tags", ())}
        more = [tag for tag in tags if slug_of(tag) not in known]
        if more:
            with_all = {**given, "tags": [*given.get("tags", ()), *more]}
            try:
                if len(with_all["tags"]) <= models.MAX_TAGS:
                    return await self._make(with_all, state)
            except LimitReached:
                pass  # perhaps of tags
        document = await self._make(given, state)
        if more:
            notes.append(foreign_notes.left_out(more, "tag of the front matter", "tags of the front matter"))
        return document

    async def _make(self, given: dict[str, Any], state: State | None) -> models.DocumentOut:
        try:
            body = models.DocumentIn.model_validate(given)
        except ValidationError as error:
            faults = (f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()[:5])
            raise Malformed("; ".join(faults)) from None
        fields = patching.decoded(body.model_dump(exclude={"tags", "content", "template_id"}))
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return await self.desk.make(self.workspace_id, fields, body.tags, state)
            except LostRace:
                if attempt == _ATTEMPTS:
                    raise
        raise AssertionError


class Categories:
    """Finds categories by their names from the outermost on, and makes those that are missing where the caller may."""

    def __init__(self, desk: Desk, workspace_id: UUID) -> None:
        self._desk = desk
        self._workspace_id = workspace_id
        self._known: dict[tuple[str, ...], UUID | None] = {(): None}

    async def find(self, names: tuple[str, ...]) -> UUID | None:
        """None where there is none and none can be made."""
        if len(names) > _MAX_DEPTH:
            return None
        key = tuple(slug_of(name) for name in names)
        if key not in self._known:
            parent = await self.find(names[:-1])
            self._known[key] = None
            if parent is not None or len(names) == 1:
                self._known[key] = await self._find_or_make(parent, names[-1])
        return self._known[key]

    async def _find_or_make(self, parent: UUID | None, name: str) -> UUID | None:
        try:
            async with self._desk.db.as_user(self._desk.identity.user_id) as conn:
                if (found := await self._find(conn, parent, name)) is not None:
                    return found.id
                standing = await standing_in(conn, self._desk.identity, self._workspace_id)
                if not standing.may(WorkspaceAction.ORGANIZE):
                    return None
                fields = {"name": a_line(name)[:100], "parent_id": parent}
                return await organizing_queries.insert_category(conn, self._workspace_id, fields)
        except (LimitReached, CheckViolation, InsufficientPrivilege, ValueError):
            return None
        except UniqueViolation:  # somebody else has made it at this moment
            async with self._desk.db.as_user(self._desk.identity.user_id) as conn:
                found = await self._find(conn, parent, name)
            return found.id if found else None

    async def _find(self, conn: Conn, parent: UUID | None, name: str) -> Category | None:
        slug = slug_of(name)
        for category in await organizing_queries.list_categories(conn, self._workspace_id):
            if category.parent_id == parent and slug_of(category.name) == slug:
                return category
        return None


def _titled(given: Any, told: str, file_name: str) -> str:
    """The first of them that can be a title: what the sender says, what the file says, its name."""
    for candidate in (given, told, PurePosixPath(file_name.replace("\\", "/")).stem):
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

"""JSON shapes of documents."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, StrictBool, model_validator

from collab_server.features.documents.field_types import (
    Content,
    Description,
    Encrypted,
    Language,
    Moment,
    Name,
    Priority,
    Status,
    TagNames,
    Title,
)
from collab_server.features.documents.kinds import ENCRYPTED, Kind, Settings, check_metadata
from collab_server.web.fields import JsonObject, Model, a_line

_EXAMPLE: dict[str, Any] = {
    "id": "5f0c3c36-6c0e-4b58-9a55-0f3b5f7f6d11",
    "workspace_id": "00000000-0000-0000-0000-000000000002",
    "name": "notes",
    "address": "notes",
    "title": "notes",
    "title_is_set": True,
    "description": None,
    "type": "markdown",
    "status": "draft",
    "priority": "normal",
    "language": "english",
    "metadata": {},
    "settings": {},
    "tags": [{"id": "b9b9f3a4-7f6c-4ad5-9d0c-62d8f2a2c0f7", "name": "Plans", "slug": "plans", "color": "#3B82F6"}],
    "category_id": None,
    "is_template": False,
    "template_id": None,
    "is_public": False,
    "is_favourite": False,
    "view_count": 12,
    "created_by": {"id": "0a6b2c8e-3d39-4c55-8a54-6a4e0f6d0c11", "name": "Ann"},
    "updated_by": None,
    "created_at": "2026-01-05T09:00:00Z",
    "updated_at": "2026-01-05T09:10:00Z",
    "last_edited_at": "2026-01-05T09:10:00Z",
    "published_at": None,
    "expires_at": None,
    "deleted_at": None,
    "content_bytes": 1204,
    "word_count": 187,
    "excerpt": "Notes",
    "comment_count": 1,
    "people": 2,
    "present": [
        {"user_id": "0a6b2c8e-3d39-4c55-8a54-6a4e0f6d0c11", "name": "Ann", "avatar_url": None},
        {"user_id": None, "name": "Otter", "avatar_url": None},
    ],
    "role": "editor",
    "row_version": 7,
    "content_encrypted": None,
    "encryption": None,
}


class PersonOut(Model):
    model_config = ConfigDict(
        json_schema_extra={"example": {"id": "0a6b2c8e-3d39-4c55-8a54-6a4e0f6d0c11", "name": "Ann"}}
    )

    id: UUID
    name: str


class PresentOut(Model):
    """A person with the document open. `user_id`: None for a guest, with a self-chosen `name`. `name`: None for people
    without a common workspace.
    """

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE["present"][0]})

    user_id: UUID | None
    name: str | None
    avatar_url: str | None


class DocumentTag(Model):
    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE["tags"][0]})

    id: UUID
    name: str
    slug: str
    color: str


class DocumentOut(Model):
    """The metadata of a document. `address` opens it. `people` counts people with the document open on all servers (a
    person once, each tab of a guest once); `present` has up to five of them. `row_version` is the number in its ETag.
    `content_encrypted` (base64) and `encryption` belong to passwords and are missing in lists. Names of people without
    a common workspace are missing. `title_is_set`: somebody set the title; otherwise it follows the first heading.
    `excerpt`: the beginning of the text without marks. `comment_count`: open threads of comments; 0 if you read the
    document only because it is public.
    """

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    id: UUID
    workspace_id: UUID
    name: str | None
    address: str
    title: str
    title_is_set: bool
    description: str | None
    type: str
    status: str
    priority: str
    language: str
    metadata: dict[str, Any]
    settings: dict[str, Any]
    tags: list[DocumentTag]
    category_id: UUID | None
    is_template: bool
    template_id: UUID | None
    is_public: bool
    is_favourite: bool
    view_count: int
    created_by: PersonOut | None
    updated_by: PersonOut | None
    created_at: datetime
    updated_at: datetime
    last_edited_at: datetime | None
    published_at: datetime | None
    expires_at: datetime | None
    deleted_at: datetime | None
    content_bytes: int
    word_count: int | None
    excerpt: str
    comment_count: int
    people: int
    present: list[PresentOut]
    role: str
    row_version: int
    content_encrypted: str | None
    encryption: dict[str, Any] | None


class DocumentPage(Model):
    model_config = ConfigDict(json_schema_extra={"example": {"items": [_EXAMPLE], "next_cursor": None}})

    items: list[DocumentOut]
    next_cursor: str | None


class DocumentIn(Model):
    """A missing `title` (or `Untitled`) follows the first heading, or without a heading the end of the
    name. `content`: initial text or Markdown. `template_id`: a template of the same workspace; it supplies missing
    fields (type, content, tags, metadata, settings, description, language, priority, category). `metadata`: a bookmark
    has a `url`; tasks, contacts, files and notes have typed fields too; other fields are kept. `settings`: the server
    applies its own; clients keep theirs in `extra`. `expires_at`: the document then moves to the trash; not in the
    past, not for guests.
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"title": "Meeting notes", "tags": ["Plans"], "content": "# Agenda\n"}},
    )

    title: Title | None = None
    type: Kind = "markdown"
    name: Name | None = None
    description: Description | None = None
    content: Content | None = None
    status: Status = "draft"
    priority: Priority = "normal"
    language: Language = "english"
    metadata: JsonObject = Field(default_factory=dict)
    settings: Settings = Field(default_factory=dict)
    tags: TagNames = Field(default_factory=list)
    category_id: UUID | None = None
    is_template: bool = False
    template_id: UUID | None = None
    expires_at: Moment | None = None
    content_encrypted: Encrypted | None = None
    encryption: JsonObject | None = None

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        if self.template_id is None:
            self.metadata = check_metadata(self.type, self.metadata)
            if self.type == ENCRYPTED and (self.content_encrypted is None or self.encryption is None):
                raise ValueError("a password needs content_encrypted and encryption")
        if self.type == ENCRYPTED and self.content is not None:
            raise ValueError("a password has no plain text")
        if self.type != ENCRYPTED and (self.content_encrypted is not None or self.encryption is not None):
            raise ValueError("content_encrypted and encryption need the type password")
        return self


class NewDocumentIn(DocumentIn):
    """`rich_text`: the content consists of nodes, for editors such as Tiptap, and `content` is Markdown for them.
    Otherwise the content is a text. A copy of a template's content is what that is.
    """

    rich_text: StrictBool = False


class DocumentPatch(Model):
    """Given fields are changed; `metadata` and `settings` are replaced as a whole. A null name removes the name, so the
    id is the address. A title of null or `Untitled` follows the first heading. `is_public` and `expires_at` (not in the
    past) need the right to delete the document.
    """

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"title": "Better title", "status": "active"}}
    )

    title: Title | None = None
    type: Kind | None = None
    name: Name | None = None
    description: Description | None = None
    status: Status | None = None
    priority: Priority | None = None
    language: Language | None = None
    metadata: JsonObject | None = None
    settings: Settings | None = None
    category_id: UUID | None = None
    is_template: bool | None = None
    is_public: bool | None = None
    expires_at: Moment | None = None
    content_encrypted: Encrypted | None = None
    encryption: JsonObject | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("nothing to change")
        nullable = {"name", "title", "description", "category_id", "expires_at"}
        for field in self.model_fields_set - nullable:
            if getattr(self, field) is None:
                raise ValueError(f"{field} cannot be null")
        return self


class DuplicateIn(Model):
    """`workspace_id`: where the copy goes; the same workspace if not given. `as_template`: whether the copy is a
    template; as its original if not given.
    """

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"title": "Minutes of May"}})

    title: Title | None = None
    workspace_id: UUID | None = None
    as_template: bool | None = None


class MoveIn(Model):
    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"workspace_id": "3d5c4a31-2f0b-4f0e-8e53-1c66a4f8c7aa"}}
    )

    workspace_id: UUID
    category_id: UUID | None = None


class ConnectTokenIn(Model):
    """`role`: the highest role of the bearer (limited by yours). `minutes`: until it expires. `name`: of another
    bearer; needs the right to share the document.
    """

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"role": "editor", "minutes": 15}})

    role: Literal["viewer", "commenter", "editor"] = "editor"
    minutes: Annotated[int, Field(ge=1, le=1440)] = 15
    name: Annotated[str, Field(min_length=1, max_length=200), AfterValidator(a_line)] | None = None


class ConnectTokenOut(Model):
    token: str
    expires_at: datetime
    role: str


class VisitOut(Model):
    """`previous_at`: when your visit before the present one ended; null: there was none."""

    model_config = ConfigDict(json_schema_extra={"example": {"previous_at": "2026-01-05T09:10:00Z"}})

    previous_at: datetime | None

"""The JSON shapes of documents and workspaces."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from collab_server.documents.addresses import checked
from collab_server.errors import Malformed

Kind = Literal["markdown", "mindmap", "presentation", "mixed"]


def _printable(title: str) -> str:
    title = title.strip()
    if not title or "\x00" in title:
        raise ValueError("a title needs a visible character, and no NUL")
    try:
        title.encode()
    except UnicodeEncodeError:
        raise ValueError("a title must be valid Unicode") from None
    return title


def _name(name: str) -> str:
    try:
        return checked(name)
    except Malformed as error:
        raise ValueError(error.detail) from None


Title = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_printable)]
Name = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_name)]


class DocumentOut(BaseModel):
    """A document's metadata. `address` opens it; `people` counts the connections that have it open on this server
    now.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": "5f0c3c36-6c0e-4b58-9a55-0f3b5f7f6d11",
                "workspace_id": "00000000-0000-0000-0000-000000000002",
                "name": "notes",
                "address": "notes",
                "title": "notes",
                "type": "markdown",
                "created_at": "2026-01-05T09:00:00Z",
                "updated_at": "2026-01-05T09:10:00Z",
                "last_edited_at": "2026-01-05T09:10:00Z",
                "content_bytes": 1204,
                "word_count": 187,
                "excerpt": "# Notes",
                "people": 2,
                "role": "editor",
            }
        }
    )

    id: UUID
    workspace_id: UUID
    name: str | None
    address: str
    title: str
    type: str
    created_at: datetime
    updated_at: datetime
    last_edited_at: datetime | None
    content_bytes: int
    word_count: int | None
    excerpt: str
    people: int
    role: str


class DocumentPage(BaseModel):
    items: list[DocumentOut]
    next_cursor: str | None


class DocumentIn(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"title": "Meeting notes"}})

    title: Title
    type: Kind = "markdown"
    name: Name | None = None


class DocumentPatch(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"title": "Better title"}})

    title: Title


class WorkspaceOut(BaseModel):
    id: UUID
    slug: str | None
    name: str
    kind: str
    role: str
    can_create: bool


class WorkspacePage(BaseModel):
    items: list[WorkspaceOut]
    next_cursor: str | None


class ConnectTokenIn(BaseModel):
    """`role`: the most the bearer may do (never more than you may). `minutes`: until it expires."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"role": "editor", "minutes": 15}})

    role: Literal["viewer", "commenter", "editor"] = "editor"
    minutes: Annotated[int, Field(ge=1, le=1440)] = 15
    name: Annotated[str, Field(min_length=1, max_length=200)] | None = None


class ConnectTokenOut(BaseModel):
    token: str
    expires_at: datetime
    role: str


class WorkspaceBrief(BaseModel):
    id: UUID
    slug: str | None
    name: str


class Me(BaseModel):
    """Who the server takes you for. `can_create`: documents, in the default workspace."""

    kind: Literal["guest", "user", "connect"]
    id: UUID | None
    name: str
    default_workspace: WorkspaceBrief | None
    can_create: bool

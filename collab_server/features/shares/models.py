"""JSON shapes of shares, links that are opened, and requests for access."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field

from collab_server.access.links import MAX_GUEST_NAME
from collab_server.features.documents.field_types import Moment
from collab_server.web.fields import Email, Model, a_line, at_most, storable

Permission = Literal["read", "comment", "write", "admin"]
RequestedPermission = Literal["read", "comment", "write"]
Kind = Literal["link", "user"]
MAX_NAME = 100
MAX_PASSWORD = 200
MAX_USES = 1_000_000
MAX_TOKEN = 16_384

Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME), AfterValidator(a_line), at_most(MAX_NAME)]
GuestName = Annotated[
    str, Field(min_length=1, max_length=MAX_GUEST_NAME), AfterValidator(a_line), at_most(MAX_GUEST_NAME)
]
Password = Annotated[str, Field(min_length=4, max_length=MAX_PASSWORD), AfterValidator(storable)]
Uses = Annotated[int, Field(ge=1, le=MAX_USES)]

_PERSON: dict[str, Any] = {
    "id": "0f7c3c36-6c0e-4b58-9a55-0f3b5f7f6d11",
    "name": "Ben",
    "email": "ben@example.com",
    "avatar_url": None,
}
_SHARE: dict[str, Any] = {
    "id": "3d0e6a52-31c7-4b3f-8a55-5f6d1c2b9e10",
    "workspace_id": "8f14e45f-ceea-4e2a-9c57-6f0f3a5b8d10",
    "document_id": "5f0c3c36-6c0e-4b58-9a55-0f3b5f7f6d11",
    "tag_id": None,
    "category_id": None,
    "kind": "link",
    "permission": "comment",
    "name": "Reviewers",
    "user": None,
    "has_password": True,
    "expires_at": "2026-12-31T00:00:00.000Z",
    "expired": False,
    "max_uses": 20,
    "access_count": 3,
    "last_accessed_at": "2026-11-30T08:00:00.000Z",
    "created_by": {"id": "0f7c3c36-6c0e-4b58-9a55-0f3b5f7f6d12", "name": "Ann"},
    "created_at": "2026-11-29T08:00:00.000Z",
}
_TOKEN = "csl_kq3zC0mJb0m0o3l1kSgXhQm8s4cV2mPj1bYx0a9dE7w"  # noqa: S105


class SharePerson(Model):
    """The person to whom a document is shared. `id`, `name`: null until somebody with an account proves the address.
    `email`: only where the share was made for an address.
    """

    id: UUID | None
    name: str | None
    email: str | None
    avatar_url: str | None


class ShareMaker(Model):
    id: UUID
    name: str | None


class ShareOut(Model):
    """`document_id`: null for a link to many documents: of the workspace, with the tag, or in the category.
    `access_count`: how often a link was opened. `expired`: its time is over; another `expires_at` revives it.
    """

    model_config = ConfigDict(json_schema_extra={"example": _SHARE})

    id: UUID
    workspace_id: UUID
    document_id: UUID | None
    tag_id: UUID | None
    category_id: UUID | None
    kind: Kind
    permission: Permission
    name: str | None
    user: SharePerson | None
    has_password: bool
    expires_at: datetime | None
    expired: bool
    max_uses: int | None
    access_count: int
    last_accessed_at: datetime | None
    created_by: ShareMaker | None
    created_at: datetime


class NewShareOut(ShareOut):
    """`token`, `url`: of a link, shown only now. `mailed`: whether a mail went to the person's address."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {**_SHARE, "token": _TOKEN, "url": f"https://docs.example.com/s/{_TOKEN}", "mailed": False}
        }
    )

    token: str | None
    url: str | None
    mailed: bool


class SharePage(Model):
    items: list[ShareOut]
    next_cursor: str | None


class ShareIn(Model):
    """`kind` user: give `user_id` or `email`. `kind` link: a `password`, `max_uses` and a `name` are possible, and the
    permission is below admin.
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"kind": "link", "permission": "comment", "name": "Reviewers", "max_uses": 20}},
    )

    kind: Kind
    permission: Permission
    user_id: UUID | None = None
    email: Email | None = None
    name: Name | None = None
    password: Password | None = None
    expires_at: Moment | None = None
    max_uses: Uses | None = None


class WorkspaceShareIn(Model):
    """A link to all documents of a workspace; to those with a tag (`tag_id`); or to those in a category."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"name": "Customers"}})

    kind: Literal["link"] = "link"
    permission: Literal["read"] = "read"
    tag_id: UUID | None = None
    category_id: UUID | None = None
    name: Name | None = None
    password: Password | None = None
    expires_at: Moment | None = None
    max_uses: Uses | None = None


class SharePatch(Model):
    """Missing fields stay. `password` null: none is needed any more; another one ends what was opened before."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"permission": "read"}})

    permission: Permission | None = None
    name: Name | None = None
    password: Password | None = None
    expires_at: Moment | None = None
    max_uses: Uses | None = None


class OpenIn(Model):
    """`name`: how others see a guest, with the link's name beside it."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"token": _TOKEN, "name": "Ann"}})

    token: Annotated[str, Field(min_length=1, max_length=MAX_TOKEN), AfterValidator(storable)]
    password: Annotated[str, Field(max_length=MAX_PASSWORD), AfterValidator(storable)] | None = None
    name: GuestName | None = None


class OpenOut(Model):
    """`token`: a token that needs no password, until `expires_at`. `document_id`: null for a link to many documents;
    `GET documents/shared` lists them. `scope`, `title`: what the link opens.
    """

    token: str
    document_id: UUID | None
    scope: Literal["document", "workspace", "tag", "category"]
    title: str
    permission: Permission
    expires_at: datetime


class MemberAccess(Model):
    """A member of the document's workspace. `permission`: in this document, by membership."""

    id: UUID
    name: str
    avatar_url: str | None
    role: str
    permission: Permission


class AccessOut(Model):
    """Who may open the document besides the shares. `members`: those of the workspace, at most 200; `member_count`: all
    of them. `guests`: what guests of the playground may do.
    """

    members: list[MemberAccess]
    member_count: int
    is_public: bool
    guests: Permission | None
    own: Permission


class AccessRequestIn(Model):
    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"permission": "comment", "message": "I review the figures."}}
    )

    permission: RequestedPermission = "read"
    message: Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(storable)] | None = None


class AccessRequestOut(Model):
    id: UUID
    document_id: UUID
    user: SharePerson
    permission: RequestedPermission
    message: str | None
    created_at: datetime


class AccessRequestPage(Model):
    items: list[AccessRequestOut]
    next_cursor: str | None


class DecisionIn(Model):
    """`permission`: null gives what was asked for."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"permission": "read"}})

    permission: RequestedPermission | None = None

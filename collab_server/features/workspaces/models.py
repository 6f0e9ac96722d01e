"""The JSON shapes of workspaces, their members and activity. Times are UTC, sizes bytes."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, JsonValue, StrictBool

from collab_server.access.policy import Permission
from collab_server.features.workspaces.settings_models import MAX_BYTES, GivenRole, Settings
from collab_server.web.fields import Color, Model, a_line, at_most, storable

_MAX_LIMIT = 1_000_000
_ID = "8f14e45f-ceea-467f-a9d2-0a1b2c3d4e5f"
_PERSON = "5f0c3c36-6c0e-4b58-9a55-0f3b5f7f6d11"


def _example(**fields: JsonValue) -> ConfigDict:
    return ConfigDict(extra="forbid", json_schema_extra={"example": fields})


def reject_null(value: Any) -> Any:
    if value is None:
        raise ValueError("null is not allowed: leave the field out")
    return value


Name = Annotated[str, Field(min_length=1, max_length=255), AfterValidator(a_line), at_most(255)]
Slug = Annotated[
    str,
    Field(
        min_length=1,
        max_length=100,
        pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$",
        description="Part of its documents' addresses: lower case letters and digits, separated by single hyphens.",
    ),
]
Description = Annotated[str, Field(max_length=5000), AfterValidator(storable)]
Icon = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(a_line)]
MemberLimit = Annotated[int, Field(strict=True, ge=1, le=_MAX_LIMIT)]
StorageLimit = Annotated[int, Field(strict=True, ge=0, le=MAX_BYTES)]


class WorkspaceOut(Model):
    """`permissions`: yours. `can_create`: documents, with the present credential. `role`: yours; for a guest of the
    playground the role of guests; `administrator` for an administrator of the server without membership, with the
    limits but without description and settings.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": _ID,
                "slug": "garden",
                "name": "Garden",
                "description": None,
                "icon": None,
                "color": "#2e7d32",
                "kind": "team",
                "role": "owner",
                "permissions": ["can_read", "can_comment"],
                "can_create": True,
                "settings": {},
                "member_count": 3,
                "member_limit": 10,
                "storage_used_bytes": 12040,
                "storage_limit_bytes": 1073741824,
                "owner_id": _PERSON,
                "created_at": "2026-01-05T09:00:00Z",
                "updated_at": "2026-01-05T09:10:00Z",
                "archived_at": None,
                "deleted_at": None,
                "row_version": 2,
            }
        }
    )

    id: UUID
    slug: str | None
    name: str
    description: str | None
    icon: str | None
    color: str | None
    kind: Literal["personal", "team", "playground"]
    role: str
    permissions: list[str]
    can_create: bool
    settings: dict[str, Any]
    member_count: int
    member_limit: int
    storage_used_bytes: int
    storage_limit_bytes: int
    owner_id: UUID
    created_at: datetime
    updated_at: datetime
    archived_at: datetime | None
    deleted_at: datetime | None
    row_version: int


class WorkspacePage(Model):
    items: list[WorkspaceOut]
    next_cursor: str | None


class WorkspaceIn(Model):
    """A missing `slug` is made from the name."""

    model_config = _example(name="Garden", color="#2e7d32")

    name: Name
    slug: Slug | None = None
    description: Description | None = None
    icon: Icon | None = None
    color: Color | None = None
    settings: Settings = Field(default_factory=dict)


class WorkspacePatch(Model):
    """Given fields are changed; `settings` are replaced as a whole. Only administrators of the server can set the
    limits, also in workspaces without membership, and nothing else there.
    """

    model_config = _example(name="Kitchen garden", description=None)

    name: Annotated[Name | None, AfterValidator(reject_null)] = None
    slug: Annotated[Slug | None, AfterValidator(reject_null)] = None
    description: Description | None = None
    icon: Icon | None = None
    color: Color | None = None
    settings: Annotated[Settings | None, AfterValidator(reject_null)] = None
    member_limit: Annotated[MemberLimit | None, AfterValidator(reject_null)] = None
    storage_limit_bytes: Annotated[StorageLimit | None, AfterValidator(reject_null)] = None


class TransferIn(Model):
    """`user_id`: the new owner, an active member. The old one stays as admin."""

    model_config = _example(user_id=_PERSON)

    user_id: UUID


class UsageOut(Model):
    """`storage_used_bytes`: of documents, their history and their attachments. `history_bytes`: the part of versions
    and earlier edits. When the workspace is above its limit, the server removes the oldest of these.
    `attachment_bytes`: the part of attachments. `attachment_max_bytes`: of a file. `attachment_types`: that are taken;
    null: all.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "members": 3,
                "member_limit": 10,
                "documents": 42,
                "deleted_documents": 2,
                "storage_used_bytes": 12040,
                "history_bytes": 2100,
                "attachment_bytes": 4096,
                "storage_limit_bytes": 1073741824,
                "attachment_max_bytes": 10000000,
                "attachment_types": ["image/*", "application/pdf"],
            }
        }
    )

    members: int
    member_limit: int
    documents: int
    deleted_documents: int
    storage_used_bytes: int
    history_bytes: int
    attachment_bytes: int
    storage_limit_bytes: int
    attachment_max_bytes: int
    attachment_types: list[str] | None


class MemberOut(Model):
    """`permissions`: this member's departures from the role, e.g. `{"can_comment": false}`."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "user_id": _PERSON,
                "email": "ann@example.org",
                "display_name": "Ann",
                "avatar_url": None,
                "role": "editor",
                "permissions": {"can_invite_members": True},
                "is_active": True,
                "joined_at": "2026-01-05T09:00:00Z",
                "last_accessed_at": None,
            }
        }
    )

    user_id: UUID
    email: str
    display_name: str | None
    avatar_url: str | None
    role: str
    permissions: dict[str, Any]
    is_active: bool
    joined_at: datetime
    last_accessed_at: datetime | None


class MemberPage(Model):
    items: list[MemberOut]
    next_cursor: str | None


class MemberPatch(Model):
    """`permissions` replaces the departures from the role. `is_active` false suspends."""

    model_config = _example(role="editor", permissions={"can_invite_members": True})

    role: Annotated[GivenRole | None, AfterValidator(reject_null)] = None
    permissions: Annotated[dict[Permission, StrictBool] | None, AfterValidator(reject_null)] = None
    is_active: Annotated[StrictBool | None, AfterValidator(reject_null)] = None


class ActorOut(Model):
    id: UUID
    name: str | None


class ActivityOut(Model):
    """`actor`: null for the server itself, guests, and erased accounts. `entity_name`: the present name of a document
    or member; null if it is deleted. `data`: `old` and `new` values.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": 117,
                "at": "2026-01-05T09:00:00Z",
                "actor": {"id": _PERSON, "name": "Ann"},
                "action": "update",
                "entity_type": "member",
                "entity_id": _PERSON,
                "entity_name": "Bob",
                "changed_fields": ["role"],
                "data": {"old": {"role": "viewer"}, "new": {"role": "editor"}},
            }
        }
    )

    id: int
    at: datetime
    actor: ActorOut | None
    action: str
    entity_type: str
    entity_id: str
    entity_name: str | None
    changed_fields: list[str] | None
    data: dict[str, Any]


class ActivityPage(Model):
    items: list[ActivityOut]
    next_cursor: str | None

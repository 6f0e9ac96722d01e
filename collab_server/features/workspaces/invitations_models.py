"""The JSON shapes of invitations. Times are UTC."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field

from collab_server.features.workspaces.invitations import MAX_TOKEN
from collab_server.features.workspaces.models import ActorOut, reject_null
from collab_server.features.workspaces.settings_models import GivenRole
from collab_server.web.fields import Email, Model, storable

_ID = "8f14e45f-ceea-467f-a9d2-0a1b2c3d4e5f"
_PERSON = "5f0c3c36-6c0e-4b58-9a55-0f3b5f7f6d11"
Message = Annotated[str, Field(max_length=1000), AfterValidator(storable)]


class InvitationIn(Model):
    """A missing `role` means the `default_permissions` of the workspace's settings, else editor."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {"email": "ben@example.org", "role": "editor", "message": "Come and write with us"}
        },
    )

    email: Email
    role: Annotated[GivenRole | None, AfterValidator(reject_null)] = None
    message: Message | None = None


class InvitationOut(Model):
    """`link`: to be handed over by you, where the server could not mail it; shown this once."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": _ID,
                "email": "ben@example.org",
                "role": "editor",
                "status": "pending",
                "message": None,
                "invited_by": {"id": _PERSON, "name": "Ann"},
                "created_at": "2026-01-05T09:00:00Z",
                "expires_at": "2026-01-12T09:00:00Z",
                "link": None,
            }
        }
    )

    id: UUID
    email: str
    role: str
    status: Literal["pending", "accepted", "declined", "expired", "revoked"]
    message: str | None
    invited_by: ActorOut | None
    created_at: datetime
    expires_at: datetime
    link: str | None = None


class InvitationPage(Model):
    items: list[InvitationOut]
    next_cursor: str | None


class InvitingWorkspace(Model):
    id: UUID
    name: str
    icon: str | None
    color: str | None


class OwnInvitationOut(Model):
    """An invitation to you."""

    id: UUID
    workspace: InvitingWorkspace
    role: str
    message: str | None
    invited_by: ActorOut | None
    created_at: datetime
    expires_at: datetime


class OwnInvitationPage(Model):
    items: list[OwnInvitationOut]
    next_cursor: str | None


class InvitationTokenIn(Model):
    """`token`: from the invitation's link."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"token": "N2xw..."}})

    token: Annotated[str, Field(min_length=1, max_length=MAX_TOKEN), AfterValidator(storable)]


class TokenInvitationOut(Model):
    """The invitation for the bearer of its token. `has_account`: the invited address has an account."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "workspace_name": "Garden",
                "email": "ben@example.org",
                "role": "editor",
                "invited_by": "Ann",
                "message": None,
                "expires_at": "2026-01-12T09:00:00Z",
                "has_account": False,
            }
        }
    )

    workspace_name: str
    email: str
    role: str
    invited_by: str | None
    message: str | None
    expires_at: datetime
    has_account: bool

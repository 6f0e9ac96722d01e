"""The JSON shapes of accounts and of signing in."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field

from collab_server.web.fields import Model, a_line, at_most, storable

DisplayName = Annotated[str, Field(min_length=1, max_length=255), AfterValidator(a_line), at_most(255)]
Token = Annotated[str, Field(min_length=1, max_length=256), AfterValidator(storable)]

ACCOUNT_EXAMPLE: dict[str, Any] = {
    "id": "0f7c3c36-6c0e-4b58-9a55-0f3b5f7f6d11",
    "email": "ann@example.com",
    "email_verified": True,
    "username": "ann",
    "display_name": "Ann",
    "avatar_url": None,
    "bio": None,
    "role": "user",
    "is_active": True,
    "features": {"api_tokens": True, "create_workspaces": True},
    "has_password": True,
    "created_at": "2026-01-05T09:00:00Z",
    "updated_at": "2026-01-05T09:00:00Z",
    "last_login_at": "2026-01-05T09:10:00Z",
}


def input_config(**example: Any) -> ConfigDict:
    return ConfigDict(extra="forbid", json_schema_extra={"example": example})


def output_config(**example: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"example": example})


class Account(Model):
    """A user, as they themselves and administrators see it."""

    model_config = output_config(**ACCOUNT_EXAMPLE)

    id: UUID
    email: str
    email_verified: bool
    username: str | None
    display_name: str | None
    avatar_url: str | None
    bio: str | None
    role: str
    is_active: bool
    features: dict[str, bool]
    has_password: bool
    created_at: datetime
    updated_at: datetime
    last_login_at: datetime | None

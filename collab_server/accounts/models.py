"""The JSON shapes of accounts and of signing in."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from collab_server.accounts.passwords import GivenPassword
from collab_server.web.fields import Email, a_line, at_most, storable

Registration = Literal["closed", "invited", "open"]
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


def example_input(**example: Any) -> ConfigDict:
    return ConfigDict(extra="forbid", json_schema_extra={"example": example})


def example_output(**example: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"example": example})


class Account(BaseModel):
    """A user, as they themselves and administrators see it."""

    model_config = example_output(**ACCOUNT_EXAMPLE)

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


class SignedIn(BaseModel):
    """The cookie comes with it. `csrf_token`: send it as X-CSRF-Token with whatever changes something."""

    model_config = example_output(user=ACCOUNT_EXAMPLE, csrf_token="kq3...", expires_at="2026-02-04T09:10:00Z")

    user: Account
    csrf_token: str
    expires_at: datetime


class Provider(BaseModel):
    model_config = example_output(name="Example Login", login_url="/api/v1/auth/oidc/login")

    name: str
    login_url: str


class Providers(BaseModel):
    """The ways in. `local`: with e-mail and password; `mail`: forgotten passwords can be reset by mail."""

    model_config = example_output(local=True, oidc=None, guests=True, registration="invited", mail=False)

    local: bool
    oidc: Provider | None
    guests: bool
    registration: Registration
    mail: bool


class LoginIn(BaseModel):
    model_config = example_input(email="ann@example.com", password="correct horse battery")

    email: Email
    password: GivenPassword


class LinkIn(BaseModel):
    model_config = example_input(token="N2xw...")

    token: Token


class SessionOut(BaseModel):
    """`signed_in_by`: password, oidc, reset, registration; or `administrator_link`, `operator_link`,
    `first_start_link`: a link that was given to somebody else first. Null: unknown.
    """

    model_config = example_output(
        id="7b7c3c36-6c0e-4b58-9a55-0f3b5f7f6d11",
        current=True,
        created_at="2026-01-05T09:00:00Z",
        last_activity_at="2026-01-05T09:10:00Z",
        expires_at="2026-02-04T09:00:00Z",
        user_agent="Mozilla/5.0",
        ip_address="192.0.2.7",
        device=None,
        signed_in_by="password",
    )

    id: UUID
    current: bool
    created_at: datetime
    last_activity_at: datetime
    expires_at: datetime
    user_agent: str | None
    ip_address: str | None
    device: str | None
    signed_in_by: str | None


class SessionList(BaseModel):
    items: list[SessionOut]


class WorkspaceBrief(BaseModel):
    model_config = example_output(id="00000000-0000-0000-0000-000000000002", slug="playground", name="Playground")

    id: UUID
    slug: str | None
    name: str


class Me(BaseModel):
    """Who the server takes you for. `csrf_token`: with a session only. `can_create`: documents, in the default
    workspace.
    """

    model_config = example_output(
        kind="user",
        id="0f7c3c36-6c0e-4b58-9a55-0f3b5f7f6d11",
        name="Ann",
        email="ann@example.com",
        role="user",
        is_admin=False,
        csrf_token="kq3...",
        features={"api_tokens": True, "create_workspaces": True},
        has_password=True,
        default_workspace={"id": "00000000-0000-0000-0000-000000000002", "slug": "playground", "name": "Playground"},
        can_create=True,
    )

    kind: Literal["guest", "user", "connect"]
    id: UUID | None
    name: str
    email: str | None
    role: str | None
    is_admin: bool
    csrf_token: str | None
    features: dict[str, bool]
    has_password: bool
    default_workspace: WorkspaceBrief | None
    can_create: bool

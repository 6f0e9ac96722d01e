"""JSON shapes of sign-in and sessions."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from collab_server.features.users.models import ACCOUNT_EXAMPLE, Account, Token, input_config, output_config
from collab_server.features.users.passwords import GivenPassword
from collab_server.web.fields import Email, Model

Registration = Literal["closed", "invited", "open"]


class SignedIn(Model):
    """The answer sets the session cookie. `csrf_token`: send it as X-CSRF-Token with each changing request."""

    model_config = output_config(user=ACCOUNT_EXAMPLE, csrf_token="kq3...", expires_at="2026-02-04T09:10:00Z")

    user: Account
    csrf_token: str
    expires_at: datetime


class Provider(Model):
    model_config = output_config(name="Example Login", login_url="/api/v1/auth/oidc/login")

    name: str
    login_url: str


class Providers(Model):
    """The methods of sign-in. `local`: with e-mail and password; `mail`: forgotten passwords can be reset by mail."""

    model_config = output_config(local=True, oidc=None, guests=True, registration="invited", mail=False)

    local: bool
    oidc: Provider | None
    guests: bool
    registration: Registration
    mail: bool


class LoginIn(Model):
    model_config = input_config(email="ann@example.com", password="correct horse battery")

    email: Email
    password: GivenPassword


class LinkIn(Model):
    model_config = input_config(token="N2xw...")

    token: Token


class SessionOut(Model):
    """`signed_in_by`: password, oidc, reset, registration; or `administrator_link`, `operator_link`, `first_start_link`
    for a link from somebody else. Null: unknown. `device`: the id that a client gave itself (X-Device-Id).
    `device_name`: what `user_agent` says, for people.
    """

    model_config = output_config(
        id="7b7c3c36-6c0e-4b58-9a55-0f3b5f7f6d11",
        current=True,
        created_at="2026-01-05T09:00:00Z",
        last_activity_at="2026-01-05T09:10:00Z",
        expires_at="2026-02-04T09:00:00Z",
        user_agent="Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        ip_address="192.0.2.7",
        device=None,
        device_name="Firefox on Linux",
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
    device_name: str | None
    signed_in_by: str | None


class SessionList(Model):
    items: list[SessionOut]


class WorkspaceBrief(Model):
    model_config = output_config(id="00000000-0000-0000-0000-000000000002", slug="playground", name="Playground")

    id: UUID
    slug: str | None
    name: str


class Me(Model):
    """The caller's identity. `csrf_token`: with a session only. `can_create`: documents, in the default workspace."""

    model_config = output_config(
        kind="user",
        id="0f7c3c36-6c0e-4b58-9a55-0f3b5f7f6d11",
        name="Ann",
        email="ann@example.com",
        avatar_url=None,
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
    avatar_url: str | None
    role: str | None
    is_admin: bool
    csrf_token: str | None
    features: dict[str, bool]
    has_password: bool
    default_workspace: WorkspaceBrief | None
    can_create: bool

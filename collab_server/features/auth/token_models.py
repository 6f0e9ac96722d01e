"""JSON shapes of API tokens."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field

from collab_server.features.users.models import input_config, output_config
from collab_server.web.fields import Model, a_line

Scope = Literal["read", "comment", "write", "admin"]


class TokenIn(Model):
    """`scope`: the most the bearer may do. `expires_in_days`: null for never."""

    model_config = input_config(name="backup", scope="read", expires_in_days=90)

    name: Annotated[str, Field(min_length=1, max_length=200), AfterValidator(a_line)]
    scope: Scope = "read"
    expires_in_days: Annotated[int, Field(ge=1, le=3650)] | None = None


class TokenParent(Model):
    """The creator of a token. `name`: of a token, or the browser of a running session."""

    model_config = output_config(kind="session", id="7b7c3c36-6c0e-4b58-9a55-0f3b5f7f6d11", name="Mozilla/5.0")

    kind: Literal["session", "token"]
    id: UUID
    name: str | None


_PARENT = {"kind": "session", "id": "7b7c3c36-6c0e-4b58-9a55-0f3b5f7f6d11", "name": "Mozilla/5.0"}


class TokenOut(Model):
    """An API token without its secret. `parent`: its session or token; null if an operator or a provider's token
    created it. It is revoked together with its parent token, and when its parent session is ended from elsewhere.
    """

    model_config = output_config(
        id="3d7c3c36-6c0e-4b58-9a55-0f3b5f7f6d11",
        name="backup",
        scopes=["read"],
        created_at="2026-01-05T09:00:00Z",
        last_used_at=None,
        expires_at="2026-04-05T09:00:00Z",
        parent=_PARENT,
    )

    id: UUID
    name: str
    scopes: list[str]
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    parent: TokenParent | None


class NewToken(TokenOut):
    """`token`: shown this once; the server keeps its hash only."""

    model_config = output_config(
        id="3d7c3c36-6c0e-4b58-9a55-0f3b5f7f6d11",
        name="backup",
        scopes=["read"],
        created_at="2026-01-05T09:00:00Z",
        last_used_at=None,
        expires_at="2026-04-05T09:00:00Z",
        parent=_PARENT,
        token="cs_N2xw...",
    )

    token: str


class TokenList(Model):
    items: list[TokenOut]

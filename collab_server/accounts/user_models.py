"""The JSON shapes of one's own account and settings, of API tokens, and of what administrators change."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, AliasChoices, BaseModel, BeforeValidator, Field, StrictBool, WithJsonSchema

from collab_server.accounts.features import Feature
from collab_server.accounts.models import (
    ACCOUNT_EXAMPLE,
    Account,
    DisplayName,
    example_input,
    example_output,
)
from collab_server.accounts.passwords import GivenPassword
from collab_server.web.fields import Email, JsonObject, a_line, storable

UserRole = Literal["user", "premium", "admin"]
Scope = Literal["read", "comment", "write", "admin"]
Username = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{2,100}$")]
WebAddress = Annotated[str, Field(max_length=2000, pattern=r"^https?://[^\s]+$"), AfterValidator(storable)]
Prose = Annotated[str, Field(max_length=5000), AfterValidator(storable)]
Theme = Annotated[
    Literal["system", "light", "dark"],
    BeforeValidator(lambda given: "system" if given == "auto" else given),
    WithJsonSchema({"type": "string", "enum": ["system", "light", "dark", "auto"]}),
]
"""`auto` is another name of `system`."""
Language = Annotated[str, Field(max_length=35, pattern=r"^[A-Za-z0-9]+(-[A-Za-z0-9]+)*$")]


class AccountPatch(BaseModel):
    """What is left out stays; null clears it."""

    model_config = example_input(display_name="Ann", bio="Likes long documents.")

    username: Username | None = None
    display_name: DisplayName | None = None
    avatar_url: WebAddress | None = None
    bio: Prose | None = None


class Leaving(BaseModel):
    """`password`, where you have one; else your own e-mail address, as `confirm`."""

    model_config = example_input(confirm="ann@example.com")

    password: GivenPassword | None = None
    confirm: Email | None = None


EditorMode = Literal["wysiwyg", "edit", "preview", "split"]


class UserSettings(BaseModel):
    """How somebody likes to work. `editor_mode`, `ai_enabled`, `notifications_enabled`: for clients to obey. `editor`,
    `render`, `notifications`, `extra`: whatever clients keep there.
    """

    model_config = example_output(
        theme="dark",
        language="en",
        editor_mode="wysiwyg",
        ai_enabled=True,
        notifications_enabled=True,
        editor={"line_numbers": True},
        render={},
        notifications={},
        extra={},
    )

    theme: Literal["system", "light", "dark"]
    language: str
    editor_mode: EditorMode = "wysiwyg"
    ai_enabled: bool = True
    notifications_enabled: bool = True
    editor: dict[str, object]
    render: dict[str, object]
    notifications: dict[str, object]
    extra: dict[str, object]


NAMED = ("editor_mode", "ai_enabled", "notifications_enabled")
"""Settings that are stored in `extra`, and are none of what clients keep there."""


def _without_named(extra: dict[str, Any] | None) -> dict[str, Any] | None:
    if extra and (wrong := sorted(extra.keys() & set(NAMED))):
        raise ValueError(f"{', '.join(wrong)}: a setting of its own, beside extra")
    return extra


def _also(name: str, other: str) -> Any:
    return Field(validation_alias=AliasChoices(name, other))


class UserSettingsPatch(BaseModel):
    """What is left out stays; an object is replaced as a whole. The theme `auto` is another name of `system`;
    `editor_settings`, `render_settings` and `notification_settings` are of `editor`, `render` and `notifications`.
    """

    model_config = example_input(theme="dark", editor={"line_numbers": True})

    theme: Theme | None = None
    language: Language | None = None
    editor_mode: EditorMode | None = None
    ai_enabled: StrictBool | None = None
    notifications_enabled: StrictBool | None = None
    editor: Annotated[JsonObject | None, _also("editor", "editor_settings")] = None
    render: Annotated[JsonObject | None, _also("render", "render_settings")] = None
    notifications: Annotated[JsonObject | None, _also("notifications", "notification_settings")] = None
    extra: Annotated[JsonObject | None, AfterValidator(_without_named)] = None


class TokenIn(BaseModel):
    """`scope`: the most the bearer may do. `expires_in_days`: null for never."""

    model_config = example_input(name="backup", scope="read", expires_in_days=90)

    name: Annotated[str, Field(min_length=1, max_length=200), AfterValidator(a_line)]
    scope: Scope = "read"
    expires_in_days: Annotated[int, Field(ge=1, le=3650)] | None = None


class TokenParent(BaseModel):
    """What made a token. `name`: of a token; the browser of a session, while that runs."""

    model_config = example_output(kind="session", id="7b7c3c36-6c0e-4b58-9a55-0f3b5f7f6d11", name="Mozilla/5.0")

    kind: Literal["session", "token"]
    id: UUID
    name: str | None


_PARENT = {"kind": "session", "id": "7b7c3c36-6c0e-4b58-9a55-0f3b5f7f6d11", "name": "Mozilla/5.0"}


class TokenOut(BaseModel):
    """An API token, without its secret. `parent`: what made it; null where an operator or a provider's token did. It is
    revoked with a token that made it, and where you end the session that made it from elsewhere.
    """

    model_config = example_output(
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

    model_config = example_output(
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


class TokenList(BaseModel):
    items: list[TokenOut]


class UserIn(BaseModel):
    model_config = example_input(email="bob@example.com", display_name="Bob", role="user")

    email: Email
    display_name: DisplayName | None = None
    role: UserRole = "user"


class UserPatch(BaseModel):
    """What is left out stays. `features`: flags to set for this user; null takes the server's default again."""

    model_config = example_input(role="admin", features={"api_tokens": False})

    is_active: bool | None = None
    role: UserRole | None = None
    display_name: DisplayName | None = None
    features: dict[Feature, bool | None] | None = None


class OneTimeLink(BaseModel):
    """`link`: signs the user in, once, within a day. Hand it over yourself."""

    model_config = example_output(link="https://docs.example/signin#link=N2xw...")

    link: str


class NewUser(OneTimeLink):
    model_config = example_output(user=ACCOUNT_EXAMPLE, link="https://docs.example/signin#link=N2xw...")

    user: Account


class UserPage(BaseModel):
    items: list[Account]
    next_cursor: str | None

"""JSON shapes of one's own account and settings, and of administration."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AliasChoices, BeforeValidator, Field, StrictBool, WithJsonSchema

from collab_server.features.users.feature_flags import Feature
from collab_server.features.users.models import ACCOUNT_EXAMPLE, Account, DisplayName, input_config, output_config
from collab_server.features.users.passwords import GivenPassword
from collab_server.web.fields import Email, JsonObject, Model, storable

UserRole = Literal["user", "premium", "admin"]
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


class AccountPatch(Model):
    """Missing fields stay unchanged. Null clears a field."""

    model_config = input_config(display_name="Ann", bio="Likes long documents.")

    username: Username | None = None
    display_name: DisplayName | None = None
    avatar_url: WebAddress | None = None
    bio: Prose | None = None


class DeletionConfirmation(Model):
    """`password`, where you have one; else your own e-mail address, as `confirm`."""

    model_config = input_config(confirm="ann@example.com")

    password: GivenPassword | None = None
    confirm: Email | None = None


EditorMode = Literal["wysiwyg", "edit", "preview", "split"]


class UserSettings(Model):
    """Preferences of a user. Clients apply `editor_mode`, `ai_enabled` and `notifications_enabled`, and keep their own
    values in `editor`, `render`, `notifications` and `extra`. The server knows some keys of `notifications`, see
    UserSettingsPatch; without `notifications_enabled` it sends no mails of notifications.
    """

    model_config = output_config(
        theme="dark",
        language="en",
        editor_mode="wysiwyg",
        ai_enabled=True,
        notifications_enabled=True,
        editor={"lineNumbers": True},
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


NAMED_SETTINGS = ("editor_mode", "ai_enabled", "notifications_enabled")
"""Settings with fields of their own in the API. They are stored in `extra`."""


def _check_extra(extra: dict[str, Any] | None) -> dict[str, Any] | None:
    if extra and (wrong := sorted(extra.keys() & set(NAMED_SETTINGS))):
        raise ValueError(f"{', '.join(wrong)}: not allowed in extra, use the field of that name")
    return extra


DIGESTS = ("immediate", "daily")


def _check_notifications(given: dict[str, Any] | None) -> dict[str, Any] | None:
    """The server applies these keys. Others are a client's own."""
    for name in ("email", "browser", "documentShared", "systemUpdates"):
        if given and not isinstance(given.get(name, True), bool):
            raise ValueError(f"{name} must be true or false")
    if given and given.get("digest", "immediate") not in DIGESTS:
        raise ValueError(f"digest must be {' or '.join(DIGESTS)}")
    return given


EDITOR_NUMBERS = {"fontSize": (10, 32), "tabSize": (1, 8)}
"""Least and greatest values of settings of the page's editor. Its others are true or false."""
EDITOR_SWITCHES = ("wordWrap", "lineNumbers", "syntaxHighlighting", "vimMode")


def _check_editor(given: dict[str, Any] | None) -> dict[str, Any] | None:
    """The page applies these keys. Others are a client's own."""
    for name in EDITOR_SWITCHES:
        if given and not isinstance(given.get(name, True), bool):
            raise ValueError(f"{name} must be true or false")
    for name, (least, most) in EDITOR_NUMBERS.items():
        value = given.get(name, least) if given else least
        if type(value) is not int or not least <= value <= most:
            raise ValueError(f"{name} must be a number from {least} to {most}")
    return given


def _alias(name: str, other: str) -> Any:
    return Field(validation_alias=AliasChoices(name, other))


class UserSettingsPatch(Model):
    """Missing fields stay unchanged. An object is replaced as a whole. The theme `auto` is an alias of `system`;
    `editor_settings`, `render_settings` and `notification_settings` are aliases of `editor`, `render` and
    `notifications`.

    The server applies these keys of `notifications`: `email`, `documentShared` and `systemUpdates` (true unless false;
    the page applies `browser`), and `digest` (`immediate`, the default, or `daily`). The page applies these keys of
    `editor`: `fontSize` (17 pixels), `tabSize` (4), `wordWrap` (true), `lineNumbers` (false), `syntaxHighlighting`
    (true) and `vimMode` (false).
    """

    model_config = input_config(theme="dark", editor={"lineNumbers": True})

    theme: Theme | None = None
    language: Language | None = None
    editor_mode: EditorMode | None = None
    ai_enabled: StrictBool | None = None
    notifications_enabled: StrictBool | None = None
    editor: Annotated[JsonObject | None, AfterValidator(_check_editor), _alias("editor", "editor_settings")] = None
    render: Annotated[JsonObject | None, _alias("render", "render_settings")] = None
    notifications: Annotated[
        JsonObject | None, AfterValidator(_check_notifications), _alias("notifications", "notification_settings")
    ] = None
    extra: Annotated[JsonObject | None, AfterValidator(_check_extra)] = None


class UserIn(Model):
    model_config = input_config(email="bob@example.com", display_name="Bob", role="user")

    email: Email
    display_name: DisplayName | None = None
    role: UserRole = "user"


class UserPatch(Model):
    """Missing fields stay unchanged. `features`: flags of this user; null restores the server's default."""

    model_config = input_config(role="admin", features={"api_tokens": False})

    is_active: bool | None = None
    role: UserRole | None = None
    display_name: DisplayName | None = None
    features: dict[Feature, bool | None] | None = None


class OneTimeLink(Model):
    """`link`: signs the user in, once, within a day. Hand it over yourself."""

    model_config = output_config(link="https://docs.example/signin#link=N2xw...")

    link: str


class NewUser(OneTimeLink):
    model_config = output_config(user=ACCOUNT_EXAMPLE, link="https://docs.example/signin#link=N2xw...")

    user: Account


class UserPage(Model):
    items: list[Account]
    next_cursor: str | None

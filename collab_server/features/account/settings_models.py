"""JSON shapes of a user's settings. The keys within `editor`, `render` and `notifications` are those of the seeds."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AliasChoices, BeforeValidator, ConfigDict, Field, StrictBool, WithJsonSchema
from pydantic.alias_generators import to_camel

from collab_server.features.users.models import input_config, output_config
from collab_server.web.fields import JsonObject, Model

Theme = Annotated[
    Literal["system", "light", "dark"],
    BeforeValidator(lambda given: "system" if given == "auto" else given),
    WithJsonSchema({"type": "string", "enum": ["system", "light", "dark", "auto"]}),
]
"""`auto` is another name of `system`."""
Language = Annotated[str, Field(max_length=35, pattern=r"^[A-Za-z0-9]+(-[A-Za-z0-9]+)*$")]
EditorMode = Literal["wysiwyg", "edit", "preview", "split"]


class _Keys(Model):
    """Keys that act. Any other is refused: a client keeps its own values in `extra`."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel)


class EditorKeys(_Keys):
    """The page's editors apply these. `fontSize`: pixels. `tabSize`: spaces. `keyBindings`: of the Markdown editor;
    `vimMode` comes before it.
    """

    font_size: Annotated[int, Field(strict=True, ge=10, le=32)] = 17
    tab_size: Annotated[int, Field(strict=True, ge=1, le=8)] = 4
    word_wrap: StrictBool = True
    line_numbers: StrictBool = False
    syntax_highlighting: StrictBool = True
    auto_complete: StrictBool = True
    vim_mode: StrictBool = False
    key_bindings: Literal["default", "emacs"] = "default"


class RenderKeys(_Keys):
    """`defaultFormat`: of files that the page downloads. Edits are saved at once, so nothing turns that on or off."""

    default_format: Literal["md", "docx", "pdf", "html", "txt", "json", "yjs"] = "md"


class NotificationKeys(_Keys):
    """The page applies `browser`, the server the others."""

    email: StrictBool = True
    browser: StrictBool = True
    document_shared: StrictBool = True
    system_updates: StrictBool = True
    digest: Literal["immediate", "daily"] = "immediate"


class UserSettings(Model):
    """Preferences of a user. `editor`, `render` and `notifications` have the keys that were set. Clients apply
    `ai_enabled`, and keep their own values in `extra`. Without `notifications_enabled` the server sends no mails of
    notifications.
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


def _alias(name: str, other: str) -> Any:
    return Field(validation_alias=AliasChoices(name, other))


class UserSettingsPatch(Model):
    """Missing fields stay unchanged. An object is replaced as a whole. The theme `auto` is an alias of `system`;
    `editor_settings`, `render_settings` and `notification_settings` are aliases of `editor`, `render` and
    `notifications`. Unknown keys of these three are refused.
    """

    model_config = input_config(theme="dark", editor={"lineNumbers": True})

    theme: Theme | None = None
    language: Language | None = None
    editor_mode: EditorMode | None = None
    ai_enabled: StrictBool | None = None
    notifications_enabled: StrictBool | None = None
    editor: Annotated[EditorKeys | None, _alias("editor", "editor_settings")] = None
    render: Annotated[RenderKeys | None, _alias("render", "render_settings")] = None
    notifications: Annotated[NotificationKeys | None, _alias("notifications", "notification_settings")] = None
    extra: Annotated[JsonObject | None, AfterValidator(_check_extra)] = None

    def to_columns(self) -> dict[str, Any]:
        """What to store: the given fields, with the given keys of objects."""
        return self.model_dump(exclude_unset=True, exclude_none=True, by_alias=True)

"""The ten kinds of documents, and the typed fields of their metadata. Fields of a kind are checked; others are stored
unchanged.
"""

from datetime import date
from typing import Annotated, Any, Literal, Self, get_args
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    AwareDatetime,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    ValidationError,
    model_validator,
)

from collab_server.web.fields import Email, JsonObject, Model, a_line, storable

Kind = Literal[
    "markdown", "mindmap", "presentation", "mixed", "note", "bookmark", "task", "contact", "password", "file"
]
KINDS: tuple[str, ...] = get_args(Kind)
ENCRYPTED: Kind = "password"
"""Documents encrypted on the owner's device. The server stores the bytes, without collaboration."""


def _check_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        known = False
    if not known or " " in url:
        raise ValueError("must be an http or https address")
    return url


Line = Annotated[StrictStr, Field(max_length=500), AfterValidator(a_line)]
Url = Annotated[StrictStr, Field(max_length=2048), AfterValidator(a_line), AfterValidator(_check_url)]
Prose = Annotated[StrictStr, Field(max_length=5000), AfterValidator(storable)]


class _Fields(Model):
    model_config = ConfigDict(extra="allow")


class Note(_Fields):
    pinned: StrictBool = False


class Bookmark(_Fields):
    url: Url
    site_name: Line | None = None
    image_url: Url | None = None
    read: StrictBool = False


class Task(_Fields):
    due: AwareDatetime | date | None = None
    completed: StrictBool = False
    completed_at: AwareDatetime | None = None


class Contact(_Fields):
    email: Email | None = None
    phone: Line | None = None
    organization: Line | None = None
    job_title: Line | None = None
    address: Prose | None = None
    birthday: date | None = None
    url: Url | None = None


class Password(Model):
    """Encrypted content only."""

    model_config = ConfigDict(extra="forbid")


class File(_Fields):
    file_name: Line | None = None
    content_type: Line | None = None
    size_bytes: Annotated[StrictInt, Field(ge=0, lt=2**53)] | None = None


class DocumentSettings(Model):
    """`collaboration` false: no connection of any protocol may join; requests read and edit the document.
    `collaboration_enabled` is an alias. The rest is for clients, with their own values in `extra`. The page edits an
    empty document as rich text if its `editor_mode` is `wysiwyg`. Until the reader chooses otherwise, it shows Markdown
    with a preview (`split`), or only the preview (`preview`).
    """

    model_config = ConfigDict(extra="forbid")

    collaboration: StrictBool = True
    collaboration_enabled: StrictBool = True
    auto_save: StrictBool = True
    ai_enabled: StrictBool = True
    editor_mode: Literal["wysiwyg", "edit", "preview", "split"] = "wysiwyg"
    extra: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        both = {"collaboration", "collaboration_enabled"} <= self.model_fields_set
        if both and self.collaboration != self.collaboration_enabled:
            raise ValueError("collaboration and collaboration_enabled are the same setting and must be equal")
        return self


_FIELDS: dict[str, type[Model]] = {
    "note": Note,
    "bookmark": Bookmark,
    "task": Task,
    "contact": Contact,
    "password": Password,
    "file": File,
}


def check_metadata(kind: str, metadata: dict[str, Any]) -> dict[str, Any]:
    """The metadata as it is stored. Raises ValueError, one line, where a typed field of the kind is wrong."""
    model = _FIELDS.get(kind)
    return metadata if model is None else _validate(model, metadata, "metadata")


def check_settings(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings as they are stored. Raises ValueError, one line."""
    checked = _validate(DocumentSettings, settings, "settings")
    if "collaboration_enabled" in checked:
        checked["collaboration"] = checked.pop("collaboration_enabled")
    return checked


def adopt_settings(settings: dict[str, Any]) -> dict[str, Any]:
    """Convert settings from a file of any version: unknown fields go to `extra`."""
    known = {name: value for name, value in settings.items() if name in DocumentSettings.model_fields}
    others = {name: value for name, value in settings.items() if name not in known}
    if not others:
        return known
    extra = known.get("extra")
    return {**known, "extra": {**others, **(extra if isinstance(extra, dict) else {})}}


def _validate(model: type[Model], given: dict[str, Any], within: str) -> dict[str, Any]:
    try:
        return model.model_validate(given).model_dump(mode="json", exclude_unset=True)
    except ValidationError as error:
        faults = (f"{'.'.join(map(str, (within, *e['loc'])))}: {e['msg']}" for e in error.errors()[:5])
        raise ValueError("; ".join(faults)) from None


Settings = Annotated[JsonObject, AfterValidator(check_settings)]

"""The JSON shape of the settings of a workspace."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, StrictBool, ValidationError

from collab_server.web.fields import JsonObject, Model

MAX_BYTES = 2**50
GivenRole = Literal["admin", "editor", "commenter", "viewer"]
"""`owner` is nobody's to give: a workspace is handed over (`transfer`)."""

MediaType = Annotated[
    str,
    Field(
        max_length=100,
        pattern=r"^[a-z0-9][a-z0-9!#$&^_.+-]*/(\*|[a-z0-9][a-z0-9!#$&^_.+-]*)$",
        description="A media type such as `application/pdf`, or all of a kind: `image/*`.",
    ),
]


class FileSettings(Model):
    """`max_bytes`: of a file that is attached, at most that of the server. `types`: that are taken; missing: all."""

    model_config = ConfigDict(extra="forbid")

    max_bytes: Annotated[int, Field(strict=True, ge=1, le=MAX_BYTES)] | None = None
    types: Annotated[list[MediaType], Field(min_length=1, max_length=100)] | None = None


class WorkspaceSettings(Model):
    """`default_permissions`: the role of an invitation without one. `require_invitation` and `allow_guest_access` have
    fixed values: people need an invitation, and guests can use the playground only. `attachments`: which files the
    workspace takes. The rest is for clients, with their own values in `extra`.
    """

    model_config = ConfigDict(extra="forbid")

    default_permissions: GivenRole = "editor"
    require_invitation: Literal[True] = True
    allow_guest_access: Literal[False] = False
    ai_enabled: StrictBool = True
    attachments: FileSettings = Field(default_factory=FileSettings)
    extra: dict[str, Any] = Field(default_factory=dict)


def _checked_settings(given: dict[str, Any]) -> dict[str, Any]:
    try:
        return WorkspaceSettings.model_validate(given).model_dump(exclude_unset=True)
    except ValidationError as error:
        faults = (f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()[:5])
        raise ValueError("; ".join(faults)) from None


Settings = Annotated[JsonObject, AfterValidator(_checked_settings)]

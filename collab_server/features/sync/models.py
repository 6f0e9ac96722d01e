"""JSON shapes of sync/pull and sync/push. Each operation of a push is validated separately, so an invalid one does not
affect the others.
"""

import base64
import binascii
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, PlainSerializer, TypeAdapter, WithJsonSchema
from pydantic.functional_validators import BeforeValidator

from collab_server.features.documents.field_types import Moment, TagNames
from collab_server.features.documents.models import DocumentIn, DocumentPatch
from collab_server.web.fields import Model, storable

MOST_DOCUMENTS = 1000
MOST_OPERATIONS = 2000
_DOCUMENT = "5f0c3c36-6c0e-4b58-9a55-0f3b5f7f6d11"


def _decode_base64(given: Any) -> bytes:
    try:
        return base64.b64decode(given, validate=True)
    except (TypeError, ValueError, binascii.Error):
        raise ValueError("must be base64") from None


Base64 = Annotated[
    bytes,
    BeforeValidator(_decode_base64),
    PlainSerializer(lambda value: base64.b64encode(value).decode(), when_used="json"),
    WithJsonSchema({"type": "string", "contentEncoding": "base64"}),
]
Number = Annotated[int, Field(ge=0, lt=2**53)]
Key = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(storable)]
OnConflict = Literal["overwrite", "refuse"]


class PullDocument(Model):
    """`state_vector`: base64, of the client's copy; empty without one. `generation` and `seq`: from an earlier answer.
    `row_version`: of the client's metadata, 0 without any; if missing, no metadata is sent.
    """

    model_config = ConfigDict(extra="forbid")

    id: UUID
    state_vector: Base64 = b"\0"
    generation: Number | None = None
    seq: Number = 0
    row_version: Number | None = None


class PullIn(Model):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {"documents": [{"id": _DOCUMENT, "state_vector": "AA==", "generation": 0, "row_version": 0}]}
        },
    )

    documents: Annotated[list[PullDocument], Field(max_length=MOST_DOCUMENTS)]


class Update(Model):
    """A Yjs update (format v1) of a document, base64. `generation`: of the document at the time of the edit."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["update"]
    document_id: UUID
    update: Base64
    generation: Number | None = None


class _Mutation(Model):
    """`key`: unique among the mutations of the device. A repeated key gets the first answer again, and nothing is
    changed.
    """

    model_config = ConfigDict(extra="forbid")

    key: Key
    document_id: UUID


class Create(_Mutation):
    """Create a document with an id from the client (a random UUID). Its content follows as updates."""

    kind: Literal["create"]
    workspace_id: UUID
    fields: DocumentIn


class _Timed(_Mutation):
    """`edited_at`: time of the edit by the server's clock (`X-Server-Time` of `GET sync`, in milliseconds, shows the
    offset of the device's clock). A time in the future counts as now, a missing one as the time of arrival. Of two
    independent edits the later one stays. The other one is kept in a conflict record.
    """

    edited_at: Moment | None = None


class _Based(_Timed):
    """`base_version`: the client's `row_version`. `base`: the client's values of the fields. If others changed a field
    in the meantime, the lost value goes into a conflict record. With `on_conflict` "refuse" nothing is changed instead.
    """

    base_version: Number | None = None
    on_conflict: OnConflict = "overwrite"


class Patch(_Based):
    """Change the given `fields`, such as the title."""

    kind: Literal["patch"]
    fields: DocumentPatch
    base: dict[str, Any] = Field(default_factory=dict)


class Tag(_Based):
    """Have the document carry exactly these tags."""

    kind: Literal["tag"]
    tags: TagNames
    base: list[str] | None = None


class Delete(_Based):
    """Put the document into the trash. The document stays (`superseded`) if another device changed its fields, tags or
    content, moved it or restored it after `edited_at`.
    """

    kind: Literal["delete"]


class Restore(_Timed):
    """Take the document out of the trash. It stays there (`superseded`) if it was deleted after `edited_at`."""

    kind: Literal["restore"]


Mutation = Create | Patch | Tag | Delete | Restore
Operation = Annotated[Update | Mutation, Field(discriminator="kind")]
operation: TypeAdapter[Update | Mutation] = TypeAdapter(Operation, config=ConfigDict(defer_build=True))


def inline_references(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a pydantic schema without references, for OpenAPI without shared components."""
    definitions = schema.pop("$defs", {})

    def resolve(part: Any) -> Any:
        if isinstance(part, dict):
            if "$ref" in part:
                return resolve(definitions[part["$ref"].rpartition("/")[2]])
            return {key: resolve(value) for key, value in part.items() if key != "discriminator"}
        return [resolve(one) for one in part] if isinstance(part, list) else part

    resolved: dict[str, Any] = resolve(schema)
    return resolved


def _describe_operations(schema: dict[str, Any]) -> None:
    schema["items"] = inline_references(operation.json_schema())


class PushIn(Model):
    """`device_id`: of the client, never changed. `operations`: in the order of the edits; each is performed or refused
    separately.
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "device_id": "laptop-7f3a",
                "operations": [
                    {"kind": "update", "document_id": _DOCUMENT, "update": "AAA=", "generation": 0},
                    {
                        "kind": "patch",
                        "key": "0001",
                        "document_id": _DOCUMENT,
                        "fields": {"title": "Better title"},
                        "base_version": 7,
                        "base": {"title": "Title"},
                        "edited_at": "2026-01-31T09:12:00.250Z",
                    },
                ],
            }
        },
    )

    device_id: Annotated[str, Field(min_length=1, max_length=200), AfterValidator(storable)]
    operations: Annotated[
        list[dict[str, Any]],
        Field(max_length=MOST_OPERATIONS, json_schema_extra=_describe_operations),
    ]


class ConflictOut(Model):
    """A conflict of a mutation with changes unknown to its device. `overwritten` and `written`: lost values and present
    values by field. `kept`: the document's values were later and stay, so the device's values are lost.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": "0b6ff3a5-6f7d-4a39-9c3e-1f3b1f6f2f10",
                "document_id": _DOCUMENT,
                "user_id": "0a6b2c8e-3d39-4c55-8a54-6a4e0f6d0c11",
                "device_id": "laptop-7f3a",
                "kind": "patch",
                "overwritten": {"title": "Theirs"},
                "written": {"title": "Mine"},
                "base_version": 7,
                "row_version": 9,
                "created_at": "2026-01-31T09:30:00Z",
                "kept": False,
            }
        }
    )

    id: UUID
    document_id: UUID
    user_id: UUID | None
    device_id: str
    kind: str
    overwritten: dict[str, Any]
    written: dict[str, Any]
    base_version: int | None
    row_version: int
    created_at: datetime
    kept: bool


class ConflictPage(Model):
    items: list[ConflictOut]
    next_cursor: str | None

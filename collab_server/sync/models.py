"""JSON shapes of sync/pull and sync/push. Each operation of a push is checked by itself: one that is wrong is refused,
and the others are done.
"""

import base64
import binascii
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer, TypeAdapter, WithJsonSchema
from pydantic.functional_validators import BeforeValidator

from collab_server.documents.models import DocumentIn, DocumentPatch, Moment, TagNames
from collab_server.web.fields import storable

MOST_DOCUMENTS = 1000
MOST_OPERATIONS = 2000
_DOCUMENT = "5f0c3c36-6c0e-4b58-9a55-0f3b5f7f6d11"


def _decoded(given: Any) -> bytes:
    try:
        return base64.b64decode(given, validate=True)
    except (TypeError, ValueError, binascii.Error):
        raise ValueError("must be base64") from None


Base64 = Annotated[
    bytes,
    BeforeValidator(_decoded),
    PlainSerializer(lambda value: base64.b64encode(value).decode(), when_used="json"),
    WithJsonSchema({"type": "string", "contentEncoding": "base64"}),
]
Number = Annotated[int, Field(ge=0, lt=2**53)]
Key = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(storable)]
OnConflict = Literal["overwrite", "refuse"]


class PullDocument(BaseModel):
    """`state_vector`: base64, of what the client has; empty for nothing. `generation` and `seq`: as an earlier answer
    told them. `row_version`: of the metadata that the client has, 0 for none; left out, no metadata is sent.
    """

    model_config = ConfigDict(extra="forbid")

    id: UUID
    state_vector: Base64 = b"\0"
    generation: Number | None = None
    seq: Number = 0
    row_version: Number | None = None


class PullIn(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {"documents": [{"id": _DOCUMENT, "state_vector": "AA==", "generation": 0, "row_version": 0}]}
        },
    )

    documents: Annotated[list[PullDocument], Field(max_length=MOST_DOCUMENTS)]


class Update(BaseModel):
    """A Yjs update (format v1) of a document, base64. `generation`: of the document that it was made for."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["update"]
    document_id: UUID
    update: Base64
    generation: Number | None = None


class _Mutation(BaseModel):
    """`key`: a name that the device gives to no other of its mutations: one that comes again is answered as it was the
    first time, and not done again.
    """

    model_config = ConfigDict(extra="forbid")

    key: Key
    document_id: UUID


class Create(_Mutation):
    """A document whose id the client has made (a random UUID). Its content follows as updates."""

    kind: Literal["create"]
    workspace_id: UUID
    fields: DocumentIn


class _Based(_Mutation):
    """`base_version`: the `row_version` that the client knew. `base`: the fields' values as it knew them. A field that
    others changed meanwhile is overwritten, and what it said is kept in a conflict record; or, with `on_conflict`
    "refuse", nothing is done.
    """

    base_version: Number | None = None
    on_conflict: OnConflict = "overwrite"


class _Timed(_Based):
    """`edited_at`: when the device did it, by the server's clock (`X-Server-Time` of `GET sync`, in milliseconds, tells
    how far the device's is off); now, where that is in the future. A field that others changed meanwhile, and later,
    stays as they set it; what this mutation says is kept in a conflict record. Left out: the time of arrival.
    """

    edited_at: Moment | None = None


class Patch(_Timed):
    """Change what is in `fields`, such as the title, and nothing else."""

    kind: Literal["patch"]
    fields: DocumentPatch
    base: dict[str, Any] = Field(default_factory=dict)


class Tag(_Timed):
    """Have the document carry exactly these tags."""

    kind: Literal["tag"]
    tags: TagNames
    base: list[str] | None = None


class Delete(_Based):
    """Put the document into the trash."""

    kind: Literal["delete"]


class Restore(_Mutation):
    """Take the document out of the trash."""

    kind: Literal["restore"]


Mutation = Create | Patch | Tag | Delete | Restore
Operation = Annotated[Update | Mutation, Field(discriminator="kind")]
operation: TypeAdapter[Update | Mutation] = TypeAdapter(Operation)


def inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema of pydantic's without references, for a description whose components are made elsewhere."""
    definitions = schema.pop("$defs", {})

    def resolve(part: Any) -> Any:
        if isinstance(part, dict):
            if "$ref" in part:
                return resolve(definitions[part["$ref"].rpartition("/")[2]])
            return {key: resolve(value) for key, value in part.items() if key != "discriminator"}
        return [resolve(one) for one in part] if isinstance(part, list) else part

    resolved: dict[str, Any] = resolve(schema)
    return resolved


class PushIn(BaseModel):
    """`device_id`: of the client, the same for all its life. `operations`: in the order in which they were done; each
    is done or refused by itself.
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
        Field(max_length=MOST_OPERATIONS, json_schema_extra={"items": inlined(operation.json_schema())}),
    ]


class ConflictOut(BaseModel):
    """What a mutation met that its device did not know of. `overwritten` and `written`: values by field, those that are
    gone and those that the document has. `kept`: the document's were edited later and stay, so the device's are gone.
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


class ConflictPage(BaseModel):
    items: list[ConflictOut]
    next_cursor: str | None

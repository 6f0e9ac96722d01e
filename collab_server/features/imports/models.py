"""JSON shapes of imports."""

from typing import Any, Literal
from uuid import UUID

from pydantic import ConfigDict

from collab_server.web.fields import Model

_EXAMPLE: dict[str, Any] = {
    "file": "Plans/Minutes.md",
    "status": "created",
    "document": {
        "id": "5f0c3c36-6c0e-4b58-9a55-0f3b5f7f6d11",
        "address": "5f0c3c36-6c0e-4b58-9a55-0f3b5f7f6d11",
        "title": "Minutes",
    },
    "code": None,
    "detail": None,
    "notes": ["1 picture was left out: Floor plan"],
}


class ImportedDocument(Model):
    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE["document"]})

    id: UUID
    address: str
    title: str


class ImportedFile(Model):
    """`file`: its name, or its path in the archive. `code`, `detail`: the error, if no document was created. `notes`:
    omissions and changes.
    """

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    file: str
    status: Literal["created", "failed"]
    document: ImportedDocument | None
    code: str | None
    detail: str | None
    notes: list[str]


class ImportOut(Model):
    """`notes`: ignored files of a zip."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "created": 1,
                "failed": 0,
                "items": [_EXAMPLE],
                "notes": ["2 pictures were left out: Plans/floor.png, Plans/roof.png"],
            }
        }
    )

    created: int
    failed: int
    items: list[ImportedFile]
    notes: list[str]

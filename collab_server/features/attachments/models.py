"""JSON shapes of attachments and uploads."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, StrictBool, StrictInt, model_validator

from collab_server.web.fields import Model, a_line, at_most, storable

FileName = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(a_line), at_most(500)]
_ID = "3f2b8c1e-5a4d-4c7b-9e1f-2a6d8c0b4e35"
_DOCUMENT = "5f0c3c36-6c0e-4b58-9a55-0f3b5f7f6d11"
_ATTACHMENT: dict[str, Any] = {
    "id": _ID,
    "document_id": _DOCUMENT,
    "file_name": "garden.png",
    "original_name": "garden.png",
    "content_type": "image/png",
    "size_bytes": 48213,
    "checksum_sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "url": f"/api/v1/attachments/{_ID}/content",
    "signed_url": f"/api/v1/attachments/{_ID}/content?expires=1767603600&signature=q83v",
    "cdn_url": f"https://cdn.example/api/v1/attachments/{_ID}/content?expires=1767603600&signature=q83v",
    "thumbnail_url": f"/api/v1/attachments/{_ID}/thumbnail",
    "thumbnail_widths": [160, 320],
    "width": 600,
    "height": 400,
    "processing_status": "complete",
    "problem": None,
    "uploaded_by": {"id": "0f7c3c36-6c0e-4b58-9a55-0f3b5f7f6d11", "name": "Ann"},
    "download_count": 4,
    "last_accessed_at": "2026-01-05T09:10:00Z",
    "created_at": "2026-01-05T09:00:00Z",
    "updated_at": "2026-01-05T09:00:01Z",
    "deleted_at": None,
    "row_version": 2,
}


class UploaderOut(Model):
    id: UUID
    name: str | None


class AttachmentOut(Model):
    """`original_name`: as it was given. `content_type`: of the bytes, whatever the upload said. `url`: stays the same,
    and needs the rights of the document. `signed_url`: good for ten minutes or more without another credential.
    `cdn_url`: the same at the content delivery network, if the server has one.
    `thumbnail_url`, `width`, `height`: of pictures, once `processing_status` is complete. `problem`: why a picture
    has no thumbnail. `uploaded_by`: null for guests.
    """

    model_config = ConfigDict(json_schema_extra={"example": _ATTACHMENT})

    id: UUID
    document_id: UUID
    file_name: str
    original_name: str
    content_type: str
    size_bytes: int
    checksum_sha256: str
    url: str
    signed_url: str
    cdn_url: str | None
    thumbnail_url: str | None
    thumbnail_widths: list[int]
    width: int | None
    height: int | None
    processing_status: Literal["pending", "processing", "complete", "failed"]
    problem: str | None
    uploaded_by: UploaderOut | None
    download_count: int
    last_accessed_at: datetime | None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    row_version: int


class AttachmentPage(Model):
    model_config = ConfigDict(json_schema_extra={"example": {"items": [_ATTACHMENT], "next_cursor": None}})

    items: list[AttachmentOut]
    next_cursor: str | None = None


class AttachmentPatch(Model):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"file_name": "plan.png"}]})

    file_name: FileName


class UploadIn(Model):
    """`without_metadata`: drop what a picture says about place, camera and author. `checksum_sha256`: that the bytes
    must have, in hexadecimal digits. `direct`: the bytes are put straight into the file store; needs the checksum.
    """

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"file_name": "film.mp4", "size_bytes": 734003200}]}
    )

    file_name: FileName
    size_bytes: Annotated[StrictInt, Field(ge=0, le=2**53)]
    content_type: Annotated[str, Field(max_length=200), AfterValidator(storable)] | None = None
    without_metadata: StrictBool = False
    checksum_sha256: Annotated[str, Field(pattern=r"^[0-9a-fA-F]{64}$")] | None = None
    direct: StrictBool = False

    @model_validator(mode="after")
    def _check_direct(self) -> Self:
        if self.direct and self.checksum_sha256 is None:
            raise ValueError("a direct upload needs checksum_sha256")
        return self


class DirectOut(Model):
    """Where the bytes go: one PUT to `url`, with all `headers`, begun before `expires_at`. Whoever has `url` needs no
    other credential.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "url": "https://files.s3.eu-central-1.amazonaws.com/uploads/direct/0f1e?X-Amz-Signature=5a3f",
                "headers": {},
                "expires_at": "2026-01-05T10:00:00Z",
            }
        }
    )

    url: str
    method: Literal["PUT"] = "PUT"
    headers: dict[str, str]
    expires_at: datetime


class UploadOut(Model):
    """`offset`: bytes that have arrived. `expires_at`: unless more arrive before. `direct`: in the answer that
    begins a direct upload. `attachment`: of a complete one.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": "6b1d8c0b-4e35-4c7b-9e1f-3f2b8c1e5a4d",
                "document_id": _DOCUMENT,
                "file_name": "film.mp4",
                "size_bytes": 734003200,
                "offset": 16777216,
                "expires_at": "2026-01-06T09:00:00Z",
                "direct": None,
                "attachment": None,
            }
        }
    )

    id: UUID
    document_id: UUID
    file_name: str
    size_bytes: int
    offset: int
    expires_at: datetime
    direct: DirectOut | None = None
    attachment: AttachmentOut | None = None

"""The caller of a request about attachments: rights and answers."""

import re
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from collab_server.access.check import require
from collab_server.access.identity import Identity
from collab_server.access.policy import Action
from collab_server.adapters.conversion.converters import Converters
from collab_server.adapters.postgres import Database
from collab_server.errors import NotFound, UnprocessableContent
from collab_server.features.attachments import models, queries
from collab_server.features.attachments.file_keeper import FileKeeper
from collab_server.features.attachments.queries import Attachment
from collab_server.features.attachments.services import AttachmentParts
from collab_server.features.attachments.sources import BytesSource, Source, read_whole
from collab_server.features.attachments.thumbnails import MAX_PICTURE_BYTES
from collab_server.settings import Settings

NO_ATTACHMENT = "there is no such attachment"
_PICTURE: Final = re.compile(rb"\xff\xd8|\x89PNG|GIF8|RIFF....WEBP|....ftypavi", re.DOTALL)
"""How pictures begin, also those that `sniff` does not trust because of what follows."""


@dataclass(frozen=True, slots=True)
class AttachmentContext:
    """The caller of one request and the services for its answer."""

    identity: Identity
    db: Database
    parts: AttachmentParts
    converters: Converters
    settings: Settings

    @property
    def files(self) -> FileKeeper:
        return self.parts.keeper

    async def get(self, attachment_id: UUID, action: Action, *, deleted: bool = False) -> Attachment:
        """Return a living attachment, or with `deleted` also a deleted one. Raises NotFound, Forbidden."""
        async with self.db.as_user(self.identity.rights) as conn:
            found = await queries.find_attachment(conn, attachment_id)
        if found is None or (found.deleted_at is not None and not deleted):
            raise NotFound(NO_ATTACHMENT)
        try:
            await require(self.db, self.identity, found.document_id, action)
        except NotFound:
            raise NotFound(NO_ATTACHMENT) from None
        return found

    async def without_metadata(self, source: Source) -> Source:
        """Return a picture without what it says about place, camera and author; another file as it is.

        Raises UnprocessableContent: a picture that cannot be read is not stored with what it says.
        """
        from collab_server.features.attachments.files.images import clean_if_image

        if not _PICTURE.match(source.head):
            return source
        if source.size > MAX_PICTURE_BYTES:
            raise UnprocessableContent(f"a picture that is cleaned may have at most {MAX_PICTURE_BYTES} bytes")
        cleaned = await self.converters.run(clean_if_image, await read_whole(source))
        return source if cleaned is None else BytesSource(cleaned)

    def to_response(self, attachment: Attachment) -> models.AttachmentOut:
        path = f"/api/v1/attachments/{attachment.id}"
        signed = f"{path}/content?{self.parts.urls.sign(attachment.id)}"
        metadata = attachment.metadata
        widths = metadata.get("widths", []) if attachment.thumbnail_s3_key else []
        return models.AttachmentOut(
            id=attachment.id,
            document_id=attachment.document_id,
            file_name=attachment.file_name,
            original_name=attachment.original_name,
            content_type=attachment.content_type,
            size_bytes=attachment.size_bytes,
            checksum_sha256=attachment.checksum_sha256.hex(),
            url=f"{path}/content",
            signed_url=signed,
            cdn_url=f"{self.parts.urls.cdn}{signed}" if self.parts.urls.cdn else None,
            thumbnail_url=f"{path}/thumbnail" if widths else None,
            thumbnail_widths=widths,
            width=metadata.get("width"),
            height=metadata.get("height"),
            processing_status=attachment.processing_status,
            problem=metadata.get("problem"),
            uploaded_by=models.UploaderOut(id=attachment.uploaded_by, name=attachment.uploader)
            if attachment.uploaded_by
            else None,
            download_count=attachment.download_count,
            last_accessed_at=attachment.last_accessed_at,
            created_at=attachment.created_at,
            updated_at=attachment.updated_at,
            deleted_at=attachment.deleted_at,
            row_version=attachment.row_version,
        )

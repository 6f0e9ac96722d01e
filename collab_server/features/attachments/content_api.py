"""Routes of the bytes of attachments: downloads with ranges, and thumbnails."""

import re
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response
from fastapi.responses import StreamingResponse

from collab_server.access.policy import Action
from collab_server.errors import NotFound, RangeBeyondEnd, Unavailable
from collab_server.features.attachments import queries
from collab_server.features.attachments.api import USUAL, make_context
from collab_server.features.attachments.context import NO_ATTACHMENT
from collab_server.features.attachments.files.file_names import content_disposition
from collab_server.features.attachments.files.file_types import choose_served_type, may_be_inline
from collab_server.features.attachments.queries import Attachment
from collab_server.features.attachments.services import attachment_services
from collab_server.features.attachments.sources import once
from collab_server.features.attachments.thumbnails import thumbnail_key
from collab_server.web import problems
from collab_server.web.depends import current_identity
from collab_server.web.etags import not_modified
from collab_server.web.problems import documented
from collab_server.web.routes import router as _router

router = _router()

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
ISOLATED = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; media-src 'self'; sandbox"
"""Content-Security-Policy of every file: nothing in it runs, whatever a browser takes it for."""
_FILE = {"content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}}

Expires = Annotated[int | None, Query(ge=0, le=2**40, description="Of a signed address")]
Deleted = Annotated[
    bool, Query(description="Also a deleted one, until it is purged: earlier texts of the document show it")
]
Signature = Annotated[str | None, Query(max_length=100, description="Of a signed address")]


@dataclass(frozen=True, slots=True)
class _Asked:
    """An attachment that the caller may read. `seconds`: for which its signed address is good; 0: the caller has other
    rights. `shared`: caches that serve several people may keep it meanwhile, too.
    """

    attachment: Attachment
    seconds: int
    shared: bool = False

    @property
    def headers(self) -> dict[str, str]:
        """Who may keep the answer, and which pages may show it."""
        if not self.seconds:
            return {"cache-control": "private, no-cache", "cross-origin-resource-policy": "same-origin"}
        keepers = "public" if self.shared else "private"
        # A signed address is made for pages of an application that embeds documents.
        return {
            "cache-control": f"{keepers}, max-age={self.seconds}",
            "cross-origin-resource-policy": "cross-origin",
        }

    def not_modified(self, request: Request, etag: str) -> Response | None:
        unchanged = not_modified(request, etag)
        if unchanged is not None:
            unchanged.headers.update(self.headers)
        return unchanged


async def _find(
    request: Request, attachment_id: UUID, expires: int | None, signature: str | None, *, deleted: bool
) -> _Asked:
    """Find an attachment by a signed address, otherwise with the rights of the caller. Raises NotFound and more."""
    services = attachment_services(request)
    if expires is not None and signature is not None:
        seconds = services.attachments.urls.seconds_left(attachment_id, expires, signature)
        if seconds:
            async with services.db.as_service() as conn:
                found = await queries.find_attachment(conn, attachment_id)
            if found is None or found.deleted_at is not None:
                raise NotFound(NO_ATTACHMENT)
            return _Asked(found, seconds, shared=bool(services.attachments.urls.cdn))
    context = await make_context(request, await current_identity(request), services.db)
    return _Asked(await context.get(attachment_id, Action.VIEW, deleted=deleted), 0)


@router.get(
    "/attachments/{attachment_id}/content",
    tags=["attachments"],
    response_class=Response,
    responses={
        **USUAL,
        200: {"description": "The file", **_FILE},
        206: {"description": "A part of the file", **_FILE},
        304: {"description": "It is as If-None-Match says"},
        **documented(RangeBeyondEnd),
    },
)
@router.head("/attachments/{attachment_id}/content", include_in_schema=False)
async def get_content(
    attachment_id: UUID,
    request: Request,
    *,
    expires: Expires = None,
    signature: Signature = None,
    deleted: Deleted = False,
    download: Annotated[bool, Query(description="As a file, also where a browser could show it")] = False,
) -> Response:
    """Return the bytes of an attachment, or one range of them. Only pictures, sound, films and plain text are shown by
    browsers; everything else is downloaded.
    """
    asked = await _find(request, attachment_id, expires, signature, deleted=deleted)
    attachment = asked.attachment
    etag = f'"{attachment.checksum_sha256.hex()}"'
    if (unchanged := asked.not_modified(request, etag)) is not None:
        return unchanged
    inline = may_be_inline(attachment.content_type) and not download
    headers = {
        "etag": etag,
        "accept-ranges": "bytes",
        **asked.headers,
        "content-disposition": content_disposition(attachment.file_name, inline=inline),
        "content-security-policy": ISOLATED,
        "last-modified": f"{attachment.created_at:%a, %d %b %Y %H:%M:%S} GMT",
    }
    size = attachment.size_bytes
    wanted = _read_range(request, etag, size)
    if wanted is None:
        refusal = problems.of(RangeBeyondEnd(f"the file has {size} bytes"))
        refusal.headers["content-range"] = f"bytes */{size}"
        return refusal
    start, end = wanted
    status = 200
    if (start, end) != (0, size):
        status = 206
        headers["content-range"] = f"bytes {start}-{end - 1}/{size}"
    headers["content-length"] = str(end - start)
    kind = choose_served_type(attachment.content_type)
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers, media_type=kind)
    services = attachment_services(request)
    if start == 0:
        async with services.db.as_service() as conn:
            await queries.count_download(conn, attachment_id)
    body = await services.attachments.store.read(attachment.s3_key, start, end) if end > start else once(b"")
    return StreamingResponse(body, status_code=status, headers=headers, media_type=kind)


def _read_range(request: Request, etag: str, size: int) -> tuple[int, int] | None:
    """Return (first byte, byte after the last) of the request; the whole file where it asks for several ranges, or
    for a range of another file (If-Range). None: the range is beyond the end.
    """
    whole = (0, size)
    found = _RANGE.fullmatch(request.headers.get("range", "").strip())
    if found is None or found.group(0) == "bytes=-" or request.headers.get("if-range", etag) != etag:
        return whole
    first, last = found.groups()
    if not first:
        length = min(int(last), size)
        return (size - length, size) if length else None
    start = int(first)
    end = min(int(last) + 1, size) if last else size
    if last and int(last) < start:
        return whole
    return (start, end) if start < size else None


@router.get(
    "/attachments/{attachment_id}/thumbnail",
    tags=["attachments"],
    response_class=Response,
    responses={
        **USUAL,
        200: {"description": "The picture", "content": {"image/webp": {"schema": {"type": "string"}}}},
        304: {"description": "It is as If-None-Match says"},
    },
)
async def get_thumbnail(
    attachment_id: UUID,
    request: Request,
    *,
    width: Annotated[int, Query(ge=1, le=10_000, description="Pixels; the next larger width that exists")] = 320,
    expires: Expires = None,
    signature: Signature = None,
    deleted: Deleted = False,
) -> Response:
    """Return a small copy of a picture, as WebP. 503 while it is being made; 404 for other files."""
    asked = await _find(request, attachment_id, expires, signature, deleted=deleted)
    attachment = asked.attachment
    widths: list[int] = attachment.metadata.get("widths", []) if attachment.thumbnail_s3_key else []
    if not widths:
        if attachment.processing_status in ("pending", "processing"):
            raise Unavailable("the thumbnail is being made")
        raise NotFound("this attachment has no thumbnail")
    chosen = next((one for one in widths if one >= width), widths[-1])
    etag = f'"{attachment.checksum_sha256.hex()}-{chosen}"'
    if (unchanged := asked.not_modified(request, etag)) is not None:
        return unchanged
    store = attachment_services(request).attachments.store
    body = await store.read(thumbnail_key(attachment.s3_key, chosen))
    return StreamingResponse(
        body,
        media_type="image/webp",
        headers={
            "etag": etag,
            **asked.headers,
            "content-security-policy": ISOLATED,
        },
    )

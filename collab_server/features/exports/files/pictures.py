"""Pictures of a document for files that contain them: web pages, Word documents and PDF files.

Only attachments of the document itself are taken. Nothing is fetched from other addresses.
"""

import asyncio
import base64
import hashlib
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final
from uuid import UUID

from collab_server.core.documents.attachment_links import find_links, list_links
from collab_server.errors import NotFound, UnprocessableContent
from collab_server.features.attachments.thumbnails import MAX_PICTURE_BYTES, PICTURES
from collab_server.features.content.earlier_pictures import show_earlier
from collab_server.features.exports.files import queries
from collab_server.features.exports.files.queries import ExportedFile
from collab_server.features.exports.services import Sources

if TYPE_CHECKING:
    from collab_server.features.attachments.files.embedded_image import EmbeddedImage

MAX_PAGE_BYTES: Final = 16_000_000
"""Bytes of all pictures in a web page. Those that do not fit stay links."""
MAX_EMBEDDED: Final = 100
"""Pictures in a Word or PDF file. Further ones stay links."""
MAX_EMBEDDED_BYTES: Final = 48_000_000
_IMAGE: Final = re.compile(r'(<img\b[^<>]*?\ssrc=")([^"<>]*)(?=")')


async def make_digest(sources: Sources, document_id: UUID, text: str, *, earlier: bool) -> str:
    """Return what tells whether the pictures of a text are the same; empty without any. `earlier`: see
    put_into_page.
    """
    linked = find_links(text)
    if not linked:
        return ""
    async with sources.db.as_service() as conn:
        found = await queries.find_files(conn, document_id, list(linked), earlier=earlier)
    return hashlib.sha256(b"".join(sorted(each.bytes for each in found))).hexdigest()[:16]


async def put_into_page(sources: Sources, document_id: UUID, page: bytes, *, earlier: bool = False) -> bytes:
    """Return a web page with the pictures of the document in it, as data: addresses. `earlier`: of an earlier text,
    which also shows attachments that are deleted, and names those that are gone. Raises StoreUnavailable.
    """
    shown = page.decode()
    linked = list(dict.fromkeys(each for found in _IMAGE.finditer(shown) for each in list_links(found[2])))
    left = MAX_PAGE_BYTES
    addresses: dict[UUID, str] = {}
    for file in await _find_pictures(sources, document_id, linked, earlier=earlier):
        if file.size > left or (octets := await _read(sources, file)) is None:
            continue
        left -= file.size
        addresses[file.id] = f"data:{file.content_type};base64,{base64.b64encode(octets).decode()}"
    if addresses:
        shown = await asyncio.to_thread(_replace, shown, addresses)
    if earlier:
        shown = await show_earlier(sources.db, document_id, shown)
    return shown.encode()


def _replace(page: str, addresses: Mapping[UUID, str]) -> str:
    left = MAX_PAGE_BYTES * 4 // 3 + 4

    def put(found: re.Match[str]) -> str:
        nonlocal left
        address = next((addresses[each] for each in find_links(found[2]) if each in addresses), "")
        # A picture that is shown many times counts each time.
        if not address or len(address) > left:
            return found[0]
        left -= len(address)
        return found[1] + address

    return _IMAGE.sub(put, page)


async def load_embedded(
    sources: Sources, document_id: UUID, text: str, *, earlier: bool = False
) -> "dict[UUID, EmbeddedImage]":
    """Load the pictures of a text for a Word or PDF file. Those that cannot be read are left out. `earlier`: see
    put_into_page.

    Raises TooMany, TooMuchWork, Unavailable, StoreUnavailable.
    """
    linked = list_links(text)
    if not linked:
        return {}
    from collab_server.features.attachments.files.images import make_embedded

    left = MAX_EMBEDDED_BYTES
    made: dict[UUID, EmbeddedImage] = {}
    for file in (await _find_pictures(sources, document_id, linked, earlier=earlier))[:MAX_EMBEDDED]:
        octets = await _read(sources, file)
        if octets is None:
            continue
        try:
            picture = await sources.converters.run(make_embedded, octets)
        except UnprocessableContent:
            continue
        if len(picture.data) <= left:
            left -= len(picture.data)
            made[file.id] = picture
    return made


async def _find_pictures(
    sources: Sources, document_id: UUID, linked: list[UUID], *, earlier: bool
) -> list[ExportedFile]:
    if not linked:
        return []
    async with sources.db.as_service() as conn:
        found = await queries.find_files(conn, document_id, linked, earlier=earlier)
    return [
        found[each]
        for each in linked
        if each in found and found[each].content_type in PICTURES and found[each].size <= MAX_PICTURE_BYTES
    ]


async def _read(sources: Sources, file: ExportedFile) -> bytes | None:
    """Return the bytes of a file. None: they are gone."""
    try:
        return b"".join([piece async for piece in await sources.store.read(file.key)])
    except NotFound:
        return None

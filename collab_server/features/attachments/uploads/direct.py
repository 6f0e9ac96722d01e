"""Files that a client puts straight into the bucket, at a signed address. What lies there is believed in nothing."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Final

from collab_server.errors import Conflict, NotFound, TooLarge, UnprocessableContent
from collab_server.features.attachments import models, object_queries, upload_queries
from collab_server.features.attachments.context import AttachmentContext
from collab_server.features.attachments.upload_queries import Upload
from collab_server.features.attachments.uploads.finishing import forget

ADDRESS_SECONDS: Final = 3600
"""Lifetime of an address. function.upload_gone.sql knows it, too: so long after its making, an object may appear."""
MAX_DIRECT_BYTES: Final = 5_000_000_000
"""What all three clouds take in one request, and copy in one."""
NOTHING_THERE: Final = "nothing has arrived at the signed address yet"


def make_key() -> str:
    """Return the key of an object that a client is about to put. Nobody can guess it."""
    return f"uploads/direct/{secrets.token_hex(16)}"


async def sign(context: AttachmentContext, key: str) -> models.DirectOut | None:
    """Sign the address for an object. None: the file store is a folder, and has no addresses."""
    signed = await context.files.store.presign_put(key, ADDRESS_SECONDS)
    if signed is None:
        return None
    expires_at = datetime.now(UTC) + timedelta(seconds=ADDRESS_SECONDS)
    return models.DirectOut(url=signed.url, headers=dict(signed.headers), expires_at=expires_at)


async def take_over(context: AttachmentContext, upload: Upload, key: str) -> None:
    """Copy the object at `key` to where no client can change it, and make it the only part of its upload.

    Raises Conflict (nothing is there yet, or another request has taken it); TooLarge and UnprocessableContent for
    another size than was said, and then deletes the upload; StoreUnavailable, Unavailable.
    """
    store = context.files.store
    await _check_size(context, upload, await store.size(key))
    own = f"uploads/{upload.id}/0-{secrets.token_hex(8)}"
    async with context.parts.writers.writing(own) as note:
        try:
            await store.copy(key, own)
        except NotFound:
            raise Conflict(NOTHING_THERE) from None
        # The client may have put another object meanwhile.
        await _check_size(context, upload, await store.size(own))
        async with context.db.as_service() as conn, conn.transaction():
            await object_queries.delete_note(conn, note)
            if await upload_queries.add_part(conn, upload.id, 0, own, upload.size_bytes) is None:
                raise Conflict("another request completes this upload: ask with GET whether it has")


async def _check_size(context: AttachmentContext, upload: Upload, size: int | None) -> None:
    if size is None:
        raise Conflict(NOTHING_THERE)
    if size == upload.size_bytes:
        return
    await forget(context, upload)
    told = f"{size} bytes have arrived, but the upload was to have {upload.size_bytes}: begin another one"
    raise TooLarge(told) if size > upload.size_bytes else UnprocessableContent(told)

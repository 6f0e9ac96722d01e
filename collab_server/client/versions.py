"""Versions of documents. Unlike edits, they are at the server only."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from collab_server.client.offline import OfflineClient
from collab_server.client.wire import ServerUnavailable


async def list_versions(client: OfflineClient, document_id: UUID) -> list[dict[str, Any]]:
    """List the versions of a document, the newest first, in the shape of the REST route.

    Raises NotSetUp, ServerUnavailable, RequestRejected.
    """
    wire = await client.connection()
    with _saying("versions are at the server, and it does not answer"):
        return await wire.versions(document_id)


async def restore_version(client: OfflineClient, document_id: UUID, number: int) -> bool:
    """Send pending changes, restore a version at the server, and fetch the result. False: the content is the same.

    Raises NotSetUp, ServerUnavailable, RequestRejected, TemporarilyRefused.
    """
    with _saying("a version is restored at the server, and it does not answer"):
        # The server makes a version of the content before, which is to have all edits.
        await client.sync()
        done = await (await client.connection()).restore(document_id, number)
        await client.sync()
    return bool(done["changed"])


@contextmanager
def _saying(what: str) -> Iterator[None]:
    try:
        yield
    except ServerUnavailable as error:
        raise ServerUnavailable(f"{what}: {error}", error.after) from error

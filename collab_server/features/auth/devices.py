"""Client versions of devices."""

from collab_server.access.identity import Identity
from collab_server.adapters.postgres import Database, caller
from collab_server.features.auth import session_queries


async def note_version(db: Database, identity: Identity, device: str | None) -> None:
    """Store the client version of the caller's device before an edit, for the change feed. Raises Unavailable."""
    version = caller.get().client_version.strip()
    if version and device and identity.user_id is not None:
        async with db.as_service() as conn:
            await session_queries.note_version(conn, identity.user_id, device, version)

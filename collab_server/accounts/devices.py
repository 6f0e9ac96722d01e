"""What people's devices say of themselves."""

from collab_server.access.identity import Identity
from collab_server.accounts import session_queries
from collab_server.backends.db import Database, caller


async def note_version(db: Database, identity: Identity, device: str | None) -> None:
    """Before somebody's edit: remember which client version the request says that the device runs, for the change feed.
    Raises Unavailable.
    """
    version = caller.get().client_version.strip()
    if version and device and identity.user_id is not None:
        async with db.as_service() as conn:
            await session_queries.note_version(conn, identity.user_id, device, version)

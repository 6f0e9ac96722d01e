"""Encrypting stored secrets anew after a key was added."""

from dataclasses import dataclass
from uuid import UUID

from collab_server.accounts import rotation_queries as queries
from collab_server.accounts.rotation_queries import Sealed
from collab_server.backends.db import Conn
from collab_server.sealing import CannotOpen, Keyring
from collab_server.telemetry import log

SEALED = (Sealed("sessions", "provider_tokens"),)
"""Every column of sealed values: `<table>.<column>:<id>` is what each is bound to."""
BATCH = 100


@dataclass(frozen=True, slots=True)
class Rotation:
    """`lost`: values that no key opens; they stay as they are."""

    rotated: int
    lost: int


async def rotate(conn: Conn, keyring: Keyring) -> Rotation:
    """Seal with the current key whatever another key has sealed, a batch a transaction. `conn`: under app_service."""
    rotated = lost = 0
    for place in SEALED:
        after = UUID(int=0)
        while True:
            async with conn.transaction():
                batch = await queries.lock_sealed_otherwise(conn, place, keyring.head, after, BATCH)
                for row_id, sealed in batch:
                    name = f"{place.table}.{place.column}:{row_id}"
                    try:
                        secret = keyring.open(sealed, name)
                    except CannotOpen as error:
                        log.warning("a stored secret cannot be opened", extra={"place": name, "error": str(error)})
                        lost += 1
                    else:
                        await queries.update_sealed(conn, place, row_id, keyring.seal(secret, name))
                        rotated += 1
            if len(batch) < BATCH:
                break
            after = batch[-1][0]
    return Rotation(rotated, lost)

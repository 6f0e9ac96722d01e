"""Encrypting stored secrets anew after a key was added."""

from dataclasses import dataclass
from uuid import UUID

from collab_server.adapters.postgres import Conn
from collab_server.features.maintenance import key_rotation_queries as queries
from collab_server.features.maintenance.key_rotation_queries import Sealed
from collab_server.observability.logging import log
from collab_server.security.encryption import CannotOpen, Keyring

SEALED = (Sealed("sessions", "provider_tokens"),)
"""All columns with encrypted values. Each value is bound to `<table>.<column>:<id>`."""
BATCH = 100


@dataclass(frozen=True, slots=True)
class Rotation:
    """`lost`: values without a known key; they stay unchanged."""

    rotated: int
    lost: int


async def rotate(conn: Conn, keyring: Keyring) -> Rotation:
    """Encrypt values of older keys with the current key, one batch for each transaction. `conn`: under app_service."""
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
                        log.warning("a stored secret cannot be decrypted", extra={"place": name, "error": str(error)})
                        lost += 1
                    else:
                        await queries.update_sealed(conn, place, row_id, keyring.seal(secret, name))
                        rotated += 1
            if len(batch) < BATCH:
                break
            after = batch[-1][0]
    return Rotation(rotated, lost)

"""Checksums (CRC-32) of stored bytes: computed before PostgreSQL has them, and compared when they are read."""

import asyncio
import zlib
from collections.abc import Sequence

THREAD_BYTES = 1_000_000
"""Size from which a thread compares (about a millisecond per megabyte), so that sockets do not wait."""


def compute_row_checksum(payload: bytes) -> int:
    """Compute the checksum of a row of document_updates."""
    return zlib.crc32(payload)


def compute_snapshot_checksum(snapshot: bytes, state_vector: bytes | None) -> int:
    """Compute the checksum of a snapshot together with its state vector."""
    return zlib.crc32(state_vector or b"", zlib.crc32(snapshot))


async def find_damage(
    snapshot: bytes | None,
    state_vector: bytes | None,
    checksum: int | None,
    *,
    first: int,
    head: int,
    payloads: Sequence[bytes],
    checksums: Sequence[int | None],
) -> str | None:
    """Describe the damage in a snapshot and the log rows `first` to `head`. None: no damage. A checksum of None is not
    compared.
    """
    if len(payloads) != max(0, head - first + 1):
        return f"rows of its log are missing between {first} and {head}"
    if checksum is not None and snapshot is None:
        return "its snapshot is missing"
    if sum(map(len, payloads)) + len(snapshot or b"") < THREAD_BYTES:
        return _compare(snapshot, state_vector, checksum, first, payloads, checksums)
    return await asyncio.to_thread(_compare, snapshot, state_vector, checksum, first, payloads, checksums)


def _compare(
    snapshot: bytes | None,
    state_vector: bytes | None,
    checksum: int | None,
    first: int,
    payloads: Sequence[bytes],
    checksums: Sequence[int | None],
) -> str | None:
    if checksum is not None and compute_snapshot_checksum(snapshot or b"", state_vector) != checksum:
        return "its snapshot does not match its checksum"
    for seq, (payload, expected) in enumerate(zip(payloads, checksums, strict=True), start=first):
        if expected is not None and compute_row_checksum(payload) != expected:
            return f"row {seq} of its log does not match its checksum"
    return None

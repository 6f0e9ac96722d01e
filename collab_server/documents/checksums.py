"""Checksums (CRC-32) of stored bytes: computed before PostgreSQL has them, and compared when they are read."""

import asyncio
import zlib
from collections.abc import Sequence

THREAD_BYTES = 1_000_000
"""From this size on a thread compares, about a millisecond per megabyte, so that no socket waits for it."""


def checksum_of_row(payload: bytes) -> int:
    """Of a row of document_updates."""
    return zlib.crc32(payload)


def checksum_of_snapshot(snapshot: bytes, state_vector: bytes | None) -> int:
    """Of a document's snapshot and its state vector together."""
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
    """Say what is wrong with a snapshot and the log rows `first` to `head`; None: nothing.

    A checksum that is None is not compared.
    """
    if len(payloads) != max(0, head - first + 1):
        return f"rows of its log are missing between {first} and {head}"
    if checksum is not None and snapshot is None:
        return "its snapshot is missing"
    if sum(map(len, payloads)) + len(snapshot or b"") < THREAD_BYTES:
        return _compared(snapshot, state_vector, checksum, first, payloads, checksums)
    return await asyncio.to_thread(_compared, snapshot, state_vector, checksum, first, payloads, checksums)


def _compared(
    snapshot: bytes | None,
    state_vector: bytes | None,
    checksum: int | None,
    first: int,
    payloads: Sequence[bytes],
    checksums: Sequence[int | None],
) -> str | None:
    if checksum is not None and checksum_of_snapshot(snapshot or b"", state_vector) != checksum:
        return "its snapshot does not match its checksum"
    for seq, (payload, expected) in enumerate(zip(payloads, checksums, strict=True), start=first):
        if expected is not None and checksum_of_row(payload) != expected:
            return f"row {seq} of its log does not match its checksum"
    return None

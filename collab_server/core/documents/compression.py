"""Compression of what is kept and seldom read: snapshots of versions, segments of the history."""

import sys
from typing import Final

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    import backports.zstd as zstd

LEVEL: Final = 9
"""The level of zstd. Workers write a segment once."""


def compress(data: bytes) -> bytes:
    """Compress with zstd."""
    return zstd.compress(data, LEVEL)


def decompress(data: bytes, most: int) -> bytes:
    """Decompress what `compress` returned. Raises ValueError for other bytes, and above `most` bytes."""
    decompressor = zstd.ZstdDecompressor()
    try:
        found = decompressor.decompress(data, max_length=most)
    except zstd.ZstdError as error:
        raise ValueError(str(error)) from None
    if not decompressor.eof:
        raise ValueError(f"a zstd frame that is cut off, or has more than {most} bytes")
    return found

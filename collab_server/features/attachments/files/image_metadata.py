"""Removal of metadata from the bytes of images, without decoding their pixels. Pure.

Each function returns the file with only the parts that its pixels, colours and animation need. All else is left out,
also bytes behind the end of the image. `orientation` is the value of the EXIF tag, 1 to 8; above 1 it is written as the
only tag. Each raises ValueError for a file that is damaged or cut off.
"""

import re
import struct
import zlib
from collections.abc import Iterator
from typing import Final

_TIFF: Final = struct.Struct(">2sHLHHHLHHL")
_ORIENTATION_TAG: Final = 0x0112

_SCAN_END: Final = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""The first marker behind compressed pixels of a JPEG."""
_PNG_KEPT: Final = frozenset(
    b"IHDR PLTE IDAT IEND tRNS acTL fcTL fdAT iCCP sRGB gAMA cHRM cICP mDCV cLLI sBIT bKGD pHYs".split()
)
_WEBP_KEPT: Final = frozenset([b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF", b"ICCP"])
_WEBP_EXIF: Final = 0x08
_WEBP_XMP: Final = 0x04
_GIF_LOOPS: Final = (b"NETSCAPE2.0", b"ANIMEXTS1.0")
_GIF_PROFILE: Final = b"ICCRGBG1012"


def strip_jpeg(data: bytes, orientation: int) -> bytes:
    """Return the JPEG without comments and applications' segments; colour profile and colour transform are kept."""
    kept = [data[:2]]
    if orientation > 1:
        exif = b"Exif\0\0" + _make_exif(orientation)
        kept.append(b"\xff\xe1" + (len(exif) + 2).to_bytes(2) + exif)
    at = 2
    while (marker := _read_marker(data, at)) != 0xD9:
        if marker == 0xFF:  # A fill byte.
            at += 1
            continue
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4])
        if not at + 4 <= end <= len(data):
            raise ValueError("a segment is cut off")
        kept.append(_keep_segment(marker, data[at:end]))
        at = end
        if marker == 0xDA:
            found = _SCAN_END.search(data, at)
            if found is None:
                raise ValueError("the pixels are cut off")
            kept.append(data[at : found.start()])
            at = found.start()
    return b"".join([*kept, b"\xff\xd9"])


def _read_marker(data: bytes, at: int) -> int:
    if data[at : at + 1] != b"\xff" or at + 1 >= len(data):
        raise ValueError("a marker is missing")
    return data[at + 1]


def _keep_segment(marker: int, segment: bytes) -> bytes:
    """Return what is kept of a segment: all of frames, tables and scans, nothing of most others."""
    body = segment[4:]
    if 0xC0 <= marker <= 0xCF or 0xDA <= marker <= 0xDF:
        return segment
    if marker == 0xE0 and body.startswith(b"JFIF\0") and len(body) >= 14:
        return b"\xff\xe0\0\x10" + body[:12] + b"\0\0"  # Without its thumbnail.
    profile = marker == 0xE2 and body.startswith(b"ICC_PROFILE\0")
    return segment if profile or (marker == 0xEE and body.startswith(b"Adobe")) else b""


def strip_png(data: bytes, orientation: int) -> bytes:
    """Return the PNG without text, times and private chunks; colour and animation are kept."""
    kept, at, kind = [data[:8]], 8, b""
    while kind != b"IEND":
        kind, end = data[at + 4 : at + 8], at + 12 + int.from_bytes(data[at : at + 4])
        if len(kind) < 4 or end > len(data):
            raise ValueError("a chunk is cut off")
        if kind in _PNG_KEPT:
            kept.append(data[at:end])
        if kind == b"IHDR" and orientation > 1:
            exif = b"eXIf" + _make_exif(orientation)
            kept.append((len(exif) - 4).to_bytes(4) + exif + zlib.crc32(exif).to_bytes(4))
        at = end
    return b"".join(kept)


def strip_webp(data: bytes, orientation: int) -> bytes:
    """Return the WebP without EXIF, XMP and unknown chunks; colour profile and animation are kept."""
    end = 8 + int.from_bytes(data[4:8], "little")
    kept = [_keep_chunk(kind, body, orientation) for kind, body in _read_chunks(data, 12, end)]
    if orientation > 1 and data[12:16] == b"VP8X":
        kept.append(_make_chunk(b"EXIF", _make_exif(orientation)))
    body = b"WEBP" + b"".join(kept)
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def _read_chunks(data: bytes, at: int, end: int) -> Iterator[tuple[bytes, bytes]]:
    if end > len(data):
        raise ValueError("the file is cut off")
    while at < end:
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        if at + 8 + size > end:
            raise ValueError("a chunk is cut off")
        yield data[at : at + 4], data[at + 8 : at + 8 + size]
        at += 8 + size + size % 2


def _keep_chunk(kind: bytes, body: bytes, orientation: int) -> bytes:
    if kind not in _WEBP_KEPT:
        return b""
    if kind == b"VP8X" and body:
        flags = body[0] & ~(_WEBP_EXIF | _WEBP_XMP) | (_WEBP_EXIF if orientation > 1 else 0)
        body = bytes([flags]) + body[1:]
    elif kind == b"ANMF":
        frame = [_make_chunk(*each) for each in _read_chunks(body, 16, len(body)) if each[0] in _WEBP_KEPT]
        body = body[:16] + b"".join(frame)
    return _make_chunk(kind, body)


def _make_chunk(kind: bytes, body: bytes) -> bytes:
    return kind + len(body).to_bytes(4, "little") + body + b"\0" * (len(body) % 2)


def strip_gif(data: bytes, _orientation: int) -> bytes:
    """Return the GIF without comments, texts and applications' blocks; loops and colour profile are kept. A GIF has no
    orientation.
    """
    return b"".join(_keep_block(block) for block in _read_blocks(data))


def count_gif_frames(data: bytes, most: int) -> int:
    """Return the number of frames; counting ends after `most` + 1. Raises ValueError as above."""
    frames = 0
    for block in _read_blocks(data):
        frames += block[:1] == b","
        if frames > most:
            break
    return frames


def _keep_block(block: bytes) -> bytes:
    if block[:1] != b"!" or block[1] == 0xF9:
        return block
    name = block[3:14] if block[1:3] == b"\xff\x0b" else b""
    if name in _GIF_LOOPS and block[14:16] == b"\3\1":
        return block[:18] + b"\0"
    return block if name == _GIF_PROFILE else b""


def _read_blocks(data: bytes) -> Iterator[bytes]:
    """Yield the header with its colour table, then each block, the trailer last."""
    at = _skip_colours(data, 10, 13)
    yield data[:at]
    while (kind := data[at : at + 1]) != b";":
        if kind == b"!":
            end = _skip_parts(data, at + 2)
        elif kind == b",":
            end = _skip_parts(data, _skip_colours(data, at + 9, at + 10) + 1)
        else:
            raise ValueError("a block is damaged or missing")
        yield data[at:end]
        at = end
    yield b";"


def _skip_colours(data: bytes, flags_at: int, at: int) -> int:
    """Return the index after the colour table that the flags announce."""
    if flags_at >= len(data):
        raise ValueError("a block is cut off")
    flags = data[flags_at]
    return at + (3 << (flags & 7) + 1 if flags & 0x80 else 0)


def _skip_parts(data: bytes, at: int) -> int:
    """Return the index after parts of at most 255 bytes and the empty one that ends them."""
    while at < len(data):
        size = data[at]
        at += 1 + size
        if not size:
            return at
    raise ValueError("a block is cut off")


def _make_exif(orientation: int) -> bytes:
    return _TIFF.pack(b"MM", 42, 8, 1, _ORIENTATION_TAG, 3, 1, orientation, 0, 0)

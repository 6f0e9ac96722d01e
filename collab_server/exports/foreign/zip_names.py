"""The names of the files in a zip, whatever made it. Pure.

The format knows two encodings, UTF-8 with a flag and code page 437. Archivers write UTF-8 without the flag, and the
code page of their system.
"""

import struct
import unicodedata
import zlib
from collections.abc import Sequence
from typing import Final
from zipfile import ZipInfo

from collab_server.exports.foreign import encodings

_UTF_8: Final = 0x800
"""The flag."""
_UNICODE_PATH: Final = 0x7075
"""The extra field in which Info-ZIP writes the name in UTF-8 beside the one in the system's code page."""
_EXTRA_HEAD: Final = struct.Struct("<HH")
_PATH_HEAD: Final = struct.Struct("<BL")


def names(infos: Sequence[ZipInfo]) -> list[str]:
    """The name of each, composed (NFC), with slashes between folders. All that tell no encoding are in the same."""
    found: list[str | None] = []
    doubtful: list[bytes] = []
    for info in infos:
        if info.flag_bits & _UTF_8:
            found.append(info.orig_filename)
            continue
        raw = info.orig_filename.encode("cp437", "replace")
        told = _told(info.extra, raw) or _utf_8(raw)
        found.append(told)
        if told is None:
            doubtful.append(raw)
    encoding = encodings.guess_for_names(doubtful) if doubtful else ""
    rest = iter(doubtful)
    return [_path(next(rest).decode(encoding, "replace") if name is None else name) for name in found]


def _path(name: str) -> str:
    return unicodedata.normalize("NFC", name.partition("\0")[0].replace("\\", "/"))


def _told(extra: bytes, raw: bytes) -> str | None:
    """By the extra field, which is void where the name has been changed since."""
    at = 0
    while at + _EXTRA_HEAD.size <= len(extra):
        kind, size = _EXTRA_HEAD.unpack_from(extra, at)
        at += _EXTRA_HEAD.size
        if kind == _UNICODE_PATH and size > _PATH_HEAD.size and at + size <= len(extra):
            version, checksum = _PATH_HEAD.unpack_from(extra, at)
            if version == 1 and checksum == zlib.crc32(raw):
                return _utf_8(extra[at + _PATH_HEAD.size : at + size])
        at += size
    return None


def _utf_8(raw: bytes) -> str | None:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return None

"""Names of files in a zip of any origin. Pure.

The format has two encodings: UTF-8 with a flag, and code page 437. Archivers also write UTF-8 without the flag, and
code pages of their systems.
"""

import struct
import unicodedata
import zlib
from collections.abc import Sequence
from typing import Final
from zipfile import ZipInfo

from collab_server.features.imports.foreign import encodings

_UTF_8: Final = 0x800
"""The flag."""
_UNICODE_PATH: Final = 0x7075
"""Extra field of Info-ZIP with the name in UTF-8."""
_EXTRA_HEAD: Final = struct.Struct("<HH")
_PATH_HEAD: Final = struct.Struct("<BL")


def decode_names(infos: Sequence[ZipInfo]) -> list[str]:
    """Return all names in Unicode NFC, with slashes between folders. Names without a known encoding share a guessed
    one.
    """
    found: list[str | None] = []
    doubtful: list[bytes] = []
    for info in infos:
        if info.flag_bits & _UTF_8:
            found.append(info.orig_filename)
            continue
        raw = info.orig_filename.encode("cp437", "replace")
        decoded = _read_unicode_path(info.extra, raw) or _utf_8(raw)
        found.append(decoded)
        if decoded is None:
            doubtful.append(raw)
    encoding = encodings.guess_name_encoding(doubtful) if doubtful else ""
    rest = iter(doubtful)
    return [_path(next(rest).decode(encoding, "replace") if name is None else name) for name in found]


def _path(name: str) -> str:
    return unicodedata.normalize("NFC", name.partition("\0")[0].replace("\\", "/"))


def _read_unicode_path(extra: bytes, raw: bytes) -> str | None:
    """Return the name of the extra field, or None if the entry was renamed later."""
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

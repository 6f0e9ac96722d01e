"""Media types of attachments from their first bytes, and the types that a browser may show. Pure.

A name or a claim never gives a file more rights than its bytes do. It may name a more exact harmless type, or a type
that is only downloaded. Answers need `X-Content-Type-Options: nosniff`: a valid GIF or text can be a valid script too,
and only this header keeps a page from running it. Answers of text need `charset=utf-8`.

Only the first HEAD_BYTES are read. A zip archive behind a larger image is not found here; `images.without_metadata`
removes it.
"""

import codecs
import re
from typing import Final

import puremagic

from collab_server.features.attachments.files import active_content

HEAD_BYTES: Final = 64 * 1024
"""Bytes of a file that are read. Later bytes are ignored."""

UNKNOWN: Final = "application/octet-stream"

_INLINE: Final = frozenset(
    [
        "audio/mp4",
        "audio/ogg",
        "audio/webm",
        "image/avif",
        "image/gif",
        "image/jpeg",
        "image/png",
        "image/webp",
        "text/plain",
        "video/mp4",
        "video/ogg",
        "video/webm",
    ]
)
# No PDF: Chromium's viewer does not run under a sandbox policy, and without that policy a PDF is active content.

_ACTIVE_NAMES: Final = {
    **dict.fromkeys(("html", "htm", "shtml"), "text/html"),
    **dict.fromkeys(("xhtml", "xht"), "application/xhtml+xml"),
    **dict.fromkeys(("svg", "svgz"), "image/svg+xml"),
    **dict.fromkeys(("xml", "xsl", "xslt", "rss", "atom", "rdf", "mml", "xul", "wsdl", "dtd"), "application/xml"),
    **dict.fromkeys(("js", "mjs", "cjs"), "text/javascript"),
    "css": "text/css",
    **dict.fromkeys(("mht", "mhtml", "eml"), "message/rfc822"),
}
"""Text that a browser would execute or apply, by extension."""
_ACTIVE_CLAIMS: Final = frozenset(_ACTIVE_NAMES.values()) | {
    "application/ecmascript",
    "application/javascript",
    "application/x-javascript",
    "multipart/related",
    "text/ecmascript",
    "text/xml",
}
_TEXT_NAMES: Final = {
    **dict.fromkeys(("md", "markdown"), "text/markdown"),
    "csv": "text/csv",
    "ics": "text/calendar",
    "json": "application/json",
    "tsv": "text/tab-separated-values",
    "vcf": "text/vcard",
    "vtt": "text/vtt",
    **dict.fromkeys(("yaml", "yml"), "application/yaml"),
}
_OFFICE: Final = "application/vnd.openxmlformats-officedocument."
_OFFICE_NAMES: Final = {
    "docx": f"{_OFFICE}wordprocessingml.document",
    "xlsx": f"{_OFFICE}spreadsheetml.sheet",
    "pptx": f"{_OFFICE}presentationml.presentation",
}
_OFFICE_FOLDERS: Final = {"word": "docx", "xl": "xlsx", "ppt": "pptx"}
_DECLARED_IN_ZIP: Final = frozenset(
    ["application/epub+zip"]
    + [
        f"application/vnd.oasis.opendocument.{kind}"
        for kind in ("text", "spreadsheet", "presentation", "graphics", "formula", "chart")
    ]
)
"""Types that the first entry of an archive, `mimetype`, may declare."""
_OLE_NAMES: Final = {
    "doc": "application/msword",
    "ppt": "application/vnd.ms-powerpoint",
    "xls": "application/vnd.ms-excel",
}
_MAGIC_TYPES: Final = {
    "application/gzip": "application/gzip",
    "application/vnd.rar": "application/vnd.rar",
    "application/x-7z-compressed": "application/x-7z-compressed",
    "application/x-bzip2": "application/x-bzip2",
    "application/x-font-otf": "font/otf",
    "application/x-gzip": "application/gzip",
    "application/x-rar-compressed": "application/vnd.rar",
    "application/x-sqlite3": "application/vnd.sqlite3",
    "application/x-tar": "application/x-tar",
    "application/x-xz": "application/x-xz",
    "application/zstd": "application/zstd",
    "audio/aiff": "audio/aiff",
    "audio/flac": "audio/flac",
    "audio/mpeg": "audio/mpeg",
    "audio/wav": "audio/wav",
    "audio/wave": "audio/wav",
    "audio/x-midi": "audio/midi",
    "audio/x-wav": "audio/wav",
    "font/ttf": "font/ttf",
    "font/woff2": "font/woff2",
    "image/heic": "image/heic",
    "image/heif": "image/heif",
    "image/jp2": "image/jp2",
    "image/jxl": "image/jxl",
    "image/tiff": "image/tiff",
    "image/vnd.adobe.photoshop": "image/vnd.adobe.photoshop",
    "video/avi": "video/x-msvideo",
    "video/mpeg": "video/mpeg",
    "video/quicktime": "video/quicktime",
    "video/x-msvideo": "video/x-msvideo",
}
"""Types that puremagic may name, with the registered name. None of them is shown inline."""

_DOWNLOADS: Final = (
    _DECLARED_IN_ZIP
    | frozenset(_TEXT_NAMES.values())
    | frozenset(_OFFICE_NAMES.values())
    | frozenset(_OLE_NAMES.values())
    | frozenset(_MAGIC_TYPES.values())
    | {"application/pdf", "application/rtf", "application/zip", "image/bmp", "video/x-matroska"}
)
"""Types that are no use to an attack, so that a download may have them."""

_PDF_WITHIN: Final = 1024
"""Readers accept a PDF whose header is in so many bytes."""
_SHORTEST_MAGIC: Final = 3
"""Bytes that must match: shorter signatures of puremagic also match unrelated files."""

_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
_ZIP_ENTRY: Final = re.compile(rb"PK\x03\x04[\x00-\x3f]\x00..[\x00\x08]\x00", re.DOTALL)
_ZIP_NAME: Final = re.compile(rb"PK\x03\x04.{22}(..)..", re.DOTALL)
_MP4_BRAND: Final = re.compile(rb"isom|iso[2-9]|mp4[12]|avc1|M4[AVB] |MSNV|dash|f4v ")


def sniff(head: bytes, file_name: str, claimed: str | None) -> str:
    """Return the media type of a file by its first bytes, in lower case and without parameters.

    `head`: the first HEAD_BYTES, or the whole file if that is shorter. `claimed`: the Content-Type of the upload. An
    unknown file, and media that contain markup, a zip archive or a PDF, are UNKNOWN. An empty file is a text.
    """
    head = head[:HEAD_BYTES]
    extension = file_name.rpartition(".")[2].lower()
    claim = (claimed or "").partition(";")[0].strip().lower()
    if media := _recognise_media(head):
        return UNKNOWN if _conceals(head) else media
    if active := active_content.recognise_markup(head) or active_content.recognise_utf7(head):
        return active
    if head.lstrip().startswith(b"%PDF-"):
        return "application/pdf"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _recognise_archive(head, extension)
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return _OLE_NAMES.get(extension, UNKNOWN)
    if (text := _decode(head)) is not None:
        return _refine_text(text, extension, claim)
    if b"%PDF-" in head[:_PDF_WITHIN]:
        return "application/pdf"
    return _ask_puremagic(head) or _recognise_legacy_text(head, extension, claim)


def may_be_inline(content_type: str) -> bool:
    """Return whether a browser may show a file of this type, as `sniff` returned it, from this origin."""
    return content_type in _INLINE


def choose_served_type(content_type: str) -> str:
    """Return the Content-Type of an answer: the type itself if it is harmless, UNKNOWN for all others.

    A download needs this too: a page may load a download as a script or a style sheet.
    """
    return content_type if content_type in _INLINE or content_type in _DOWNLOADS else UNKNOWN


def _recognise_media(head: bytes) -> str | None:
    if head.startswith(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"):
        return "image/png"
    if re.match(rb"\xff\xd8\xff[\xc0-\xfe]", head):
        return "image/jpeg"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if re.match(rb"RIFF.{4}WEBPVP8[ LX]", head, re.DOTALL):
        return "image/webp"
    if re.match(rb"BM.{4}\0\0\0\0.\0\0\0[\x0c\x28\x34\x38\x6c\x7c]\0\0\0", head, re.DOTALL):
        return "image/bmp"
    if head[4:8] == b"ftyp":
        return _recognise_brands(head)
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        if b"\x42\x82\x84webm" not in head[:64]:
            return "video/x-matroska"
        return "audio/webm" if b"A_" in head and b"V_" not in head else "video/webm"
    if head.startswith(b"OggS\0"):
        if b"\x80theora" in head:
            return "video/ogg"
        if any(codec in head for codec in (b"\x01vorbis", b"OpusHead", b"\x7fFLAC", b"Speex   ")):
            return "audio/ogg"
    return None


def _recognise_brands(head: bytes) -> str | None:
    """Return the type of an ISO media file whose brands are known: the first is the main one."""
    size = min(int.from_bytes(head[:4]), 256)
    brands = [head[8:12], *(head[at : at + 4] for at in range(16, size, 4))]
    if brands[0] in (b"avif", b"avis") or (brands[0] in (b"mif1", b"msf1") and b"avif" in brands):
        return "image/avif"
    if brands[0] in (b"M4A ", b"M4B "):
        return "audio/mp4"
    return "video/mp4" if _MP4_BRAND.fullmatch(brands[0]) else None


def _conceals(head: bytes) -> bool:
    """Return whether media contain markup, the entry of a zip archive, or the header of a PDF."""
    return bool(active_content.contains_markup(head) or _ZIP_ENTRY.search(head) or b"%PDF-" in head[:_PDF_WITHIN])


def _recognise_archive(head: bytes, extension: str) -> str:
    """Return the type of a zip archive by the entries at its beginning."""
    names = [head[found.end() : found.end() + int.from_bytes(found[1], "little")] for found in _ZIP_NAME.finditer(head)]
    if names[:1] == [b"mimetype"]:
        size, start = int.from_bytes(head[18:22], "little"), 38 + int.from_bytes(head[28:30], "little")
        declared = head[start : start + min(size, 128)].decode("latin-1")
        return declared if declared in _DECLARED_IN_ZIP else "application/zip"
    if b"[Content_Types].xml" in names:
        folders = {name.partition(b"/")[0].decode("latin-1") for name in names if b"/" in name}
        kinds = [kind for folder, kind in _OFFICE_FOLDERS.items() if folder in folders] or [extension]
        return _OFFICE_NAMES.get(kinds[0], "application/zip")
    return "application/zip"


def _decode(head: bytes) -> str | None:
    """Return the text of UTF-8, or UTF-16 with a byte order mark; None for other bytes and control characters."""
    encoding = "utf-16" if head.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        # An incremental decoder ignores a character that is cut by the end of the head.
        text = codecs.getincrementaldecoder(encoding)().decode(head)
    except UnicodeDecodeError:
        return None
    return None if _CONTROL.search(text) else text


def _recognise_legacy_text(head: bytes, extension: str, claim: str) -> str:
    text = head.decode("latin-1")
    return UNKNOWN if _CONTROL.search(text) else _refine_text(text, extension, claim)


def _refine_text(text: str, extension: str, claim: str) -> str:
    if extension in _ACTIVE_NAMES:
        return _ACTIVE_NAMES[extension]
    if claim in _ACTIVE_CLAIMS:
        return claim
    start = text.lstrip()
    if active_content.is_script(start):
        return "text/javascript"
    if start.startswith("{\\rtf"):
        return "application/rtf"
    if re.match(r"(?:MIME-Version|From|Content-Type):", start, re.IGNORECASE) and "\nContent-" in text:
        return "message/rfc822"
    harmless = claim if claim in _TEXT_NAMES.values() else "text/plain"
    return _TEXT_NAMES.get(extension, harmless)


def _ask_puremagic(head: bytes) -> str | None:
    try:
        found = puremagic.magic_string(head)
    except (puremagic.PureError, ValueError):
        return None
    longest = sorted(found, key=lambda match: -len(match.byte_match))
    known = (_MAGIC_TYPES.get(each.mime_type) for each in longest if len(each.byte_match) >= _SHORTEST_MAGIC)
    return next(filter(None, known), None)

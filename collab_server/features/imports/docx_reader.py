"""Word documents as HTML, by mammoth, with support for lists, styles and notes. Pure; for a worker process."""

import hashlib
import html
import io
import re
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from xml.parsers.expat import ExpatError

import mammoth

from collab_server.core.markdown import places
from collab_server.errors import Malformed, TooLarge, TooMuchWork
from collab_server.features.attachments.files.file_types import sniff
from collab_server.features.attachments.sources import HEAD_BYTES
from collab_server.features.attachments.thumbnails import PICTURES
from collab_server.features.imports.foreign import notes, word_body, word_comments, word_package
from collab_server.features.imports.foreign.word_comments import WordComment

MAX_EXPANDED: Final = 200_000_000
MAX_PARTS: Final = 5_000
MAX_XML: Final = 20_000_000
"""Maximum bytes of one XML part, such as word/document.xml; twice as many for all parts together."""
MAX_ELEMENTS: Final = 200_000
"""mammoth takes some 50 us for each."""
_XML_BEGINS: Final = (b"<", b" ", b"\t", b"\r", b"\n", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\0<")
_PIECE: Final = 1 << 20

_STYLES: Final = (
    """
p[style-name='Title'] => h1:fresh
p[style-name='Code'] => pre:separator('\\n')
p[style-name='HTML Preformatted'] => pre:separator('\\n')
r[style-name='Code in text'] => code
p[style-name='Quote'] => blockquote > p:fresh
p[style-name='Intense Quote'] => blockquote > p:fresh
u => u
highlight => mark
"""
    + word_comments.STYLE
    + "\n"
    + "\n".join(
        f"p:{kind}-list({level}) => {'ul|ol > li > ' * (level - 1)}{tag} > li:fresh"
        for level in range(6, 10)
        for kind, tag in (("unordered", "ul"), ("ordered", "ol"))
    )
)
_NUMBERED: Final = re.compile(rf'<li><a id="{word_body.NUMBER}(\d{{1,9}})"></a>')
_STRAY: Final = re.compile(rf'<a id="{word_body.NUMBER}\d{{1,9}}"></a>')
_TITLE: Final = re.compile(rb"<dc:title>([^<]{1,4000})</dc:title>")
_UNREADABLE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    ExpatError,
    ValueError,
    LookupError,
    AttributeError,
    TypeError,
    NotImplementedError,
    RuntimeError,  # an encrypted part; so is RecursionError
    OSError,
    EOFError,
    SyntaxError,  # lxml's, of XML
)
"""Errors of mammoth and zipfile for malformed files."""


NOT_SHOWN: Final[Mapping[str, str]] = {}


def read(file: bytes) -> tuple[str, str, tuple[str, ...]]:
    """Return (unsanitised HTML, the title of its properties or '', notes of omissions). Raises Malformed, TooLarge,
    TooMuchWork.
    """
    found = read_with_comments(file)
    return places.MARKS.sub("", found.page), found.title, found.notes


@dataclass(frozen=True, slots=True)
class WordDocument:
    """`page`: unsanitised HTML, with marks of the ranges of comments, see core.markdown.places. `title`: of its
    properties, or ''. `notes`: of omissions. `pictures`: of the file, by their SHA-256 in hexadecimal digits.
    """

    page: str
    title: str
    notes: tuple[str, ...]
    comments: tuple[WordComment, ...]
    pictures: Mapping[str, bytes]


def read_with_comments(file: bytes, shown: Mapping[str, str] = NOT_SHOWN) -> WordDocument:
    """Read a document. `shown`: addresses for its pictures, by their SHA-256; of others the description stays.

    Raises Malformed, TooLarge, TooMuchWork.
    """
    pictures = _Pictures(shown)
    try:
        with zipfile.ZipFile(io.BytesIO(file)) as package:
            parts = package.infolist()
            # A part is never read beyond its declared size.
            if len(parts) > MAX_PARTS or sum(part.file_size for part in parts) > MAX_EXPANDED:
                raise TooLarge("the file is too large when it is unpacked")
            _check_xml(package, parts)
            title = _find_title(package)
            rewritten, changes, comments = word_package.rewrite(package)
        converted = mammoth.convert_to_html(
            io.BytesIO(rewritten),
            style_map=_STYLES,
            include_embedded_style_map=False,
            convert_image=mammoth.images.img_element(pictures.convert),
            # Pictures outside of the file are not fetched.
            external_file_access=False,
        )
    except _UNREADABLE as error:
        raise Malformed("the file is not a readable Word document (.docx)") from error
    page = _STRAY.sub("", _NUMBERED.sub(r'<li value="\1">', converted.value))
    symbols = sum("w:sym element" in message.message for message in converted.messages)
    missing = sum("image file" in message.message for message in converted.messages)
    if missing:
        changes.append(f"{notes.count(missing, 'picture')} that the file lacks left out")
    if symbols:
        changes.append(f"{notes.count(symbols, 'symbol')} of fonts without Unicode left out")
    return WordDocument(comments.take(page), title, tuple(changes), tuple(comments.comments.values()), pictures.found)


def _check_xml(package: zipfile.ZipFile, parts: list[zipfile.ZipInfo]) -> None:
    """Check all parts, because a relationship can declare any part as XML."""
    size = elements = 0
    for info in parts:
        with package.open(info) as part:
            piece = part.read(_PIECE)
            if not piece.startswith(_XML_BEGINS):
                continue
            size += info.file_size
            if info.file_size > MAX_XML or size > 2 * MAX_XML:
                raise TooLarge(f"the text of a Word document may have at most {MAX_XML} bytes when it is unpacked")
            content = piece + part.read()
        # The entities of a document type are more elements than can be counted.
        if b"<!DOCTYPE" in content.replace(b"\0", b""):
            raise Malformed("a Word document must not have a document type")
        elements += content.count(b"<") - content.count(b"</")
        if elements > MAX_ELEMENTS:
            raise TooMuchWork(f"a Word document may have at most {MAX_ELEMENTS} elements")


def _find_title(package: zipfile.ZipFile) -> str:
    if "docProps/core.xml" not in package.namelist():
        return ""
    with package.open("docProps/core.xml") as part:
        found = _TITLE.search(part.read(65_536))
    return html.unescape(found[1].decode(errors="replace")) if found else ""


class _Pictures:
    """`found`: the bytes of pictures that browsers show, by their SHA-256."""

    def __init__(self, shown: Mapping[str, str]) -> None:
        self.found: dict[str, bytes] = {}
        self._shown = shown

    def convert(self, image: Any) -> dict[str, str]:
        """Return the attributes of a picture. One without an address is left out, and its description stays."""
        try:
            with image.open() as opened:
                octets: bytes = opened.read()
        except _UNREADABLE:
            return {"src": ""}
        if sniff(octets[:HEAD_BYTES], "", None) not in PICTURES:
            return {"src": ""}
        digest = hashlib.sha256(octets).hexdigest()
        self.found[digest] = octets
        return {"src": self._shown.get(digest, "")}

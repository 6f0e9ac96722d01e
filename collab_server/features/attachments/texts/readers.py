"""The text of a PDF or a Word document. Pure; for a worker process, because files are hostile and may take long.

A process has a limit of time and of memory (see Converters). What is refused here costs less.
"""

import io
import zipfile
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from lxml import etree
from pypdf import PdfReader

from collab_server.errors import UnprocessableContent

PDF: Final = "application/pdf"
WORD: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
MAX_CHARACTERS: Final = 1_000_000
"""The rest of a text is not searched."""
MAX_PAGES: Final = 5_000
MAX_WORD_BYTES: Final = 64_000_000
"""Most bytes of the text part of a Word document, unpacked."""
_WORD_TEXT: Final = "word/document.xml"
_PIECE: Final = 65_536
_BREAKS: Final = {"p": "\n", "br": "\n", "cr": "\n", "tab": "\t", "tc": "\t"}


class FoundText(NamedTuple):
    """`truncated`: the file has more."""

    text: str
    truncated: bool


def read_text(octets: bytes, content_type: str) -> FoundText:
    """Return the text of a file. `content_type`: PDF or WORD. Raises UnprocessableContent for what cannot be read."""
    pieces = _read_pdf(octets) if content_type == PDF else _read_word(octets)
    found: list[str] = []
    left = MAX_CHARACTERS
    try:
        for piece in pieces:
            found.append(piece[:left])
            left -= len(piece)
            if left < 0:
                break
    except (UnprocessableContent, MemoryError):
        raise
    except Exception as error:
        # The libraries raise whatever a malformed file makes them stumble over.
        raise UnprocessableContent(f"the file is damaged: {type(error).__name__}") from None
    # PostgreSQL stores neither NUL characters nor halves of surrogate pairs.
    text = "".join(found).replace("\0", " ").encode(errors="replace").decode()
    return FoundText(text, left < 0)


def _read_pdf(octets: bytes) -> Iterator[str]:
    reader = PdfReader(io.BytesIO(octets))
    # Without a password, everybody can read a file whose owner has only restricted what is done with it.
    if reader.is_encrypted and not reader.decrypt(""):
        raise UnprocessableContent("the file is encrypted")
    for number, page in enumerate(reader.pages):
        if number == MAX_PAGES:
            return
        yield page.extract_text() + "\n"


def _read_word(octets: bytes) -> Iterator[str]:
    with zipfile.ZipFile(io.BytesIO(octets)) as package, package.open(_WORD_TEXT) as part:
        parser = etree.XMLPullParser(
            events=("end",), resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True
        )
        read = 0
        while piece := part.read(_PIECE):
            read += len(piece)
            if read > MAX_WORD_BYTES:
                raise UnprocessableContent(f"the text has more than {MAX_WORD_BYTES} bytes")
            parser.feed(piece)
            yield from _texts(parser.read_events())
        parser.close()
        yield from _texts(parser.read_events())


def _texts(events: Any) -> Iterator[str]:
    for _, element in events:
        name = etree.QName(element).localname
        if name == "t" and element.text:
            yield element.text
        elif name in _BREAKS:
            yield _BREAKS[name]
        if name == "p":
            element.clear()

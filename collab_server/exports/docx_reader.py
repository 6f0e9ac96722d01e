"""A Word document as HTML, by mammoth, which knows Word's lists, styles and notes. Pure; for a worker process."""

import html
import io
import re
import zipfile
import zlib
from typing import Any, Final
from xml.parsers.expat import ExpatError

import mammoth

from collab_server.errors import Malformed, TooLarge

MAX_EXPANDED: Final = 200_000_000
MAX_PARTS: Final = 5_000

_STYLES: Final = """
p[style-name='Title'] => h1:fresh
p[style-name='Code'] => pre:separator('\\n')
p[style-name='HTML Preformatted'] => pre:separator('\\n')
r[style-name='Code in text'] => code
p[style-name='Quote'] => blockquote > p:fresh
p[style-name='Intense Quote'] => blockquote > p:fresh
u => u
"""
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
)
"""What mammoth and zipfile raise where a file is not what they expect."""


def read(file: bytes) -> tuple[str, str]:
    """(HTML that is not sanitised, the title in its properties or ''). Raises Malformed, TooLarge."""
    try:
        with zipfile.ZipFile(io.BytesIO(file)) as package:
            parts = package.infolist()
            # A part is never read beyond the size that it declares.
            if len(parts) > MAX_PARTS or sum(part.file_size for part in parts) > MAX_EXPANDED:
                raise TooLarge("the file is too large when it is unpacked")
            title = _title(package)
        page: str = mammoth.convert_to_html(
            io.BytesIO(file),
            style_map=_STYLES,
            include_embedded_style_map=False,
            convert_image=mammoth.images.img_element(_no_picture),
        ).value
    except _UNREADABLE as error:
        raise Malformed("this is not a Word document (.docx) that can be read") from error
    return page, title


def _title(package: zipfile.ZipFile) -> str:
    if "docProps/core.xml" not in package.namelist():
        return ""
    with package.open("docProps/core.xml") as part:
        found = _TITLE.search(part.read(65_536))
    return html.unescape(found[1].decode(errors="replace")) if found else ""


def _no_picture(_: Any) -> dict[str, str]:
    # A picture within the file has no address; its description stays.
    return {"src": ""}

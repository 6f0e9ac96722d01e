"""Word documents written as XML, as small as they can be."""

import io
import zipfile
from typing import Final

from collab_server.core.markdown.writer import write_markdown
from collab_server.features.imports import docx_reader, html_reader

SPACES: Final = (
    'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
    'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math" '
    'xmlns:w14="http://schemas.microsoft.com/office/word/2010/wordml" '
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
    'xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" '
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    'xmlns:pic="http://schemas.openxmlformats.org/drawingml/2006/picture" '
    'xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart" '
    'xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
)
_OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
_TYPES: Final = (
    f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="png" ContentType="image/png"/>'
    '<Default Extension="xml" ContentType="application/xml"/></Types>'
)
ROOTS: Final = {
    "styles": "styles",
    "numbering": "numbering",
    "footnotes": "footnotes",
    "header": "hdr",
    "comments": "comments",
}


def package(body: str, **parts: str) -> bytes:
    """The .docx file. `parts`: what is in the part of a kind, see ROOTS."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        made.writestr("[Content_Types].xml", _TYPES)
        made.writestr("_rels/.rels", _relations({"officeDocument": "word/document.xml"}))
        made.writestr("word/document.xml", f"<w:document {SPACES}><w:body>{body}</w:body></w:document>")
        for kind, inner in parts.items():
            made.writestr(f"word/{kind}.xml", f"<w:{ROOTS[kind]} {SPACES}>{inner}</w:{ROOTS[kind]}>")
        targets = {kind: f"{kind}.xml" for kind in parts}
        made.writestr("word/_rels/document.xml.rels", _relations({**targets, "image": "media/image1.png"}))
        made.writestr("word/media/image1.png", b"\x89PNG")
    return file.getvalue()


def _relations(targets: dict[str, str]) -> str:
    inner = "".join(
        f'<Relationship Id="{kind}" Type="{_OFFICE}/{kind}" Target="{target}"/>' for kind, target in targets.items()
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{inner}</Relationships>'


def paragraph(*runs: str, style: str = "", more: str = "") -> str:
    named = f'<w:pStyle w:val="{style}"/>' if style else ""
    return f"<w:p><w:pPr>{named}{more}</w:pPr>{''.join(runs)}</w:p>"


def run(text: str, look: str = "") -> str:
    return f'<w:r><w:rPr>{look}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def read(body: str, **parts: str) -> str:
    """The Markdown of a document."""
    page, _, _ = docx_reader.read(package(body, **parts))
    return write_markdown(html_reader.read(page).document)


def noted(body: str, **parts: str) -> list[str]:
    """What is said of its losses."""
    page, _, told = docx_reader.read(package(body, **parts))
    return [*told, *html_reader.read(page).notes]

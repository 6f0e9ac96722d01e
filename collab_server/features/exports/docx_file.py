"""Word documents from blocks. Pure; for a worker process.

python-docx supplies the package, its template and styles. The body is written as XML text and parsed once, in a
twentieth of the time of python-docx objects.
"""

import io
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from xml.sax.saxutils import escape, quoteattr

import docx
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from collab_server.core.markdown.rules.callouts import callout_title
from collab_server.core.markdown.runs import Run
from collab_server.core.markdown.syntax_tree import (
    Block,
    Callout,
    Code,
    Footnote,
    Formula,
    Heading,
    Item,
    List,
    Paragraph,
    Quote,
    Rule,
    Table,
    Toggle,
)
from collab_server.features.exports import word_pictures
from collab_server.features.exports.blocks import NO_PICTURES, Pictures, link_of, text_of
from collab_server.features.exports.blocks import is_right_to_left as rtl
from collab_server.features.exports.discussion.word import Comments, split

_NOT_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_STEP: Final = 360
"""Indentation of one level, in twentieths of a point."""
_LEVELS: Final = 9
_BULLETS, _NUMBERS = 9001, 9002
_FIRST_LIST: Final = 10_001
_WIDTH: Final = 8640
"""Width of the text between the margins, in twentieths of a point."""

_VERBATIM: Final = ("code", "formula")
_LOOKS: Final = {
    "mark": '<w:highlight w:val="yellow"/>',
    "u": '<w:u w:val="single"/>',
    "sub": '<w:vertAlign w:val="subscript"/>',
    "sup": '<w:vertAlign w:val="superscript"/>',
}
"""Properties of runs by mark, in the order that the schema of Word demands."""

_CALLOUTS: Final = {
    "Note": "1F5FAE",
    "Tip": "1C7A43",
    "Important": "6B3FB8",
    "Warning": "8A5A00",
    "Caution": "B3262F",
}
"""Colours of their titles, by the ends of the names of their styles."""

_STYLES: Final = (
    '<w:style {ns} w:type="paragraph" w:customStyle="1" w:styleId="Code"><w:name w:val="Code"/>'
    '<w:basedOn w:val="Normal"/><w:qFormat/><w:pPr><w:keepLines/><w:shd w:val="clear" w:color="auto" w:fill="F3F4F6"/>'
    '</w:pPr><w:rPr><w:rFonts w:ascii="Consolas" w:hAnsi="Consolas" w:cs="Consolas"/><w:sz w:val="19"/></w:rPr>'
    "</w:style>",
    *(
        f'<w:style {{ns}} w:type="paragraph" w:customStyle="1" w:styleId="Callout{name}">'
        f'<w:name w:val="Callout {name}"/><w:basedOn w:val="Normal"/><w:next w:val="Normal"/><w:qFormat/>'
        f"<w:pPr><w:keepNext/>"
        f'<w:pBdr><w:left w:val="single" w:sz="24" w:space="6" w:color="{colour}"/></w:pBdr></w:pPr>'
        f'<w:rPr><w:b/><w:color w:val="{colour}"/></w:rPr></w:style>'
        for name, colour in _CALLOUTS.items()
    ),
    '<w:style {ns} w:type="character" w:customStyle="1" w:styleId="CodeInText"><w:name w:val="Code in text"/>'
    '<w:rPr><w:rFonts w:ascii="Consolas" w:hAnsi="Consolas" w:cs="Consolas"/>'
    '<w:shd w:val="clear" w:color="auto" w:fill="F3F4F6"/></w:rPr></w:style>',
    '<w:style {ns} w:type="character" w:customStyle="1" w:styleId="Hyperlink"><w:name w:val="Hyperlink"/>'
    '<w:rPr><w:color w:val="0563C1"/><w:u w:val="single"/></w:rPr></w:style>',
)


def write(
    title: str,
    blocks: Sequence[Block],
    changed: datetime,
    pictures: Pictures = NO_PICTURES,
    comments: Comments | None = None,
) -> bytes:
    """The .docx file. `changed`: when the document was last edited. `comments`: the blocks have marks of their
    ranges.
    """
    document = docx.Document()
    for style in _STYLES:
        document.styles.element.append(parse_xml(style.format(ns=nsdecls("w"))))
    writer = _Writer(word_pictures.Images(pictures, lambda image: document.part.get_or_add_image(io.BytesIO(image))[0]))
    writer.blocks(blocks, 0)
    body = document.element.body
    text = "".join(writer.parts)
    if comments:
        text = comments.complete(text)
        comments.add_to(document, writer.write_apart, writer.links)
    for child in reversed(parse_xml(f"<w:body {nsdecls('w', 'r', 'wp', 'a', 'pic')}>{text}</w:body>")):
        body.insert(0, child)
    for address, relation in writer.links.items():
        document.part.load_rel(RELATIONSHIP_TYPE.HYPERLINK, address, relation, is_external=True)
    _number(document.part.numbering_part.element, writer.starts)
    properties = document.core_properties
    properties.title, properties.author, properties.comments = _clean(title)[:255], "", ""
    properties.created = properties.modified = changed.astimezone(UTC).replace(tzinfo=None)
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


class _Writer:
    """`parts`: XML of the body. `links`: id of the relationship by address. `starts`: of each list, by its number:
    (level, first number); None for bullets.
    """

    def __init__(self, images: word_pictures.Images) -> None:
        self._images = images
        self.parts: list[str] = []
        self.links: dict[str, str] = {}
        self.starts: list[tuple[int, int] | None] = []

    def write_apart(self, blocks: Iterable[Block]) -> str:
        """Return the XML of blocks that are not in the body."""
        body, self.parts = self.parts, []
        self.blocks(blocks, 0)
        apart, self.parts = self.parts, body
        return "".join(apart)

    def blocks(self, blocks: Iterable[Block], indent: int, *, level: int = 0, quoted: bool = False) -> None:
        """Write blocks. `level`: number of surrounding lists."""
        for block in blocks:
            match block:
                case Heading(depth, runs):
                    self._paragraph(runs, indent, style=f"Heading{depth}")
                case Paragraph(runs):
                    self._paragraph(runs, indent, style="Quote" if quoted else "")
                case Quote(inner):
                    self.blocks(inner, indent + _STEP, level=level, quoted=True)
                case Callout(kind, inner):
                    self._paragraph([Run("text", callout_title(kind))], indent, style=f"Callout{kind.capitalize()}")
                    self.blocks(inner, indent + _STEP, level=level, quoted=quoted)
                case Toggle(summary, inner):
                    self._paragraph(summary, indent, bold=True)
                    self.blocks(inner, indent + _STEP, level=level, quoted=quoted)
                case Footnote(label, runs):
                    self._paragraph([Run("footnote", label), Run("text", " "), *runs], indent)
                case Code(text) | Formula(text):
                    self._paragraph([Run("text", text)], indent, style="Code")
                case List():
                    self._list(block, indent, level, quoted=quoted)
                case Table():
                    self._table(block, indent)
                case Rule():
                    border = '<w:pBdr><w:bottom w:val="single" w:sz="6" w:space="1" w:color="auto"/></w:pBdr>'
                    self.parts.append(f"<w:p><w:pPr>{border}</w:pPr></w:p>")

    def _list(self, block: List, indent: int, level: int, *, quoted: bool) -> None:
        at = min(level, _LEVELS - 1)
        self.starts.append(None if block.start is None else (at, block.start))
        number = _FIRST_LIST + len(self.starts) - 1
        inner = indent + _STEP
        for item in block.items:
            first, rest = _first_paragraph(item)
            box = {None: "", True: "\u2611 ", False: "\u2610 "}[item.checked]
            numbering = f'<w:numPr><w:ilvl w:val="{at}"/><w:numId w:val="{number}"/></w:numPr>'
            hanging = f'<w:ind w:left="{inner}" w:hanging="{_STEP}"/>'
            runs = [Run("text", box), *first] if box else first
            self._paragraph(runs, 0, style="ListParagraph", more=numbering, place=hanging)
            self.blocks(rest, inner, level=level + 1, quoted=quoted)

    def _table(self, table: Table, indent: int) -> None:
        columns = len(table.aligns)
        grid = f'<w:gridCol w:w="{_WIDTH // max(1, columns)}"/>' * columns
        self.parts.append(
            f'<w:tbl><w:tblPr><w:tblStyle w:val="TableGrid"/><w:tblW w:w="0" w:type="auto"/>'
            f'<w:tblInd w:w="{indent}" w:type="dxa"/></w:tblPr><w:tblGrid>{grid}</w:tblGrid>'
        )
        for index, row in enumerate(table.rows):
            head = "" if index else "<w:trPr><w:tblHeader/></w:trPr>"
            self.parts.append(f"<w:tr>{head}")
            for align, runs in zip(table.aligns, row, strict=True):
                self.parts.append('<w:tc><w:tcPr><w:tcW w:w="0" w:type="auto"/></w:tcPr>')
                place = f'<w:jc w:val="{align}"/>' if align else ""
                self._paragraph(runs, 0, place=place, bold=not index)
                self.parts.append("</w:tc>")
            self.parts.append("</w:tr>")
        # Without a paragraph between them two tables are one.
        self.parts.append("</w:tbl><w:p/>")

    def _paragraph(
        self, runs: Sequence[Run], indent: int, *, style: str = "", more: str = "", place: str = "", bold: bool = False
    ) -> None:
        named = f'<w:pStyle w:val="{style}"/>' if style else ""
        moved = f'<w:ind w:left="{indent}"/>' if indent else ""
        to_left = rtl(runs)
        # In the order of the schema: style, numbering, direction, indent, justification.
        look = f"{named}{more}{'<w:bidi/>' if to_left else ''}{moved}{place}"
        self.parts.append(f"<w:p><w:pPr>{look}</w:pPr>" if look else "<w:p>")
        for run in runs:
            written = self._images.write(run, most=_WIDTH - indent) or _run(run, bold=bold, to_left=to_left)
            if link := link_of(run):
                relation = self.links.setdefault(link, f"link{len(self.links) + 1}")
                written = f"<w:hyperlink r:id={quoteattr(relation)}>{written}</w:hyperlink>"
            self.parts.append(written)
        self.parts.append("</w:p>")


def _first_paragraph(item: Item) -> tuple[list[Run], list[Block]]:
    """Return the content beside the item's sign, and the content below."""
    if item.blocks and isinstance(item.blocks[0], Paragraph):
        return item.blocks[0].runs, item.blocks[1:]
    return [], item.blocks


def _run(run: Run, *, bold: bool, to_left: bool) -> str:
    look = "".join(
        [
            '<w:rStyle w:val="CodeInText"/>' if run.kind in _VERBATIM else "",
            '<w:rStyle w:val="Hyperlink"/>' if run.kind not in _VERBATIM and link_of(run) else "",
            "<w:b/>" if run.bold or bold else "",
            "<w:i/>" if run.italic else "",
            "<w:strike/>" if run.strike else "",
            *(element for mark, element in _LOOKS.items() if mark in run.marks),
            _LOOKS["sup"] if run.kind == "footnote" else "",
            "<w:rtl/>" if to_left else "",
        ]
    )
    properties = f"<w:rPr>{look}</w:rPr>" if look else ""
    return "".join(
        piece if is_mark else f"<w:r>{properties}{_text(piece)}</w:r>" for piece, is_mark in split(text_of(run))
    )


def _text(text: str) -> str:
    """Line feeds and tabs are elements of their own."""
    lines = []
    for line in _clean(text).replace("\r", "").split("\n"):
        words = (f'<w:t xml:space="preserve">{escape(word)}</w:t>' if word else "" for word in line.split("\t"))
        lines.append("<w:tab/>".join(words))
    return "<w:br/>".join(lines)


def _clean(text: str) -> str:
    return _NOT_XML.sub("", text)


def _number(numbering: Any, starts: Sequence[tuple[int, int] | None]) -> None:
    """Add two kinds of lists, and one list for each list in the text, so that each one has its own numbers."""
    if not starts:
        return
    for place, (identity, kind) in enumerate(((_BULLETS, "bullet"), (_NUMBERS, "decimal"))):
        levels = []
        for level in range(_LEVELS):
            sign = "\u2022\u25e6\u25aa"[level % 3] if kind == "bullet" else f"%{level + 1}."
            levels.append(
                f'<w:lvl w:ilvl="{level}"><w:start w:val="1"/><w:numFmt w:val="{kind}"/><w:lvlText w:val="{sign}"/>'
                f'<w:lvlJc w:val="left"/></w:lvl>'
            )
        # Kinds stand before lists in the schema.
        numbering.insert(
            place,
            parse_xml(
                f'<w:abstractNum {nsdecls("w")} w:abstractNumId="{identity}">'
                f'<w:multiLevelType w:val="hybridMultilevel"/>{"".join(levels)}</w:abstractNum>'
            ),
        )
    for number, start in enumerate(starts, _FIRST_LIST):
        kind_of = _BULLETS if start is None else _NUMBERS
        begin = ""
        if start is not None:
            level, first = start
            begin = f'<w:lvlOverride w:ilvl="{level}"><w:startOverride w:val="{first}"/></w:lvlOverride>'
        numbering.append(
            parse_xml(f'<w:num {nsdecls("w")} w:numId="{number}"><w:abstractNumId w:val="{kind_of}"/>{begin}</w:num>')
        )

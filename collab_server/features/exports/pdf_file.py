"""PDF files from blocks. Pure; for a worker process, because only its end limits the time of Typst.

Typst sets a fixed template (template.typ). The text is passed as JSON, never as markup, so a document cannot contain
commands. All scripts of the bundled fonts are supported, used glyphs are embedded, and the PDF is tagged and has an
outline.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from uuid import UUID

import manimgx_fonts
import manimgx_fonts_cjk
import typst

from collab_server.core.markdown.rules.callouts import callout_title
from collab_server.core.markdown.runs import Run
from collab_server.core.markdown.syntax_tree import (
    Block,
    Callout,
    Code,
    Footnote,
    Formula,
    Heading,
    List,
    Paragraph,
    Quote,
    Rule,
    Table,
    Toggle,
)
from collab_server.features.exports.blocks import NO_PICTURES, Pictures, find_picture, link_of, text_of
from collab_server.features.exports.blocks import is_right_to_left as rtl

_TEMPLATE: Final = Path(__file__).with_name("template.typ")
_WIDTH: Final = 455.0
"""Width of a page between its margins, in points."""
_HEIGHT: Final = 690.0
_STEP: Final = 20.0
_CELL: Final = 12.0
_LEAST: Final = 40.0
_PER_PIXEL: Final = 0.75
_KANA: Final = re.compile("[\u3040-\u30ff]")
_HANGUL: Final = re.compile("[\u1100-\u11ff\uac00-\ud7af]")
_CONTROL: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f]")


def write(title: str, blocks: Sequence[Block], changed: datetime, pictures: Pictures = NO_PICTURES) -> bytes:
    """The .pdf file. `changed`: when the document was last edited."""
    with TemporaryDirectory(prefix="collab-pdf-") as folder:
        names: dict[UUID, str] = {}
        for number, (identity, picture) in enumerate(pictures.items()):
            names[identity] = f"{number}.{picture.format}"
            (Path(folder) / names[identity]).write_bytes(picture.data)
        shapes = _Shapes(pictures, names).of_blocks(blocks, _WIDTH)
        text = json.dumps({"title": _clean(title), "blocks": shapes}, ensure_ascii=False)
        compiler = typst.Compiler(_TEMPLATE.read_bytes(), root=folder, font_paths=_fonts())
        pdf = compiler.compile(
            format="pdf", sys_inputs={"document": text, "cjk": _region(text)}, timestamp=int(changed.timestamp())
        )
    assert isinstance(pdf, bytes)
    return pdf


@cache
def _fonts() -> typst.Fonts:
    folders = [str(Path(package.__file__).parent) for package in (manimgx_fonts, manimgx_fonts_cjk)]
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=True, font_paths=folders)


def _region(text: str) -> str:
    """Return the region for the shapes of characters shared by Chinese, Japanese and Korean."""
    return "JP" if _KANA.search(text) else "KR" if _HANGUL.search(text) else "SC"


@dataclass(frozen=True, slots=True)
class _Shapes:
    """Writes blocks for the template. `names`: of the files with the pictures. Widths are in points."""

    pictures: Pictures
    names: Mapping[UUID, str]

    def of_blocks(self, blocks: Sequence[Block], width: float) -> list[dict[str, Any]]:
        return [self._shape(block, width) for block in blocks]

    def _shape(self, block: Block, width: float) -> dict[str, Any]:
        inner = max(width - _STEP, _LEAST)
        match block:
            case Heading(level, runs):
                return {"kind": "heading", "level": level, **self._line(runs, width)}
            case Paragraph(runs):
                return {"kind": "paragraph", **self._line(runs, width)}
            case Quote(blocks):
                return {"kind": "quote", "blocks": self.of_blocks(blocks, inner)}
            case Callout(kind, blocks):
                title = callout_title(kind)
                return {"kind": "callout", "type": kind, "title": title, "blocks": self.of_blocks(blocks, inner)}
            case Toggle(summary, blocks):
                return {"kind": "toggle", **self._line(summary, width), "blocks": self.of_blocks(blocks, inner)}
            case Footnote(label, runs):
                return {"kind": "paragraph", **self._line([Run("footnote", label), Run("text", " "), *runs], width)}
            case Formula(latex):
                return {"kind": "code", "text": _clean(latex), "language": ""}
            case Code(text, language):
                return {"kind": "code", "text": _clean(text), "language": language}
            case List(start, items):
                shapes = [{"checked": item.checked, "blocks": self.of_blocks(item.blocks, inner)} for item in items]
                return {"kind": "list", "start": start, "items": shapes}
            case Table(aligns, rows):
                column = max(width / max(1, len(aligns)) - _CELL, _LEAST)
                cells = [[self._line(runs, column) for runs in row] for row in rows]
                return {"kind": "table", "aligns": aligns, "rows": cells}
            case Rule():
                return {"kind": "rule"}

    def _line(self, runs: Sequence[Run], width: float) -> dict[str, Any]:
        return {"rtl": rtl(runs), "runs": [self._look(run, width) for run in runs]}

    def _look(self, run: Run, width: float) -> dict[str, Any]:
        """Return only set properties."""
        marks = {"bold": run.bold, "italic": run.italic, "strike": run.strike, "code": run.kind in ("code", "formula")}
        marks |= {name: name in run.marks for name in ("u", "mark", "sub", "sup")}
        marks["sup"] = marks["sup"] or run.kind == "footnote"
        properties = {**marks, "link": link_of(run)}
        found = find_picture(run, self.pictures)
        if found is not None:
            picture = self.pictures[found]
            properties["picture"] = self.names[found]
            # A high picture fits on a page.
            properties["width"] = min(picture.width * _PER_PIXEL, width, _HEIGHT * picture.width / picture.height)
        text = run.text if found is not None else text_of(run)
        return {"text": _clean(text), **{name: value for name, value in properties.items() if value}}


def _clean(text: str) -> str:
    return _CONTROL.sub("", text)

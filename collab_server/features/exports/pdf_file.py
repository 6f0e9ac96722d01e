"""PDF files from blocks. Pure; for a worker process, because only its end limits the time of Typst.

Typst sets a fixed template (template.typ). The text is passed as JSON, never as markup, so a document cannot contain
commands. All scripts of the bundled fonts are supported, used glyphs are embedded, and the PDF is tagged and has an
outline.
"""

import json
import re
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

import manimgx_fonts
import manimgx_fonts_cjk
import typst

from collab_server.core.markdown.runs import Run
from collab_server.core.markdown.syntax_tree import Block, Code, Heading, List, Paragraph, Quote, Rule, Table
from collab_server.features.exports.blocks import is_right_to_left as rtl
from collab_server.features.exports.blocks import link_of, text_of

_TEMPLATE: Final = Path(__file__).with_name("template.typ")
_KANA: Final = re.compile("[\u3040-\u30ff]")
_HANGUL: Final = re.compile("[\u1100-\u11ff\uac00-\ud7af]")
_CONTROL: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f]")


def write(title: str, blocks: Sequence[Block], changed: datetime) -> bytes:
    """The .pdf file. `changed`: when the document was last edited."""
    shapes = [_shape(block) for block in blocks]
    text = json.dumps({"title": _clean(title), "blocks": shapes}, ensure_ascii=False)
    compiler = typst.Compiler(_TEMPLATE.read_bytes(), root=str(_TEMPLATE.parent), font_paths=_fonts())
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


def _shape(block: Block) -> dict[str, Any]:
    match block:
        case Heading(level, runs):
            return {"kind": "heading", "level": level, **_line(runs)}
        case Paragraph(runs):
            return {"kind": "paragraph", **_line(runs)}
        case Quote(blocks):
            return {"kind": "quote", "blocks": [_shape(each) for each in blocks]}
        case Code(text, language):
            return {"kind": "code", "text": _clean(text), "language": language}
        case List(start, items):
            shapes = [{"checked": item.checked, "blocks": [_shape(each) for each in item.blocks]} for item in items]
            return {"kind": "list", "start": start, "items": shapes}
        case Table(aligns, rows):
            cells = [[_line(runs) for runs in row] for row in rows]
            return {"kind": "table", "aligns": aligns, "rows": cells}
        case Rule():
            return {"kind": "rule"}


def _line(runs: Sequence[Run]) -> dict[str, Any]:
    return {"rtl": rtl(runs), "runs": [_look(run) for run in runs]}


def _look(run: Run) -> dict[str, Any]:
    """Return only set properties."""
    marks = {"bold": run.bold, "italic": run.italic, "strike": run.strike, "code": run.kind == "code"}
    properties = {**marks, "link": link_of(run)}
    return {"text": _clean(text_of(run)), **{name: value for name, value in properties.items() if value}}


def _clean(text: str) -> str:
    return _CONTROL.sub("", text)

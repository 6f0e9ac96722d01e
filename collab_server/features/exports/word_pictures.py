"""Pictures in the body of a Word document. Pure; for a worker process."""

from collections.abc import Callable
from typing import Final
from xml.sax.saxutils import quoteattr

from collab_server.core.markdown.runs import Run
from collab_server.features.exports.blocks import Pictures, find_picture, text_of
from collab_server.features.exports.discussion.word import split

_PER_PIXEL: Final = 9525
"""Units of length of a drawing for one of 96 pixels in an inch."""
_PER_TWENTIETH: Final = 635
_LEAST: Final = 720
"""Least width of a picture in twentieths of a point, however far its paragraph is indented."""


class Images:
    """Writes pictures. `store`: puts the bytes of one into the package, and returns its relationship."""

    def __init__(self, pictures: Pictures, store: Callable[[bytes], str]) -> None:
        self._pictures = pictures
        self._store = store
        self._count = 0

    def write(self, run: Run, most: int) -> str:
        """Return the XML of the picture that a run shows, or ''. `most`: its width in twentieths of a point."""
        found = find_picture(run, self._pictures)
        if found is None:
            return ""
        picture = self._pictures[found]
        relation = self._store(picture.data)
        self._count += 1
        width = min(picture.width * _PER_PIXEL, max(most, _LEAST) * _PER_TWENTIETH)
        height = max(1, width * picture.height // picture.width)
        pieces = list(split(text_of(run)))
        marks = "".join(piece for piece, is_mark in pieces if is_mark)
        words = "".join(piece for piece, is_mark in pieces if not is_mark)
        named = f'id="{self._count}" name="Picture {self._count}" descr={quoteattr(_clean(words if run.text else ""))}'
        size = f'cx="{width}" cy="{height}"'
        return (
            f"{marks}<w:r><w:drawing><wp:inline><wp:extent {size}/><wp:docPr {named}/><a:graphic>"
            '<a:graphicData uri="http://schemas.openxmlformats.org/drawingml/2006/picture"><pic:pic>'
            f'<pic:nvPicPr><pic:cNvPr id="{self._count}" name="Picture {self._count}"/><pic:cNvPicPr/></pic:nvPicPr>'
            f'<pic:blipFill><a:blip r:embed="{relation}"/><a:stretch><a:fillRect/></a:stretch></pic:blipFill>'
            f'<pic:spPr><a:xfrm><a:off x="0" y="0"/><a:ext {size}/></a:xfrm><a:prstGeom prst="rect"><a:avLst/>'
            "</a:prstGeom></pic:spPr></pic:pic></a:graphicData></a:graphic></wp:inline></w:drawing></w:r>"
        )


def _clean(text: str) -> str:
    return "".join(each if each.isprintable() else " " for each in text)

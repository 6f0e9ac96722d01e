"""An image that stands in a file; without the library that makes it, which only worker processes import."""

from typing import NamedTuple


class EmbeddedImage(NamedTuple):
    """An image for a Word or PDF file. `width`, `height`: pixels as it is shown. `format`: jpeg or png."""

    data: bytes
    width: int
    height: int
    format: str

"""Elements of a Word document by their usual prefixes, whichever edition of the standard names them. Pure."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

from lxml import etree

_MAIN: Final = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_PREFIXES: Final = {
    _MAIN: "w",
    "http://purl.oclc.org/ooxml/wordprocessingml/main": "w",
    "http://schemas.openxmlformats.org/officeDocument/2006/math": "m",
    "http://purl.oclc.org/ooxml/officeDocument/math": "m",
    "http://schemas.openxmlformats.org/markup-compatibility/2006": "mc",
    "http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing": "wp",
    "http://purl.oclc.org/ooxml/drawingml/wordprocessingDrawing": "wp",
    "http://schemas.openxmlformats.org/drawingml/2006/chart": "c",
    "http://purl.oclc.org/ooxml/drawingml/chart": "c",
    "http://schemas.openxmlformats.org/drawingml/2006/diagram": "dgm",
    "http://purl.oclc.org/ooxml/drawingml/diagram": "dgm",
    "urn:schemas-microsoft-com:vml": "v",
}

Xml = Any
"""An element of lxml, typed as Any because lxml has no types."""


def parse(part: bytes) -> Xml:
    """Return the root of a part. Raises lxml's XMLSyntaxError, a subclass of SyntaxError."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True)
    return etree.fromstring(part, parser)


def write(root: Xml) -> bytes:
    file: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)
    return file


def name(element: Xml) -> str:
    """`w:p`; without a prefix where its namespace is another."""
    return _split(element.tag)[1]


@lru_cache(2_000)
def _split(tag: str) -> tuple[str, str]:
    """Return (namespace in braces, prefixed name) of a tag. Cached, because tags repeat."""
    namespace, _, local = tag.rpartition("}")
    prefix = _PREFIXES.get(namespace.removeprefix("{"))
    return f"{namespace}}}" if namespace else "", f"{prefix}:{local}" if prefix else local


def value(element: Xml | None, attribute: str = "val") -> str | None:
    """Return the `val` attribute in the element's namespace; None without one."""
    if element is None:
        return None
    found: str | None = element.get(_split(element.tag)[0] + attribute)
    return found


def number(element: Xml | None, attribute: str = "val") -> int | None:
    text = value(element, attribute) or ""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


def is_on(element: Xml | None) -> bool | None:
    """Return the value of a switch element; None without one."""
    return None if element is None else value(element) not in ("false", "0", "off")


def child(element: Xml | None, *path: str) -> Xml | None:
    """The first child of a child of a child."""
    for wanted in path:
        element = next((each for each in element if name(each) == wanted), None) if element is not None else None
    return element


def children(element: Xml | None, wanted: str) -> Iterator[Xml]:
    if element is not None:
        yield from (each for each in element if name(each) == wanted)


def make(like: Xml, local: str, **attributes: str) -> Xml:
    """A new element of the namespace of another one, and so its attributes."""
    namespace = _split(like.tag)[0]
    made = etree.Element(namespace + local)
    for key, text in attributes.items():
        made.set(namespace + key, text)
    return made


def unwrap(element: Xml, inner: list[Xml]) -> None:
    """Replace an element by others."""
    around = element.getparent()
    at = around.index(element)
    around.remove(element)
    for place, each in enumerate(inner, at):
        around.insert(place, each)


def has_text(element: Xml) -> bool:
    return any(name(each) == "w:t" and (each.text or "").strip() for each in element.iter())

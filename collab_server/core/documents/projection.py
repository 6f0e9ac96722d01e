"""Projects documents: finds the content root, and renders its content as text, Markdown or JSON."""

import json
import math
import re
from base64 import b64encode
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Literal

import pycrdt

from collab_server.core.documents.loading import Document, load
from collab_server.core.markdown.writer import write_markdown
from collab_server.core.prosemirror.nodes import MAX_DEPTH, plain_text, read_nodes
from collab_server.core.yjs import tree, utf16
from collab_server.core.yjs.hide_contents import restore_contents
from collab_server.core.yjs.structs import (
    ANY,
    ARRAY,
    BINARY,
    EMBED,
    FORMAT,
    JSON,
    MAP,
    STRING,
    SUBDOCUMENT,
    TEXT,
    TYPE,
    UNDEFINED,
    XML_ELEMENT,
    XML_FRAGMENT,
    XML_HOOK,
    XML_TEXT,
    Branch,
    Subdocument,
)

MAX_CONTENT_BYTES: Final = 10 * 1024 * 1024
TEXT_ROOT: Final = "content"
FRAGMENT_ROOTS: Final = ("default", "prosemirror")

ContentFormat = Literal["text", "markdown", "json"]


@dataclass(frozen=True, slots=True)
class Projection:
    """A document's content for people, search and REST.

    content: at most MAX_CONTENT_BYTES of UTF-8 by default, without U+0000 (PostgreSQL refuses it). words: number of
    words, without Markdown syntax. truncated: the document has more content. root: the name of the content root, or
    None for a JSON object of several roots.
    """

    content: str
    words: int
    format: ContentFormat = "text"
    truncated: bool = False
    root: str | None = None


class Kind(Enum):
    """The kind of a shared type's content."""

    TEXT = "text"
    XML = "xml"
    ARRAY = "array"
    MAP = "map"


_KINDS: Final = {
    ARRAY: Kind.ARRAY,
    MAP: Kind.MAP,
    TEXT: Kind.TEXT,
    XML_ELEMENT: Kind.XML,
    XML_FRAGMENT: Kind.XML,
    XML_HOOK: Kind.XML,
    XML_TEXT: Kind.XML,
}


def project_document(document: Document, limit: int = MAX_CONTENT_BYTES) -> Projection:
    """Project the integrated part of a document; untyped roots of a Doc become texts.

    The content root is, in this order: a text root `content`; an XmlFragment root `default` or `prosemirror`, as
    Markdown; the only text or XmlFragment root. Without a content root, the content is JSON: the value of the only
    root, or an object of several by root name. A root's kind is the kind of its visible content; empty roots do not
    count. Embeds and formats of texts are left out. `limit`: of the content, in bytes.
    """
    if isinstance(document, tree.Tree):
        return _of_tree(document.roots, limit)
    names = list(document.keys())
    if TEXT_ROOT in names or len(names) == 1:
        name = TEXT_ROOT if TEXT_ROOT in names else names[0]
        # Only a text has strings in its sequence, and pycrdt reads a large one ten times as fast as `tree`.
        if text := str(document.get(name, type=pycrdt.Text)):
            return _projection(text, "text", name, limit)
    return _of_tree(tree.read_tree(restore_contents(document.get_update())).roots, limit)


def find_kinds(roots: dict[str, Branch]) -> dict[str, Kind]:
    """The kinds of the roots that are not empty, by name, sorted."""
    return {name: kind for name in sorted(roots) if (kind := kind_of(roots[name])) is not None}


def _of_tree(roots: dict[str, Branch], limit: int) -> Projection:
    kinds = find_kinds(roots)
    name = find_content_root(kinds)
    if name is None:
        if not kinds:
            return Projection("", 0)
        reader = JsonValues()
        values = {name: reader.branch(roots[name]) for name in kinds}
        only = next(iter(kinds)) if len(kinds) == 1 else None
        content = json.dumps(values if only is None else values[only], ensure_ascii=False, sort_keys=True)
        words = "\n".join(reader.strings)
        return _projection(content, "json", only, limit, words=words, truncated=reader.truncated)
    if kinds[name] is Kind.TEXT:
        return _projection(read_text(roots[name]), "text", name, limit)
    root = read_nodes(roots[name])
    text = plain_text(root)
    try:
        return _projection(write_markdown(root), "markdown", name, limit, words=text, truncated=root.truncated)
    except MemoryError:
        # Signs before each line of many quotes in one another can be a hundred times the text.
        return _projection(text, "text", name, limit, truncated=True)


def project(update: bytes, limit: int = MAX_CONTENT_BYTES) -> Projection:
    """The content of a validated encoding, without its pending part; at most `limit` bytes. Raises Malformed."""
    return project_document(load(update), limit)


def project_text(text: str, root: str, limit: int = MAX_CONTENT_BYTES) -> Projection:
    """Project the visible text of a content root, which has some."""
    return _projection(text, "text", root, limit)


def find_content_root(kinds: dict[str, Kind]) -> str | None:
    """The name of the content root among roots of these kinds, or None."""
    if kinds.get(TEXT_ROOT) is Kind.TEXT:
        return TEXT_ROOT
    for name in FRAGMENT_ROOTS:
        if kinds.get(name) is Kind.XML:
            return name
    prose = [name for name, kind in kinds.items() if kind in (Kind.TEXT, Kind.XML)]
    return prose[0] if len(prose) == 1 else None


def kind_of(branch: Branch) -> Kind | None:
    """The kind of a shared type by its visible content, or None if it is empty.

    Strings, formats and embeds make a text, XML types alone an XmlFragment, other values an array, keys a map.
    """
    if branch.reference is not None:
        return _KINDS[branch.reference]
    kind: Kind | None = None
    for content_kind, content in tree.visible_contents(branch):
        if content_kind in (STRING, EMBED, FORMAT):
            return Kind.TEXT
        is_xml = content_kind == TYPE and _KINDS[content.reference] is Kind.XML
        kind = Kind.XML if is_xml and kind in (None, Kind.XML) else Kind.ARRAY
    if kind is None and tree.visible_entries(branch):
        kind = Kind.MAP
    return kind


def read_text(branch: Branch) -> str:
    """The strings of a text."""
    return "".join(content for kind, content in tree.visible_contents(branch) if kind == STRING)


class JsonValues:
    """Converts shared types and lib0 values to JSON values, as JSON.stringify would.

    undefined: left out of objects, null in arrays; NaN and infinities: null; integral floats: integers. Binary: base64.
    A subdocument: {"guid": ...}. Below MAX_DEPTH: null, and `truncated` is set. `strings`: all strings.
    """

    def __init__(self) -> None:
        self.truncated = False
        self.strings: list[str] = []

    def branch(self, branch: Branch, depth: int = 0) -> Any:
        kind = kind_of(branch)
        if kind is Kind.TEXT:
            return self.value(read_text(branch), depth)
        if kind is Kind.XML:
            document = read_nodes(branch)
            self.truncated |= document.truncated
            self.strings.append(plain_text(document))
            return write_markdown(document)
        if kind is Kind.ARRAY:
            return [self.value(value, depth + 1) for value in array_values(branch)]
        return self.value(tree.visible_entries(branch), depth)

    def value(self, value: Any, depth: int) -> Any:
        if depth > MAX_DEPTH:
            self.truncated = True
            return None
        match value:
            case str():
                self.strings.append(value)
                return value
            case float():
                if not math.isfinite(value):
                    return None
                return int(value) if value.is_integer() and abs(value) < 2**53 else value
            case Branch():
                return self.branch(value, depth)
            case dict():
                return {key: self.value(part, depth + 1) for key, part in value.items() if part is not UNDEFINED}
            case list():
                return [self.value(part, depth + 1) for part in value]
            case bytes():
                return b64encode(value).decode()
            case Subdocument():
                return {"guid": value.guid}
        return None if value is UNDEFINED else value


def array_values(branch: Branch) -> list[Any]:
    """The visible values of an array: lib0 values and Branch. Text in it counts as characters, as in Yjs."""
    values: list[Any] = []
    for kind, content in tree.visible_contents(branch):
        if kind in (ANY, JSON, STRING):
            values += content
        elif kind in (TYPE, EMBED, BINARY, SUBDOCUMENT):
            values.append(content)
    return values


_WORD: Final = re.compile(
    # Scripts that are written without spaces: each character counts as a word.
    r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]"
    r"|[^\W_\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+(?:['\u2019-][^\W_]+)*"
)


def count_words(text: str) -> int:
    """Count runs of letters and digits, also across apostrophes and hyphens; every Chinese or Japanese character is one
    word.
    """
    return sum(1 for _ in _WORD.finditer(text))


def _projection(
    content: str,
    format_: ContentFormat,
    root: str | None,
    limit: int,
    *,
    words: str | None = None,
    truncated: bool = False,
) -> Projection:
    """Make the content storable in PostgreSQL, with at most `limit` bytes."""
    count = count_words(content if words is None else words)
    encoded = to_storable(content).encode()
    if len(encoded) > limit:
        encoded = encoded[:limit]
        truncated = True
    return Projection(encoded.decode(errors="ignore"), count, format_, truncated, root)


def to_storable(text: str) -> str:
    """Remove U+0000 and lone surrogates, because PostgreSQL refuses them."""
    return utf16.replace_lone_surrogates(text.replace("\0", ""))

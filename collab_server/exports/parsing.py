"""Files as documents. Pure; for a worker process."""

import codecs
import html
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, get_args

from collab_server.crdt import front_matter, markdown
from collab_server.crdt.documents import Folded, fold
from collab_server.crdt.roots import MAX_CONTENT_BYTES
from collab_server.crdt.updates import validate
from collab_server.crdt.writing import text_document
from collab_server.errors import Malformed, TooLarge
from collab_server.exports import blocks, html_reader
from collab_server.exports.foreign import encodings, notes

Format = Literal["md", "txt", "html", "docx", "yjs"]
FORMATS: Final[tuple[Format, ...]] = get_args(Format)

EXTENSIONS: Final[dict[str, Format]] = {
    ".md": "md",
    ".markdown": "md",
    ".txt": "txt",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".docx": "docx",
    ".yjs": "yjs",
}
MEDIA_TYPES: Final[dict[str, Format]] = {
    "text/markdown": "md",
    "text/x-markdown": "md",
    "text/plain": "txt",
    "text/html": "html",
    "application/xhtml+xml": "html",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/octet-stream": "yjs",
}

MOST_BYTES: Final[dict[Format, int]] = {
    # UTF-16 has two bytes for what UTF-8 has one for; pages have more marks than text.
    "md": 2 * MAX_CONTENT_BYTES + 4,
    "txt": 2 * MAX_CONTENT_BYTES + 4,
    "html": 2 * MAX_CONTENT_BYTES + 4,
    "docx": 64_000_000,
    "yjs": 64_000_000,
}
"""Of a file, by its format: a larger one is refused unread."""

_HEAD: Final = 65_536
"""Characters in which a title is looked for."""
_BEGINNING: Final = 16_384
"""Characters of Markdown in which a heading is looked for; the most work of any is far below MAX_WORK."""
_TITLE: Final = re.compile(r"<title[^>]*>(.{1,4000}?)</title>", re.IGNORECASE | re.DOTALL)
_CHARSET: Final = re.compile(rb"<meta[^>]{0,500}?charset\s*=\s*[\"']?([\w.:-]{1,40})", re.IGNORECASE)
_MARKS: Final = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))

_BINARY: Final = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
"""No text has them, whatever its encoding, but for those with a mark."""
_ENCODINGS: Final = {
    "cp1252": "Windows-1252",
    "cp1251": "Windows-1251",
    "cp932": "Shift-JIS",
    "cp949": "EUC-KR",
    "gbk": "GBK",
    "big5": "Big5",
}


@dataclass(frozen=True, slots=True)
class Told:
    """What a file says of itself. `title`: '' where it tells none. `tags`, `metadata`: of its front matter. `notes`:
    what was left out of it, or changed.
    """

    title: str = ""
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Parsed:
    told: Told
    folded: Folded


def parse(format_: Format, file: bytes, client_id: int, charset: str = "") -> Parsed:
    """`client_id`: who writes the text of the new document. `charset`: of the Content-Type, if it had one.

    Raises Malformed, TooLarge (a text beyond what documents keep).
    """
    if format_ == "yjs":
        folded = fold(None, [validate(file).marked or file])
        return Parsed(Told(heading_of(folded.projection.content)), folded)
    text, told = _READERS[format_](file, charset)
    text = text.replace("\0", "")
    if len(text.encode()) > MAX_CONTENT_BYTES:
        raise TooLarge(f"a text may have at most {MAX_CONTENT_BYTES} bytes")
    if format_ != "txt":
        told = replace(told, notes=notes.kept([*told.notes, *notes.of_pictures(text)]))
    return Parsed(told, text_document(text, client_id))


def _markdown(file: bytes, charset: str) -> tuple[str, Told]:
    text, doubt = _decoded(file, charset)
    block, _ = front_matter.split(text)
    if not block:
        return text, Told(heading_of(text), notes=doubt)
    from collab_server.exports.foreign import yaml_header  # not for the server, which has no use for it

    header = yaml_header.read(block)
    return text, Told(header.title or heading_of(text), header.tags, header.metadata, (*doubt, *header.notes))


def _text(file: bytes, charset: str) -> tuple[str, Told]:
    text, doubt = _decoded(file, charset)
    return text, Told(notes=doubt)


def _page(file: bytes, charset: str) -> tuple[str, Told]:
    page, doubt = _decoded_page(file, charset)
    found = _TITLE.search(page[:_HEAD])
    return _of_page(page, html.unescape(found[1]) if found else "", doubt)


def _word(file: bytes, _: str) -> tuple[str, Told]:
    from collab_server.exports import docx_reader  # not for the server, which has no use for it

    return _of_page(*docx_reader.read(file))


def _of_page(page: str, title: str, told: tuple[str, ...]) -> tuple[str, Told]:
    read = html_reader.read(page)
    text = markdown.render(read.document)
    text += "\n" if text else ""
    return text, Told(title.strip() or heading_of(text), notes=(*told, *read.notes))


_READERS: Final[Mapping[Format, Callable[[bytes, str], tuple[str, Told]]]] = {
    "md": _markdown,
    "txt": _text,
    "html": _page,
    "docx": _word,
}


def heading_of(text: str) -> str:
    """The text of the first heading, if there is one near the beginning."""
    _, text = front_matter.split(text)
    for block in blocks.read(text[:_BEGINNING]):
        if isinstance(block, blocks.Heading):
            return "".join(run.text for run in block.runs).strip()
    return ""


def _decoded(file: bytes, charset: str) -> tuple[str, tuple[str, ...]]:
    """(the text, a note where its encoding is a guess)"""
    for mark, encoding in _MARKS:
        if file.startswith(mark):
            return _as(file[len(mark) :], encoding), ()
    if charset:
        return _as(file, charset), ()
    try:
        return file.decode(), ()
    except UnicodeDecodeError:
        if _BINARY.search(file):
            raise Malformed("the file is not text") from None
    encoding = encodings.guess_for_text(file)
    lost = file.decode(encoding, "replace").count("\ufffd")
    note = f"the text is not UTF-8 and was read as {_ENCODINGS.get(encoding, encoding)}"
    if lost:
        note += f"; {notes.counted(lost, 'character')} could not be read"
    return file.decode(encoding, "replace"), (note,)


def _decoded_page(file: bytes, charset: str) -> tuple[str, tuple[str, ...]]:
    """As browsers do: by its mark, what the server was told, what the page says, and a guess, which is noted."""
    found = None if charset or any(file.startswith(mark) for mark, _ in _MARKS) else _CHARSET.search(file[:4096])
    if found is not None:
        return _as(file, found[1].decode()), ()
    return _decoded(file, charset)


def _as(file: bytes, encoding: str) -> str:
    try:
        text = file.decode(encoding)  # which takes encodings of text only
        text.encode()
    except (LookupError, ValueError):
        raise Malformed(f"the file is not text in {encoding[:40]}") from None
    return text

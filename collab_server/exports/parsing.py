"""Files as documents. Pure; for a worker process."""

import codecs
import html
import re
from dataclasses import dataclass
from typing import Final, Literal, get_args

from collab_server.crdt import markdown
from collab_server.crdt.documents import Folded, fold
from collab_server.crdt.roots import MAX_CONTENT_BYTES
from collab_server.crdt.updates import validate
from collab_server.crdt.writing import text_document
from collab_server.errors import Malformed, TooLarge
from collab_server.exports import blocks, html_reader

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


@dataclass(frozen=True, slots=True)
class Parsed:
    """`title`: by the file itself, '' where it tells none."""

    title: str
    folded: Folded


def parse(format_: Format, file: bytes, client_id: int, charset: str = "") -> Parsed:
    """`client_id`: who writes the text of the new document. `charset`: of the Content-Type, if it had one.

    Raises Malformed, TooLarge (a text beyond what documents keep).
    """
    if format_ == "yjs":
        folded = fold(None, [validate(file).marked or file])
        return Parsed(heading_of(folded.projection.content), folded)
    title = ""
    if format_ in ("md", "txt"):
        text = _decoded(file, charset)
        title = heading_of(text) if format_ == "md" else ""
    else:
        if format_ == "docx":
            from collab_server.exports import docx_reader  # not for the server, which has no use for it

            page, title = docx_reader.read(file)
        else:
            page = _decoded_page(file, charset)
            found = _TITLE.search(page[:_HEAD])
            title = html.unescape(found[1]) if found else ""
        text = markdown.render(html_reader.read(page))
        text += "\n" if text else ""
        title = title.strip() or heading_of(text)
    text = text.replace("\0", "")
    if len(text.encode()) > MAX_CONTENT_BYTES:
        raise TooLarge(f"a text may have at most {MAX_CONTENT_BYTES} bytes")
    return Parsed(title, text_document(text, client_id))


def heading_of(text: str) -> str:
    """The text of the first heading, if there is one near the beginning."""
    for block in blocks.read(text[:_BEGINNING]):
        if isinstance(block, blocks.Heading):
            return "".join(run.text for run in block.runs).strip()
    return ""


def _decoded(file: bytes, charset: str) -> str:
    for mark, encoding in _MARKS:
        if file.startswith(mark):
            return _as(file[len(mark) :], encoding)
    return _as(file, charset or "utf-8")


def _decoded_page(file: bytes, charset: str) -> str:
    """As browsers do: by its mark, what the server was told, what the page says, and what most old pages are in."""
    if charset or any(file.startswith(mark) for mark, _ in _MARKS):
        return _decoded(file, charset)
    found = _CHARSET.search(file[:4096])
    if found is not None:
        return _as(file, found[1].decode())
    try:
        return file.decode()
    except UnicodeDecodeError:
        return file.decode("cp1252", "replace")


def _as(file: bytes, encoding: str) -> str:
    try:
        text = file.decode(encoding)  # which takes encodings of text only
        text.encode()
    except (LookupError, ValueError):
        raise Malformed(f"the file is not text in {encoding[:40]}") from None
    return text

"""Files as documents. Pure; for a worker process."""

import codecs
import html
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, get_args
from uuid import UUID

from collab_server.core.documents.attachment_links import rewrite_update
from collab_server.core.documents.compaction import CompactedDocument, compact
from collab_server.core.documents.new_text import new_text_document
from collab_server.core.documents.projection import MAX_CONTENT_BYTES
from collab_server.core.markdown import front_matter, places
from collab_server.core.markdown.writer import write_markdown
from collab_server.core.yjs.updates import validate
from collab_server.errors import Malformed, TooLarge
from collab_server.features.exports import blocks
from collab_server.features.imports import data_pictures, html_reader, threads
from collab_server.features.imports.foreign import encodings, notes
from collab_server.features.imports.foreign.relative_files import Reference, find_references, replace_references
from collab_server.features.imports.threads import Discussion

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
    # UTF-16 needs two bytes for one byte of UTF-8; pages have more markup than text.
    "md": 2 * MAX_CONTENT_BYTES + 4,
    "txt": 2 * MAX_CONTENT_BYTES + 4,
    "html": 2 * MAX_CONTENT_BYTES + 4,
    "docx": 64_000_000,
    "yjs": 64_000_000,
}
"""Maximum size of a file by format; larger ones are refused unread."""

_HEAD: Final = 65_536
"""Characters searched for a title."""
_BEGINNING: Final = 16_384
"""Characters of Markdown searched for a heading; their parsing stays far below MAX_WORK."""
_TITLE: Final = re.compile(r"<title[^>]*>(.{1,4000}?)</title>", re.IGNORECASE | re.DOTALL)
_CHARSET: Final = re.compile(rb"<meta[^>]{0,500}?charset\s*=\s*[\"']?([\w.:-]{1,40})", re.IGNORECASE)
_MARKS: Final = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))

_BINARY: Final = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
"""Characters without use in text of any encoding, except files with a byte order mark."""
_ENCODINGS: Final = {
    "cp1252": "Windows-1252",
    "cp1251": "Windows-1251",
    "cp932": "Shift-JIS",
    "cp949": "EUC-KR",
    "gbk": "GBK",
    "big5": "Big5",
}


@dataclass(frozen=True, slots=True)
class Details:
    """Metadata of a file. `title`: '' if missing. `tags`, `metadata`: of its front matter. `notes`: omissions and
    changes. `discussion`: its comments. `references`: links to files beside it. `pictures`: files within it, by their
    SHA-256.
    """

    title: str = ""
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    discussion: Discussion | None = None
    references: tuple[Reference, ...] = ()
    pictures: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Links:
    """Addresses for the links of a file: `beside` by (address, by_name) of references, `pictures` by SHA-256, `ids` of
    attachments by those in the file.
    """

    beside: Mapping[tuple[str, bool], str] = field(default_factory=dict)
    pictures: Mapping[str, str] = field(default_factory=dict)
    ids: Mapping[UUID, UUID] = field(default_factory=dict)


NO_LINKS: Final = Links()


@dataclass(frozen=True, slots=True)
class Parsed:
    details: Details
    folded: CompactedDocument


def parse(format_: Format, file: bytes, client_id: int, charset: str = "", links: Links = NO_LINKS) -> Parsed:
    """Parse a file. `client_id`: the Yjs client of the new text. `charset`: of the Content-Type, if any. Raises
    Malformed, TooLarge (above the size of documents).
    """
    if format_ == "yjs":
        update = validate(file).marked or file
        folded = compact(None, rewrite_update(update, links.ids, client_id) if links.ids else [update])
        return Parsed(Details(find_heading(folded.projection.content)), folded)
    if format_ == "docx":
        text, details = _read_word(file, links.pictures)
    elif format_ == "html":
        text, details = _read_page(file, charset, links.pictures)
    else:
        text, details = _READERS[format_](file, charset)
    text = text.replace("\0", "")
    references = tuple(find_references(text)) if format_ in ("md", "html") else ()
    if links.beside:
        text = replace_references(text, links.beside)
    if len(text.encode()) > MAX_CONTENT_BYTES:
        raise TooLarge(f"a text may have at most {MAX_CONTENT_BYTES} bytes")
    if format_ != "txt":
        new = set(links.pictures.values())
        lost = notes.note_pictures(
            each for each in references if each[:2] not in links.beside and each.address not in new
        )
        details = replace(details, notes=notes.drop_empty([*details.notes, lost]), references=references)
    return Parsed(details, new_text_document(text, client_id))


def _read_markdown(file: bytes, charset: str) -> tuple[str, Details]:
    text, doubt = _decode(file, charset)
    block, _ = front_matter.split_front_matter(text)
    if not block:
        return text, Details(find_heading(text), notes=doubt)
    from collab_server.features.imports.foreign import yaml_header

    header = yaml_header.read(block)
    return text, Details(header.title or find_heading(text), header.tags, header.metadata, (*doubt, *header.notes))


def _read_text(file: bytes, charset: str) -> tuple[str, Details]:
    text, doubt = _decode(file, charset)
    return text, Details(notes=doubt)


def _read_page(file: bytes, charset: str, shown: Mapping[str, str]) -> tuple[str, Details]:
    page, doubt = _decode_page(file, charset)
    page, pictures = data_pictures.take(page, shown)
    found = _TITLE.search(page[:_HEAD])
    text, details = _convert_page(page, html.unescape(found[1]) if found else "", doubt)
    return text, replace(details, pictures=pictures)


def _read_word(file: bytes, shown: Mapping[str, str]) -> tuple[str, Details]:
    from collab_server.features.imports import docx_reader
    from collab_server.features.imports.foreign import word_comments

    word = docx_reader.read_with_comments(file, shown)
    text, details = _convert_page(places.MARKS.sub("", word.page), word.title, word.notes)
    details = replace(details, pictures=word.pictures)
    if not word.comments:
        return text, details
    # Marks at the beginning of a line keep its signs from being escaped, so the text is written without them.
    marked = write_markdown(html_reader.read(word.page).document)
    former, ranges = word_comments.read_ranges(marked + "\n")
    ranges = word_comments.move_ranges(former, text, ranges)
    return text, replace(details, discussion=threads.of_word(word.comments, text, ranges))


def _convert_page(page: str, title: str, details: tuple[str, ...]) -> tuple[str, Details]:
    read = html_reader.read(page)
    text = write_markdown(read.document)
    text += "\n" if text else ""
    return text, Details(title.strip() or find_heading(text), notes=(*details, *read.notes))


_READERS: Final[Mapping[Format, Callable[[bytes, str], tuple[str, Details]]]] = {
    "md": _read_markdown,
    "txt": _read_text,
}


def find_heading(text: str) -> str:
    """Return the text of the first heading near the beginning, or ''."""
    _, text = front_matter.split_front_matter(text)
    for block in blocks.read(text[:_BEGINNING]):
        if isinstance(block, blocks.Heading):
            return "".join(map(blocks.text_of, block.runs)).strip()
    return ""


def _decode(file: bytes, charset: str) -> tuple[str, tuple[str, ...]]:
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
    encoding = encodings.guess_text_encoding(file)
    lost = file.decode(encoding, "replace").count("\ufffd")
    note = f"the text is not UTF-8 and was read as {_ENCODINGS.get(encoding, encoding)}"
    if lost:
        note += f"; {notes.count(lost, 'character')} could not be read"
    return file.decode(encoding, "replace"), (note,)


def _decode_page(file: bytes, charset: str) -> tuple[str, tuple[str, ...]]:
    """Decode like browsers: by the byte order mark, the given charset, the page's own declaration, or a guess with a
    note.
    """
    found = None if charset or any(file.startswith(mark) for mark, _ in _MARKS) else _CHARSET.search(file[:4096])
    if found is not None:
        return _as(file, found[1].decode()), ()
    return _decode(file, charset)


def _as(file: bytes, encoding: str) -> str:
    try:
        text = file.decode(encoding)  # accepts text encodings only
        text.encode()
    except (LookupError, ValueError):
        raise Malformed(f"the file is not text in {encoding[:40]}") from None
    return text

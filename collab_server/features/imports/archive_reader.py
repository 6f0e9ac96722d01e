"""Reading of uploaded zips, without trust: all sizes are limited, and nothing is written to disk."""

import asyncio
import json
import posixpath
import re
import unicodedata
import zipfile
import zlib
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import IO, Any, Final

from collab_server.errors import Malformed, TooLarge, UnprocessableContent
from collab_server.features.exports import manifest
from collab_server.features.exports.discussion import threads
from collab_server.features.exports.files import document_zip
from collab_server.features.imports import parsing
from collab_server.features.imports.foreign import notes, zip_names
from collab_server.features.imports.foreign.relative_files import PICTURES, Reference

MAX_DOCUMENTS: Final = 10_000
MAX_EXPANSION: Final = 10
"""Times the most bytes an upload may have, for all files of an archive together."""
MAX_MANIFEST: Final = 32_000_000
_HEAD: Final = 1_000
"""Bytes of a manifest, searched for its format."""
_MAX_DIRECTORY: Final = 16_000_000
"""Maximum size of a zip's directory in bytes; the objects of zipfile need ten times as much."""
_END: Final = b"PK\x05\x06"
_END_SIZE: Final = 22
_LOCATOR_64: Final = b"PK\x06\x07"
_LOCATOR_SIZE: Final = 20
_END_64: Final = b"PK\x06\x06"
_END_64_SIZE: Final = 56
_MAX_COMMENT: Final = 65_535
_OF_SYSTEMS: Final = frozenset({"__macosx", "thumbs.db", "desktop.ini", ".ds_store"})
"""Files added to folders by operating systems; they are ignored."""
_DRIVE: Final = re.compile(r"[A-Za-z]:")
_CHUNK: Final = 1 << 20
_BROKEN: Final = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OSError,
    OverflowError,
)


@dataclass(frozen=True, slots=True)
class Member:
    """A document of the archive. `path`: of its file; None without one, like `file`. `entry`: of the manifest, or {}.
    `category`: the names of its folders. `note`: an oddity of the file.
    `comments`: the file with its threads.
    """

    path: str | None
    format: parsing.Format | None
    file: zipfile.ZipInfo | None = None
    entry: dict[str, Any] = field(default_factory=dict)
    category: tuple[str, ...] = ()
    refusal: str = ""
    note: str = ""
    comments: zipfile.ZipInfo | None = None


OWN_TEXT: Final = document_zip.TEXT
OWN_FOLDER: Final = f"{document_zip.FOLDER}/"

_Files = list[tuple[str, zipfile.ZipInfo]]
"""Paths and their zip entries. One path can have several."""


class Archive:
    """`budget`: remaining bytes of unpacked data."""

    def __init__(self, file: IO[bytes], max_bytes: int) -> None:
        """Raises Malformed, TooLarge, UnprocessableContent (encrypted)."""
        self.budget = max_bytes * MAX_EXPANSION
        self._files: dict[str, zipfile.ZipInfo] = {}
        self._by_name: dict[str, list[str]] = {}
        self._used: set[str] = set()
        self._paths: list[str] = []
        _look_at_end(file)
        try:
            self._zip = zipfile.ZipFile(file)
        except _BROKEN as error:
            raise Malformed("the file is not a readable zip") from error
        if any(info.flag_bits & 1 for info in self._zip.infolist()):
            raise UnprocessableContent("the archive is encrypted: unpack it and send it without a password")

    def members(self) -> list[Member]:
        """Its documents. Raises Malformed, TooLarge."""
        infos = self._zip.infolist()
        files = [
            (path, info)
            for path, info in zip(zip_names.decode_names(infos), infos, strict=True)
            if not path.endswith("/") and not _OF_SYSTEMS & {part.lower() for part in path.split("/")}
        ]
        if folder := self._folder(files):
            files = [(path.removeprefix(folder), info) for path, info in files]
        by_path = dict(files)
        used = self._used
        if manifest.NAME in by_path:
            used.add(manifest.NAME)
            found = list(_of_manifest(self.read(by_path[manifest.NAME], MAX_MANIFEST), by_path, used))
        else:
            found = list(_of_names(files, used))
        self._paths = [path for path, _ in files]
        for path, info in files:
            if path not in used and not _is_hidden(path.split("/")):
                self._files[path] = info
                self._by_name.setdefault(PurePosixPath(path).name, []).append(path)
        if len(found) > MAX_DOCUMENTS:
            raise TooLarge(f"an archive may hold at most {MAX_DOCUMENTS} documents")
        return found

    def left_out(self) -> tuple[str, ...]:
        """Return notes about files that are neither documents nor attachments."""
        return _left_out([path for path in self._paths if path not in self._used])

    def find_file(self, path: str) -> zipfile.ZipInfo | None:
        """Find a file that is no document."""
        return self._files.get(path)

    def find_referenced(self, reference: Reference, document: str) -> str | None:
        """Find the path of the file that a document links to, and that is no document itself."""
        address = unicodedata.normalize("NFC", reference.address)
        folder = posixpath.dirname(document)
        # A name may have these signs, an address has a query or a place behind them.
        for part in dict.fromkeys((address, re.split("[?#]", address, maxsplit=1)[0])):
            for start in dict.fromkeys((folder, "")):
                path = posixpath.normpath(posixpath.join(start, part))
                if path in self._files:
                    return path
        named = self._by_name.get(PurePosixPath(address).name, []) if reference.by_name else []
        return named[0] if len(named) == 1 else None

    def mark_used(self, path: str) -> None:
        """Note that a file has become an attachment."""
        self._used.add(path)

    async def chunks(self, info: zipfile.ZipInfo) -> AsyncIterator[bytes]:
        """Unpack a file piece by piece, in a thread. Raises Malformed, TooLarge (above the budget)."""
        # zipfile does not read beyond the declared size.
        if info.file_size > self.budget:
            raise TooLarge("the archive is too large when it is unpacked")
        try:
            with await asyncio.to_thread(self._zip.open, info) as file:
                while piece := await asyncio.to_thread(file.read, _CHUNK):
                    self.budget -= len(piece)
                    yield piece
        except _BROKEN as error:
            raise Malformed("the file is damaged") from error

    def _folder(self, files: _Files) -> str:
        """Return the common folder of an exported workspace, with a slash, after it was unpacked and packed again;
        otherwise ''.
        """
        folder = f"{files[0][0].partition('/')[0]}/" if files else ""
        of_manifest = dict(files).get(folder + manifest.NAME)
        if of_manifest is None or not all(path.startswith(folder) for path, _ in files):
            return ""
        try:
            with self._zip.open(of_manifest) as file:
                return folder if manifest.FORMAT.encode() in file.read(_HEAD) else ""
        except _BROKEN:
            return ""

    def read(self, info: zipfile.ZipInfo, most: int) -> bytes:
        """Raises Malformed, TooLarge."""
        most = min(most, self.budget)
        try:
            with self._zip.open(info) as file:
                # The declared size may be a lie, and the file may be all zeros.
                content = file.read(most + 1)
        except _BROKEN as error:
            raise Malformed("the file is damaged") from error
        self.budget = max(0, self.budget - len(content))
        if len(content) > most:
            raise TooLarge("the file is too large when it is unpacked")
        return content

    def close(self) -> None:
        self._zip.close()


def _look_at_end(file: IO[bytes]) -> None:
    """zipfile would read a directory of any size."""
    size = file.seek(0, 2)
    start = max(0, size - _END_SIZE - _MAX_COMMENT - _LOCATOR_SIZE - _END_64_SIZE)
    file.seek(start)
    tail = file.read()
    at = len(tail) - _END_SIZE
    if at < 0 or tail[at : at + 4] != _END:
        at = tail.rfind(_END)
    file.seek(0)
    if at < 0 or at + _END_SIZE > len(tail):
        raise Malformed("the file is not a readable zip")
    directory = int.from_bytes(tail[at + 12 : at + 16], "little")
    locator = at - _LOCATOR_SIZE
    if locator >= 0 and tail.startswith(_LOCATOR_64, locator):
        # Versions of zipfile differ in where they look for the record that it names. Here all of them find this one.
        end = locator - _END_64_SIZE
        named = int.from_bytes(tail[locator + 8 : locator + 16], "little")
        if end < 0 or not tail.startswith(_END_64, end) or named != start + end:
            raise Malformed("the file is not a readable zip")
        directory = int.from_bytes(tail[end + 40 : end + 48], "little")
    if directory > _MAX_DIRECTORY:
        raise TooLarge("the archive has too many files")


def _of_manifest(file: bytes, paths: Mapping[str, zipfile.ZipInfo], used: set[str]) -> Iterator[Member]:
    """List the documents of the manifest. Adds their paths to `used`."""
    try:
        listed = json.loads(file)
    except (ValueError, RecursionError):
        raise Malformed("the manifest is not JSON") from None
    if (
        not isinstance(listed, dict)
        or listed.get("format") != manifest.FORMAT
        or listed.get("version") != manifest.VERSION
    ):
        raise Malformed(f"the manifest is not of the format {manifest.FORMAT} {manifest.VERSION}")
    documents = listed.get("documents")
    if not isinstance(documents, list) or not all(isinstance(entry, dict) for entry in documents):
        raise Malformed("the manifest has no list of documents")
    for entry in documents:
        files = entry.get("files")
        files = files if isinstance(files, dict) else {}
        # Some systems decompose names, but the manifest keeps the original ones.
        files = {form: unicodedata.normalize("NFC", path) for form, path in files.items() if isinstance(path, str)}
        used.update(files.values())
        names = entry.get("category")
        names = names if isinstance(names, list) and all(isinstance(name, str) for name in names) else []
        comments = paths.get(files.get(threads.FILE, ""))
        # The update is the document itself; the others are pictures of it.
        for form in ("yjs", "md", "html", "docx", "txt"):
            path = files.get(form, "")
            if path in paths:
                yield Member(path, form, paths[path], entry, tuple(names), comments=comments)
                break
        else:
            refusal = "" if "content_encrypted" in entry or not files else "its file is not in the archive"
            yield Member(None, None, None, entry, tuple(names), refusal, comments=comments)


def _of_names(files: _Files, used: set[str]) -> Iterator[Member]:
    """List the readable files of any archive, with folders as categories. Adds their paths to `used`."""
    # An exported document with its files: a text among these is an attachment.
    is_document = all(path == OWN_TEXT or path.startswith(OWN_FOLDER) for path, _ in files)
    for path, info in files:
        parts = path.split("/")
        form = parsing.EXTENSIONS.get(PurePosixPath(parts[-1]).suffix.lower())
        if form is None or _is_hidden(parts) or (is_document and path != OWN_TEXT):
            continue
        note = "the archive holds several files of this path; each is a document" if path in used else ""
        used.add(path)
        if path.startswith("/") or ".." in parts or (len(parts) > 1 and _DRIVE.fullmatch(parts[0])):
            yield Member(path, form, info, refusal="its path leads out of the archive")
        else:
            category = tuple(part for part in parts[:-1] if part not in ("", "."))
            yield Member(path, form, info, category=category, note=note)


def _is_hidden(parts: list[str]) -> bool:
    """Return whether the path is in settings or trash of a program, such as `.obsidian/` and `.trash/`."""
    return any(part.startswith(".") and part not in (".", "..") for part in parts)


def _left_out(paths: list[str]) -> tuple[str, ...]:
    hidden = [path for path in paths if _is_hidden(path.split("/"))]
    shown = [path for path in paths if not _is_hidden(path.split("/"))]
    pictures = [path for path in shown if PurePosixPath(path).suffix.lower() in PICTURES]
    others = [path for path in shown if PurePosixPath(path).suffix.lower() not in PICTURES]
    return notes.drop_empty(
        [
            notes.note_left_out(pictures, "picture"),
            notes.note_left_out(others, "file that is no document", "files that are no documents"),
            notes.note_left_out(hidden, "hidden file", "hidden files"),
        ]
    )

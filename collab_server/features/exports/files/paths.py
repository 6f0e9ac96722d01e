"""Paths of the attachments of a document in a zip. Pure."""

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import quote
from uuid import UUID

from collab_server.core.documents.attachment_links import replace_addresses
from collab_server.features.exports.file_names import Names, make_safe_name
from collab_server.features.exports.files.queries import ExportedFile

_MAX_SUFFIX: Final = 20


class FilePaths:
    """The attachments of a document at `stem` are in the folder `folder`, by default `<stem>.files`."""

    def __init__(self, stem: str, files: Sequence[ExportedFile], folder: str = "") -> None:
        self._folder = folder or f"{stem}.files"
        names = Names()
        self._names: dict[UUID, str] = {file.id: _make_name(names, file.file_name) for file in files}

    def path_of(self, file: ExportedFile) -> str:
        return f"{self._folder}/{self._names[file.id]}"

    def put_into_markdown(self, text: bytes) -> bytes:
        """Return the text with relative addresses of the files in the place of links to the attachments."""
        folder = self._folder.rpartition("/")[2]
        addresses = {each: quote(f"{folder}/{name}") for each, name in self._names.items()}
        return replace_addresses(text.decode(), addresses).encode() if addresses else text


def _make_name(names: Names, file_name: str) -> str:
    """Return a name that no other file of the folder has on any system."""
    suffix = PurePosixPath(file_name).suffix
    if len(suffix) > _MAX_SUFFIX or not suffix[1:].isalnum():
        suffix = ""
    return names.unique(make_safe_name(file_name.removesuffix(suffix)), suffix)

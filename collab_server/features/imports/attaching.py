"""Files that an imported document brings along: they are stored before the document is made."""

import unicodedata
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Final
from uuid import UUID

from collab_server.adapters.conversion.spool import Spool
from collab_server.errors import CollabError, Malformed, Unavailable
from collab_server.features.attachments.files.file_types import sniff
from collab_server.features.attachments.sources import HEAD_BYTES, BytesSource, SpooledSource
from collab_server.features.attachments.thumbnails import PICTURES
from collab_server.features.attachments.with_document.adding import NewFiles
from collab_server.features.attachments.with_document.new_file_queries import NewRow
from collab_server.features.imports.archive_reader import Archive, Member
from collab_server.features.imports.foreign import notes
from collab_server.features.imports.foreign.relative_files import PICTURES as PICTURE_ENDINGS
from collab_server.features.imports.parsing import Details, Links

MAX_FILES: Final = 10_000


@dataclass(slots=True)
class Wanted:
    """A file that a document wants. `label`: what notes call it. `size`: as the archive declares it. `checksum`: that
    it must have, or None.

    Of these it replaces the link: `references` by (address, by_name), `picture` by SHA-256, `former` by id. `used`:
    called once the document has it.
    """

    label: str
    name: str
    chunks: Callable[[], AsyncIterator[bytes]] | None = None
    octets: bytes = b""
    size: int = 0
    original_name: str = ""
    checksum: str | None = None
    references: list[tuple[str, bool]] = field(default_factory=list)
    picture: str = ""
    former: UUID | None = None
    used: Callable[[], object] = lambda: None


def list_embedded(parsed: Details) -> list[Wanted]:
    """List the pictures within a file."""
    wanted: list[Wanted] = []
    for number, (digest, octets) in enumerate(parsed.pictures.items(), 1):
        kind = sniff(octets[:HEAD_BYTES], "", None).partition("/")[2]
        name = f"picture-{number}.{'jpg' if kind == 'jpeg' else kind}"
        wanted.append(Wanted(name, name, octets=octets, size=len(octets), picture=digest))
    return wanted


def list_of_member(archive: Archive, member: Member, parsed: Details) -> tuple[list[Wanted], list[str]]:
    """List the files of a document in an archive: those of its manifest entry, and those it links to. And notes."""
    wanted: dict[str, Wanted] = {}
    lost: list[str] = []
    for entry in _read_entries(member.entry):
        path = entry["path"]
        info = archive.find_file(path)
        if info is None:
            lost.append(entry["file_name"])
            continue
        wanted[path] = Wanted(
            path,
            entry["file_name"],
            lambda info=info: archive.chunks(info),  # type: ignore[misc]
            size=info.file_size,
            original_name=entry["original_name"],
            checksum=entry["checksum_sha256"],
            former=entry["id"],
            used=lambda path=path: archive.mark_used(path),  # type: ignore[misc]
        )
    for reference in parsed.references:
        found = archive.find_referenced(reference, member.path or "")
        info = archive.find_file(found) if found is not None else None
        if found is None or info is None:
            continue
        if found not in wanted and len(wanted) < MAX_FILES:
            wanted[found] = Wanted(
                found,
                PurePosixPath(found).name,
                lambda info=info: archive.chunks(info),  # type: ignore[misc]
                size=info.file_size,
                used=lambda path=found: archive.mark_used(path),  # type: ignore[misc]
            )
        if found in wanted:
            wanted[found].references.append(reference[:2])
    absent = notes.note_left_out(lost, "attachment that the archive lacks", "attachments that the archive lacks")
    return [*wanted.values(), *list_embedded(parsed)], [absent] if absent else []


def _read_entries(entry: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the attachments of a manifest entry, without trust: what is not well formed is left out."""
    listed = entry.get("attachments")
    for each in listed[:MAX_FILES] if isinstance(listed, list) else ():
        if not isinstance(each, dict):
            continue
        found = {name: each.get(name) for name in ("path", "file_name", "original_name", "checksum_sha256", "id")}
        if not all(isinstance(value, str) for value in found.values()):
            continue
        try:
            identity = UUID(each["id"])
        except ValueError:
            continue
        yield {**found, "id": identity, "path": unicodedata.normalize("NFC", each["path"])}


async def store(files: NewFiles, spool: Spool, wanted: Sequence[Wanted]) -> tuple[Links, list[Wanted], list[str]]:
    """Store files for a document. Return its links to them, those that it has got, and notes about the others.

    Raises Unavailable, StoreUnavailable.
    """
    beside: dict[tuple[str, bool], str] = {}
    pictures: dict[str, str] = {}
    ids: dict[UUID, UUID] = {}
    refused: dict[str, list[str]] = {}
    odd: list[str] = []
    kept: list[Wanted] = []
    for each in wanted:
        try:
            row = await _store_one(files, spool, each)
        except Unavailable:
            raise
        except CollabError as error:
            refused.setdefault(error.detail, []).append(each.label)
            continue
        kept.append(each)
        if row.new.content_type not in PICTURES and PurePosixPath(each.name).suffix.lower() in PICTURE_ENDINGS:
            odd.append(each.label)
        address = f"/api/v1/attachments/{row.id}/content"
        beside.update(dict.fromkeys(each.references, address))
        if each.picture:
            pictures[each.picture] = address
        if each.former is not None:
            ids[each.former] = row.id
    told = [f"{notes.note_left_out(names, 'file')} ({detail})" for detail, names in refused.items()]
    if odd:
        some = notes.list_some(odd)
        told.append(f"{notes.count(len(odd), 'file')} attached that cannot be shown as pictures: {some}")
    return Links(beside, pictures, ids), kept, told


async def _store_one(files: NewFiles, spool: Spool, wanted: Wanted) -> NewRow:
    files.check(wanted.size)
    if wanted.chunks is None:
        return await files.add(wanted.name, BytesSource(wanted.octets))
    with spool.open() as spooled:
        # The declared size may be a lie.
        source = SpooledSource(spooled, files.limits.max_bytes)
        async for piece in wanted.chunks():
            await source.add(piece)
        await source.flush()
        if wanted.checksum is not None and source.checksum.hex() != wanted.checksum:
            raise Malformed("its bytes are not those that the manifest names")
        return await files.add(wanted.name, source, wanted.original_name)

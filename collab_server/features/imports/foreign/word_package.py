"""The file of a Word document, with its text parts rewritten for mammoth. Pure."""

import io
import posixpath
import zipfile
from collections.abc import Iterator
from typing import Final

from collab_server.features.imports.foreign import notes, word_body, word_styles
from collab_server.features.imports.foreign import word_xml as xml
from collab_server.features.imports.foreign.word_comments import WordComments
from collab_server.features.imports.foreign.word_numbers import Numbers
from collab_server.features.imports.foreign.word_xml import Xml

MAX_MEDIA: Final = 64_000_000
"""Most bytes of pictures together; those that do not fit are left out."""


def rewrite(package: zipfile.ZipFile) -> tuple[bytes, list[str], WordComments]:
    """Return (the package with its pictures and without other media, notes of omissions and changes, its comments,
    whose ranges are marked). Raises errors of zipfile and lxml for malformed files.
    """
    names = set(package.namelist())
    main = next(iter(_related(package, names, "", "officeDocument")), "word/document.xml")
    parts = {kind: list(_related(package, names, main, kind)) for kind in KINDS}

    def first(kind: str) -> Xml | None:
        found = parts[kind]
        return xml.parse(package.read(found[0])) if found else None

    styles = word_styles.read(first("styles"))
    comments = WordComments(first("comments"), first("commentsExtended"))
    body = word_body.Body(styles, Numbers(first("numbering"), styles), comments.comments)
    changed: dict[str, bytes] = {}
    for name in (main, *parts["footnotes"], *parts["endnotes"], *parts["comments"][:1]):
        root = xml.parse(package.read(name))
        body.rewrite(root)
        if name == main:
            comments.mark(root)
        changed[name] = xml.write(root)
    changes = list(body.notes())
    around = sum(xml.has_text(xml.parse(package.read(name))) for name in (*parts["header"], *parts["footer"]))
    if around:
        changes.append(f"{notes.count(around, 'page header or footer', 'page headers and footers')} left out")
    file = io.BytesIO()
    read = {main, *(name for found in parts.values() for name in found)}
    with zipfile.ZipFile(file, "w") as rewritten:
        for name in sorted(names):
            if name in read or name.lower().endswith((".xml", ".rels")):
                rewritten.writestr(name, changed[name] if name in changed else package.read(name))
        left = MAX_MEDIA
        for info in package.infolist():
            if info.filename.startswith(MEDIA) and info.file_size <= left:
                left -= info.file_size
                rewritten.writestr(info.filename, package.read(info))
    return file.getvalue(), changes, comments


MEDIA: Final = "word/media/"
KINDS: Final = ("styles", "numbering", "footnotes", "endnotes", "header", "footer", "comments", "commentsExtended")


def _related(package: zipfile.ZipFile, names: set[str], part: str, kind: str) -> Iterator[str]:
    """Yield the names of related parts of this kind. `part`: '' for the package."""
    folder, name = posixpath.split(part)
    path = posixpath.join(folder, "_rels", f"{name}.rels")
    if path not in names:
        return
    for relation in xml.parse(package.read(path)):
        if (relation.get("Type") or "").endswith(f"/{kind}") and relation.get("TargetMode") != "External":
            target = posixpath.normpath(posixpath.join("/", folder, relation.get("Target") or "")).lstrip("/")
            if target in names:
                yield target

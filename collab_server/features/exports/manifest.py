"""Metadata of documents in the manifest of an archive. Pure."""

import base64
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from collab_server.features.documents.document_queries import Document, Encrypted
from collab_server.features.documents.tag_queries import Category
from collab_server.features.exports.files.queries import ExportedFile

FORMAT: Final = "collab_server/workspace"
VERSION: Final = 1
NAME: Final = "manifest.json"


def make_entry(document: Document, category: Sequence[str], encrypted: Encrypted | None = None) -> dict[str, Any]:
    """Make the entry of a document as JSON types. `category`: names from the outermost. `encrypted`: of a password."""
    fields: dict[str, Any] = {
        "id": str(document.id),
        "title": document.title,
        "name": document.name,
        "type": document.type,
        "description": document.description,
        "status": document.status,
        "priority": document.priority,
        "language": document.language,
        "metadata": document.metadata,
        "settings": document.settings,
        "tags": [tag.name for tag in document.tags],
        "category": list(category),
        "is_template": document.is_template,
        "created_by": document.created_by_name,
        "created_at": _format_moment(document.created_at),
        "updated_at": _format_moment(document.updated_at),
        "last_edited_at": _format_moment(document.last_edited_at),
        "expires_at": _format_moment(document.expires_at),
    }
    if encrypted is not None and encrypted.content is not None:
        fields["content_encrypted"] = base64.b64encode(encrypted.content).decode()
        fields["encryption"] = encrypted.encryption
    return fields


def make_file_entry(file: ExportedFile, path: str) -> dict[str, Any]:
    """Make the entry of an attachment as JSON types. `path`: in the archive."""
    return {
        "id": str(file.id),
        "path": path,
        "file_name": file.file_name,
        "original_name": file.original_name,
        "content_type": file.content_type,
        "size_bytes": file.size,
        "checksum_sha256": file.checksum.hex(),
        "created_at": _format_moment(file.created_at),
    }


def make_category_paths(categories: Sequence[Category]) -> Mapping[UUID, tuple[str, ...]]:
    """Return the names of each category, from the outermost, by id."""
    by_id = {category.id: category for category in categories}
    paths: dict[UUID, tuple[str, ...]] = {}

    def path(category: Category, depth: int = 0) -> tuple[str, ...]:
        if category.id not in paths:
            parent = by_id.get(category.parent_id) if category.parent_id and depth < 50 else None
            paths[category.id] = (*(path(parent, depth + 1) if parent else ()), category.name)
        return paths[category.id]

    return {category.id: path(category) for category in categories}


def _format_moment(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None

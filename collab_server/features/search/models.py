"""JSON shapes of search."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import ConfigDict

from collab_server.features.documents.kinds import Kind
from collab_server.web.fields import Model

_DOCUMENT: dict[str, Any] = {
    "id": "5f0c3c36-6c0e-4b58-9a55-0f3b5f7f6d11",
    "workspace_id": "00000000-0000-0000-0000-000000000002",
    "title": "Plans of the house",
    "address": "plans",
    "type": "markdown",
}
_HIT: dict[str, Any] = {
    "document": {**_DOCUMENT, "updated_at": "2026-01-05T09:10:00Z"},
    "rank": 0.61,
    "snippet": "…where the <mark>house</mark> is to stand &amp; why…",
    "title_highlight": "Plans of the <mark>house</mark>",
    "attachment": None,
}


class FoundDocument(Model):
    """Enough of a document to show and open it."""

    model_config = ConfigDict(json_schema_extra={"example": _HIT["document"]})

    id: UUID
    workspace_id: UUID
    title: str
    address: str
    type: Kind
    updated_at: datetime


class FoundAttachment(Model):
    """An attachment whose text has all the words, which the document's text has not."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"id": "9d4d7c1e-2a55-4a1c-8d5e-1f6b2c3d4e5f", "file_name": "offer.pdf"}}
    )

    id: UUID
    file_name: str


class Hit(Model):
    """`snippet` and `title_highlight` are HTML: escaped text with <mark>. `rank`: greater is better. `attachment`:
    whose text the snippet is of; null for the document's.
    """

    model_config = ConfigDict(json_schema_extra={"example": _HIT})

    document: FoundDocument
    rank: float
    snippet: str
    title_highlight: str
    attachment: FoundAttachment | None


class HitPage(Model):
    model_config = ConfigDict(json_schema_extra={"example": {"items": [_HIT], "next_cursor": None}})

    items: list[Hit]
    next_cursor: str | None


class SimilarTitle(Model):
    """`similarity`: from 0.4 to 1, the share of the query found in the title."""

    model_config = ConfigDict(json_schema_extra={"example": {**_DOCUMENT, "similarity": 0.83}})

    id: UUID
    workspace_id: UUID
    title: str
    address: str
    type: Kind
    similarity: float


class SimilarTitlePage(Model):
    model_config = ConfigDict(
        json_schema_extra={"example": {"items": [{**_DOCUMENT, "similarity": 0.83}], "next_cursor": None}}
    )

    items: list[SimilarTitle]
    next_cursor: None = None

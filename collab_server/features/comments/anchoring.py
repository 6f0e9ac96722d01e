"""Replaced by the branch anchors."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from collab_server.adapters.postgres import Database
from collab_server.adapters.workers import Workers
from collab_server.errors import UnprocessableContent
from collab_server.features.comments.anchor_models import AnchorIn
from collab_server.web.rooms import Rooms


@dataclass(frozen=True, slots=True)
class PlacedAnchor:
    anchor: bytes
    text: str
    start: int
    end: int
    generation: int
    seq: int


@dataclass(frozen=True, slots=True)
class StoredAnchor:
    comment_id: UUID
    anchor: bytes
    text: str
    position: dict[str, int] | None
    generation: int
    seq: int


@dataclass(frozen=True, slots=True)
class Where:
    start: int | None
    end: int | None
    orphaned: bool
    relative_start: str | None
    relative_end: str | None


async def place_anchor(
    db: Database, rooms: Rooms, workers: Workers, document_id: UUID, wanted: AnchorIn
) -> PlacedAnchor:
    raise UnprocessableContent("anchors are not there yet")


async def locate_anchors(
    db: Database, rooms: Rooms, workers: Workers, document_id: UUID, stored: Sequence[StoredAnchor]
) -> dict[UUID, Where]:
    return {}

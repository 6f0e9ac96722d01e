"""JSON shapes of presence."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import ConfigDict

from collab_server.features.documents.models import PresentOut
from collab_server.web.fields import Model

_ANN = "0a6b2c8e-3d39-4c55-8a54-6a4e0f6d0c11"
_CONNECTED: dict[str, Any] = {
    "connection_id": "5b1f0e5c2a7d9e31.42",
    "user_id": _ANN,
    "guest": False,
    "name": "Ann",
    "avatar_url": None,
    "device_type": "desktop",
    "device_name": "Firefox on Linux",
    "cursor_position": {"type": None, "tname": "content", "item": None, "assoc": 0},
    "selection_range": None,
    "is_typing": True,
    "current_block_id": None,
    "connected_at": "2026-01-05T09:00:00Z",
    "last_activity_at": "2026-01-05T09:10:00Z",
}
_SEEN: dict[str, Any] = {"user_id": _ANN, "name": "Ann", "avatar_url": None, "last_seen_at": "2026-01-05T09:10:00Z"}
_BUSY: dict[str, Any] = {
    "document_id": "5f0c3c36-6c0e-4b58-9a55-0f3b5f7f6d11",
    "title": "Notes",
    "people": 1,
    "present": [{"user_id": _ANN, "name": "Ann", "avatar_url": None}],
}


class ConnectedOut(Model):
    """One connection to a document. `guest`: not signed in, and named by themselves, if at all. `name`: None also for
    people whom you share no workspace with. `cursor_position` and `selection_range` are what the client's editor says
    in its awareness state; changes are here after five seconds at the latest. A program that edits by requests is there
    for five seconds: `device_type` is program, `device_name` what its API token is called. It counts as its owner.
    """

    model_config = ConfigDict(json_schema_extra={"example": _CONNECTED})

    connection_id: str
    user_id: UUID | None
    guest: bool
    name: str | None
    avatar_url: str | None
    device_type: Literal["desktop", "mobile", "tablet", "program"] | None
    device_name: str | None
    cursor_position: Any
    selection_range: Any
    is_typing: bool
    current_block_id: str | None
    connected_at: datetime
    last_activity_at: datetime


class SeenOut(Model):
    """Somebody who was there within the last week and is not now."""

    model_config = ConfigDict(json_schema_extra={"example": _SEEN})

    user_id: UUID
    name: str
    avatar_url: str | None
    last_seen_at: datetime


class DocumentPresence(Model):
    """`items`: connections, the first to come first. `people`: how many, whatever the limit; a person counts once."""

    model_config = ConfigDict(json_schema_extra={"example": {"people": 1, "items": [_CONNECTED], "recent": [_SEEN]}})

    people: int
    items: list[ConnectedOut]
    recent: list[SeenOut]


class BusyOut(Model):
    """A document with people in it, of whom `present` are up to five."""

    model_config = ConfigDict(json_schema_extra={"example": _BUSY})

    document_id: UUID
    title: str
    people: int
    present: list[PresentOut]


class WorkspacePresence(Model):
    """`items`: the documents that somebody has open, the most crowded first."""

    model_config = ConfigDict(json_schema_extra={"example": {"items": [_BUSY], "recent": [_SEEN]}})

    items: list[BusyOut]
    recent: list[SeenOut]

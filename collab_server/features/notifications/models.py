"""JSON shapes of notifications and subscriptions."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, StrictBool

from collab_server.web.fields import Model

Kind = Literal[
    "mention",
    "reply",
    "comment",
    "reaction",
    "resolved",
    "membership",
    "invitation",
    "role",
    "document_changed",
    "storage",
    "share",
    "access_request",
]
State = Literal["inbox", "unread", "read", "archived", "all"]
"""inbox: read or not, but not archived."""
Level = Literal["follow", "participating", "muted"]
MAX_IDS = 500

_ACTOR: dict[str, Any] = {"id": "0f7c3c36-6c0e-4b58-9a55-0f3b5f7f6d11", "name": "Ann", "avatar_url": None}
_NOTIFICATION: dict[str, Any] = {
    "id": "7d0e6a52-31c7-4b3f-8a55-5f6d1c2b9e10",
    "kind": "mention",
    "actors": [_ACTOR],
    "count": 1,
    "workspace": {"id": "8f14e45f-ceea-4e2a-9c57-6f0f3a5b8d10", "name": "Team"},
    "document": {"id": "5f0c3c36-6c0e-4b58-9a55-0f3b5f7f6d11", "title": "Plan", "address": "@team/plan"},
    "comment": {
        "id": "a1b7c0de-7f6c-4ad5-9d0c-62d8f2a2c0f7",
        "thread_id": "a1b7c0de-7f6c-4ad5-9d0c-62d8f2a2c0f7",
        "excerpt": "@Ben, is this still so?",
    },
    "role": None,
    "url": "/d/@team/plan#comment-a1b7c0de-7f6c-4ad5-9d0c-62d8f2a2c0f7",
    "created_at": "2026-01-31T12:00:00.000Z",
    "updated_at": "2026-01-31T12:00:00.000Z",
    "read": False,
    "archived": False,
}


def _example(**example: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"example": example})


class NotificationActor(Model):
    """`id`: None for people without an account."""

    id: UUID | None
    name: str
    avatar_url: str | None


class NotificationWorkspace(Model):
    """`name`: None where you read one public document of the workspace only."""

    id: UUID
    name: str | None


class NotificationDocument(Model):
    id: UUID
    title: str
    address: str


class NotificationComment(Model):
    """`excerpt`: at most 200 characters, without Markdown."""

    id: UUID
    thread_id: UUID
    excerpt: str


class NotificationOut(Model):
    """What somebody else did. Titles, names and texts are those of now, as far as you may read them."""

    model_config = _example(**_NOTIFICATION)

    id: UUID
    kind: Kind
    actors: list[NotificationActor] = Field(description="The latest first, at most ten.")
    count: int = Field(description="Events in this entry: reactions to a comment, or rounds of edits.")
    workspace: NotificationWorkspace
    document: NotificationDocument | None
    comment: NotificationComment | None
    role: str | None = Field(description="Of the kinds membership, invitation and role.")
    url: str = Field(description="The page that shows it, as a path of this server.")
    created_at: datetime
    updated_at: datetime
    read: bool
    archived: bool


class NotificationPage(Model):
    model_config = _example(items=[_NOTIFICATION], next_cursor=None)

    items: list[NotificationOut]
    next_cursor: str | None


class UnreadCount(Model):
    model_config = _example(count=3)

    count: int


class ReadIn(Model):
    """`ids`: missing for all that you have."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"ids": [_NOTIFICATION["id"]]}})

    ids: Annotated[list[UUID], Field(max_length=MAX_IDS)] | None = None


class NotificationPatch(Model):
    """Missing fields stay unchanged."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"read": True}})

    read: StrictBool | None = None
    archived: StrictBool | None = None


class SubscriptionIn(Model):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"level": "follow"}})

    level: Level


class SubscriptionOut(Model):
    """`reason`: `comment` and `mention` are given by the server. `effective`: what counts, with the workspace's
    level.
    """

    model_config = _example(level="follow", reason="chosen", effective="follow")

    level: Level | None
    reason: Literal["chosen", "comment", "mention"] | None
    effective: Level | None

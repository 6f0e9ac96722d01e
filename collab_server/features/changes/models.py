"""Shapes of the change feed's answers."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import ConfigDict, Field, JsonValue

from collab_server.web.fields import Model

_ITEM: dict[str, JsonValue] = {
    "entity_type": "document",
    "entity_id": "5f3c1f1e-98a1-4c2c-9a1e-0c3f9e0f7d11",
    "operation": "update",
    "workspace_id": "8f14e45f-ceea-4e2a-9c57-6f0f3a5b8d10",
    "document_id": "5f3c1f1e-98a1-4c2c-9a1e-0c3f9e0f7d11",
    "changed_fields": ["content"],
    "content_hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "row_version": 7,
    "changed_by": "0d0e1f2a-5b6c-4d7e-8f90-a1b2c3d4e5f6",
    "device_id": "laptop",
    "client_version": "2.1.0",
    "changed_at": "2026-01-31T12:00:00Z",
    "cursor": "WyIiLCAxNzY5ODYwODAwLCA3NTEsIDQyXQ",
}


class ChangeOut(Model):
    """A changed entity, without its values. Fetch these over the other routes."""

    entity_type: Literal[
        "workspace",
        "member",
        "document",
        "category",
        "tag",
        "favourite",
        "version",
        "comment",
        "attachment",
        "suggestion",
        "share",
        "access_request",
        "notification",
    ]
    entity_id: UUID = Field(description="Of a member: the user. Of a favourite: the document.")
    operation: Literal["create", "update", "delete"] = Field(
        description="As seen by you: entities moved into a workspace, restored or made readable are created; "
        "entities that are no longer readable are deleted."
    )
    workspace_id: UUID
    document_id: UUID | None
    changed_fields: list[str] = Field(
        description="`content`: edits; `tags`: its tags; `access`: your rights. Empty for a new entity."
    )
    content_hash: str | None = Field(
        description="SHA-256 of a document's text as last stored; null for edits not stored in it yet."
    )
    row_version: int | None
    changed_by: UUID | None = Field(description="Null: a guest, or the server itself.")
    device_id: str | None = Field(description="X-Device-Id of the change.")
    client_version: str | None
    changed_at: datetime
    cursor: str = Field(description="Cursor after this entry.")


class ChangePage(Model):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "items": [_ITEM],
                    "next_cursor": "WyIiLCAxNzY5ODYwODAwLCA3NTEsIDQyXQ",
                    "more": False,
                    "resync": [],
                    "resync_shared": [],
                    "workspaces": ["8f14e45f-ceea-4e2a-9c57-6f0f3a5b8d10"],
                    "shared": [],
                }
            ]
        }
    )

    items: list[ChangeOut]
    next_cursor: str = Field(description="Also without changes. Keep the newest one, because old ones expire.")
    more: bool = Field(description="Further entries exist: ask again at once.")
    resync: list[UUID] = Field(description="Workspaces with purged entries after your cursor: fetch them again.")
    resync_shared: list[UUID] = Field(
        description="Of `shared`, documents with purged entries after your cursor: fetch them again."
    )
    workspaces: list[UUID] = Field(description="All your readable workspaces: drop the content of others.")
    shared: list[UUID] = Field(description="All documents shared with you in other workspaces.")

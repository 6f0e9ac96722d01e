"""Shapes of the change feed's answers."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue

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


class ChangeOut(BaseModel):
    """That something changed, not what it is now: fetch that."""

    entity_type: Literal["workspace", "member", "document", "category", "tag", "favourite"]
    entity_id: UUID = Field(description="Of a member: the user. Of a favourite: the document.")
    operation: Literal["create", "update", "delete"] = Field(
        description="For you: what was moved into a workspace, restored, or opened to you is created; what you may not "
        "read any more is deleted."
    )
    workspace_id: UUID
    document_id: UUID | None
    changed_fields: list[str] = Field(
        description="`content`: edits; `tags`: its tags; `access`: what you may do there. Empty where all is new."
    )
    content_hash: str | None = Field(
        description="SHA-256 of a document's text as last stored; null for edits that are not part of it yet."
    )
    row_version: int | None
    changed_by: UUID | None = Field(description="Null: a guest, or the server itself.")
    device_id: str | None = Field(description="What the one who changed it gave as X-Device-Id.")
    client_version: str | None
    changed_at: datetime
    cursor: str = Field(description="Goes on after this entry.")


class ChangePage(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "items": [_ITEM],
                    "next_cursor": "WyIiLCAxNzY5ODYwODAwLCA3NTEsIDQyXQ",
                    "more": False,
                    "resync": [],
                    "workspaces": ["8f14e45f-ceea-4e2a-9c57-6f0f3a5b8d10"],
                    "shared": [],
                }
            ]
        }
    )

    items: list[ChangeOut]
    next_cursor: str = Field(description="Also where nothing is new: keep the newest, an old one expires.")
    more: bool = Field(description="Further entries are there already: ask again at once.")
    resync: list[UUID] = Field(
        description="Workspaces of which entries after your cursor are not kept any more: fetch them anew."
    )
    workspaces: list[UUID] = Field(description="All workspaces that you may read: drop what you hold of others.")
    shared: list[UUID] = Field(description="All documents of other workspaces that are shared with you.")

"""The JSON shapes of the audit."""

from datetime import datetime
from typing import Any
from uuid import UUID

from collab_server.features.users.models import output_config
from collab_server.web.fields import Model

_ENTRY: dict[str, Any] = {
    "id": 4711,
    "at": "2026-01-05T09:10:00Z",
    "actor": {"id": "0f7c3c36-6c0e-4b58-9a55-0f3b5f7f6d11", "name": "Ann"},
    "action": "update",
    "entity_type": "user",
    "entity_id": "5f0c3c36-6c0e-4b58-9a55-0f3b5f7f6d11",
    "workspace_id": None,
    "changed_fields": ["role"],
    "data": {"old": {"role": "user"}, "new": {"role": "admin"}},
    "ip_address": "192.0.2.7",
    "user_agent": "Mozilla/5.0",
}


class AuditActor(Model):
    """`name`: as it was then. `id` is null for the operator of a command, and for the server itself."""

    model_config = output_config(id="0f7c3c36-6c0e-4b58-9a55-0f3b5f7f6d11", name="Ann")

    id: UUID | None
    name: str | None


class AuditEntry(Model):
    """`actor`: null without a sign-in, or after the account was deleted. `data`: values without secrets."""

    model_config = output_config(**_ENTRY)

    id: int
    at: datetime
    actor: AuditActor | None
    action: str
    entity_type: str
    entity_id: str
    workspace_id: UUID | None
    changed_fields: list[str] | None
    data: dict[str, Any]
    ip_address: str | None
    user_agent: str | None


class AuditPage(Model):
    model_config = output_config(items=[_ENTRY], next_cursor=None)

    items: list[AuditEntry]
    next_cursor: str | None

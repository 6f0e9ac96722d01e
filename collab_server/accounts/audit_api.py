"""The route of the audit, for the server's administrators."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import AfterValidator

from collab_server.accounts import audit_queries
from collab_server.accounts.audit_models import AuditActor, AuditEntry, AuditPage
from collab_server.errors import Forbidden, Malformed, Unauthenticated, Unavailable
from collab_server.web import cursors
from collab_server.web.depends import CurrentAdministrator, CurrentDatabase
from collab_server.web.fields import storable
from collab_server.web.problems import documented
from collab_server.web.routes import router as _router

router = _router()

Word = Annotated[str, Query(max_length=320), AfterValidator(storable)]


@router.get(
    "/admin/audit",
    tags=["administration"],
    responses=documented(Unauthenticated, Forbidden, Malformed, Unavailable),
)
async def list_audit(
    identity: CurrentAdministrator,
    db: CurrentDatabase,
    actor: UUID | None = None,
    action: Word | None = None,
    entity_type: Word | None = None,
    entity_id: Word | None = None,
    workspace_id: UUID | None = None,
    ip_address: Word | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> AuditPage:
    """Who did what on this server, the newest first: administration, tokens, sign-ins, and sign-ins that failed (action
    `sign_in_failed`, of an account or of an address without one). `since` is inclusive, `until` exclusive; times
    without a zone are UTC.
    """
    before: int | None = None
    if cursor is not None:
        kind, before = cursors.decode(cursor, str, int)
        if kind != "audit":
            raise Malformed("the cursor is not one of this list")
    wanted = audit_queries.Filter(
        actor, action, entity_type, entity_id, workspace_id, ip_address, _zoned(since), _zoned(until)
    )
    async with db.as_user(identity.user_id) as conn:
        found = await audit_queries.list_entries(conn, wanted, limit + 1, before)
    page = found[:limit]
    more = cursors.encode("audit", page[-1].id) if len(found) > limit else None
    return AuditPage(items=[_shown(entry) for entry in page], next_cursor=more)


def _zoned(given: datetime | None) -> datetime | None:
    return given.replace(tzinfo=UTC) if given is not None and given.tzinfo is None else given


def _shown(entry: audit_queries.Entry) -> AuditEntry:
    known = entry.actor_id is not None or entry.actor_name is not None
    return AuditEntry(
        id=entry.id,
        at=entry.at,
        actor=AuditActor(id=entry.actor_id, name=entry.actor_name) if known else None,
        action=entry.action,
        entity_type=entry.entity_type,
        entity_id=entry.entity_id,
        workspace_id=entry.workspace_id,
        changed_fields=entry.changed_fields,
        data=entry.data,
        ip_address=entry.ip_address,
        user_agent=entry.user_agent,
    )

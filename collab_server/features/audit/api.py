"""The route of the audit, for the server's administrators."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import AfterValidator

from collab_server.errors import Forbidden, Malformed, Unauthenticated, Unavailable
from collab_server.features.audit import queries as audit_queries
from collab_server.features.audit.models import AuditActor, AuditEntry, AuditPage
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
    limit: cursors.PageLimit = 50,
) -> AuditPage:
    """List administration, tokens, sign-ins and failed sign-ins of this server, the newest first. Failed sign-ins have
    the action `sign_in_failed`, with an account or with an unknown address. `since` is inclusive, `until` exclusive;
    times without a zone are UTC.
    """
    before = cursors.read_position(cursor, int, of="audit")
    wanted = audit_queries.Filter(
        actor, action, entity_type, entity_id, workspace_id, ip_address, _to_utc(since), _to_utc(until)
    )
    async with db.as_user(identity.subject) as conn:
        found = await audit_queries.list_entries(conn, wanted, limit + 1, before[0] if before else None)
    page, more = cursors.cut_page(found, limit, lambda entry: (entry.id,), of="audit")
    return AuditPage(items=[_to_response(entry) for entry in page], next_cursor=more)


def _to_utc(given: datetime | None) -> datetime | None:
    return given.replace(tzinfo=UTC) if given is not None and given.tzinfo is None else given


def _to_response(entry: audit_queries.Entry) -> AuditEntry:
    has_actor = entry.actor_id is not None or entry.actor_name is not None
    return AuditEntry(
        id=entry.id,
        at=entry.at,
        actor=AuditActor(id=entry.actor_id, name=entry.actor_name) if has_actor else None,
        action=entry.action,
        entity_type=entry.entity_type,
        entity_id=entry.entity_id,
        workspace_id=entry.workspace_id,
        changed_fields=entry.changed_fields,
        data=entry.data,
        ip_address=entry.ip_address,
        user_agent=entry.user_agent,
    )

"""The route of a person's last visit to a document."""

import time
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from collab_server.access.check import require
from collab_server.access.policy import Action
from collab_server.features.documents.api import USUAL, CurrentContext
from collab_server.features.users.models import output_config
from collab_server.features.view_counts import queries
from collab_server.web.routes import router as _router

router = _router()


class VisitOut(BaseModel):
    """`previous_at`: when your visit before the present one ended; null: there was none."""

    model_config = output_config(previous_at="2026-01-05T09:10:00Z")

    previous_at: datetime | None


@router.get("/documents/{document_id}/visit", tags=["history"], responses=USUAL)
async def get_visit(document_id: UUID, context: CurrentContext) -> VisitOut:
    """Return when you last had a document open before you opened it now. A connection that is lost for less than five
    minutes does not end a visit.
    """
    context.require_person()
    await require(context.db, context.identity, document_id, Action.VIEW)
    await context.views.flush(context.db, time.monotonic())
    async with context.db.as_user(context.identity.user_id) as conn:
        return VisitOut(previous_at=await queries.find_previous_visit(conn, document_id))

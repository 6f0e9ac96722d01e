"""Routes of subscriptions: what a person wants to hear of a document or a workspace."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from collab_server.access.check import ABSENT, NO_WORKSPACE, require, require_in_workspace
from collab_server.access.policy import Action, WorkspaceAction
from collab_server.adapters.postgres_errors import ForeignKeyViolation, InsufficientPrivilege
from collab_server.errors import NotFound
from collab_server.features.notifications import models
from collab_server.features.notifications import subscription_queries as queries
from collab_server.features.notifications.api import USUAL, require_write
from collab_server.web.depends import CurrentDatabase, CurrentUser
from collab_server.web.routes import router as _router

router = _router()


def _to_response(found: queries.Subscription) -> models.SubscriptionOut:
    return models.SubscriptionOut.model_validate(found, from_attributes=True)


@asynccontextmanager
async def _absent_if_refused(detail: str) -> AsyncIterator[None]:
    """The subject was deleted, or hidden, since the check."""
    try:
        yield
    except (InsufficientPrivilege, ForeignKeyViolation):
        raise NotFound(detail) from None


@router.get("/documents/{document_id}/subscription", tags=["subscriptions"], responses=USUAL)
async def get_document_subscription(
    document_id: UUID, identity: CurrentUser, db: CurrentDatabase
) -> models.SubscriptionOut:
    """What you want to hear of a document. `effective` counts the level of its workspace, too."""
    await require(db, identity, document_id, Action.VIEW)
    async with db.as_user(identity.subject) as conn:
        return _to_response(await queries.find_of_document(conn, document_id))


@router.put("/documents/{document_id}/subscription", tags=["subscriptions"], responses=USUAL)
async def put_document_subscription(
    document_id: UUID, body: models.SubscriptionIn, identity: CurrentUser, db: CurrentDatabase
) -> models.SubscriptionOut:
    """Follow a document (comments and changes), take part in its threads only, or mute it (nothing but mentions of
    you). A token needs the scope write.
    """
    require_write(identity)
    await require(db, identity, document_id, Action.VIEW)
    async with _absent_if_refused(ABSENT), db.as_user(identity.subject) as conn:
        await queries.upsert_subscription(conn, "document", document_id, body.level)
        return _to_response(await queries.find_of_document(conn, document_id))


@router.delete("/documents/{document_id}/subscription", status_code=204, tags=["subscriptions"], responses=USUAL)
async def delete_document_subscription(document_id: UUID, identity: CurrentUser, db: CurrentDatabase) -> None:
    """Take back what you chose; harmless if that is nothing. A token needs the scope write."""
    require_write(identity)
    await require(db, identity, document_id, Action.VIEW)
    async with db.as_user(identity.subject) as conn:
        await queries.delete_subscription(conn, "document", document_id)


@router.get("/workspaces/{workspace_id}/subscription", tags=["subscriptions"], responses=USUAL)
async def get_workspace_subscription(
    workspace_id: UUID, identity: CurrentUser, db: CurrentDatabase
) -> models.SubscriptionOut:
    """What you want to hear of the documents of a workspace."""
    async with db.as_user(identity.subject) as conn:
        await require_in_workspace(conn, identity, workspace_id, WorkspaceAction.VIEW)
        return _to_response(await queries.find_of_workspace(conn, workspace_id))


@router.put("/workspaces/{workspace_id}/subscription", tags=["subscriptions"], responses=USUAL)
async def put_workspace_subscription(
    workspace_id: UUID, body: models.SubscriptionIn, identity: CurrentUser, db: CurrentDatabase
) -> models.SubscriptionOut:
    """Follow or mute all documents of a workspace for which you choose nothing else. A token needs the scope write."""
    require_write(identity)
    async with _absent_if_refused(NO_WORKSPACE), db.as_user(identity.subject) as conn:
        await require_in_workspace(conn, identity, workspace_id, WorkspaceAction.VIEW)
        await queries.upsert_subscription(conn, "workspace", workspace_id, body.level)
        return _to_response(await queries.find_of_workspace(conn, workspace_id))


@router.delete("/workspaces/{workspace_id}/subscription", status_code=204, tags=["subscriptions"], responses=USUAL)
async def delete_workspace_subscription(workspace_id: UUID, identity: CurrentUser, db: CurrentDatabase) -> None:
    """Take back what you chose; harmless if that is nothing. A token needs the scope write."""
    require_write(identity)
    async with db.as_user(identity.subject) as conn:
        await require_in_workspace(conn, identity, workspace_id, WorkspaceAction.VIEW)
        await queries.delete_subscription(conn, "workspace", workspace_id)

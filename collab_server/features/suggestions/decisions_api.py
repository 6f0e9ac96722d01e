"""Routes that accept and reject suggestions."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from collab_server.access.check import require
from collab_server.access.policy import Action, Role, allowed
from collab_server.adapters.postgres import caller
from collab_server.errors import Conflict, Forbidden, NotFound, UnprocessableContent
from collab_server.features.suggestions import models, queries
from collab_server.features.suggestions.api import DECIDING, CurrentSuggestions, SuggestionContext
from collab_server.features.suggestions.queries import Suggestion
from collab_server.web.routes import router as _router

router = _router()


@router.post("/suggestions/{suggestion_id}/accept", tags=["suggestions"], responses=DECIDING)
async def accept_suggestion(
    suggestion_id: UUID, context: CurrentSuggestions, body: models.DecisionIn | None = None
) -> models.SuggestionOut:
    """Make the suggested change in the document, all of it or the hunks that you name. People who type lose nothing.

    If one of them does not fit the present text, nothing is changed, and the answer is 409 `stale_suggestion`. To
    accept again changes nothing. The history credits the author of the suggestion with the new text, and you with the
    deletions.
    """
    found, role = await context.get(suggestion_id)
    if not allowed(role, Action.EDIT):
        raise Forbidden(f"a {role.label} may not edit this document")
    hunks = body.hunks if body is not None else None
    return await context.answer(await _accept(context, found.document_id, suggestion_id, hunks))


@router.post("/suggestions/{suggestion_id}/reject", tags=["suggestions"], responses=DECIDING)
async def reject_suggestion(
    suggestion_id: UUID, context: CurrentSuggestions, body: models.DecisionIn | None = None
) -> models.SuggestionOut:
    """Reject a suggestion, all of it or the hunks that you name. Its author may, and who may edit the document."""
    found, role = await context.get(suggestion_id)
    if not allowed(role, Action.EDIT) and not (context.is_author(found) and role >= Role.COMMENTER):
        raise Forbidden("only its author, or who may edit the document, may reject a suggestion")
    hunks = body.hunks if body is not None else None
    rejected = await context.decisions.reject(context.identity, found.document_id, suggestion_id, hunks)
    return await context.answer(rejected)


async def _accept(
    context: SuggestionContext, document_id: UUID, suggestion_id: UUID, hunks: list[int] | None
) -> Suggestion:
    device = caller.get().device_id or None
    return await context.decisions.accept(context.identity, device, document_id, suggestion_id, hunks)


@router.post("/documents/{document_id}/suggestions/accept", tags=["suggestions"], responses=DECIDING)
async def accept_suggestions(
    document_id: UUID, context: CurrentSuggestions, body: models.DecisionsIn | None = None
) -> models.DecisionsOut:
    """Accept all undecided suggestions of a document, the oldest first, or those that you name. Each is an edit of its
    own. Those that do not fit are told of, and stay as they are.
    """

    async def accept(suggestion_id: UUID) -> Suggestion:
        return await _accept(context, document_id, suggestion_id, None)

    return await _decide(document_id, context, body, accept)


@router.post("/documents/{document_id}/suggestions/reject", tags=["suggestions"], responses=DECIDING)
async def reject_suggestions(
    document_id: UUID, context: CurrentSuggestions, body: models.DecisionsIn | None = None
) -> models.DecisionsOut:
    """Reject all undecided suggestions of a document, or those that you name."""

    async def reject(suggestion_id: UUID) -> Suggestion:
        return await context.decisions.reject(context.identity, document_id, suggestion_id, None)

    return await _decide(document_id, context, body, reject)


async def _decide(
    document_id: UUID,
    context: SuggestionContext,
    body: models.DecisionsIn | None,
    decide: Callable[[UUID], Awaitable[Suggestion]],
) -> models.DecisionsOut:
    await require(context.db, context.identity, document_id, Action.EDIT)
    ids = list(dict.fromkeys(body.ids)) if body is not None and body.ids is not None else None
    if ids is None:
        async with context.db.as_user(context.identity.rights) as conn:
            ids = await queries.list_undecided_ids(conn, document_id)
    results: list[models.DecisionOut] = []
    for suggestion_id in ids:
        try:
            decided = await decide(suggestion_id)
        except (Conflict, NotFound, UnprocessableContent) as error:
            results.append(
                models.DecisionOut(id=suggestion_id, status=None, seq=None, code=error.code, detail=error.detail)
            )
        else:
            results.append(
                models.DecisionOut(id=decided.id, status=decided.status, seq=decided.seq, code=None, detail=None)
            )
    return models.DecisionsOut(results=results)

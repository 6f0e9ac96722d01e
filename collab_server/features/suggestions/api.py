"""Routes of suggestions: to propose, read, change and withdraw them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import Depends, Query, Request

from collab_server.access.authors import author_of
from collab_server.access.check import require, role_in
from collab_server.access.identity import Identity
from collab_server.access.policy import Action, Role
from collab_server.adapters.postgres import Conn, Database
from collab_server.adapters.postgres_errors import InsufficientPrivilege
from collab_server.adapters.workers import Workers
from collab_server.errors import (
    Conflict,
    DocumentDamaged,
    Forbidden,
    LimitReached,
    LostRace,
    Malformed,
    NotFound,
    PreconditionFailed,
    TooLarge,
    TooMany,
    Unauthenticated,
    Unavailable,
    UnprocessableContent,
)
from collab_server.features.suggestions import models, queries
from collab_server.features.suggestions.deciding import NO_SUGGESTION, Decisions
from collab_server.features.suggestions.presenting import present
from collab_server.features.suggestions.proposals import make_hunks
from collab_server.features.suggestions.queries import NewSuggestion, Suggestion
from collab_server.features.suggestions.services import suggestion_services
from collab_server.web import cursors
from collab_server.web.depends import CurrentDatabase, CurrentIdentity, CurrentRooms, CurrentWorkers
from collab_server.web.problems import documented
from collab_server.web.rooms import Rooms
from collab_server.web.routes import router as _router

router = _router()

OnConflict = Annotated[
    Literal["merge", "fail"],
    Query(description="merge: suggest the changes in the present text; fail: 412 if the text has changed since"),
]
READING: Final[dict[int | str, dict[str, Any]]] = documented(
    Unauthenticated, NotFound, Malformed, TooMany, DocumentDamaged, Unavailable
)
DECIDING: Final[dict[int | str, dict[str, Any]]] = {
    **READING,
    **documented(Forbidden, Conflict, TooLarge, UnprocessableContent),
}
_PROPOSING: dict[int | str, dict[str, Any]] = {**DECIDING, **documented(LimitReached, PreconditionFailed)}


@dataclass(frozen=True, slots=True)
class SuggestionContext:
    """The caller of one request and the services for its answer."""

    identity: Identity
    db: Database
    rooms: Rooms
    workers: Workers
    decisions: Decisions

    async def get(self, suggestion_id: UUID) -> tuple[Suggestion, Role]:
        """Return a suggestion and the caller's role in its document. Raises NotFound."""
        async with self.db.as_user(self.identity.rights) as conn:
            found = await queries.find_suggestion(conn, suggestion_id)
        if found is None:
            raise NotFound(NO_SUGGESTION)
        try:
            return found, await role_in(self.db, self.identity, found.document_id)
        except NotFound:
            raise NotFound(NO_SUGGESTION) from None

    def is_author(self, suggestion: Suggestion) -> bool:
        """Whether the caller made the suggestion. Guests and users of applications cannot prove it."""
        return self.identity.user_id is not None and suggestion.author_id == self.identity.user_id

    async def get_own(self, suggestion_id: UUID) -> Suggestion:
        """Raises NotFound, Forbidden."""
        found, role = await self.get(suggestion_id)
        if not self.is_author(found):
            raise Forbidden("only its author may change or withdraw a suggestion")
        if role < Role.COMMENTER:
            raise Forbidden(f"a {role.label} may not comment this document")
        return found

    async def answer(self, suggestion: Suggestion) -> models.SuggestionOut:
        """Raises NotFound, TooMany, Unavailable."""
        (shown,) = await present(self.db, self.rooms, self.workers, self.identity, suggestion.document_id, [suggestion])
        return shown


async def make_context(
    request: Request, identity: CurrentIdentity, db: CurrentDatabase, rooms: CurrentRooms, workers: CurrentWorkers
) -> SuggestionContext:
    return SuggestionContext(identity, db, rooms, workers, suggestion_services(request).decisions)


CurrentSuggestions = Annotated[SuggestionContext, Depends(make_context)]


@router.post("/documents/{document_id}/suggestions", status_code=201, tags=["suggestions"], responses=_PROPOSING)
async def create_suggestion(
    document_id: UUID,
    body: models.SuggestionIn,
    context: CurrentSuggestions,
    request: Request,
    on_conflict: OnConflict = "merge",
) -> models.SuggestionOut:
    """Suggest a change of a document, with the edits of PATCH content or a whole new text. The document stays as it is.

    The edits refer to the text of If-Match (required for positions), otherwise to the present text. A passage that is
    missing or not unique is a conflict. With an `id` of your own, the same request again makes no second suggestion.
    """
    await require(context.db, context.identity, document_id, Action.COMMENT)
    if body.id is not None:
        async with context.db.as_user(context.identity.rights) as conn:
            made = await _find_own(conn, context, document_id, body.id)
        if made is not None:
            return await context.answer(made)
    wanted = body.request()
    assert wanted is not None
    hunks, generation = await make_hunks(
        request,
        context.db,
        context.rooms,
        context.workers,
        document_id,
        wanted,
        has_positions=body.has_positions,
        only=on_conflict == "fail",
    )
    author = author_of(context.identity, None)
    kind = author.kind or "user"
    new = NewSuggestion(
        body.id,
        author.user_id,
        kind,
        author.name if kind == "app_user" else None,
        body.message,
        hunks,
        generation,
    )
    try:
        async with context.db.as_user(context.identity.rights) as conn:
            suggestion = await queries.insert_suggestion(conn, document_id, new)
            if suggestion is None:
                suggestion = await _explain(conn, context, document_id, body.id)
    except InsufficientPrivilege:
        raise Forbidden("you may not comment this document") from None
    return await context.answer(suggestion)


async def _find_own(
    conn: Conn, context: SuggestionContext, document_id: UUID, suggestion_id: UUID
) -> Suggestion | None:
    """Find what an earlier request with this id made. Raises Conflict if it is somebody else's."""
    found = await queries.find_suggestion(conn, suggestion_id)
    if found is None:
        return None
    author = author_of(context.identity, None)
    is_same = (found.author_id, found.author_kind) == (author.user_id, author.kind or "user")
    if found.document_id != document_id or not is_same:
        raise Conflict("this id is used already")
    return found


async def _explain(conn: Conn, context: SuggestionContext, document_id: UUID, suggestion_id: UUID | None) -> Suggestion:
    """Say why a suggestion could not be inserted, or return what another request with its id made meanwhile."""
    if suggestion_id is not None:
        found = await _find_own(conn, context, document_id, suggestion_id)
        if found is not None:
            return found
    if await queries.count_undecided(conn, document_id) >= queries.MAX_UNDECIDED:
        raise LimitReached(f"a document has at most {queries.MAX_UNDECIDED} suggestions that nobody has decided on")
    generation = await queries.find_generation(conn, document_id)
    if generation is None:
        raise NotFound("there is no such document")
    if suggestion_id is not None and await _is_taken(context, suggestion_id):
        raise Conflict("this id is used already")
    raise LostRace("the document was replaced at this moment; try again")


async def _is_taken(context: SuggestionContext, suggestion_id: UUID) -> bool:
    async with context.db.as_service() as conn:
        return await queries.find_suggestion(conn, suggestion_id) is not None


@router.get("/documents/{document_id}/suggestions", tags=["suggestions"], responses=READING)
async def list_suggestions(
    document_id: UUID,
    context: CurrentSuggestions,
    state: Annotated[
        Literal["open", "accepted", "rejected", "stale"], Query(description="stale: it does not fit the present text")
    ] = "open",
    limit: cursors.PageLimit = 50,
    cursor: str | None = None,
) -> models.SuggestionPage:
    """List suggestions of a document, the oldest first, with their places in the present text. Readers of a public
    document who are not members get none.
    """
    after = cursors.read_position(cursor, datetime, UUID, of=state)
    await require(context.db, context.identity, document_id, Action.VIEW)
    # Which of the undecided ones fit is known when the document is read.
    statuses = ("open", "stale") if state in ("open", "stale") else (state,)
    async with context.db.as_user(context.identity.rights) as conn:
        found = await queries.list_suggestions(conn, document_id, statuses, limit + 1, after)
    page, more = cursors.cut_page(found, limit, lambda one: (one.created_at, one.id), of=state)
    shown = await present(context.db, context.rooms, context.workers, context.identity, document_id, page)
    return models.SuggestionPage(items=[one for one in shown if one.status == state], next_cursor=more)


@router.get("/suggestions/{suggestion_id}", tags=["suggestions"], responses=READING)
async def get_suggestion(suggestion_id: UUID, context: CurrentSuggestions) -> models.SuggestionOut:
    """Return a suggestion with its places in the present text."""
    found, _ = await context.get(suggestion_id)
    return await context.answer(found)


@router.patch("/suggestions/{suggestion_id}", tags=["suggestions"], responses=_PROPOSING)
async def patch_suggestion(
    suggestion_id: UUID,
    body: models.SuggestionPatch,
    context: CurrentSuggestions,
    request: Request,
    on_conflict: OnConflict = "merge",
) -> models.SuggestionOut:
    """Change your suggestion: its message, or its edits. New edits replace all former ones. It must be undecided."""
    found = await context.get_own(suggestion_id)
    wanted = body.request()
    hunks, generation = None, None
    if wanted is not None:
        hunks, generation = await make_hunks(
            request,
            context.db,
            context.rooms,
            context.workers,
            found.document_id,
            wanted,
            has_positions=body.has_positions,
            only=on_conflict == "fail",
        )
    async with context.db.as_user(context.identity.rights) as conn:
        present_one = await _lock_own(conn, found)
        message = body.message if "message" in body.model_fields_set else present_one.message
        changed = await queries.update_proposal(conn, suggestion_id, message, hunks, generation)
        if changed is None:
            raise NotFound(NO_SUGGESTION)
        if generation is not None and await queries.find_generation(conn, found.document_id) != generation:
            raise LostRace("the document was replaced at this moment; try again")
    return await context.answer(changed)


@router.delete("/suggestions/{suggestion_id}", status_code=204, tags=["suggestions"], responses=DECIDING)
async def delete_suggestion(suggestion_id: UUID, context: CurrentSuggestions) -> None:
    """Withdraw your suggestion. It must be undecided."""
    found = await context.get_own(suggestion_id)
    async with context.db.as_user(context.identity.rights) as conn:
        await _lock_own(conn, found)
        if not await queries.delete_suggestion(conn, suggestion_id):
            raise NotFound(NO_SUGGESTION)


async def _lock_own(conn: Conn, found: Suggestion) -> Suggestion:
    """Let nobody decide on a suggestion meanwhile. Raises NotFound, Conflict if somebody has."""
    await queries.lock_decisions(conn, found.document_id)
    present_one = await queries.find_suggestion(conn, found.id)
    if present_one is None:
        raise NotFound(NO_SUGGESTION)
    if present_one.accepted or present_one.rejected:
        raise Conflict("somebody has decided on this suggestion already")
    return present_one

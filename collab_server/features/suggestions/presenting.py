"""Answers with suggestions: what they say, and where they are in the document as it is now."""

from collections.abc import Sequence
from uuid import UUID

from collab_server.access.identity import Identity
from collab_server.adapters.postgres import Database
from collab_server.adapters.workers import Workers
from collab_server.core.suggestions.proposing import FoundHunk, find_places
from collab_server.features.suggestions import models, queries
from collab_server.features.suggestions.queries import Status, Suggestion
from collab_server.features.users import queries as user_queries
from collab_server.features.users.queries import Person
from collab_server.security import base64url
from collab_server.web.rooms import Rooms

_Places = dict[int, FoundHunk | None]
"""Where undecided hunks are, by their number; None: it does not fit."""


async def present(
    db: Database, rooms: Rooms, workers: Workers, identity: Identity, document_id: UUID, found: Sequence[Suggestion]
) -> list[models.SuggestionOut]:
    """Return suggestions of a document as answers. Those that fit, or do not fit any more, are noted.

    Raises NotFound, TooMany, Unavailable.
    """
    places: dict[UUID, _Places] = {}
    news: set[UUID] = set()
    undecided = [one for one in found if one.undecided]
    if undecided:
        places, news = await _find(db, rooms, workers, document_id, undecided)
    users = {user for one in found for user in (one.author_id, one.decided_by) if user is not None}
    async with db.as_user(identity.rights) as conn:
        people = await user_queries.list_people(conn, users)
    return [
        _to_response(one, places.get(one.id, {}), people, row_version=one.row_version + (one.id in news))
        for one in found
    ]


async def _find(
    db: Database, rooms: Rooms, workers: Workers, document_id: UUID, undecided: Sequence[Suggestion]
) -> tuple[dict[UUID, _Places], set[UUID]]:
    """(the places of each suggestion, the suggestions that fit or do not fit other than before)"""
    update, committed = await rooms.edits.missing(document_id, b"\0")
    asked = [[one.hunks[number] for number in one.undecided] for one in undecided]
    found = await workers.run(find_places, update, asked)
    places = {one.id: dict(zip(one.undecided, hunks, strict=True)) for one, hunks in zip(undecided, found, strict=True)}
    changed: list[tuple[Suggestion, list[int]]] = []
    for one in undecided:
        stale = [number for number, place in places[one.id].items() if place is None]
        # Where the document is replaced at this moment, the ids are of the other generation.
        if stale != one.stale and one.generation == committed.generation:
            changed.append((one, stale))
    if changed:
        async with db.as_service() as conn:
            await queries.save_stale(conn, changed)
    return places, {one.id for one, _ in changed}


def _to_response(
    one: Suggestion, places: _Places, people: dict[UUID, Person], *, row_version: int
) -> models.SuggestionOut:
    status: Status = one.status
    if places:
        status = "stale" if None in places.values() else "open"
    return models.SuggestionOut(
        id=one.id,
        document_id=one.document_id,
        author=_to_suggester(one.author_id, one.author_kind, one.author_name, people),
        message=one.message,
        status=status,
        hunks=[_to_hunk(one, number, places) for number in range(len(one.hunks))],
        decided_by=_to_suggester(one.decided_by, "user", None, people) if one.decided_by is not None else None,
        decided_at=one.decided_at,
        seq=one.seq,
        generation=one.generation,
        row_version=row_version,
        created_at=one.created_at,
        updated_at=one.updated_at,
    )


def _to_suggester(user_id: UUID | None, kind: str, name: str | None, people: dict[UUID, Person]) -> models.SuggesterOut:
    """`name`: of somebody without an account."""
    person = people.get(user_id) if user_id is not None else None
    return models.SuggesterOut(
        id=user_id,
        kind=kind,  # type: ignore[arg-type]
        name=name if user_id is None else person.name if person is not None else None,
        avatar_url=person.picture if person is not None else None,
    )


def _to_hunk(one: Suggestion, number: int, places: _Places) -> models.HunkOut:
    place = places.get(number)
    is_stale = number in places and place is None
    status: Status = "accepted" if number in one.accepted else "rejected" if number in one.rejected else "open"
    return models.HunkOut(
        number=number,
        status="stale" if is_stale else status,
        stale=is_stale,
        start=place.start if place is not None else None,
        end=place.end if place is not None else None,
        deleted=one.hunks[number]["deleted"],
        inserted=one.hunks[number]["inserted"],
        relative_start=base64url.encode(place.relative_start) if place is not None else None,
        relative_end=base64url.encode(place.relative_end) if place is not None else None,
    )

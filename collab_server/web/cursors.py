"""Paging of lists: limits, and opaque cursors that hold the position of the last item."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar, overload
from uuid import UUID

from fastapi import Query

from collab_server.errors import Malformed
from collab_server.security import base64url

MAX_CURSOR = 4096
PageLimit = Annotated[int, Query(ge=1, le=200)]

Part = datetime | UUID | str | int | float | None
_T = TypeVar("_T")
_A = TypeVar("_A")
_B = TypeVar("_B")


def encode(*position: Part) -> str:
    """Return a cursor for a position. `decode` reads it with the types of its parts."""
    parts = [
        part.isoformat() if isinstance(part, datetime) else str(part) if isinstance(part, UUID) else part
        for part in position
    ]
    return base64url.encode(json.dumps(parts).encode())


def decode(cursor: str, *types: type) -> tuple[Any, ...]:
    """Return the position in a cursor. Raises Malformed unless `encode` made it from parts of these types."""
    try:
        if len(cursor) > MAX_CURSOR:
            raise ValueError
        parts = json.loads(base64url.decode(cursor))
        if not isinstance(parts, list) or len(parts) != len(types):
            raise ValueError
        return tuple(_read(part, kind) for part, kind in zip(parts, types, strict=True))
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        raise Malformed("invalid cursor") from None


@overload
def read_position(cursor: str | None, kind: type[_A], /, *, of: str | None = None) -> tuple[_A] | None: ...


@overload
def read_position(
    cursor: str | None, kind: type[_A], other: type[_B], /, *, of: str | None = None
) -> tuple[_A, _B] | None: ...


def read_position(cursor: str | None, /, *types: type, of: str | None = None) -> tuple[Any, ...] | None:
    """Return the position in a cursor of `cut_page`; None without a cursor. Raises Malformed.

    `of`: the list and its order. A cursor of another list or order is refused.
    """
    if not cursor:
        return None
    if of is None:
        return decode(cursor, *types)
    given, *position = decode(cursor, str, *types)
    if given != of:
        raise Malformed("the cursor belongs to another list or another order")
    return tuple(position)


def cut_page(
    rows: Sequence[_T], limit: int, position: Callable[[_T], tuple[Part, ...]], *, of: str | None = None
) -> tuple[Sequence[_T], str | None]:
    """Return the first `limit` rows, and the cursor of the next page; None on the last page.

    `rows`: one row more than `limit` if there is a next page. `position`: the parts of a row's position. `of`: see
    `read_position`.
    """
    if len(rows) <= limit:
        return rows, None
    last = position(rows[limit - 1])
    return rows[:limit], encode(*last) if of is None else encode(of, *last)


def _read(part: Any, kind: Any) -> Any:
    if kind is datetime:
        when = datetime.fromisoformat(part)
        # PostgreSQL gets the time in UTC. A time that leaves the calendar in UTC is refused here.
        return when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC)
    if kind is UUID:
        return UUID(part)
    if type(part) is not kind or (kind is str and ("\x00" in part or not _is_encodable(part))):
        raise ValueError
    if kind is int and not -(2**63) <= part < 2**63:
        raise ValueError
    return part


def _is_encodable(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)

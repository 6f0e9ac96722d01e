"""Opaque cursors of lists: the position of the last item, in base64url."""

import base64
import binascii
import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from collab_server.errors import Malformed

MAX_CURSOR = 4096


def encode(*position: datetime | UUID | str | int | float | None) -> str:
    """A cursor for a position; `decode` with the types of its parts reads it."""
    parts = [
        part.isoformat() if isinstance(part, datetime) else str(part) if isinstance(part, UUID) else part
        for part in position
    ]
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def decode(cursor: str, *types: type) -> tuple[Any, ...]:
    """The position in a cursor. Raises Malformed for what `encode` did not make of such types.

    Carry in the first part what the order of the list is, so that a cursor of another order is refused.
    """
    try:
        if len(cursor) > MAX_CURSOR:
            raise ValueError
        parts = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        if not isinstance(parts, list) or len(parts) != len(types):
            raise ValueError
        return tuple(_read(part, kind) for part, kind in zip(parts, types, strict=True))
    except (ValueError, TypeError, AttributeError, OverflowError, binascii.Error, RecursionError):
        raise Malformed("the cursor is not one of ours") from None


def _read(part: Any, kind: Any) -> Any:
    if kind is datetime:
        when = datetime.fromisoformat(part)
        # PostgreSQL gets it in UTC: what would leave the calendar on the way there is refused here.
        return when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC)
    if kind is UUID:
        return UUID(part)
    if type(part) is not kind or (kind is str and ("\x00" in part or not _encodable(part))):
        raise ValueError
    if kind is int and not -(2**63) <= part < 2**63:
        raise ValueError
    return part


def _encodable(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)

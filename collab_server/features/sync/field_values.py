"""Comparison of field values between the database and a mutation."""

import unicodedata
from datetime import datetime
from typing import Any

from pydantic_core import to_jsonable_python


def to_json(value: Any) -> Any:
    """Return the value as JSON types."""
    return to_jsonable_python(value)


def differ(one: Any, other: Any) -> bool:
    """Return whether two values differ. Spellings of one moment are equal, and so are Unicode forms of one text."""
    if isinstance(one, str) and isinstance(other, str):
        one, other = composed(one), composed(other)
    return one != other and (_moment(one) is None or _moment(one) != _moment(other))


def composed(text: str) -> str:
    """Return the text in Unicode NFC."""
    return unicodedata.normalize("NFC", text)


def _moment(value: Any) -> datetime | None:
    if not isinstance(value, str) or not value[:1].isdigit():
        return None
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None

"""Awareness states as clients write them: JSON that may hold anything."""

import json
from typing import Any

MAX_NAME = 100
"""Characters of a name."""


def read_state(state: str | None) -> dict[str, Any]:
    """Parse a state; empty where there is none, or where it is not an object."""
    try:
        value = json.loads(state) if state is not None else None
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def read_name(state: dict[str, Any]) -> str | None:
    """Return the name that somebody chose in an editor; None where there is none."""
    person = state.get("user")
    return read_line(person.get("name")) if isinstance(person, dict) else None


def read_line(value: object) -> str | None:
    """Return a short text on one line; None where there is none."""
    if not isinstance(value, str):
        return None
    tidy = " ".join("".join(c if c.isprintable() else " " for c in value[: 4 * MAX_NAME]).split())
    return tidy[:MAX_NAME] or None

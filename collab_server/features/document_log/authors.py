"""Authors of log rows as PostgreSQL has them, and as the history has them."""

import json
from functools import lru_cache
from typing import Any
from uuid import UUID

from collab_server.core.history.segment import HistoryAuthor
from collab_server.core.room.entries import Author


# An author's edits come in many commits.
@lru_cache(maxsize=4096)
def encode_author(author: Author) -> str | None:
    """Encode what the columns `actor_id` and `device_id` do not say, as JSON; None where they say all."""
    value = _to_json(author) | _without_none(accepts=author.accepts and str(author.accepts))
    if author.others:
        value["others"] = [
            [client, _to_json(other) | _without_none(id=other.user_id and str(other.user_id), device=other.device)]
            for client, other in author.others
        ]
    return json.dumps(value, ensure_ascii=False) if value else None


def _to_json(author: Author) -> dict[str, Any]:
    return _without_none(kind=author.kind, name=author.name, relayed=author.is_relayed or None)


def _without_none(**values: object) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def decode_author(user_id: UUID | None, device: str | None, encoded: str | None) -> HistoryAuthor:
    """Decode the author of a row. Raises ValueError, KeyError or TypeError for other JSON."""
    value = json.loads(encoded) if encoded else {}
    others = tuple(
        (int(client), _to_history(other, other.get("id"), other.get("device")))
        for client, other in value.get("others", ())
    )
    return _to_history(value, str(user_id) if user_id else None, device, others)


def _to_history(
    value: dict[str, Any],
    user_id: str | None,
    device: str | None,
    others: tuple[tuple[int, HistoryAuthor], ...] = (),
) -> HistoryAuthor:
    kind = value.get("kind") or ("user" if user_id else "unknown")
    return HistoryAuthor(kind, user_id, value.get("name"), device, bool(value.get("relayed")), others)

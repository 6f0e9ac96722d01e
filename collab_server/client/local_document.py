"""Documents as the device has them, and the ids and names of new ones."""

import secrets
import unicodedata
from dataclasses import dataclass
from typing import Any
from uuid import UUID


class NoSuchDocument(Exception):
    """The file has no document of this id or title."""


@dataclass(frozen=True, slots=True)
class LocalDocument:
    """The local version of a document, with unsent changes.

    `fields`: as in the API. `waiting`: it has journal entries. `refused`: the server's error code for them.
    """

    id: UUID
    workspace_id: UUID
    title: str
    fields: dict[str, Any]
    waiting: bool
    refused: str | None


def normalize_name(name: Any) -> Any:
    """Normalize a name or title to NFC, as the server does."""
    return unicodedata.normalize("NFC", name) if isinstance(name, str) else name


def new_client_id() -> int:
    """A random Yjs client id of 32 bits, as in Yjs."""
    return secrets.randbelow(2**32 - 1) + 1

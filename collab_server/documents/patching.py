"""From the fields of a request to the columns of a document."""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from collab_server.documents.addresses import UNTITLED
from collab_server.documents.document_queries import Locked
from collab_server.documents.kinds import ENCRYPTED, checked_metadata
from collab_server.errors import Conflict, UnprocessableContent

OF_REMOVAL = frozenset({"is_public", "expires_at"})
"""Fields that need the right to delete the document."""


def decoded(fields: dict[str, Any]) -> dict[str, Any]:
    """With `content_encrypted` as bytes, where it is among them."""
    encrypted = fields.get("content_encrypted")
    return fields if encrypted is None else {**fields, "content_encrypted": base64.b64decode(encrypted)}


def check_expiry(fields: Mapping[str, Any]) -> None:
    """Raises UnprocessableContent for an `expires_at` that is past."""
    moment = fields.get("expires_at")
    if moment is not None and moment <= datetime.now(UTC):
        raise UnprocessableContent("expires_at is in the past: delete the document instead")


def fit(fields: dict[str, Any], locked: Locked) -> dict[str, Any]:
    """The columns to change in a document that is locked.

    Raises UnprocessableContent where they do not fit its kind, Conflict where it cannot become the kind they want.
    """
    check_expiry(fields)
    kind = fields.get("type", locked.type)
    if kind != locked.type and ENCRYPTED in (kind, locked.type):
        raise Conflict("a password stays a password, and other documents do not become one")
    if kind != ENCRYPTED and fields.keys() & {"content_encrypted", "encryption"}:
        raise UnprocessableContent("content_encrypted and encryption are of documents of type password")
    if "metadata" in fields or kind != locked.type:
        try:
            fields = {**fields, "metadata": checked_metadata(kind, fields.get("metadata", locked.metadata))}
        except ValueError as error:
            raise UnprocessableContent(str(error)) from None
    if "title" in fields:
        title = fields["title"] or UNTITLED
        fields = {**fields, "title": title, "title_is_set": title != UNTITLED}
    return decoded(fields)

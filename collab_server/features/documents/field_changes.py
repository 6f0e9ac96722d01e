"""Conversion of request fields to columns of a document."""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from collab_server.errors import Conflict, UnprocessableContent
from collab_server.features.documents.addresses import UNTITLED
from collab_server.features.documents.document_queries import Locked
from collab_server.features.documents.kinds import ENCRYPTED, check_metadata

REMOVAL_FIELDS = frozenset({"is_public", "expires_at"})
"""Fields with the same permission as deletion."""


def decode_fields(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields with `content_encrypted` as bytes."""
    encrypted = fields.get("content_encrypted")
    return fields if encrypted is None else {**fields, "content_encrypted": base64.b64decode(encrypted)}


def check_expiry(fields: Mapping[str, Any]) -> None:
    """Raises UnprocessableContent for an `expires_at` in the past."""
    moment = fields.get("expires_at")
    if moment is not None and moment <= datetime.now(UTC):
        raise UnprocessableContent("expires_at is in the past: delete the document instead")


def fit_columns(fields: dict[str, Any], locked: Locked) -> dict[str, Any]:
    """Return the columns to change in a locked document.

    Raises UnprocessableContent for fields that do not fit its kind, Conflict for an impossible change of kind.
    """
    check_expiry(fields)
    kind = fields.get("type", locked.type)
    if kind != locked.type and ENCRYPTED in (kind, locked.type):
        raise Conflict("the type password can neither be set nor removed")
    if kind != ENCRYPTED and fields.keys() & {"content_encrypted", "encryption"}:
        raise UnprocessableContent("content_encrypted and encryption need the type password")
    if "metadata" in fields or kind != locked.type:
        try:
            fields = {**fields, "metadata": check_metadata(kind, fields.get("metadata", locked.metadata))}
        except ValueError as error:
            raise UnprocessableContent(str(error)) from None
    if "title" in fields:
        title = fields["title"] or UNTITLED
        fields = {**fields, "title": title, "title_is_set": title != UNTITLED}
    return decode_fields(fields)

"""Notifications as answers and mails show them."""

import json
from urllib.parse import quote

from collab_server.core.markdown.excerpts import excerpt
from collab_server.features.documents.addresses import Addresses
from collab_server.features.notifications import models
from collab_server.features.notifications.queries import Notification

_OF_AUTHORS = ("mention", "reply", "comment")


def to_response(row: Notification, addresses: Addresses) -> models.NotificationOut:
    """Return the JSON shape of a row."""
    document = comment = None
    if row.document_id is not None and row.title is not None:
        address = addresses.address_of(row.document_id, row.workspace_slug, row.name, shadowed=row.shadowed)
        document = models.NotificationDocument(id=row.document_id, title=row.title, address=address)
    if row.comment_id is not None and row.thread_id is not None:
        text = excerpt(row.text or "")
        comment = models.NotificationComment(id=row.comment_id, thread_id=row.thread_id, excerpt=text)
    return models.NotificationOut.model_validate(
        {
            "id": row.id,
            "kind": row.kind,
            "actors": _actors(row),
            "count": row.count,
            "workspace": models.NotificationWorkspace(id=row.workspace_id, name=row.workspace_name),
            "document": document,
            "comment": comment,
            "role": row.role,
            "url": _url(row, document),
            "created_at": row.created_at,
            "updated_at": row.updated_at,
            "read": row.read_at is not None,
            "archived": row.archived_at is not None,
        }
    )


def _actors(row: Notification) -> list[models.NotificationActor]:
    found = [models.NotificationActor.model_validate(actor) for actor in json.loads(row.actors or "[]")]
    if not found and row.author_name is not None and row.kind in _OF_AUTHORS:
        return [models.NotificationActor(id=None, name=row.author_name, avatar_url=None)]
    return found


def _url(row: Notification, document: models.NotificationDocument | None) -> str:
    if document is not None:
        path = f"/d/{quote(document.address, safe='/@')}"
        if row.comment_id is not None:
            return f"{path}#comment-{row.comment_id}"
        return f"{path}#share" if row.kind == "access_request" else path
    if row.kind != "invitation" and row.workspace_slug is not None:
        return f"/w/{quote(row.workspace_slug)}"
    return "/"

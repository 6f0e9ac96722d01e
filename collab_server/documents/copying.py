"""What a new document takes from another: a copy from its original, a document from its template."""

from typing import Any
from uuid import UUID

from collab_server.documents import document_queries, models, store
from collab_server.documents.document_queries import Document, Encrypted
from collab_server.documents.kinds import ENCRYPTED, checked_metadata
from collab_server.documents.patching import decoded
from collab_server.documents.showing import Desk
from collab_server.documents.store import State
from collab_server.errors import NotFound, UnprocessableContent

MAX_TITLE = 500
_TAKEN = ("type", "description", "priority", "language", "metadata", "settings", "category_id")


async def find_template(desk: Desk, workspace_id: UUID, template_id: UUID) -> tuple[Document, Encrypted | None]:
    """A template of this workspace that the caller may see. Raises UnprocessableContent."""
    async with desk.db.as_user(desk.identity.user_id) as conn:
        template = await document_queries.find_document(conn, template_id)
        if template is None or template.workspace_id != workspace_id or not template.is_template:
            raise UnprocessableContent("there is no such template in this workspace")
        secret = await document_queries.find_encrypted(conn, template_id) if template.type == ENCRYPTED else None
    return template, secret


def from_template(body: models.DocumentIn, template: Document, secret: Encrypted | None) -> dict[str, Any]:
    """Columns of the new document: what the body gives, and the rest from the template.

    Raises UnprocessableContent where the body does not fit the template's kind.
    """
    given = body.model_dump(include=body.model_fields_set - {"tags", "content"})
    if given.get("type", template.type) != template.type:
        raise UnprocessableContent(f"the template is of type {template.type}")
    try:
        fields = {**taken_from(template, secret), **decoded(given)}
        fields["metadata"] = checked_metadata(template.type, fields["metadata"])
    except ValueError as error:
        raise UnprocessableContent(str(error)) from None
    return fields


def taken_from(source: Document, secret: Encrypted | None = None) -> dict[str, Any]:
    """The columns that a copy in the same workspace has in common with its source."""
    fields = {column: getattr(source, column) for column in _TAKEN}
    if secret is not None:
        fields |= {"content_encrypted": secret.content, "encryption": secret.encryption}
    return fields


def title_of_copy(title: str) -> str:
    return f"Copy of {title}"[:MAX_TITLE].rstrip()


async def settled_state(desk: Desk, document_id: UUID) -> State | None:
    """All content of a document, with everything that the server has received by now. Raises NotFound, Unavailable."""
    await desk.rooms.settle(document_id)
    try:
        return await store.state_of(desk.db, desk.workers, document_id)
    except NotFound:
        raise NotFound("the document was deleted meanwhile") from None

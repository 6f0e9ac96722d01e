"""Fields and content for copies, and for documents made from templates."""

import secrets
from typing import Any
from uuid import UUID

from collab_server.adapters.workers import WHOLE_DOCUMENT_SECONDS
from collab_server.core.documents.attachment_links import replace_links, rewrite_update
from collab_server.errors import NotFound, UnprocessableContent
from collab_server.features.document_log import store
from collab_server.features.document_log.store import State
from collab_server.features.documents import document_queries, models
from collab_server.features.documents.document_queries import Document, Encrypted
from collab_server.features.documents.field_changes import decode_fields
from collab_server.features.documents.kinds import ENCRYPTED, check_metadata
from collab_server.features.documents.request_context import RequestContext
from collab_server.features.documents.services import FileCopies

MAX_TITLE = 500
_TAKEN = ("type", "description", "priority", "language", "metadata", "settings", "category_id")


async def find_template(
    context: RequestContext, workspace_id: UUID, template_id: UUID
) -> tuple[Document, Encrypted | None]:
    """Find a template of this workspace, visible to the caller. Raises UnprocessableContent."""
    async with context.db.as_user(context.identity.subject) as conn:
        template = await document_queries.find_document(conn, template_id)
        if template is None or template.workspace_id != workspace_id or not template.is_template:
            raise UnprocessableContent("there is no such template in this workspace")
        secret = await document_queries.find_encrypted(conn, template_id) if template.type == ENCRYPTED else None
    return template, secret


def from_template(body: models.DocumentIn, template: Document, secret: Encrypted | None) -> dict[str, Any]:
    """Return the columns of the new document: the fields of the body, and the rest from the template.

    Raises UnprocessableContent if the body does not fit the template's kind.
    """
    given = body.model_dump(include=body.model_fields_set - {"tags", "content", "rich_text"})
    if given.get("type", template.type) != template.type:
        raise UnprocessableContent(f"the template is of type {template.type}")
    try:
        fields = {**copy_fields(template, secret), **decode_fields(given)}
        fields["metadata"] = check_metadata(template.type, fields["metadata"])
    except ValueError as error:
        raise UnprocessableContent(str(error)) from None
    return fields


def copy_fields(source: Document, secret: Encrypted | None = None) -> dict[str, Any]:
    """Return the columns of a copy in the same workspace."""
    fields = {column: getattr(source, column) for column in _TAKEN}
    if secret is not None:
        fields |= {"content_encrypted": secret.content, "encryption": secret.encryption}
    return fields


def make_copy_title(title: str) -> str:
    return f"Copy of {title}"[:MAX_TITLE].rstrip()


async def get_copied_state(context: RequestContext, document_id: UUID, copies: FileCopies) -> State | None:
    """Return the content of a document with all received edits, for a new document with copies of its attachments:
    its links are to these. Raises NotFound, Unavailable.
    """
    await context.rooms.settle(document_id)
    try:
        state = await store.find_state(context.db, context.workers, document_id)
    except NotFound:
        raise NotFound("the document was deleted at the same time") from None
    if state is None or not copies.ids:
        return state
    client = secrets.randbelow(2**31 - 1) + 1
    parts = await context.workers.run_within(
        WHOLE_DOCUMENT_SECONDS, rewrite_update, state.update, dict(copies.ids), client
    )
    text = replace_links(state.content, copies.ids)
    return await store.build_state(
        context.workers, document_id, None, list(parts), (text, state.words, state.truncated)
    )

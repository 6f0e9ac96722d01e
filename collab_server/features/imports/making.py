"""Making imported documents from their fields, contents and files."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from pydantic import ValidationError

from collab_server.errors import LimitReached, LostRace, Malformed
from collab_server.features.attachments.with_document.adding import NewFiles
from collab_server.features.document_log.store import State
from collab_server.features.documents import field_changes, field_types, models
from collab_server.features.documents.request_context import RequestContext
from collab_server.features.documents.slugs import make_slug
from collab_server.features.imports.foreign import notes as foreign_notes

_ATTEMPTS: Final = 4


class DocumentMaker:
    """Makes documents in one workspace."""

    def __init__(self, context: RequestContext, workspace_id: UUID) -> None:
        self._context = context
        self._workspace_id = workspace_id

    async def make_tagged(
        self,
        given: dict[str, Any],
        state: State | None,
        tags: Sequence[str],
        notes: list[str],
        new: NewFiles | None,
    ) -> models.DocumentOut:
        """Create a document. `tags`: added if the limits allow it; otherwise a note goes to `notes`."""
        known = {make_slug(str(tag)) for tag in given.get("tags", ())}
        more = [tag for tag in tags if make_slug(tag) not in known]
        if more:
            with_all = {**given, "tags": [*given.get("tags", ()), *more]}
            try:
                if len(with_all["tags"]) <= field_types.MAX_TAGS:
                    return await self._make(with_all, state, new)
            except LimitReached:
                pass  # perhaps of tags
        document = await self._make(given, state, new)
        if more:
            notes.append(foreign_notes.note_left_out(more, "tag of the front matter", "tags of the front matter"))
        return document

    async def _make(self, given: dict[str, Any], state: State | None, new: NewFiles | None) -> models.DocumentOut:
        try:
            body = models.DocumentIn.model_validate(given)
        except ValidationError as error:
            faults = (f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()[:5])
            raise Malformed("; ".join(faults)) from None
        fields = field_changes.decode_fields(body.model_dump(exclude={"tags", "content", "template_id"}))
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return await self._context.create(self._workspace_id, fields, body.tags, state, new)
            except LostRace:
                if attempt == _ATTEMPTS:
                    raise
        raise AssertionError

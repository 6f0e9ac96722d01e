"""Mutations of an offline device, each performed once: metadata, tags, deletion, restoration.

One rule decides all conflicts. A mutation has the time of its edit (`edited_at`), or without one the time of its
arrival. The later edit stays, field by field. The other edit is kept in a conflict record, visible to all readers of
the document. With `on_conflict: refuse` a conflict is an error instead, and nothing is changed.

A deletion is an edit of the whole document. It is superseded by a later change of any field, a later move, a later
restoration, and later content of another device. Content has the time of its commit. A deletion and a restoration are
compared by their times. No edit takes a document out of the trash: a mutation or an update of a deleted document is
refused with `not_found`, even with a later time, and the device keeps it.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from collab_server.access.authors import author_of
from collab_server.access.check import ABSENT, require_in_workspace
from collab_server.access.policy import Action, WorkspaceAction
from collab_server.adapters.postgres import Conn, caller
from collab_server.adapters.postgres_errors import ForeignKeyViolation, InsufficientPrivilege, UniqueViolation
from collab_server.errors import Conflict, Forbidden, LostRace, NotFound, UnprocessableContent
from collab_server.features.documents import creation, document_queries, field_changes, tag_queries
from collab_server.features.documents.document_queries import Document
from collab_server.features.documents.request_context import RequestContext
from collab_server.features.sync import models, mutation_queries
from collab_server.features.sync.field_values import composed, differ, to_json
from collab_server.features.trash import queries as trash_queries

_UNSEEN = frozenset({"content_encrypted", "encryption"})
_Outcome = tuple[dict[str, Any] | None, dict[str, Any] | None]
"""`conflict` and `superseded` of a result, see perform."""


async def perform(context: RequestContext, device: str, mutation: models.Mutation) -> dict[str, Any]:
    """Perform the mutation. Return `document_id`, `row_version`, `conflict` (the id of the record and the overwritten
    values) or None, and `superseded` (the id of the record and the later values) or None. A used key returns its first
    result.

    Raises NotFound, Forbidden, Unauthenticated, Conflict, UnprocessableContent, LimitReached, LostRace, TooMany,
    QuotaExceeded, Unavailable.
    """
    context.require_person()
    # Without the time, so that a repetition after an upgrade of either side has the same fingerprint.
    fingerprint = hashlib.sha256(mutation.model_dump_json(exclude={"edited_at"}).encode()).digest()
    try:
        content_is_later = await _content_is_later(context, device, mutation)
        async with context.db.as_user(context.identity.subject) as conn:
            done = await mutation_queries.begin(conn, device, mutation.key, fingerprint)
            if done is not None:
                if done.fingerprint != fingerprint:
                    raise Conflict("this device has used the key for another mutation")
                return done.result
            result = await _Work(context, conn, device, content_is_later).perform(mutation)
            await mutation_queries.finish(conn, device, mutation.key, result)
            return result
    except InsufficientPrivilege:
        raise Forbidden("you may not do this to the document") from None
    except UniqueViolation:
        if isinstance(mutation, models.Restore):
            raise LostRace("its name was given to another document at the same time") from None
        raise Conflict("the id or the name is taken by another document") from None
    except ForeignKeyViolation:
        raise UnprocessableContent("there is no such category in this workspace") from None


async def _content_is_later(context: RequestContext, device: str, mutation: models.Mutation) -> bool:
    """Return whether another device edited the content after the time of this deletion."""
    if not isinstance(mutation, models.Delete) or mutation.edited_at is None:
        return False
    async with context.db.as_service() as conn:
        return await mutation_queries.has_later_content(
            conn, mutation.document_id, mutation.edited_at, context.identity.user_id, device, mutation.base_version
        )


@dataclass(frozen=True, slots=True)
class _Work:
    """One mutation in its transaction. `content_is_later`: see `_content_is_later`."""

    context: RequestContext
    conn: Conn
    device: str
    content_is_later: bool

    async def perform(self, mutation: models.Mutation) -> dict[str, Any]:
        conflict: dict[str, Any] | None = None
        superseded: dict[str, Any] | None = None
        match mutation:
            case models.Create():
                await self._create(mutation)
            case models.Restore():
                superseded = await self._restore(mutation)
            case models.Patch():
                conflict, superseded = await self._patch(mutation)
            case models.Tag():
                conflict, superseded = await self._tag(mutation)
            case models.Delete():
                conflict, superseded = await self._delete(mutation)
        version = await self._version(mutation.document_id)
        return {
            "document_id": str(mutation.document_id),
            "row_version": version,
            "conflict": conflict,
            "superseded": superseded,
        }

    async def _version(self, document_id: UUID) -> int | None:
        found = await document_queries.find_document(self.conn, document_id)
        return found.row_version if found else None

    async def _create(self, mutation: models.Create) -> None:
        body = mutation.fields
        if body.content is not None or body.template_id is not None:
            raise UnprocessableContent("the content of a document created offline must be sent as updates")
        await require_in_workspace(
            self.conn, self.context.identity, mutation.workspace_id, WorkspaceAction.CREATE_DOCUMENTS
        )
        found = await document_queries.find_document(self.conn, mutation.document_id)
        if found is not None and found.own and found.workspace_id == mutation.workspace_id:
            return  # created by this mutation, and the record of its key was purged
        fields = field_changes.decode_fields(body.model_dump(exclude={"tags", "content", "template_id"}))
        fields["id"] = mutation.document_id
        await self.context.addresses.check_new(self.conn, mutation.workspace_id, fields.get("name"))
        size = len(fields.get("content_encrypted") or b"")
        await self.context.creations.take(self.conn, self.context.identity, mutation.workspace_id, size)
        await creation.make(
            self.conn,
            mutation.workspace_id,
            author_of(self.context.identity, caller.get().device_id or None),
            fields,
            body.tags,
            None,
            max_bytes=self.context.settings.max_document_bytes,
        )

    async def _patch(self, mutation: models.Patch) -> _Outcome:
        fields = mutation.fields.model_dump(include=mutation.fields.model_fields_set)
        locked = await self.context.lock_for(self.conn, mutation.document_id, Action.EDIT, None)
        if fields.keys() & field_changes.REMOVAL_FIELDS:
            self.context.require_removal_right(locked)
        before = await self._found(mutation.document_id)
        written = {name: to_json(value) for name, value in fields.items() if name not in _UNSEEN}
        unknown = {
            name: current
            for name, value in written.items()
            if (name != "title" or before.title_is_set)  # an unset title follows the heading
            and differ(current := to_json(getattr(before, name)), value)
            and (name not in mutation.base or differ(current, mutation.base[name]))
        }
        outcome = await self._decided(mutation, before, unknown, written)
        if outcome[1] is not None:
            fields = {name: value for name, value in fields.items() if name not in outcome[1]["kept"]}
            if not fields:
                return outcome
        await self.context.addresses.check_new(self.conn, locked.workspace_id, fields.get("name"))
        columns = field_changes.fit_columns(fields, locked)
        await self.context.check_encrypted(self.conn, mutation.document_id, locked, columns)
        if not await document_queries.update_document(self.conn, mutation.document_id, columns, expected_version=None):
            raise NotFound(ABSENT)
        return outcome

    async def _tag(self, mutation: models.Tag) -> _Outcome:
        locked = await self.context.lock_for(self.conn, mutation.document_id, Action.EDIT, None)
        before = await self._found(mutation.document_id)
        current, wanted = sorted(composed(tag.name) for tag in before.tags), sorted(mutation.tags)
        is_known = mutation.base is not None and current == sorted(map(composed, mutation.base))
        unknown = {} if is_known or current == wanted else {"tags": current}
        outcome = await self._decided(mutation, before, unknown, {"tags": wanted})
        if outcome[1] is None:
            await tag_queries.replace_tags(self.conn, mutation.document_id, locked.workspace_id, mutation.tags)
        return outcome

    async def _decided(
        self, mutation: models.Patch | models.Tag, before: Document, unknown: dict[str, Any], written: dict[str, Any]
    ) -> _Outcome:
        """Decide by time and record conflicts. `unknown`: present values unknown to the device. Raises Conflict with
        `on_conflict: refuse`.
        """
        edited_at = mutation.edited_at
        if edited_at is not None:
            edited_at = await mutation_queries.set_edit_time(self.conn, edited_at)
        if not unknown or mutation.base_version == before.row_version:
            return None, None
        times = {} if edited_at is None else await mutation_queries.list_edit_times(self.conn, before.id)
        later = {
            name: value
            for name, value in unknown.items()
            if edited_at is not None and name in times and times[name] > edited_at
        }
        earlier = {name: value for name, value in unknown.items() if name not in later}
        conflict = superseded = None
        if earlier and mutation.base_version is not None:
            made = await self._conflict(mutation, before, earlier, {name: written[name] for name in earlier})
            conflict = {"id": made, "overwritten": earlier}
        if later:
            made = await self._conflict(mutation, before, {name: written[name] for name in later}, later, kept=True)
            superseded = {"id": made, "kept": later}
        return conflict, superseded

    async def _delete(self, mutation: models.Delete) -> _Outcome:
        edited_at = mutation.edited_at
        if edited_at is not None:
            edited_at = await mutation_queries.set_edit_time(self.conn, edited_at)
            if await self._delete_again(mutation.document_id):
                return None, None
        await self.context.lock_for(self.conn, mutation.document_id, Action.DELETE, None)
        before = await self._found(mutation.document_id)
        later = {} if edited_at is None else await self._later_edits(mutation, before, edited_at)
        if later:
            made = await self._conflict(mutation, before, {"deleted": True}, later, kept=True)
            return None, {"id": made, "kept": later}
        conflict = None
        if mutation.base_version not in (None, before.row_version):
            overwritten = {"deleted": False}
            made = await self._conflict(mutation, before, overwritten, {"deleted": True})
            conflict = {"id": made, "overwritten": overwritten}
        if not await trash_queries.delete_softly(self.conn, mutation.document_id, expected_version=None):
            raise NotFound(ABSENT)
        return conflict, None

    async def _delete_again(self, document_id: UUID) -> bool:
        """Note the deletion of a document in the trash, so that an older restoration is superseded."""
        try:
            await self.context.find_in_trash(self.conn, document_id)
        except NotFound:
            return False
        return await trash_queries.delete_again(self.conn, document_id)

    async def _later_edits(self, mutation: models.Delete, before: Document, edited_at: datetime) -> dict[str, Any]:
        """Return the present values of later edits unknown to the device, by field."""
        later: dict[str, Any] = {"content": True} if self.content_is_later else {}
        if mutation.base_version == before.row_version:
            return later
        times = await mutation_queries.list_edit_times(self.conn, before.id)
        for name in sorted(name for name, moment in times.items() if moment > edited_at):
            match name:
                case "title" if not before.title_is_set:
                    pass  # it follows the first heading
                case "tags":
                    later[name] = sorted(composed(tag.name) for tag in before.tags)
                case "deleted":
                    later[name] = False
                case _:
                    later[name] = to_json(getattr(before, name))
        return later

    async def _restore(self, mutation: models.Restore) -> dict[str, Any] | None:
        before = await self.context.find_in_trash(self.conn, mutation.document_id)
        if mutation.edited_at is not None:
            edited_at = await mutation_queries.set_edit_time(self.conn, mutation.edited_at)
            times = await mutation_queries.list_edit_times(self.conn, mutation.document_id)
            if "deleted" in times and times["deleted"] > edited_at:
                later = {"deleted": True}
                made = await self._conflict(mutation, before, {"deleted": False}, later, kept=True)
                return {"id": made, "kept": later}
        if not await trash_queries.restore(self.conn, mutation.document_id):
            raise NotFound(ABSENT)
        return None

    async def _found(self, document_id: UUID) -> Document:
        found = await document_queries.find_document(self.conn, document_id)
        if found is None:
            raise NotFound(ABSENT)
        return found

    async def _conflict(
        self,
        mutation: models.Patch | models.Tag | models.Delete | models.Restore,
        before: Document,
        overwritten: dict[str, Any],
        written: dict[str, Any],
        *,
        kept: bool = False,
    ) -> str:
        """The id of the record. `kept`: as in mutation_queries. Raises Conflict where the device wants it so."""
        based = None if isinstance(mutation, models.Restore) else mutation
        if based is not None and based.on_conflict == "refuse":
            raise Conflict(
                f"others changed it meanwhile, to row version {before.row_version}: "
                + json.dumps(written if kept else overwritten, ensure_ascii=False)[:500]
            )
        made = await mutation_queries.insert_conflict(
            self.conn,
            before.id,
            before.workspace_id,
            self.device,
            mutation.kind,
            overwritten,
            written,
            based.base_version if based is not None else None,
            before.row_version,
            kept=kept,
        )
        return str(made)

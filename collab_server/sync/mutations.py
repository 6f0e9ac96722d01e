"""What a device did to documents without a connection, done once: metadata, tags, the trash.

The last writer wins, field by field: what a mutation names is set, what it does not name stays as others set it. Where
others changed a field after the version that the device knew, what is overwritten goes into a conflict record that all
readers of the document see. `on_conflict: refuse` leaves everything as it is instead.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic_core import to_jsonable_python

from collab_server.access.check import ABSENT, require_in_workspace
from collab_server.access.policy import Action, WorkspaceAction
from collab_server.backends.db import Conn, ForeignKeyViolation, InsufficientPrivilege, UniqueViolation
from collab_server.documents import document_queries, making, organizing_queries, patching, trash_queries
from collab_server.documents.document_queries import Document
from collab_server.documents.showing import Desk
from collab_server.errors import Conflict, Forbidden, LostRace, NotFound, UnprocessableContent
from collab_server.sync import models, mutation_queries

_UNSEEN = frozenset({"content_encrypted", "encryption"})


async def perform(desk: Desk, device: str, mutation: models.Mutation) -> dict[str, Any]:
    """The result: `document_id`, `row_version`, and `conflict` (the id of the record, and what was overwritten) or
    None. The same result again for a key that was used already.

    Raises NotFound, Forbidden, Unauthenticated, Conflict, UnprocessableContent, LimitReached, LostRace, TooMany,
    QuotaExceeded, Unavailable.
    """
    desk.require_person()
    fingerprint = hashlib.sha256(mutation.model_dump_json().encode()).digest()
    try:
        async with desk.db.as_user(desk.identity.user_id) as conn:
            done = await mutation_queries.begin(conn, device, mutation.key, fingerprint)
            if done is not None:
                if done.fingerprint != fingerprint:
                    raise Conflict("this device has used the key for another mutation")
                return done.result
            result = await _Work(desk, conn, device).perform(mutation)
            await mutation_queries.finish(conn, device, mutation.key, result)
            return result
    except InsufficientPrivilege:
        raise Forbidden("you may not do this to the document") from None
    except UniqueViolation:
        if isinstance(mutation, models.Restore):
            raise LostRace("its name was given to another document at this moment") from None
        raise Conflict("the id or the name is taken by another document") from None
    except ForeignKeyViolation:
        raise UnprocessableContent("there is no such category in this workspace") from None


@dataclass(frozen=True, slots=True)
class _Work:
    """One mutation in its transaction."""

    desk: Desk
    conn: Conn
    device: str

    async def perform(self, mutation: models.Mutation) -> dict[str, Any]:
        conflict: dict[str, Any] | None = None
        match mutation:
            case models.Create():
                await self._create(mutation)
            case models.Restore():
                await self.desk.find_in_trash(self.conn, mutation.document_id)
                if not await trash_queries.restore(self.conn, mutation.document_id):
                    raise NotFound(ABSENT)
            case models.Patch():
                conflict = await self._patch(mutation)
            case models.Tag():
                conflict = await self._tag(mutation)
            case models.Delete():
                conflict = await self._delete(mutation)
        version = await self._version(mutation.document_id)
        return {"document_id": str(mutation.document_id), "row_version": version, "conflict": conflict}

    async def _version(self, document_id: UUID) -> int | None:
        found = await document_queries.find_document(self.conn, document_id)
        return found.row_version if found else None

    async def _create(self, mutation: models.Create) -> None:
        body = mutation.fields
        if body.content is not None or body.template_id is not None:
            raise UnprocessableContent("the content of a document made offline comes as updates")
        await require_in_workspace(
            self.conn, self.desk.identity, mutation.workspace_id, WorkspaceAction.CREATE_DOCUMENTS
        )
        found = await document_queries.find_document(self.conn, mutation.document_id)
        if found is not None and found.own and found.workspace_id == mutation.workspace_id:
            return  # made by this same mutation, whose record is no longer kept
        fields = patching.decoded(body.model_dump(exclude={"tags", "content", "template_id"}))
        fields["id"] = mutation.document_id
        await self.desk.addresses.check_new(self.conn, mutation.workspace_id, fields.get("name"))
        size = len(fields.get("content_encrypted") or b"")
        await self.desk.creations.take(self.conn, self.desk.identity, mutation.workspace_id, size)
        await making.make(
            self.conn,
            mutation.workspace_id,
            self.desk.identity.user_id,
            fields,
            body.tags,
            None,
            max_bytes=self.desk.settings.max_document_bytes,
        )

    async def _patch(self, mutation: models.Patch) -> dict[str, Any] | None:
        fields = mutation.fields.model_dump(include=mutation.fields.model_fields_set)
        locked = await self.desk.lock_for(self.conn, mutation.document_id, Action.EDIT, None)
        if fields.keys() & patching.OF_REMOVAL:
            self.desk.require_removal_right(locked)
        before = await self._found(mutation.document_id)
        conflict = None
        if mutation.base_version is not None and mutation.base_version != before.row_version:
            written = {name: _json(value) for name, value in fields.items() if name not in _UNSEEN}
            overwritten = {
                name: current
                for name, value in written.items()
                if (name != "title" or before.title_is_set)  # nobody has written what follows the heading
                and _differ(current := _json(getattr(before, name)), value)
                and (name not in mutation.base or _differ(current, mutation.base[name]))
            }
            if overwritten:
                conflict = await self._conflict(mutation, before, overwritten, {n: written[n] for n in overwritten})
        await self.desk.addresses.check_new(self.conn, locked.workspace_id, fields.get("name"))
        columns = patching.fit(fields, locked)
        await self.desk.check_encrypted(self.conn, mutation.document_id, locked, columns)
        if not await document_queries.update_document(self.conn, mutation.document_id, columns, expected_version=None):
            raise NotFound(ABSENT)
        return conflict

    async def _tag(self, mutation: models.Tag) -> dict[str, Any] | None:
        locked = await self.desk.lock_for(self.conn, mutation.document_id, Action.EDIT, None)
        before = await self._found(mutation.document_id)
        current = sorted(tag.name for tag in before.tags)
        conflict = None
        if (
            mutation.base_version not in (None, before.row_version)
            and current != sorted(mutation.tags)
            and (mutation.base is None or current != sorted(mutation.base))
        ):
            conflict = await self._conflict(mutation, before, {"tags": current}, {"tags": sorted(mutation.tags)})
        await organizing_queries.replace_tags(self.conn, mutation.document_id, locked.workspace_id, mutation.tags)
        return conflict

    async def _delete(self, mutation: models.Delete) -> dict[str, Any] | None:
        await self.desk.lock_for(self.conn, mutation.document_id, Action.DELETE, None)
        before = await self._found(mutation.document_id)
        conflict = None
        if mutation.base_version not in (None, before.row_version):
            conflict = await self._conflict(mutation, before, {"deleted": False}, {"deleted": True})
        if not await trash_queries.delete_softly(self.conn, mutation.document_id, expected_version=None):
            raise NotFound(ABSENT)
        return conflict

    async def _found(self, document_id: UUID) -> Document:
        found = await document_queries.find_document(self.conn, document_id)
        if found is None:
            raise NotFound(ABSENT)
        return found

    async def _conflict(
        self,
        mutation: models.Patch | models.Tag | models.Delete,
        before: Document,
        overwritten: dict[str, Any],
        written: dict[str, Any],
    ) -> dict[str, Any]:
        """Raises Conflict where the device wants it so."""
        if mutation.on_conflict == "refuse":
            raise Conflict(
                f"others changed it meanwhile, to row version {before.row_version}: "
                + json.dumps(overwritten, ensure_ascii=False)[:500]
            )
        made = await mutation_queries.insert_conflict(
            self.conn,
            before.id,
            before.workspace_id,
            self.device,
            mutation.kind,
            overwritten,
            written,
            mutation.base_version,
            before.row_version,
        )
        return {"id": str(made), "overwritten": overwritten}


def _json(value: Any) -> Any:
    return to_jsonable_python(value)


def _differ(one: Any, other: Any) -> bool:
    """Moments are the same whichever way they are written."""
    return one != other and (_moment(one) is None or _moment(one) != _moment(other))


def _moment(value: Any) -> datetime | None:
    if not isinstance(value, str) or not value[:1].isdigit():
        return None
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None

"""What a device did to documents without a connection, done once: metadata, tags, the trash.

The last writer wins, field by field: what a mutation names is set, what it does not name stays as others set it. Where
others changed a field after the version that the device knew, the later edit stays (`edited_at`; without it what
arrives is the later one), and the other goes into a conflict record that all readers of the document see.
`on_conflict: refuse` leaves everything as it is instead. Deleting goes by arrival: a document can be taken out of the
trash.
"""

import hashlib
import json
import unicodedata
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
_Outcome = tuple[dict[str, Any] | None, dict[str, Any] | None]
"""`conflict` and `superseded` of a result, see perform."""


async def perform(desk: Desk, device: str, mutation: models.Mutation) -> dict[str, Any]:
    """The result: `document_id`, `row_version`, `conflict` (the id of the record, and what was overwritten) or None,
    and `superseded` (the id of the record, and what was later and stays) or None. The same result again for a key that
    was used already.

    Raises NotFound, Forbidden, Unauthenticated, Conflict, UnprocessableContent, LimitReached, LostRace, TooMany,
    QuotaExceeded, Unavailable.
    """
    desk.require_person()
    # Without the time: what is sent again after an upgrade of either side is the same mutation.
    fingerprint = hashlib.sha256(mutation.model_dump_json(exclude={"edited_at"}).encode()).digest()
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
        superseded: dict[str, Any] | None = None
        match mutation:
            case models.Create():
                await self._create(mutation)
            case models.Restore():
                await self.desk.find_in_trash(self.conn, mutation.document_id)
                if not await trash_queries.restore(self.conn, mutation.document_id):
                    raise NotFound(ABSENT)
            case models.Patch():
                conflict, superseded = await self._patch(mutation)
            case models.Tag():
                conflict, superseded = await self._tag(mutation)
            case models.Delete():
                conflict = await self._delete(mutation)
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

    async def _patch(self, mutation: models.Patch) -> _Outcome:
        fields = mutation.fields.model_dump(include=mutation.fields.model_fields_set)
        locked = await self.desk.lock_for(self.conn, mutation.document_id, Action.EDIT, None)
        if fields.keys() & patching.OF_REMOVAL:
            self.desk.require_removal_right(locked)
        before = await self._found(mutation.document_id)
        written = {name: _json(value) for name, value in fields.items() if name not in _UNSEEN}
        unknown = {
            name: current
            for name, value in written.items()
            if (name != "title" or before.title_is_set)  # nobody has written what follows the heading
            and _differ(current := _json(getattr(before, name)), value)
            and (name not in mutation.base or _differ(current, mutation.base[name]))
        }
        outcome = await self._decided(mutation, before, unknown, written)
        if outcome[1] is not None:
            fields = {name: value for name, value in fields.items() if name not in outcome[1]["kept"]}
            if not fields:
                return outcome
        await self.desk.addresses.check_new(self.conn, locked.workspace_id, fields.get("name"))
        columns = patching.fit(fields, locked)
        await self.desk.check_encrypted(self.conn, mutation.document_id, locked, columns)
        if not await document_queries.update_document(self.conn, mutation.document_id, columns, expected_version=None):
            raise NotFound(ABSENT)
        return outcome

    async def _tag(self, mutation: models.Tag) -> _Outcome:
        locked = await self.desk.lock_for(self.conn, mutation.document_id, Action.EDIT, None)
        before = await self._found(mutation.document_id)
        current, wanted = sorted(_composed(tag.name) for tag in before.tags), sorted(mutation.tags)
        known = mutation.base is not None and current == sorted(map(_composed, mutation.base))
        unknown = {} if known or current == wanted else {"tags": current}
        outcome = await self._decided(mutation, before, unknown, {"tags": wanted})
        if outcome[1] is None:
            await organizing_queries.replace_tags(self.conn, mutation.document_id, locked.workspace_id, mutation.tags)
        return outcome

    async def _decided(
        self, mutation: models.Patch | models.Tag, before: Document, unknown: dict[str, Any], written: dict[str, Any]
    ) -> _Outcome:
        """`unknown`: what the fields say that the device did not know. Raises Conflict where the device wants it so."""
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

    async def _delete(self, mutation: models.Delete) -> dict[str, Any] | None:
        await self.desk.lock_for(self.conn, mutation.document_id, Action.DELETE, None)
        before = await self._found(mutation.document_id)
        conflict = None
        if mutation.base_version not in (None, before.row_version):
            overwritten = {"deleted": False}
            made = await self._conflict(mutation, before, overwritten, {"deleted": True})
            conflict = {"id": made, "overwritten": overwritten}
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
        *,
        kept: bool = False,
    ) -> str:
        """The id of the record. `kept`: as in mutation_queries. Raises Conflict where the device wants it so."""
        if mutation.on_conflict == "refuse":
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
            mutation.base_version,
            before.row_version,
            kept=kept,
        )
        return str(made)


def _json(value: Any) -> Any:
    return to_jsonable_python(value)


def _differ(one: Any, other: Any) -> bool:
    """Moments are the same whichever way they are written, and so is text."""
    if isinstance(one, str) and isinstance(other, str):
        one, other = _composed(one), _composed(other)
    return one != other and (_moment(one) is None or _moment(one) != _moment(other))


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _moment(value: Any) -> datetime | None:
    if not isinstance(value, str) or not value[:1].isdigit():
        return None
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None

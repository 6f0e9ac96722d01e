"""Reading, locking and creating documents with the rights of one request."""

import base64
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from collab_server.access.authors import author_of
from collab_server.access.check import ABSENT, require
from collab_server.access.identity import Identity
from collab_server.access.policy import Action, Role, allowed, role_of_permission
from collab_server.adapters.postgres import Conn, Database, Row, caller
from collab_server.adapters.workers import Workers
from collab_server.core.markdown.excerpts import excerpt
from collab_server.errors import Forbidden, NotFound, Unauthenticated
from collab_server.features.document_log.store import State
from collab_server.features.documents import creation, document_queries, models
from collab_server.features.documents.addresses import Addresses
from collab_server.features.documents.document_queries import Document, Encrypted, Locked
from collab_server.features.documents.kinds import ENCRYPTED
from collab_server.features.documents.services import FileCopier, FileCopies
from collab_server.features.quotas.quotas import Creations
from collab_server.features.view_counts.view_counts import Views
from collab_server.settings import Settings
from collab_server.web.answers import encode, written
from collab_server.web.etags import changed_meanwhile
from collab_server.web.rooms import Rooms


@dataclass(frozen=True, slots=True)
class RequestContext:
    """The caller of one request and the services for its answer."""

    identity: Identity
    db: Database
    rooms: Rooms
    workers: Workers
    settings: Settings
    views: Views
    creations: Creations
    files: FileCopier

    @property
    def addresses(self) -> Addresses:
        return Addresses(self.db, self.settings.default_workspace)

    def row_to_response(self, row: Row, encrypted: Encrypted | None = None) -> dict[str, Any]:
        """Convert a row of SHOWN to the form of models.DocumentOut, for web/answers.py.

        `encrypted`: given for a single document of that kind.
        """
        anonymous = self.identity.kind == "connect"
        content = encrypted.content if encrypted else None
        entry = dict(row)
        del entry["own"]
        entry.pop("sort_key", None)
        slug, shadowed = entry.pop("workspace_slug"), entry.pop("shadowed")
        entry["address"] = self.addresses.address_of(entry["id"], slug, entry["name"], shadowed=shadowed)
        entry["metadata"] = written(entry["metadata"], {})
        entry["settings"] = written(entry["settings"], {})
        entry["tags"] = written(entry["tags"], [])
        for by in ("created_by", "updated_by"):
            name = entry.pop(f"{by}_name")
            entry[by] = None if anonymous or name is None else {"id": entry[by], "name": name}
        entry["excerpt"] = excerpt(entry["excerpt"])
        entry["people"], here = json.loads(entry["present"]) if entry["present"] else (0, [])
        entry["present"] = [] if anonymous else here
        own_role = role_of_permission(entry.pop("permission")) or Role.VIEWER
        entry["role"] = min(own_role, self.identity.role_cap).label
        entry["content_encrypted"] = base64.b64encode(content).decode() if content is not None else None
        entry["encryption"] = encrypted.encryption if encrypted else None
        return entry

    async def get_response(self, conn: Conn, document_id: UUID) -> dict[str, Any]:
        """`conn`: a transaction of the user. Raises NotFound."""
        row = await document_queries.find_shown(conn, document_id)
        if row is None:
            raise NotFound(ABSENT)
        return await self._with_secrets(conn, row)

    async def get_document(self, conn: Conn, document_id: UUID) -> models.DocumentOut:
        """Like `get_response`, as a model."""
        return models.DocumentOut.model_validate_json(encode(await self.get_response(conn, document_id)))

    async def _get_for_bearer(self, document_id: UUID) -> dict[str, Any]:
        """Return the document of the bearer's connect token. Raises NotFound."""
        async with self.db.as_service() as conn:
            row = await document_queries.find_shown_unchecked(conn, document_id)
            if row is None:
                raise NotFound(ABSENT)
            return await self._with_secrets(conn, row)

    async def _with_secrets(self, conn: Conn, row: Row) -> dict[str, Any]:
        secret = await document_queries.find_encrypted(conn, row["id"]) if row["type"] == ENCRYPTED else None
        return self.row_to_response(row, secret)

    def note_view(self, document_id: UUID) -> None:
        self.views.record_view(self.identity, document_id, time.monotonic())

    async def lock_for(self, conn: Conn, document_id: UUID, action: Action, version: int | None) -> Locked:
        """Lock the document for an action of the caller. Editors may also delete their own documents.

        Raises NotFound, Forbidden, PreconditionFailed if it is not at `version` (None: any).
        """
        if self.identity.kind == "connect":
            if self.identity.document_id != document_id:
                raise NotFound(ABSENT)
            raise Forbidden("a connect token may not manage documents")
        found = await document_queries.find_document(conn, document_id)
        if found is None:
            raise NotFound(ABSENT)
        role = min(role_of_permission(found.permission) or Role.VIEWER, self.identity.role_cap)
        if not may(role, action, own=found.own):
            raise Forbidden(f"a {role.label} may not {action.value} this document")
        locked = await document_queries.lock_document(conn, document_id)
        if locked is None:
            raise NotFound(ABSENT)
        if version is not None and locked.row_version != version:
            raise changed_meanwhile(locked.row_version)
        return locked

    async def read(self, document_id: UUID) -> dict[str, Any]:
        """Return a visible document in the form of models.DocumentOut. Raises NotFound."""
        if self.identity.kind == "connect" and self.identity.link is None:
            await require(self.db, self.identity, document_id, Action.VIEW)
            entry = await self._get_for_bearer(document_id)
            async with self.db.as_user(self.identity.rights) as conn:
                entry["comment_count"] = await document_queries.count_open_threads(conn, document_id)
            return entry
        if self.identity.document_id not in (None, document_id):
            raise NotFound(ABSENT)
        async with self.db.as_user(self.identity.subject, "force_generic_plan") as conn:
            return await self.get_response(conn, document_id)

    async def create(
        self,
        workspace_id: UUID,
        fields: Mapping[str, Any],
        tags: Sequence[str],
        state: State | None,
        copies: FileCopies | None = None,
    ) -> models.DocumentOut:
        """Create a document in a workspace. `copies`: its attachments. Raises the errors of `creation.make`,
        AmbiguousAddress, TooMany, LimitReached and QuotaExceeded.
        """
        async with self.db.as_user(self.identity.subject) as conn:
            await self.addresses.check_new(conn, workspace_id, fields.get("name"))
            size = len(fields.get("content_encrypted") or b"")
            if state is not None:
                size += len(state.update) + len(state.content.encode())
            if copies is not None:
                size += copies.size
            await self.creations.take(conn, self.identity, workspace_id, size)
            author = author_of(self.identity, caller.get().device_id or None)
            most = self.settings.max_document_bytes
            made = await creation.make(conn, workspace_id, author, fields, tags, state, copies, max_bytes=most)
            return await self.get_document(conn, made)

    def require_removal_right(self, locked: Locked) -> None:
        """Raises Forbidden where a token's scope falls short; PostgreSQL looks at the person behind it."""
        if self.identity.role_cap < (Role.EDITOR if locked.own else Role.ADMIN):
            raise Forbidden("this token may not do that to documents of other people")

    async def check_encrypted(self, conn: Conn, document_id: UUID, locked: Locked, columns: Mapping[str, Any]) -> None:
        """Raises QuotaExceeded where the columns' encrypted content has no room in the workspace."""
        if (content := columns.get("content_encrypted")) is not None:
            await self.creations.check_encrypted(conn, locked.workspace_id, document_id, len(content))

    async def find_in_trash(self, conn: Conn, document_id: UUID) -> Document:
        """Find a deleted document that the caller may restore or purge. Raises NotFound."""
        found = await document_queries.find_document(conn, document_id, deleted=True)
        if found is not None:
            role = min(role_of_permission(found.permission) or Role.VIEWER, self.identity.role_cap)
            if may(role, Action.DELETE, own=found.own):
                return found
        raise NotFound("there is no such document in the trash")

    def require_person(self) -> None:
        """Raises Unauthenticated for guests, Forbidden for the bearers of connect tokens."""
        if self.identity.kind == "guest":
            raise Unauthenticated("sign in first")
        if self.identity.kind == "connect":
            raise Forbidden("a connect token opens one document")


def may(role: Role, action: Action, *, own: bool) -> bool:
    """`own`: the caller is the document's author."""
    return allowed(role, action) or (own and action is Action.DELETE and role >= Role.EDITOR)

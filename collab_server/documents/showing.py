"""What routes have in common that show a document, or ask whether somebody may do something to it."""

import base64
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from collab_server.access.check import ABSENT, require
from collab_server.access.identity import Identity
from collab_server.access.policy import Action, Role, allowed, role_of_permission
from collab_server.backends.db import Conn, Database, Row
from collab_server.backends.workers import Workers
from collab_server.documents import document_queries, making, models
from collab_server.documents.addresses import Addresses
from collab_server.documents.document_queries import Document, Encrypted, Locked
from collab_server.documents.excerpts import excerpt
from collab_server.documents.kinds import ENCRYPTED
from collab_server.documents.quotas import Creations
from collab_server.documents.store import State
from collab_server.documents.views import Views
from collab_server.errors import Forbidden, NotFound, Unauthenticated
from collab_server.settings import Settings
from collab_server.web.answers import encode, written
from collab_server.web.depends import Rooms
from collab_server.web.etags import changed_meanwhile


@dataclass(frozen=True, slots=True)
class Desk:
    """One request: who asks, and what its answer is made with."""

    identity: Identity
    db: Database
    rooms: Rooms
    workers: Workers
    settings: Settings
    views: Views
    creations: Creations

    @property
    def addresses(self) -> Addresses:
        return Addresses(self.db, self.settings.default_workspace)

    def entry(self, row: Row, encrypted: Encrypted | None = None) -> dict[str, Any]:
        """A row of SHOWN in the form of models.DocumentOut, for web/answers.py.

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

    async def find_entry(self, conn: Conn, document_id: UUID) -> dict[str, Any]:
        """`conn`: a transaction of the user. Raises NotFound."""
        row = await document_queries.find_shown(conn, document_id)
        if row is None:
            raise NotFound(ABSENT)
        return await self._with_secrets(conn, row)

    async def show(self, conn: Conn, document_id: UUID) -> models.DocumentOut:
        """As find_entry."""
        return models.DocumentOut.model_validate_json(encode(await self.find_entry(conn, document_id)))

    async def _show_to_bearer(self, document_id: UUID) -> dict[str, Any]:
        """For a connect token, which has been found to be for this document. Raises NotFound."""
        async with self.db.as_service() as conn:
            row = await document_queries.find_shown_unchecked(conn, document_id)
            if row is None:
                raise NotFound(ABSENT)
            return await self._with_secrets(conn, row)

    async def _with_secrets(self, conn: Conn, row: Row) -> dict[str, Any]:
        secret = await document_queries.find_encrypted(conn, row["id"]) if row["type"] == ENCRYPTED else None
        return self.entry(row, secret)

    def note_view(self, document_id: UUID) -> None:
        self.views.seen(self.identity, document_id, time.monotonic())

    async def lock_for(self, conn: Conn, document_id: UUID, action: Action, version: int | None) -> Locked:
        """The document, locked, where the caller may do this to it. Who may edit may also delete what they made.

        Raises NotFound, Forbidden, PreconditionFailed where it is not at `version` (None: any).
        """
        if self.identity.kind == "connect":
            if self.identity.document_id != document_id:
                raise NotFound(ABSENT)
            raise Forbidden("a connect token opens a document; it does not manage it")
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
        """A document that the caller may see, in the form of models.DocumentOut. Raises NotFound."""
        if self.identity.kind == "connect":
            await require(self.db, self.identity, document_id, Action.VIEW)
            return await self._show_to_bearer(document_id)
        async with self.db.as_user(self.identity.user_id, "force_generic_plan") as conn:
            return await self.find_entry(conn, document_id)

    async def make(
        self, workspace_id: UUID, fields: Mapping[str, Any], tags: Sequence[str], state: State | None
    ) -> models.DocumentOut:
        """A new document in a workspace in which the caller may create some; raises as making.make,
        AmbiguousAddress, TooMany, LimitReached and QuotaExceeded.
        """
        user_id = self.identity.user_id
        async with self.db.as_user(user_id) as conn:
            await self.addresses.check_new(conn, workspace_id, fields.get("name"))
            size = len(fields.get("content_encrypted") or b"")
            if state is not None:
                size += len(state.update) + len(state.content.encode())
            await self.creations.take(conn, self.identity, workspace_id, size)
            made = await making.make(
                conn, workspace_id, user_id, fields, tags, state, max_bytes=self.settings.max_document_bytes
            )
            return await self.show(conn, made)

    def require_removal_right(self, locked: Locked) -> None:
        """Raises Forbidden where a token's scope falls short; PostgreSQL looks at the person behind it."""
        if self.identity.role_cap < (Role.EDITOR if locked.own else Role.ADMIN):
            raise Forbidden("this token may not do that to documents of others")

    async def check_encrypted(self, conn: Conn, document_id: UUID, locked: Locked, columns: Mapping[str, Any]) -> None:
        """Raises QuotaExceeded where the columns' encrypted content has no room in the workspace."""
        if (content := columns.get("content_encrypted")) is not None:
            await self.creations.check_encrypted(conn, locked.workspace_id, document_id, len(content))

    async def find_in_trash(self, conn: Conn, document_id: UUID) -> Document:
        """A deleted document that the caller may bring back or delete for good; to all others it is not there."""
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

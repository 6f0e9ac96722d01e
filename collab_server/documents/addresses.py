"""From what a client calls a document (a UUID, `<workspace-slug>/<name>`, or `<name>`) to the document.

A name that does not exist yet becomes a document where the caller may create one; of several at once exactly one
creates it.
"""

import re
from dataclasses import dataclass
from uuid import UUID

from collab_server.access import queries as access_queries
from collab_server.access.check import ABSENT, role_in
from collab_server.access.identity import Identity
from collab_server.access.policy import Role, role_of_permission
from collab_server.backends.db import Conn, Database, InsufficientPrivilege
from collab_server.documents import queries
from collab_server.documents.document_queries import insert_document
from collab_server.documents.quotas import Creations
from collab_server.errors import Forbidden, Malformed, NotFound

MAX_NAME = 500
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_DOTS = re.compile(r"(?:\.|%2[eE]){1,2}")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Resolved:
    document_id: UUID
    role: Role


class Addresses:
    """`creations`: counts the documents that `resolve` creates; it creates none without."""

    def __init__(self, db: Database, default_workspace: str, creations: Creations | None = None) -> None:
        self._db = db
        self.default_workspace = default_workspace
        self._creations = creations

    async def resolve(self, identity: Identity, address: str, *, create: bool) -> Resolved:
        """The document at this address and the identity's role in it.

        Raises Malformed for what cannot be a name, NotFound, Unavailable; where it may not be created Forbidden,
        TooMany, LimitReached, QuotaExceeded.
        """
        address = checked(address)
        if document_id := id_in(address):
            return Resolved(document_id, await role_in(self._db, identity, document_id))
        if identity.kind == "connect":
            return await self._bound(identity, address)
        try:
            async with self._db.as_user(identity.user_id) as conn:
                create = create and identity.role_cap >= Role.EDITOR
                found = await self._find_or_create(conn, identity, address, create=create)
        except InsufficientPrivilege:
            raise Forbidden("you may not create documents here") from None
        role = role_of_permission(found.permission)
        assert role is not None
        return Resolved(found.id, min(role, identity.role_cap))

    async def _bound(self, identity: Identity, address: str) -> Resolved:
        """A connect token names its document by id; the address must be a name of that same document."""
        async with self._db.as_service() as conn:
            names = [await queries.find_by_name_unchecked(conn, *reading) for reading in self.readings(address)]
        if identity.document_id is None or identity.document_id not in names:
            raise NotFound(ABSENT)
        return Resolved(identity.document_id, await role_in(self._db, identity, identity.document_id))

    async def _find_or_create(self, conn: Conn, identity: Identity, address: str, *, create: bool) -> queries.Found:
        workspace_id: UUID | None = None
        name = address
        for slug, reading in self.readings(address):
            if (found := await queries.find_by_name(conn, slug, reading)) is not None:
                return found
            if workspace_id is None:
                workspace_id, name = await queries.find_workspace_by_slug(conn, slug), reading
        if workspace_id is None or not create or self._creations is None:
            raise NotFound(ABSENT)
        await self._creations.take(conn, identity, workspace_id)
        created = await insert_document(conn, workspace_id, {"name": name, "title": title_from(name)})
        if created is None:
            # Somebody else created it between our look and our insert; their commit is visible to the next statement.
            winner = await queries.find_by_name_in(conn, workspace_id, name)
            if winner is None:
                raise NotFound(ABSENT)
            return winner
        permission = await access_queries.find_permission(conn, created)
        if permission is None:
            raise NotFound(ABSENT)
        return queries.Found(created, permission)

    def readings(self, address: str) -> list[tuple[str, str]]:
        """(workspace slug, name) as which an address may be read, most telling first."""
        slug, slash, rest = address.partition("/")
        readings = [(slug, rest)] if slash and slug and rest else []
        return [*readings, (self.default_workspace, address)]

    def address_of(self, document_id: UUID, workspace_slug: str | None, name: str | None) -> str:
        """The shortest address of a document."""
        if name is None or workspace_slug is None:
            return str(document_id)
        return name if workspace_slug == self.default_workspace else f"{workspace_slug}/{name}"


def id_in(address: str) -> UUID | None:
    """The id where the address is one. Raises Malformed as `checked`."""
    address = checked(address)
    return UUID(address) if _UUID.fullmatch(address) else None


def checked(address: str) -> str:
    """The address without surrounding white space. Raises Malformed where it cannot name anything."""
    address = address.strip()
    if not address:
        raise Malformed("a document needs a name")
    if len(address) > MAX_NAME:
        raise Malformed(f"a document's name may have at most {MAX_NAME} characters")
    if _UNPRINTABLE.search(address):
        raise Malformed("a document's name may not contain control characters")
    if any(_DOTS.fullmatch(segment) for segment in address.split("/")):
        raise Malformed("a document's name may not contain the segments . and ..: browsers leave them out of addresses")
    return address


def checked_name(name: str) -> str:
    """As `checked`, for a name that is to be given: raises Malformed also for what could not be found again."""
    name = checked(name)
    if _UUID.fullmatch(name):
        raise Malformed("a document's name may not look like an id")
    return name


def title_from(name: str) -> str:
    """A first title for a document that was made by opening its name."""
    last = name.rstrip("/").rpartition("/")[2].strip() or name
    return last[:500]

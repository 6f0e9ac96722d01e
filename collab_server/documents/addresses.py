"""From what a client calls a document to the document.

An address is a UUID, `@<workspace-slug>/<name>`, or `<name>` in the default workspace. It names one document, whoever
asks. The older form `<workspace-slug>/<name>` is taken from members of the workspace; everybody else is refused, or a
client that lost its membership would put what it holds into the default workspace.

A name that does not exist yet becomes a document where the caller may create one; of several at once exactly one
creates it.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from collab_server.access import queries as access_queries
from collab_server.access.check import ABSENT, role_in
from collab_server.access.identity import Identity
from collab_server.access.policy import Role, role_of_permission
from collab_server.backends.db import Conn, Database, InsufficientPrivilege
from collab_server.documents import queries
from collab_server.documents.document_queries import insert_document
from collab_server.documents.quotas import Creations
from collab_server.errors import AmbiguousAddress, Forbidden, Malformed, NotFound

MAX_NAME = 500
MAX_ADDRESS = MAX_NAME + 102
"""Characters: `@`, a slug of at most 100, `/` and a name."""
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

        Raises Malformed for what cannot be a name, NotFound, AmbiguousAddress, Unavailable; where it may not be created
        Forbidden, TooMany, LimitReached, QuotaExceeded.
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
            named = await self.find_unchecked(conn, address)
        if named is None or named != identity.document_id:
            raise NotFound(ABSENT)
        return Resolved(named, await role_in(self._db, identity, named))

    async def find_unchecked(self, conn: Conn, address: str) -> UUID | None:
        """The document at this address, which is no UUID. For the server's own use: no permission is looked at."""
        if (explicit := _explicit(address)) is not None:
            return await queries.find_by_name_unchecked(conn, *explicit)
        if (older := _older(address)) is not None:
            if (found := await queries.find_by_name_unchecked(conn, *older)) is not None:
                return found
            if await queries.is_workspace_slug(conn, older[0]):
                return None
        return await queries.find_by_name_unchecked(conn, self.default_workspace, address)

    async def _find_or_create(self, conn: Conn, identity: Identity, address: str, *, create: bool) -> queries.Found:
        slug, name = _explicit(address) or _older(address) or (self.default_workspace, address)
        if (found := await queries.find_by_name(conn, slug, name)) is not None:
            return found
        workspace_id = await queries.find_workspace_by_slug(conn, slug)
        if name != address and not address.startswith("@"):
            default = await queries.find_by_name(conn, self.default_workspace, address)
            if workspace_id is not None and default is not None:
                raise self._ambiguous(slug)
            if workspace_id is None:
                if await queries.is_workspace_slug(conn, slug):
                    raise self._ambiguous(slug)
                if default is not None:
                    return default
                slug, name = self.default_workspace, address
                workspace_id = await queries.find_workspace_by_slug(conn, slug)
        if workspace_id is None or not create or self._creations is None:
            raise NotFound(ABSENT)
        await self.check_new(conn, workspace_id, checked_name(name))
        await self._creations.take(conn, identity, workspace_id)
        created = await insert_document(conn, workspace_id, with_title({"name": name}))
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

    async def check_new(self, conn: Conn, workspace_id: UUID, name: str | None) -> None:
        """Raises AmbiguousAddress for a document of the default workspace whose name reads as another workspace's."""
        older = _older(name) if name is not None else None
        if older is None or not await queries.is_slug_of(conn, self.default_workspace, workspace_id):
            return
        if await queries.is_workspace_slug(conn, older[0]):
            raise AmbiguousAddress(f"a name may not begin with {older[0]}/: that is a workspace of its own")

    def _ambiguous(self, slug: str) -> AmbiguousAddress:
        return AmbiguousAddress(f"{slug} is a workspace: write @{slug}/... or @{self.default_workspace}/{slug}/...")

    def address_of(self, document_id: UUID, workspace_slug: str | None, name: str | None, *, shadowed: bool) -> str:
        """The shortest address of a document. `shadowed`: the name alone reads as another workspace's."""
        if name is None or workspace_slug is None or name.startswith("@"):
            return str(document_id)
        return name if workspace_slug == self.default_workspace and not shadowed else f"@{workspace_slug}/{name}"


def _explicit(address: str) -> tuple[str, str] | None:
    """(workspace slug, name) of `@<slug>/<name>`; None for other addresses. Raises Malformed for @ without a name."""
    if not address.startswith("@"):
        return None
    slug, _, name = address[1:].partition("/")
    if not slug or not name or "@" in slug:
        raise Malformed("an address that begins with @ is @<workspace>/<name>")
    return slug, name


def _older(address: str) -> tuple[str, str] | None:
    """(workspace slug, name) as which `<slug>/<name>` may be read."""
    slug, _, name = address.partition("/")
    return (slug, name) if slug and name else None


def id_in(address: str) -> UUID | None:
    """The id where the address is one. Raises Malformed as `checked`."""
    address = checked(address)
    return UUID(address) if _UUID.fullmatch(address) else None


def checked(address: str) -> str:
    """The address without surrounding white space, its letters composed (NFC), as names are stored: what looks the same
    names one document. Raises Malformed where it cannot name anything.
    """
    address = unicodedata.normalize("NFC", address.strip())
    if not address:
        raise Malformed("a document needs a name")
    if len(address) > MAX_ADDRESS:
        raise Malformed(f"a document's address may have at most {MAX_ADDRESS} characters")
    if _UNPRINTABLE.search(address):
        raise Malformed("a document's name may not contain control characters")
    if any(_DOTS.fullmatch(segment) for segment in address.split("/")):
        raise Malformed("a document's name may not contain the segments . and ..: browsers leave them out of addresses")
    return address


def checked_name(name: str) -> str:
    """As `checked`, for a name that is to be given: raises Malformed also for what could not be found again."""
    name = checked(name)
    if len(name) > MAX_NAME:
        raise Malformed(f"a document's name may have at most {MAX_NAME} characters")
    if _UUID.fullmatch(name):
        raise Malformed("a document's name may not look like an id")
    if name.startswith("@"):
        raise Malformed("a document's name may not begin with @: so begin addresses with a workspace")
    return name


UNTITLED = "Untitled"
"""A title that says that there is none."""


def with_title(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """Columns of a new document. Where nobody has given it a title, that is the end of its name, and follows the first
    heading from then on.
    """
    if fields.get("title") not in (None, UNTITLED):
        return fields
    name = fields.get("name") or UNTITLED
    last = name.rstrip("/").rpartition("/")[2].strip() or name
    return {**fields, "title": last, "title_is_set": False}

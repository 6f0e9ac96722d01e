"""Addresses of documents.

An address is a UUID, `@<workspace-slug>/<name>`, or `<name>` in the default workspace. It means the same document for
everybody. The older form `<workspace-slug>/<name>` works for members of the workspace only. For others it is refused: a
client without membership would otherwise put its content into the default workspace.

A new name creates a document if the caller may create one. Of concurrent requests exactly one creates it.
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
from collab_server.adapters.postgres import Conn, Database
from collab_server.adapters.postgres_errors import InsufficientPrivilege
from collab_server.errors import AmbiguousAddress, Forbidden, Malformed, NotFound
from collab_server.features.documents import queries
from collab_server.features.documents.document_queries import insert_document
from collab_server.features.quotas.quotas import Creations

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
    """`creations`: counts documents created by `resolve`; None: it creates none."""

    def __init__(self, db: Database, default_workspace: str, creations: Creations | None = None) -> None:
        self._db = db
        self.default_workspace = default_workspace
        self._creations = creations

    async def resolve(self, identity: Identity, address: str, *, create: bool) -> Resolved:
        """Return the document at this address and the identity's role in it. Raises Malformed for an invalid name,
        NotFound, AmbiguousAddress, Unavailable; if it cannot be created, Forbidden, TooMany, LimitReached,
        QuotaExceeded.
        """
        address = check_address(address)
        if document_id := parse_id(address):
            return Resolved(document_id, await role_in(self._db, identity, document_id))
        if identity.kind == "connect":
            return await self._bound(identity, address)
        try:
            async with self._db.as_user(identity.subject) as conn:
                create = create and identity.role_cap >= Role.EDITOR
                found = await self._find_or_create(conn, identity, address, create=create)
        except InsufficientPrivilege:
            raise Forbidden("you may not create documents here") from None
        except NotFound:
            found = await self._find_shared(identity, address)
        role = role_of_permission(found.permission)
        assert role is not None
        return Resolved(found.id, min(role, identity.role_cap))

    async def _find_shared(self, identity: Identity, address: str) -> queries.Found:
        """Find a document by the name that its members know: its workspace is hidden from people with a share."""
        slug, name = _split_explicit(address) or (self.default_workspace, address)
        async with self._db.as_service() as conn:
            document_id = await queries.find_by_name_unchecked(conn, slug, name)
        if document_id is not None:
            async with self._db.as_user(identity.subject) as conn:
                permission = await queries.find_shared_permission(conn, document_id)
            if permission is not None:
                return queries.Found(document_id, permission)
        raise NotFound(ABSENT)

    async def _bound(self, identity: Identity, address: str) -> Resolved:
        """Check the address against the document of a connect token: it must be a name of that document."""
        async with self._db.as_service() as conn:
            named = await self.find_unchecked(conn, address)
        if named is None or named != identity.document_id:
            raise NotFound(ABSENT)
        return Resolved(named, await role_in(self._db, identity, named))

    async def find_unchecked(self, conn: Conn, address: str) -> UUID | None:
        """Find the document at this address (no UUID). For the server's own use: permissions are not checked."""
        if (explicit := _split_explicit(address)) is not None:
            return await queries.find_by_name_unchecked(conn, *explicit)
        if (older := _split_older(address)) is not None:
            if (found := await queries.find_by_name_unchecked(conn, *older)) is not None:
                return found
            if await queries.is_workspace_slug(conn, older[0]):
                return None
        return await queries.find_by_name_unchecked(conn, self.default_workspace, address)

    async def _find_or_create(self, conn: Conn, identity: Identity, address: str, *, create: bool) -> queries.Found:
        slug, name = _split_explicit(address) or _split_older(address) or (self.default_workspace, address)
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
        await self.check_new(conn, workspace_id, check_name(name))
        await self._creations.take(conn, identity, workspace_id)
        created = await insert_document(conn, workspace_id, add_title({"name": name}))
        if created is None:
            # It was created concurrently, and the next statement sees it.
            winner = await queries.find_by_name_in(conn, workspace_id, name)
            if winner is None:
                raise NotFound(ABSENT)
            return winner
        permission = await access_queries.find_permission(conn, created)
        if permission is None:
            raise NotFound(ABSENT)
        return queries.Found(created, permission)

    async def check_new(self, conn: Conn, workspace_id: UUID, name: str | None) -> None:
        """Raises AmbiguousAddress if the name in the default workspace could be read as an address in another one."""
        older = _split_older(name) if name is not None else None
        if older is None or not await queries.is_slug_of(conn, self.default_workspace, workspace_id):
            return
        if await queries.is_workspace_slug(conn, older[0]):
            raise AmbiguousAddress(f"a name may not begin with {older[0]}/, because a workspace has that slug")

    def _ambiguous(self, slug: str) -> AmbiguousAddress:
        return AmbiguousAddress(f"{slug} is a workspace: write @{slug}/... or @{self.default_workspace}/{slug}/...")

    def address_of(self, document_id: UUID, workspace_slug: str | None, name: str | None, *, shadowed: bool) -> str:
        """The shortest address of a document. `shadowed`: the name alone reads as another workspace's."""
        if name is None or workspace_slug is None or name.startswith("@"):
            return str(document_id)
        return name if workspace_slug == self.default_workspace and not shadowed else f"@{workspace_slug}/{name}"


def _split_explicit(address: str) -> tuple[str, str] | None:
    """Return (workspace slug, name) of `@<slug>/<name>`; None for other addresses. Raises Malformed for @ without a
    name.
    """
    if not address.startswith("@"):
        return None
    slug, _, name = address[1:].partition("/")
    if not slug or not name or "@" in slug:
        raise Malformed("an address that begins with @ must be @<workspace>/<name>")
    return slug, name


def _split_older(address: str) -> tuple[str, str] | None:
    """Return (workspace slug, name) of `<slug>/<name>`, or None."""
    slug, _, name = address.partition("/")
    return (slug, name) if slug and name else None


def parse_id(address: str) -> UUID | None:
    """The id where the address is one. Raises Malformed as `check_address`."""
    address = check_address(address)
    return UUID(address) if _UUID.fullmatch(address) else None


def check_address(address: str) -> str:
    """Return the address without surrounding white space, in Unicode NFC like stored names. Raises Malformed for an
    invalid address.
    """
    address = unicodedata.normalize("NFC", address.strip())
    if not address:
        raise Malformed("the name of a document must not be empty")
    if len(address) > MAX_ADDRESS:
        raise Malformed(f"a document's address may have at most {MAX_ADDRESS} characters")
    if _UNPRINTABLE.search(address):
        raise Malformed("a document's name may not contain control characters")
    if any(_DOTS.fullmatch(segment) for segment in address.split("/")):
        raise Malformed("a document's name may not contain the segments . and ..: browsers remove them")
    return address


def check_name(name: str) -> str:
    """Like `check_address`, for a new name. Also raises Malformed for a name that could not be addressed."""
    name = check_address(name)
    if len(name) > MAX_NAME:
        raise Malformed(f"a document's name may have at most {MAX_NAME} characters")
    if _UUID.fullmatch(name):
        raise Malformed("a document's name may not look like an id")
    if name.startswith("@"):
        raise Malformed("a document's name may not begin with @, the prefix of addresses with a workspace")
    return name


UNTITLED = "Untitled"
"""The title of documents without a title."""


def add_title(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the columns of a new document. Without a title, the title is the end of the name, and follows the first
    heading later.
    """
    if fields.get("title") not in (None, UNTITLED):
        return fields
    name = fields.get("name") or UNTITLED
    last = name.rstrip("/").rpartition("/")[2].strip() or name
    return {**fields, "title": last, "title_is_set": False}

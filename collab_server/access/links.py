"""Links: shares that whoever has their token opens, with or without an account."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from uuid import UUID

from collab_server.access import queries
from collab_server.adapters.postgres import Conn
from collab_server.errors import ShareEnded, SharePasswordRequired, ShareUsedUp, Unauthenticated
from collab_server.security import tokens

GUEST_NAME = "Guest"
MAX_GUEST_NAME = 60
"""Characters of the name that a guest chooses."""


@dataclass(frozen=True, slots=True)
class Link:
    """The link by which somebody came.

    `document_id`: what it opens; None: documents of a workspace, read only. `name`: of the link; empty if it has none.
    `opening_id`: changes with the link's password. `client`: whom a use by a
    socket is counted for; None: the use has been counted. `guest`: the name that the guest chose when the link was
    opened; None: presence names them.
    """

    id: UUID
    document_id: UUID | None
    opening_id: UUID
    name: str
    client: bytes | None = field(default=None, compare=False)
    guest: str | None = None

    def sign(self, guest: str) -> str:
        """Return a guest's name with the link's, as others see it."""
        return f"{guest} (link {self.name})" if self.name else f"{guest} (link)"


@dataclass(frozen=True, slots=True)
class Device:
    """Who opens a link, as far as the server can tell. `device_id`: the client's own name for its device."""

    address: str = ""
    agent: str = ""
    device_id: str = ""

    def key(self, share_id: UUID) -> bytes:
        """32 bytes, equal for two openings of one link by the same client."""
        parts = (str(share_id), self.address, self.agent, self.device_id)
        return hashlib.sha256("\x00".join(parts).encode()).digest()


UNKNOWN_DEVICE = Device()


def is_link_token(token: str) -> bool:
    """Whether the token is one of a link, as `POST documents/{id}/shares` returned it."""
    return token.startswith(tokens.LINK_TOKEN_PREFIX)


async def find_link(conn: Conn, token: str, device: Device) -> Link | None:
    """Find the link with this token.

    Raises ShareEnded, SharePasswordRequired, and ShareUsedUp unless the device
    has used it before and is connected, or was a minute ago.
    """
    found = await queries.find_link(conn, tokens.token_hash(token))
    if found is None:
        return None
    if not found.is_active:
        raise ShareEnded("the link was revoked, or its time is over")
    if found.has_password:
        raise SharePasswordRequired("the link has a password: open it with POST shares/open")
    client = device.key(found.id)
    if found.is_full and not await queries.has_opening(conn, found.id, client):
        raise ShareUsedUp("the link was opened as often as it may be")
    return Link(found.id, found.document_id, found.opening_id, found.name or "", client)


def read_opened(claims: Mapping[str, object]) -> tuple[Link, datetime]:
    """(the link that a token of `POST shares/open` opens, the end of the token). Raises Unauthenticated."""
    try:
        document = str(claims["document"])
        link = Link(
            UUID(str(claims["share"])),
            UUID(document) if document else None,
            UUID(str(claims["made_by"])),
            "",
            guest=str(claims["name"]) or None,
        )
        return link, datetime.fromtimestamp(float(str(claims["exp"])), UTC)
    except (KeyError, ValueError) as error:
        raise Unauthenticated("the token is not valid") from error


async def get_opened_link(conn: Conn, link: Link) -> Link:
    """Return the present form of a link that was opened. Raises ShareEnded."""
    found = await queries.find_link_by_id(conn, link.id)
    if found is None or not found.is_active:
        raise ShareEnded("the link was revoked, or its time is over")
    if found.opening_id != link.opening_id:
        raise ShareEnded("the link has another password now: open it again")
    return replace(link, name=found.name or "")

"""Who is asking: a guest, a user (by session, API token or a provider's token), or the bearer of a connect token for
one document.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Literal, Protocol
from uuid import UUID

from collab_server.access import links, live_queries, queries
from collab_server.access.links import GUEST_NAME, UNKNOWN_DEVICE, Device, Link
from collab_server.access.policy import Role, role_named
from collab_server.adapters.postgres import Database, Subject
from collab_server.errors import AmbiguousAddress, Forbidden, NotFound, ShareEnded, Unauthenticated
from collab_server.security import tokens


@dataclass(frozen=True, slots=True)
class Credential:
    """The session or token of an identity. `name`: the owner's name of an API token.

    `id`: the row of `sessions` or `access_tokens`; None for a provider's token. A connect token (kind `connect`) has
    the row of its maker, or the epoch if no row made it. It ends with this row.
    """

    kind: Literal["session", "token", "oidc", "connect"]
    id: UUID | None
    name: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Identity:
    """`role_cap`: the most this identity may be in any document. `document_id`: the only document it may see, if
    set. `is_admin`: may administer the server (not: see what is not theirs). `issuer`: who made the connect token; it
    gives no more than that person (None: a guest) has in the document at the time. `link`: the link by which they
    came; it gives them its rights besides their own.
    """

    kind: Literal["guest", "user", "connect"]
    user_id: UUID | None
    name: str
    role_cap: Role = Role.ADMIN
    document_id: UUID | None = None
    expires_at: datetime | None = None
    credential: Credential | None = None
    is_admin: bool = False
    issuer: UUID | None = None
    link: Link | None = None

    @property
    def subject(self) -> Subject:
        """Who row-level security takes this identity for."""
        return Subject(self.user_id, self.link.id if self.link else None)

    @property
    def rights(self) -> Subject:
        """Whose rights bound those of this identity."""
        return Subject(self.rights_of, self.link.id if self.link else None)

    @property
    def rights_of(self) -> UUID | None:
        """The person whose rights bound those of this identity; None: a guest's."""
        return self.issuer if self.kind == "connect" else self.user_id

    @property
    def is_guest(self) -> bool:
        """Whether nobody has signed in: neither this person nor the one who vouches for them."""
        return self.kind == "guest" or (self.link is not None and self.rights_of is None)

    @property
    def person(self) -> str:
        """Equal for two connections of the same person, as far as the server knows."""
        return f"{self.kind}:{self.user_id or self.document_id or ''}:{self.name}"

    def counted_as(self, address: str) -> str:
        """Whom work for this identity counts for (fair_queue.on_behalf_of). `address`: as of address_of.

        All people of an application that embeds an editor have connect tokens of one issuer: each address counts.
        """
        if self.rights_of is None:
            return address
        return f"user:{self.rights_of}:{address}" if self.kind == "connect" else f"user:{self.rights_of}"

    @property
    def credential_id(self) -> UUID | None:
        """The id of the session or token; None where there is none."""
        return self.credential.id if self.credential else None

    @property
    def bearer(self) -> str:
        """Equal for two requests with the same rights of the same person: by the same session or token, where the
        server can tell.
        """
        credential = self.credential
        return f"{self.person}:{self.role_cap.label}:{credential.id if credential and credential.id else ''}"

    @property
    def vouched(self) -> dict[str, object] | None:
        """Fields of an awareness state's `user` that the server sets; guests, and those whom guests let in, name
        themselves. `link`: the link whose name stands beside theirs.
        """
        if self.rights_of is None:
            if self.link is None:
                return None
            return {"id": None, "name": self.name} if self.link.guest else {"id": None, "link": self.link.name}
        return {"id": str(self.user_id) if self.user_id else None, "name": self.name}


FIRST_EPOCH = UUID(int=0)
"""The epoch of connect tokens of the previous version, which name no maker."""
GUEST = Identity("guest", None, "Guest")
READER = Identity("guest", None, "Guest", Role.VIEWER)
"""Somebody who is not signed in where guests are not let in: they may read public documents, and are asked to sign in
for everything else.
"""

SCOPE_CAP = {"read": Role.VIEWER, "comment": Role.COMMENTER, "write": Role.EDITOR, "admin": Role.ADMIN}
SCOPES = tuple(SCOPE_CAP)
MAX_TOKEN = 16_384
"""Characters. Providers write groups and roles into their access tokens."""


class BearerVerifier(Protocol):
    """Who knows the tokens of an OpenID Connect provider."""

    async def identity_of(self, token: str) -> Identity:
        """Raises Unauthenticated, Unavailable."""
        ...


class Authenticator:
    """Turns what a request carries into an Identity. `oidc`: reads JWTs that are not our own. `on_unknown_link`: takes
    the network from where a token of no link came, and may raise TooMany.
    """

    def __init__(
        self,
        db: Database,
        signer: tokens.Signer,
        *,
        guests: bool,
        oidc: BearerVerifier | None = None,
        on_unknown_link: Callable[[str], Awaitable[None]] | None = None,
    ) -> None:
        self._db = db
        self._on_unknown_link = on_unknown_link
        self._signer = signer
        self._guests = guests
        self.oidc = oidc

    async def identify(self, token: str | None, *, reading: bool = False, device: Device = UNKNOWN_DEVICE) -> Identity:
        """The identity behind a bearer token; without one, a guest where guests are let in, else READER where what is
        asked for is `reading` a document. `device`: opens the link, if the token is a link's.

        Raises Unauthenticated (also for a token that is wrong: it never falls back to a guest), Unavailable; TooMany
        for guesses of links.
        """
        if not token:
            if self._guests:
                return GUEST
            if reading:
                return READER
            raise Unauthenticated("sign in, or give a token")
        if len(token) > MAX_TOKEN:
            raise Unauthenticated("the token is not valid")
        if links.is_link_token(token):
            return _guest_of(await self._get_link(token, device))
        if token.startswith(tokens.API_TOKEN_PREFIX):
            return await self._by_api_token(token)
        if self.oidc is not None and tokens.algorithm_of(token) not in ("", tokens.CONNECT_ALGORITHM):
            return await self.oidc.identity_of(token)
        return await self._by_connect_token(token)

    async def with_link(self, identity: Identity | None, token: str, device: Device) -> Identity:
        """The identity with the rights of a link besides its own; None: of a guest who has the link only. `token`: the
        link's, or the one that `POST shares/open` returned. A connect token is for what its maker allowed, and stays.
        A person whose link has ended keeps their own rights.

        Raises Unauthenticated, ShareEnded, SharePasswordRequired, ShareUsedUp, Unavailable.
        """
        try:
            bearer = await self.identify(token, device=device)
        except ShareEnded:
            if identity is None or identity.kind == "guest":
                raise
            return identity
        if bearer.link is None:
            raise Unauthenticated("the token is not one of a link")
        if identity is None or identity.kind == "guest":
            return bearer
        return replace(identity, link=bearer.link) if identity.kind == "user" else identity

    async def _get_link(self, token: str, device: Device) -> Link:
        async with self._db.as_service() as conn:
            found = await links.find_link(conn, token, device)
        if found is None:
            if self._on_unknown_link is not None:
                await self._on_unknown_link(device.address)
            raise Unauthenticated("the link is not valid")
        return found

    async def of_session(self, token: str) -> Identity | None:
        """The identity behind a session's cookie; None where the session has ended. Raises Unavailable."""
        if len(token) > 256:
            return None
        async with self._db.as_service() as conn:
            owner = await queries.find_session_owner(conn, tokens.token_hash(token))
        if owner is None:
            return None
        return Identity(
            "user",
            owner.user_id,
            owner.name,
            expires_at=owner.expires_at,
            credential=Credential("session", owner.session_id),
            is_admin=owner.is_admin,
        )

    async def _by_api_token(self, token: str) -> Identity:
        async with self._db.as_service() as conn:
            owner = await queries.find_token_owner(conn, tokens.token_hash(token))
        if owner is None:
            raise Unauthenticated("the token is not valid, expired or revoked")
        caps = [SCOPE_CAP[scope] for scope in owner.scopes if scope in SCOPE_CAP]
        if not caps:
            raise Forbidden("the token has no scope that this server knows")
        credential = Credential("token", owner.token_id, owner.token_name)
        is_admin = owner.is_admin and max(caps) is Role.ADMIN
        return Identity("user", owner.user_id, owner.name, max(caps), None, owner.expires_at, credential, is_admin)

    async def _by_connect_token(self, token: str) -> Identity:
        claims = self._signer.read(token)
        if "share" in claims:
            link, expires_at = links.read_opened(claims)
            async with self._db.as_service() as conn:
                return _guest_of(await links.get_opened_link(conn, link), expires_at)
        identity, made_by = _bearer_of(claims)
        async with self._db.as_service() as conn:
            if not await live_queries.list_valid_credentials(conn, [made_by]):
                raise Unauthenticated("the token or session that made this connect token has ended")
        return identity


@contextmanager
def asked_to_sign_in(identity: Identity) -> Iterator[None]:
    """What READER may not have is refused with Unauthenticated, whether it is there or not."""
    try:
        yield
    except (NotFound, Forbidden, AmbiguousAddress):
        if identity is READER:
            raise Unauthenticated("sign in, or give a token") from None
        raise


def _guest_of(link: Link, expires_at: datetime | None = None) -> Identity:
    """Who has only a link: for one document like the bearer of a connect token, else a guest who reads."""
    many = link.document_id is None
    return Identity(
        "guest" if many else "connect",
        None,
        link.sign(link.guest or GUEST_NAME),
        Role.VIEWER if many else Role.ADMIN,
        link.document_id,
        expires_at,
        Credential("connect", link.opening_id),
        link=link,
    )


def _bearer_of(claims: Mapping[str, object]) -> tuple[Identity, UUID]:
    """(who has a connect token with these claims, the row that it depends on). Raises Unauthenticated for claims that
    are not ours.
    """
    try:
        made_by = UUID(str(claims.get("made_by", FIRST_EPOCH)))
        subject = claims.get("sub")
        issuer = claims.get("by", subject)
        identity = Identity(
            "connect",
            UUID(str(subject)) if subject else None,
            str(claims["name"]),
            role_named(str(claims["role"])),
            UUID(str(claims["document"])),
            datetime.fromtimestamp(float(str(claims["exp"])), UTC),
            Credential("connect", made_by),
            issuer=UUID(str(issuer)) if issuer else None,
        )
        return identity, made_by
    except (KeyError, ValueError) as error:
        raise Unauthenticated("the token is not valid") from error

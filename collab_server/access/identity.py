"""Who is asking: a guest, a user by API token, or the bearer of a connect token for one document."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

from collab_server import crypto
from collab_server.access import queries
from collab_server.access.policy import Role, role_named
from collab_server.backends.db import Database
from collab_server.errors import Forbidden, Unauthenticated


@dataclass(frozen=True, slots=True)
class Identity:
    """`role_cap`: the most this identity may be in any document. `document_id`: the only document it may see, if
    set.
    """

    kind: Literal["guest", "user", "connect"]
    user_id: UUID | None
    name: str
    role_cap: Role = Role.ADMIN
    document_id: UUID | None = None
    expires_at: datetime | None = None

    @property
    def person(self) -> str:
        """Equal for two connections of the same person, as far as the server knows."""
        return f"{self.kind}:{self.user_id or self.document_id or ''}:{self.name}"

    @property
    def vouched(self) -> dict[str, object] | None:
        """Fields of an awareness state's `user` that the server sets; guests name themselves."""
        if self.kind == "guest":
            return None
        return {"id": str(self.user_id) if self.user_id else None, "name": self.name}


GUEST = Identity("guest", None, "Guest")

_SCOPE_CAP = {"read": Role.VIEWER, "comment": Role.COMMENTER, "write": Role.EDITOR, "admin": Role.ADMIN}
SCOPES = tuple(_SCOPE_CAP)


class Authenticator:
    """Turns what a request carries into an Identity."""

    def __init__(self, db: Database, signer: crypto.Signer, *, guests: bool) -> None:
        self._db = db
        self._signer = signer
        self._guests = guests

    async def identify(self, token: str | None) -> Identity:
        """The identity behind a bearer token; without one, a guest where guests are let in.

        Raises Unauthenticated (also for a token that is wrong: it never falls back to a guest), Unavailable.
        """
        if not token:
            if self._guests:
                return GUEST
            raise Unauthenticated("sign in, or give a token")
        if len(token) > 4096:
            raise Unauthenticated("the token is not valid")
        if token.startswith(crypto.API_TOKEN_PREFIX):
            return await self._by_api_token(token)
        return self._by_connect_token(token)

    async def _by_api_token(self, token: str) -> Identity:
        async with self._db.as_service() as conn:
            owner = await queries.find_token_owner(conn, crypto.token_hash(token))
        if owner is None:
            raise Unauthenticated("the token is not valid, expired or revoked")
        caps = [_SCOPE_CAP[scope] for scope in owner.scopes if scope in _SCOPE_CAP]
        if not caps:
            raise Forbidden("the token has no scope that this server knows")
        return Identity("user", owner.user_id, owner.name, max(caps), None, owner.expires_at)

    def _by_connect_token(self, token: str) -> Identity:
        claims = self._signer.read(token)
        try:
            subject = claims.get("sub")
            return Identity(
                "connect",
                UUID(str(subject)) if subject else None,
                str(claims["name"]),
                role_named(str(claims["role"])),
                UUID(str(claims["document"])),
                datetime.fromtimestamp(float(str(claims["exp"])), UTC),
            )
        except (KeyError, ValueError) as error:
            raise Unauthenticated("the token is not valid") from error

"""Access tokens of the provider as bearer tokens of programs, limited by their scopes."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from collab_server.access.identity import Credential, Identity
from collab_server.access.policy import Role
from collab_server.adapters.postgres import Database
from collab_server.errors import Unauthenticated
from collab_server.features.oidc import queries as oidc_queries
from collab_server.features.oidc.id_tokens import Verifier

_CAP = {
    "collab:read": Role.VIEWER,
    "collab:comment": Role.COMMENTER,
    "collab:write": Role.EDITOR,
    "collab:admin": Role.ADMIN,
}
CAP_WITHOUT_SCOPES = Role.EDITOR
"""Role of tokens without scopes of this server: enough for work on documents, not for changes of accounts."""


class BearerTokens:
    def __init__(self, db: Database, tokens: Verifier, audience: str) -> None:
        self._db = db
        self._tokens = tokens
        self._audience = audience

    async def identity_of(self, token: str) -> Identity:
        """Return the user of an access token. The user must have signed in with a browser once. Raises Unauthenticated
        (TokenRefused), Unavailable.
        """
        claims = await self._tokens.access_token(token, audience=self._audience)
        async with self._db.as_service() as conn:
            found = await oidc_queries.find_bearer(conn, self._tokens.issuer, claims["sub"])
        if found is None:
            raise Unauthenticated("no user has this identity: sign in with a browser once")
        cap = find_role_cap(claims)
        return Identity(
            "user",
            found.user_id,
            found.name,
            cap,
            expires_at=datetime.fromtimestamp(float(claims["exp"]), UTC),
            credential=Credential("oidc", None),
            is_admin=found.is_admin and cap is Role.ADMIN,
        )


def find_role_cap(claims: Mapping[str, Any]) -> Role:
    """Return the highest role of the scopes with the prefix `collab:`, else CAP_WITHOUT_SCOPES. Unknown scopes with
    this prefix allow reading only.
    """
    given = claims.get("scope", claims.get("scp", ""))
    scopes = given.split() if isinstance(given, str) else given if isinstance(given, list) else []
    ours = [scope for scope in scopes if isinstance(scope, str) and scope.startswith("collab:")]
    if not ours:
        return CAP_WITHOUT_SCOPES
    return max(_CAP.get(scope, Role.VIEWER) for scope in ours)

"""Programs with an access token of the provider: the same person as in the browser, with what its scopes allow."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from collab_server.access.identity import Credential, Identity
from collab_server.access.policy import Role
from collab_server.accounts import oidc_queries
from collab_server.accounts.oidc_tokens import Verifier
from collab_server.backends.db import Database
from collab_server.errors import Unauthenticated

_CAP = {
    "collab:read": Role.VIEWER,
    "collab:comment": Role.COMMENTER,
    "collab:write": Role.EDITOR,
    "collab:admin": Role.ADMIN,
}
CAP_WITHOUT_SCOPES = Role.EDITOR
"""A provider that knows nothing of our scopes gave the token for some work, not for changing accounts."""


class BearerTokens:
    def __init__(self, db: Database, tokens: Verifier, audience: str) -> None:
        self._db = db
        self._tokens = tokens
        self._audience = audience

    async def identity_of(self, token: str) -> Identity:
        """The user behind an access token of somebody who has signed in here in the browser once.

        Raises Unauthenticated (TokenRefused), Unavailable.
        """
        claims = await self._tokens.access_token(token, audience=self._audience)
        async with self._db.as_service() as conn:
            found = await oidc_queries.find_bearer(conn, self._tokens.issuer, claims["sub"])
        if found is None:
            raise Unauthenticated("nobody here belongs to this token: sign in with a browser once")
        cap = role_cap(claims)
        return Identity(
            "user",
            found.user_id,
            found.name,
            cap,
            expires_at=datetime.fromtimestamp(float(claims["exp"]), UTC),
            credential=Credential("oidc", None),
            is_admin=found.is_admin and cap is Role.ADMIN,
        )


def role_cap(claims: Mapping[str, Any]) -> Role:
    """The most a token may do: the highest of its scopes that begin with `collab:`, else CAP_WITHOUT_SCOPES.

    Scopes of this kind that we do not know allow reading only.
    """
    given = claims.get("scope", claims.get("scp", ""))
    scopes = given.split() if isinstance(given, str) else given if isinstance(given, list) else []
    ours = [scope for scope in scopes if isinstance(scope, str) and scope.startswith("collab:")]
    if not ours:
        return CAP_WITHOUT_SCOPES
    return max(_CAP.get(scope, Role.VIEWER) for scope in ours)

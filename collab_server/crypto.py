"""Secrets: opaque tokens are stored as hashes only; connect tokens are signed, not stored."""

import hashlib
import secrets
import time

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from collab_server.errors import Unauthenticated

API_TOKEN_PREFIX = "cs_"  # noqa: S105
CONNECT_AUDIENCE = "collab_server/connect"


def new_api_token() -> str:
    """A fresh API token: 256 random bits behind a prefix that secret scanners can find."""
    return API_TOKEN_PREFIX + secrets.token_urlsafe(32)


def token_hash(token: str) -> bytes:
    """SHA-256 (32 bytes) of a token. Random 256-bit tokens need no slow hash."""
    return hashlib.sha256(token.encode()).digest()


class Signer:
    """Signs and reads connect tokens (JWT, HS256)."""

    def __init__(self, key: bytes) -> None:
        self._key = OctKey.import_key(key)

    def sign(self, claims: dict[str, object], lifetime: float) -> str:
        now = int(time.time())
        return jwt.encode(
            {"alg": "HS256"}, {**claims, "aud": CONNECT_AUDIENCE, "iat": now, "exp": now + int(lifetime)}, self._key
        )

    def read(self, token: str) -> dict[str, object]:
        """The claims of a token that we signed and that has not expired. Raises Unauthenticated."""
        try:
            claims: dict[str, object] = jwt.decode(token, self._key, algorithms=["HS256"]).claims
        except (JoseError, ValueError) as error:
            raise Unauthenticated("the token is not valid") from error
        if claims.get("aud") != CONNECT_AUDIENCE or not isinstance(claims.get("exp"), int):
            raise Unauthenticated("the token is not valid")
        if float(str(claims["exp"])) <= time.time():
            raise Unauthenticated("the token has expired")
        return claims

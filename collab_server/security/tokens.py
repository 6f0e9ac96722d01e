"""Secrets: opaque tokens are stored as hashes only; connect tokens are signed, not stored."""

import hashlib
import hmac
import json
import secrets
import time
from uuid import UUID

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from collab_server.errors import Unauthenticated
from collab_server.security import base64url

API_TOKEN_PREFIX = "cs_"  # noqa: S105
LINK_TOKEN_PREFIX = "csl_"  # noqa: S105
CONNECT_AUDIENCE = "collab_server/connect"
CONNECT_ALGORITHM = "HS256"


def new_api_token() -> str:
    """A fresh API token: 256 random bits behind a prefix that secret scanners can find."""
    return API_TOKEN_PREFIX + secrets.token_urlsafe(32)


def new_link_token() -> str:
    """A fresh token of a link: 256 random bits behind a prefix."""
    return LINK_TOKEN_PREFIX + secrets.token_urlsafe(32)


def new_secret() -> str:
    """256 random bits, for a session's cookie or a one-time link."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> bytes:
    """SHA-256 (32 bytes) of a token. Random 256-bit tokens need no slow hash."""
    return hashlib.sha256(token.encode()).digest()


def csrf_token(session_token: str) -> str:
    """What a page of ours sends beside the session's cookie. Other pages can neither read nor compute it."""
    made = hmac.digest(session_token.encode(), b"collab_server/csrf", "sha256")
    return base64url.encode(made)


def algorithm_of(token: str) -> str:
    """The `alg` that a JWT claims to be signed with (nothing is verified); empty for what is no JWT."""
    head = token.partition(".")[0]
    try:
        algorithm = json.loads(base64url.decode(head))["alg"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return ""
    return algorithm if isinstance(algorithm, str) else ""


def derived_key(secret: bytes, purpose: str) -> bytes:
    """32 bytes for one purpose (HKDF-SHA256): no other purpose's key tells anything about them."""
    return HKDF(SHA256(), 32, salt=None, info=purpose.encode()).derive(secret)


class Signer:
    """Signs and reads connect tokens (JWT, HS256), with a key derived from `secret`.

    The previous version signed with `secret` itself. Its tokens are read too; they live for a day at most.
    """

    def __init__(self, secret: bytes) -> None:
        self._key = OctKey.import_key(derived_key(secret, CONNECT_AUDIENCE))
        self._former_key = OctKey.import_key(secret)

    def sign(self, claims: dict[str, object], lifetime: float) -> str:
        now = int(time.time())
        return jwt.encode(
            {"alg": CONNECT_ALGORITHM},
            {**claims, "aud": CONNECT_AUDIENCE, "iat": now, "exp": now + int(lifetime)},
            self._key,
        )

    def read(self, token: str) -> dict[str, object]:
        """The claims of a token that we signed and that has not expired. Raises Unauthenticated."""
        try:
            claims = self._claims(token, self._key)
        except (JoseError, ValueError):
            try:
                claims = self._claims(token, self._former_key)
            except (JoseError, ValueError) as error:
                raise Unauthenticated("the token is not valid") from error
        if claims.get("aud") != CONNECT_AUDIENCE or not isinstance(claims.get("exp"), int):
            raise Unauthenticated("the token is not valid")
        if float(str(claims["exp"])) <= time.time():
            raise Unauthenticated("the token has expired")
        return claims

    @staticmethod
    def _claims(token: str, key: OctKey) -> dict[str, object]:
        claims: dict[str, object] = jwt.decode(token, key, algorithms=[CONNECT_ALGORITHM]).claims
        return claims


class UnsubscribeTokens:
    """Tokens of the links in mails. They name an account, can only turn its mails off, and do not expire: people
    unsubscribe by old mails.
    """

    def __init__(self, secret: bytes) -> None:
        self._key = derived_key(secret, "collab_server/unsubscribe")

    def sign(self, user_id: UUID) -> str:
        return base64url.encode(user_id.bytes + hmac.digest(self._key, user_id.bytes, "sha256"))

    def read(self, token: str) -> UUID | None:
        """Return the account of a token that we signed; None for any other text."""
        try:
            given = base64url.decode(token)
        except ValueError:
            return None
        signed, signature = given[:16], given[16:]
        if not hmac.compare_digest(hmac.digest(self._key, signed, "sha256"), signature):
            return None
        return UUID(bytes=signed)

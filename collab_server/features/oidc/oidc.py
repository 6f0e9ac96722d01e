"""Sign-in with an OpenID Connect provider: the authorization code flow with PKCE.

The state of an attempt is kept in an encrypted cookie. The server stores nothing.
"""

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import quote, urlencode

from collab_server.errors import ConfigurationError, ProviderUnavailable
from collab_server.features.oidc.discovery import Discovery, Metadata
from collab_server.features.oidc.fetch import Fetcher, is_safe_url
from collab_server.features.oidc.id_tokens import TokenRefused, Verifier
from collab_server.features.oidc.provider_keys import Keys
from collab_server.observability.logging import log
from collab_server.security import base64url
from collab_server.security.encryption import CannotOpen, Keyring
from collab_server.settings import Settings

ATTEMPT_SECONDS = 600.0
_PLACE = "cookie.oidc_attempt"


class SignInRefused(Exception):
    """`code`: for the sign-in page. `reason`: the failed check of a token, if any."""

    def __init__(self, code: str, reason: str = "") -> None:
        super().__init__(f"{code} {reason}".strip())
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Attempt:
    """A sign-in on its way. `next`: the local path to end at. `expires_at`: seconds since 1970."""

    state: str
    nonce: str
    verifier: str
    next: str
    redirect_uri: str
    expires_at: float


@dataclass(frozen=True, slots=True)
class ProviderTokens:
    access_token: str
    refresh_token: str | None
    id_token: str


@dataclass(frozen=True, slots=True)
class Vouched:
    """Claims and tokens of a completed sign-in."""

    claims: Mapping[str, Any]
    tokens: ProviderTokens


class Oidc:
    """One provider. `clock`: the time of day in seconds since 1970."""

    def __init__(self, settings: Settings, keyring: Keyring, *, clock: Callable[[], float] = time.time) -> None:
        """Raises ConfigurationError for contradictory settings."""
        _check(settings)
        self.issuer = settings.oidc_issuer
        self.client_id = settings.oidc_client_id
        self._secret = settings.oidc_client_secret.get_secret_value()
        self._scopes = settings.oidc_scopes
        self._keyring = keyring
        self._clock = clock
        self._fetcher = Fetcher()
        self._discovery = Discovery(self.issuer, self._fetcher)

        async def jwks_uri() -> str:
            return (await self._discovery.metadata()).jwks_uri

        self.keys = Keys(jwks_uri, self._fetcher)
        self.tokens = Verifier(self.issuer, self.keys, clock=clock)

    async def close(self) -> None:
        await self._fetcher.close()

    async def examine(self) -> None:
        """Fetch metadata and keys of the provider. Raises ProviderUnavailable with the cause."""
        metadata = await self._discovery.ask()
        await self.keys.ask(metadata.jwks_uri)

    # ---- leaving

    async def begin(self, next_path: str, redirect_uri: str) -> tuple[str, Attempt]:
        """Return (URL of the provider, state of the attempt to keep in a cookie). Raises ProviderUnavailable."""
        metadata = await self._discovery.metadata()
        attempt = Attempt(
            state=secrets.token_urlsafe(32),
            nonce=secrets.token_urlsafe(32),
            verifier=secrets.token_urlsafe(48),
            next=next_path,
            redirect_uri=redirect_uri,
            expires_at=self._clock() + ATTEMPT_SECONDS,
        )
        asked = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": redirect_uri,
            "scope": self._scopes,
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": _make_challenge(attempt.verifier),
            "code_challenge_method": "S256",
        }
        return _add_query(metadata.authorization_endpoint, asked), attempt

    def seal(self, attempt: Attempt) -> str:
        return self._keyring.seal_text(json.dumps(asdict(attempt)), _PLACE)

    def recall(self, sealed: str | None, state: str) -> Attempt:
        """Return the attempt for `state` from the cookie. Raises SignInRefused (`state_mismatch`)."""
        try:
            attempt = Attempt(**json.loads(self._keyring.open_text(sealed or "", _PLACE)))
        except (CannotOpen, TypeError, ValueError):
            raise SignInRefused("state_mismatch") from None
        if not hmac.compare_digest(attempt.state.encode(), state.encode(errors="replace")):
            raise SignInRefused("state_mismatch")
        if attempt.expires_at <= self._clock():
            raise SignInRefused("state_mismatch", "expired")
        return attempt

    # ---- coming back

    async def finish(self, attempt: Attempt, answer: Mapping[str, str]) -> Vouched:
        """Complete the sign-in. `answer`: the query of the provider's redirect. Raises SignInRefused,
        ProviderUnavailable.
        """
        metadata = await self._discovery.metadata()
        self._check_answer(metadata, answer)
        tokens = await self._exchange(metadata, attempt, answer["code"])
        try:
            claims = await self.tokens.id_token(
                tokens.id_token, client_id=self.client_id, nonce=attempt.nonce, access_token=tokens.access_token
            )
        except TokenRefused as error:
            log.warning("an ID token was refused", extra={"fault": error.fault, "detail": error.detail})
            raise SignInRefused("invalid_id_token", error.fault) from error
        if "email" not in claims and metadata.userinfo_endpoint is not None:
            claims = {**await self._userinfo(metadata.userinfo_endpoint, tokens, claims["sub"]), **claims}
        return Vouched(claims, tokens)

    def _check_answer(self, metadata: Metadata, answer: Mapping[str, str]) -> None:
        # RFC 9207: an issuer in the answer must be this provider; the metadata can declare it mandatory.
        if ("iss" in answer or metadata.names_issuer_in_answers) and answer.get("iss") != self.issuer:
            raise SignInRefused("state_mismatch", "issuer")
        if error := answer.get("error"):
            log.info("the sign-in provider returned an error", extra={"error": error[:100]})
            if error in ("server_error", "temporarily_unavailable"):
                raise ProviderUnavailable("the sign-in provider is unavailable")
            raise SignInRefused("access_denied" if error == "access_denied" else "provider_refused")
        if not answer.get("code"):
            raise SignInRefused("provider_refused")

    async def _exchange(self, metadata: Metadata, attempt: Attempt, code: str) -> ProviderTokens:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": attempt.redirect_uri,
            "code_verifier": attempt.verifier,
        }
        headers = {}
        if not self._secret:
            form["client_id"] = self.client_id
        elif "client_secret_basic" in metadata.token_auth or "client_secret_post" not in metadata.token_auth:
            pair = f"{quote(self.client_id, safe='')}:{quote(self._secret, safe='')}"
            headers["authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            form |= {"client_id": self.client_id, "client_secret": self._secret}
        answer = await self._fetcher.post_form(metadata.token_endpoint, form, headers)
        access, identity, refresh = (answer.body.get(n) for n in ("access_token", "id_token", "refresh_token"))
        if answer.status != 200 or not isinstance(access, str) or not isinstance(identity, str):
            reason = str(answer.body.get("error", ""))[:100]
            log.warning("the sign-in provider refused a code", extra={"status": answer.status, "error": reason})
            raise SignInRefused("code_refused")
        return ProviderTokens(access, refresh if isinstance(refresh, str) else None, identity)

    async def _userinfo(self, url: str, tokens: ProviderTokens, subject: str) -> Mapping[str, Any]:
        answer = await self._fetcher.get(url, bearer=tokens.access_token)
        # OpenID Connect Core 5.3.2: without this check another person's claims could be substituted.
        return answer.body if answer.status == 200 and answer.body.get("sub") == subject else {}

    # ---- signing out

    async def end_session_url(self, back_to: str, id_token: str | None) -> str | None:
        """Return the provider's URL for sign-out. None if the provider has none or does not answer."""
        try:
            url = (await self._discovery.metadata()).end_session_endpoint
        except ProviderUnavailable:
            return None
        if url is None:
            return None
        hint = {"id_token_hint": id_token} if id_token else {}
        return _add_query(url, {"client_id": self.client_id, "post_logout_redirect_uri": back_to, **hint})

    # ---- stored values

    def seal_tokens(self, tokens: ProviderTokens, session_id: object) -> bytes:
        return self._keyring.seal(json.dumps(asdict(tokens)).encode(), make_token_place(session_id))

    def open_tokens(self, sealed: bytes, session_id: object) -> ProviderTokens | None:
        """Decrypt provider tokens. None if their key is missing."""
        try:
            return ProviderTokens(**json.loads(self._keyring.open(sealed, make_token_place(session_id))))
        except CannotOpen as error:
            log.warning("tokens of the sign-in provider cannot be decrypted", extra={"error": str(error)})
            return None


def make_token_place(session_id: object) -> str:
    return f"sessions.provider_tokens:{session_id}"


def check_local_path(given: str) -> str:
    """Return `given` if it is a page of this server, else `/`, to prevent open redirects.

    Browsers read a backslash as a slash, drop tabs and line breaks, and take `//host` for another server.
    """
    good = (
        given.startswith("/")
        and not given.startswith(("//", "/api/"))
        and len(given) <= 2000
        and "\\" not in given
        and given.isprintable()
    )
    return given if good else "/"


def _check(settings: Settings) -> None:
    if not is_safe_url(settings.oidc_issuer):
        raise ConfigurationError("COLLAB_OIDC_ISSUER must be an https URL (http on this machine only)")
    if not settings.oidc_client_id and not settings.oidc_audience:
        raise ConfigurationError("COLLAB_OIDC_ISSUER needs COLLAB_OIDC_CLIENT_ID, COLLAB_OIDC_AUDIENCE, or both")
    if "openid" not in settings.oidc_scopes.split():
        raise ConfigurationError("COLLAB_OIDC_SCOPES must contain openid")


def _make_challenge(verifier: str) -> str:
    return base64url.encode(hashlib.sha256(verifier.encode()).digest())


def _add_query(url: str, query: Mapping[str, str]) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"

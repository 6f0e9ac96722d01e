"""A small OpenID Connect provider that signs, asks for PKCE, forgets codes, and misbehaves when told to.

    python -m tests.oidc_provider --port 9100

starts one to try by hand, with a form instead of passwords:

    COLLAB_OIDC_ISSUER=http://127.0.0.1:9100 COLLAB_OIDC_CLIENT_ID=collab COLLAB_OIDC_CLIENT_SECRET=secret
"""

import argparse
import asyncio
import base64
import hashlib
import hmac
import html
import json
import secrets
import time
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import parse_qsl, unquote, urlencode

import uvicorn
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.server import free_port

CLIENT_ID, CLIENT_SECRET, PUBLIC_CLIENT, AUDIENCE = "collab", "secret", "collab-public", "https://collab.example/api"
Signature = Literal["RS256", "ES256", "none", "hmac_with_public_key", "unknown_kid", "foreign_key", "no_kid"]
Jwks = Literal["good", "huge", "slow", "broken", "empty", "private_and_symmetric"]


@dataclass(frozen=True)
class SigningKey:
    kid: str
    algorithm: str
    key: RSAKey | ECKey

    def public(self) -> dict[str, Any]:
        return {**self.key.as_dict(private=False), "kid": self.kid, "alg": self.algorithm, "use": "sig"}


@dataclass(frozen=True)
class Grant:
    """What a code stands for."""

    client_id: str
    redirect_uri: str
    challenge: str
    nonce: str
    person: str
    scope: str


def new_key(algorithm: str) -> SigningKey:
    key = RSAKey.generate_key(2048) if algorithm == "RS256" else ECKey.generate_key("P-256")
    return SigningKey(secrets.token_hex(4), algorithm, key)


@dataclass
class Provider:
    """`people`: claims by subject; `signed_in`: who is at the browser, None asks with a form."""

    port: int = field(default_factory=free_port)
    people: dict[str, dict[str, Any]] = field(default_factory=dict)
    signed_in: str | None = None
    clients: dict[str, str] = field(default_factory=lambda: {CLIENT_ID: CLIENT_SECRET, PUBLIC_CLIENT: ""})
    auth_methods: list[str] | None = None
    clock: Callable[[], float] = time.time
    # what goes wrong
    signature: Signature = "RS256"
    jwks: Jwks = "good"
    changed_claims: dict[str, Any] = field(default_factory=dict)
    """Claims of ID tokens to replace, or to leave out (None)."""
    changed_metadata: dict[str, Any] = field(default_factory=dict)
    denies: str | None = None
    """The error with which the authorize endpoint sends people back."""
    token_status: int = 200
    drops_iss: bool = False
    # what it has seen
    asked: list[str] = field(default_factory=list)
    ended: list[dict[str, str]] = field(default_factory=list)
    authorized: list[dict[str, str]] = field(default_factory=list)
    exchanged: list[dict[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.issuer = f"http://127.0.0.1:{self.port}"
        self.keys = {name: new_key(name) for name in ("RS256", "ES256")}
        self.release = asyncio.Event()
        self._grants: dict[str, Grant] = {}
        self._access: dict[str, str] = {}
        self._server: uvicorn.Server | None = None
        self._running: asyncio.Task[None] | None = None

    # ---- its life

    async def start(self) -> None:
        config = uvicorn.Config(self.app(), port=self.port, log_level="warning", lifespan="off", access_log=False)
        self._server = uvicorn.Server(config)
        self._server.capture_signals = _leave_signals  # type: ignore[method-assign]
        self._running = asyncio.create_task(self._server.serve())
        while not self._server.started:
            assert not self._running.done(), "the provider did not start"
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        """As an outage: nobody listens on the port. It keeps its keys, and `start` brings it back."""
        self.release.set()
        assert self._server is not None and self._running is not None
        self._server.should_exit = self._server.force_exit = True
        await self._running
        self.release = asyncio.Event()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._running is not None and not self._running.done():
            await self.stop()

    def behave(self) -> None:
        """Undo every misbehaviour."""
        self.signature, self.jwks, self.denies, self.token_status, self.drops_iss = "RS256", "good", None, 200, False
        self.auth_methods = None
        self.changed_claims, self.changed_metadata = {}, {}
        self.release.set()
        self.release = asyncio.Event()

    def rotate(self, algorithm: str = "RS256") -> None:
        """A new key; the old one is not published any more."""
        self.keys[algorithm] = new_key(algorithm)

    def add(self, subject: str, **claims: Any) -> str:
        """Somebody with an e-mail address that is verified, and whatever is given."""
        self.people[subject] = {
            "email": f"{subject}@example.com",
            "email_verified": True,
            "name": subject.title(),
            **claims,
        }
        return subject

    # ---- tokens

    def sign(self, claims: dict[str, Any], *, kind: str = "JWT") -> str:
        """A JWT of these claims, in the way of `signature`."""
        algorithm = "ES256" if self.signature == "ES256" else "RS256"
        key = self.keys[algorithm]
        header: dict[str, Any] = {"alg": algorithm, "typ": kind, "kid": key.kid}
        if self.signature == "none":
            return ".".join((_base64url(json.dumps({"alg": "none"})), _base64url(json.dumps(claims)), ""))
        if self.signature == "hmac_with_public_key":
            # By hand: libraries have learned not to.
            signed = f"{_base64url(json.dumps({**header, 'alg': 'HS256'}))}.{_base64url(json.dumps(claims))}"
            mac = hmac.digest(key.key.as_pem(private=False), signed.encode(), "sha256")
            return f"{signed}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"
        if self.signature == "unknown_kid":
            header["kid"] = "nobody-knows-it"
        if self.signature == "no_kid":
            del header["kid"]
        if self.signature == "foreign_key":
            key = new_key(algorithm)
        return jwt.encode(header, claims, key.key)

    def id_claims(self, subject: str, **claims: Any) -> dict[str, Any]:
        now = int(self.clock())
        made = {"iss": self.issuer, "aud": CLIENT_ID, "sub": subject, "iat": now, "exp": now + 300, **claims}
        return {name: value for name, value in {**made, **self.changed_claims}.items() if value is not None}

    def access_token(self, subject: str, *, lifetime: float = 300, **claims: Any) -> str:
        """A JWT for programs (RFC 9068)."""
        now = int(self.clock())
        made = {"iss": self.issuer, "aud": AUDIENCE, "sub": subject, "iat": now, "exp": int(now + lifetime), **claims}
        token = self.sign({name: value for name, value in made.items() if value is not None}, kind="at+jwt")
        self._access[token] = subject
        return token

    # ---- endpoints

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._metadata),
                Route("/jwks", self._jwks),
                Route("/authorize", self._authorize, methods=["GET"]),
                Route("/token", self._token, methods=["POST"]),
                Route("/userinfo", self._userinfo),
                Route("/logout", self._logout),
            ]
        )

    async def _metadata(self, request: Request) -> Response:
        self.asked.append("metadata")
        said: dict[str, Any] = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "end_session_endpoint": f"{self.issuer}/logout",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
            "token_endpoint_auth_methods_supported": self.auth_methods,
            **self.changed_metadata,
        }
        return JSONResponse({name: value for name, value in said.items() if value is not None})

    async def _jwks(self, request: Request) -> Response:
        self.asked.append("jwks")
        keys = [key.public() for key in self.keys.values()]
        if self.jwks == "slow":
            await self.release.wait()
        elif self.jwks == "broken":
            return Response("<html>not today</html>", media_type="text/html")
        elif self.jwks == "empty":
            keys = []
        elif self.jwks == "huge":
            return JSONResponse({"keys": keys, "padding": "x" * 1_000_000})
        elif self.jwks == "private_and_symmetric":
            keys = [
                {"kty": "oct", "k": _base64url("secret" * 8), "kid": "oct", "alg": "HS256"},
                {**RSAKey.generate_key(1024).as_dict(private=False), "kid": "weak"},
                {**keys[0], "use": "enc", "kid": "enc"},
                {"kty": "RSA", "kid": "no-modulus"},
                {"kty": "OKP", "crv": "Ed25519", "x": "AAAA", "kid": "okp"},
                *keys,
            ]
        return JSONResponse({"keys": keys})

    async def _authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        self.authorized.append(asked)
        redirect = asked.get("redirect_uri", "")
        if asked.get("client_id") not in self.clients or not redirect.startswith(
            ("http://127.0.0.1", "http://localhost")
        ):
            return Response("unknown client or redirect_uri", 400)
        answer = {"state": asked.get("state", "")}
        if not self.drops_iss:
            answer["iss"] = self.issuer
        if self.denies is not None:
            return RedirectResponse(f"{redirect}?{urlencode({**answer, 'error': self.denies})}", 303)
        wrong = (
            asked.get("response_type") != "code"
            or asked.get("code_challenge_method") != "S256"
            or len(asked.get("code_challenge", "")) != 43
            or "openid" not in asked.get("scope", "").split()
        )
        if wrong:
            return RedirectResponse(f"{redirect}?{urlencode({**answer, 'error': 'invalid_request'})}", 303)
        person = self.signed_in or asked.get("person")
        if person is None or person not in self.people:
            return self._form(asked)
        code = secrets.token_urlsafe(24)
        self._grants[code] = Grant(
            asked["client_id"], redirect, asked["code_challenge"], asked.get("nonce", ""), person, asked["scope"]
        )
        return RedirectResponse(f"{redirect}?{urlencode({**answer, 'code': code})}", 303)

    def _form(self, asked: dict[str, str]) -> Response:
        hidden = "".join(
            f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">'
            for name, value in asked.items()
        )
        buttons = "".join(
            f'<p><button name="person" value="{html.escape(subject)}">{html.escape(str(claims["name"]))}</button>'
            for subject, claims in self.people.items()
        )
        return HTMLResponse(
            f"<!doctype html><title>Who are you?</title><h1>Who are you?</h1><form>{hidden}{buttons}</form>"
        )

    async def _token(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
        self.exchanged.append(form)
        if self.token_status != 200:
            return JSONResponse({"error": "server_error"}, self.token_status)
        client_id = self._client(request, form)
        if client_id is None:
            return JSONResponse({"error": "invalid_client"}, 401)
        grant = self._grants.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        good = (
            grant is not None
            and form.get("grant_type") == "authorization_code"
            and grant.client_id == client_id
            and grant.redirect_uri == form.get("redirect_uri")
            and grant.challenge == base64.urlsafe_b64encode(digest).decode().rstrip("=")
        )
        if not good or grant is None:
            return JSONResponse({"error": "invalid_grant"}, 400)
        access = self.access_token(grant.person, scope=grant.scope)
        half = hashlib.sha256(access.encode()).digest()[:16]
        claims = self.id_claims(
            grant.person,
            aud=client_id,
            nonce=grant.nonce,
            at_hash=base64.urlsafe_b64encode(half).decode().rstrip("="),
            **self.people[grant.person],
        )
        return JSONResponse(
            {
                "access_token": access,
                "token_type": "Bearer",
                "expires_in": 300,
                "refresh_token": f"refresh-{secrets.token_urlsafe(16)}",
                "id_token": self.sign({k: v for k, v in claims.items() if v is not None}),
            },
            headers={"cache-control": "no-store"},
        )

    def _client(self, request: Request, form: dict[str, str]) -> str | None:
        """The client that proves itself in one of the ways that are on offer."""
        methods = ["client_secret_basic"] if self.auth_methods is None else self.auth_methods
        scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            if "client_secret_basic" not in methods:
                return None
            name, _, secret = base64.b64decode(encoded).decode().partition(":")
            client_id, secret = unquote(name), unquote(secret)
        else:
            client_id, secret = form.get("client_id", ""), form.get("client_secret", "")
            if secret and "client_secret_post" not in methods:
                return None
        return client_id if self.clients.get(client_id) == secret else None

    async def _userinfo(self, request: Request) -> Response:
        self.asked.append("userinfo")
        subject = self._access.get(request.headers.get("authorization", "").removeprefix("Bearer "))
        if subject is None:
            return JSONResponse({"error": "invalid_token"}, 401)
        return JSONResponse({"sub": subject, **self.people[subject], **self.people[subject].get("userinfo", {})})

    async def _logout(self, request: Request) -> Response:
        asked = dict(request.query_params)
        self.ended.append(asked)
        return RedirectResponse(asked.get("post_logout_redirect_uri", f"{self.issuer}/"), 303)


def _base64url(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _leave_signals() -> Any:
    """uvicorn would take over the signals of the test run."""
    return nullcontext()


async def _serve(port: int) -> None:
    provider = Provider(port=port)
    for name in ("ann", "ben", "cleo"):
        provider.add(name)
    async with provider:
        print(
            f"{provider.issuer}: clients {CLIENT_ID} (secret: {CLIENT_SECRET}) and {PUBLIC_CLIENT} (without)",
            flush=True,
        )
        await asyncio.Event().wait()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description="An OpenID Connect provider to try sign-in with")
    arguments.add_argument("--port", type=int, default=9100)
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(arguments.parse_args().port))

import time
from pathlib import Path
from uuid import uuid4

import pytest
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from pydantic import SecretStr

from collab_server.errors import Unauthenticated
from collab_server.security.tokens import CONNECT_AUDIENCE, Signer, derived_key, new_api_token, token_hash
from collab_server.services import Services
from collab_server.settings import Settings

KEY = b"0123456789abcdef0123456789abcdef"


def test_a_connect_token_says_what_was_signed() -> None:
    document = str(uuid4())
    claims = Signer(KEY).read(Signer(KEY).sign({"document": document, "role": "viewer"}, 60))
    assert claims["document"] == document


def test_a_token_of_another_server_is_refused() -> None:
    with pytest.raises(Unauthenticated):
        Signer(KEY).read(Signer(b"x" * 32).sign({}, 60))


def test_an_expired_token_is_refused() -> None:
    with pytest.raises(Unauthenticated, match="expired"):
        Signer(KEY).read(Signer(KEY).sign({}, -1))


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "\x00", "é" * 50, "." * 100])
def test_nonsense_is_refused(token: str) -> None:
    with pytest.raises(Unauthenticated):
        Signer(KEY).read(token)


def test_a_changed_token_is_refused() -> None:
    head, body, signature = Signer(KEY).sign({"role": "viewer"}, 60).split(".")
    other = Signer(KEY).sign({"role": "editor"}, 60).split(".")[1]
    with pytest.raises(Unauthenticated):
        Signer(KEY).read(f"{head}.{other}.{signature}")
    assert body != other


def test_connect_tokens_are_signed_with_a_key_of_their_own_and_those_of_the_previous_version_are_read() -> None:
    secret = OctKey.import_key(KEY)
    with pytest.raises(JoseError):
        jwt.decode(Signer(KEY).sign({"role": "viewer"}, 60), secret, algorithms=["HS256"])
    claims = {"role": "viewer", "aud": CONNECT_AUDIENCE, "exp": int(time.time()) + 60}
    assert Signer(KEY).read(jwt.encode({"alg": "HS256"}, claims, secret))["role"] == "viewer"
    assert derived_key(KEY, CONNECT_AUDIENCE) != derived_key(KEY, "collab_server/secrets at rest")


@pytest.mark.parametrize(("characters", "warned"), [(31, True), (32, False)])
def test_a_short_secret_key_is_taken_with_a_warning(
    caplog: pytest.LogCaptureFixture, tmp_path: Path, characters: int, warned: bool
) -> None:
    settings = Settings(secret_key=SecretStr("k" * characters), data_dir=tmp_path)
    with caplog.at_level("WARNING", logger="collab_server"):
        Services(settings, "postgresql://nowhere/nothing")
    assert ("COLLAB_SECRET_KEY is short" in caplog.text) is warned


def test_api_tokens_differ_and_only_their_hash_is_kept() -> None:
    one, other = new_api_token(), new_api_token()
    assert one != other
    assert token_hash(one) != token_hash(other)
    assert len(token_hash(one)) == 32

from uuid import uuid4

import pytest

from collab_server.crypto import Signer, new_api_token, token_hash
from collab_server.errors import Unauthenticated

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


def test_api_tokens_differ_and_only_their_hash_is_kept() -> None:
    one, other = new_api_token(), new_api_token()
    assert one != other
    assert token_hash(one) != token_hash(other)
    assert len(token_hash(one)) == 32

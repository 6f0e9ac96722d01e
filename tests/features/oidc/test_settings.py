"""Settings of the provider that cannot work are refused when the server starts, in one line that says what to mend."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from collab_server.errors import ConfigurationError
from collab_server.features.oidc.oidc import Oidc
from collab_server.security import encryption
from collab_server.settings import Settings
from tests.require import ROOT

GOOD = {"oidc_issuer": "https://login.example/realm", "oidc_client_id": "collab"}


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"oidc_issuer": "http://login.example"}, "COLLAB_OIDC_ISSUER must be an https URL"),
        ({"oidc_issuer": "login.example"}, "COLLAB_OIDC_ISSUER must be an https URL"),
        ({"oidc_client_id": ""}, "COLLAB_OIDC_CLIENT_ID, COLLAB_OIDC_AUDIENCE, or both"),
        ({"oidc_scopes": "email profile"}, "COLLAB_OIDC_SCOPES must contain openid"),
    ],
)
def test_what_cannot_work_is_refused(changed: dict[str, str], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        Oidc(Settings(**{**GOOD, **changed}), encryption.keyring("", b"secret"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changed", [{}, {"oidc_issuer": "http://localhost:8080"}, {"oidc_client_id": "", "oidc_audience": "api"}]
)
async def test_what_can_work_is_taken(changed: dict[str, str]) -> None:
    oidc = Oidc(Settings(**{**GOOD, **changed}), encryption.keyring("", b"secret"))  # type: ignore[arg-type]
    await oidc.close()


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("COLLAB_OIDC_ISSUER", "http://login.example", b"COLLAB_OIDC_ISSUER must be an https URL"),
        ("COLLAB_ENCRYPTION_KEYS", "c2VjcmV0IGtleQ==", b"key 1 needs an id of its own"),
    ],
)
async def test_the_command_ends_with_one_line(tmp_path: Path, name: str, value: str, says: bytes) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "collab_server",
        "serve",
        cwd=ROOT,
        env={**os.environ, "COLLAB_DATA_DIR": str(tmp_path), "COLLAB_PORT": "0", name: value},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    assert process.returncode == 1
    assert output == b""
    last = errors.splitlines()[-1]
    assert says in last
    assert b"c2VjcmV0" not in errors
    assert b"Traceback" not in errors


def test_keys_and_secrets_are_not_shown() -> None:
    settings = Settings(
        encryption_keys="a:c2VjcmV0",  # type: ignore[arg-type]
        oidc_client_secret="c2VjcmV0",  # type: ignore[arg-type]
    )
    assert "c2VjcmV0" not in repr(settings) + str(settings)

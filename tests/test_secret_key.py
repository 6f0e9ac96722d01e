"""The generated secret key: written whole or not at all, and never used when it is no key."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from collab_server.errors import ConfigurationError
from collab_server.settings import Settings
from tests.test_serve import run


def settings(directory: Path) -> Settings:
    return Settings(_env_file=None, data_dir=directory)  # type: ignore[call-arg]


def test_a_key_is_made_once_and_kept(tmp_path: Path) -> None:
    directory = tmp_path / "new" / "folder"
    key = settings(directory).secret()
    assert len(key) >= 60
    assert settings(directory).secret() == key
    assert [path.name for path in directory.iterdir()] == ["secret_key"], "nothing else is left"
    assert stat.S_IMODE((directory / "secret_key").stat().st_mode) == 0o600


def test_processes_that_start_together_agree(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        keys = list(threads.map(lambda _: settings(tmp_path).secret(), range(32)))
    assert len(set(keys)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]


@pytest.mark.parametrize("content", [b"", b"x", b"   \n" * 20])
def test_what_is_no_key_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "secret_key").write_bytes(content)
    with pytest.raises(ConfigurationError, match="holds no key of 16 characters or more: restore it from a backup"):
        settings(tmp_path).secret()
    assert (tmp_path / "secret_key").read_bytes() == content


async def test_serve_and_doctor_say_so_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "secret_key").touch()
    status, _, errors = await run("serve", data_dir=tmp_path, port=0)
    assert (status, errors.count("\n")) == (1, 1)
    assert "restore it from a backup" in errors
    status, output, _ = await run("doctor", data_dir=tmp_path)
    assert status == 1
    assert "FAIL  secret key: " in output and "restore it from a backup" in output

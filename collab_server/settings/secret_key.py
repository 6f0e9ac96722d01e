"""The signing key that is generated into DATA_DIR."""

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

from collab_server.errors import ConfigurationError

SHORTEST_SECRET = 16
"""Characters of a signing key."""


def read_secret_key(path: Path) -> bytes:
    """The key in this file; made first if there is none. A crash or a full disk leaves a whole file or none.

    Raises ConfigurationError.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _make_secret(path)
        key = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"cannot keep the secret key in {path}: {error.strerror}") from error
    if len(key.strip()) < SHORTEST_SECRET:
        raise ConfigurationError(
            f"{path} holds no key of {SHORTEST_SECRET} characters or more: restore it from a backup, or delete it and "
            "a new one is made (connect tokens, and secrets that it encrypted, are lost with the old one)"
        )
    return key


def _make_secret(path: Path) -> None:
    descriptor, temporary = tempfile.mkstemp(prefix=".secret_key-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(48))
            file.flush()
            os.fsync(file.fileno())
        # Another process may have made one at the same time: the first counts.
        with suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        os.unlink(temporary)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)

"""Settings: the only reader of the environment. Every field is an environment variable COLLAB_<NAME>, or a line of
.env.

`collab-server serve --help` prints the description of each field, and docs/reference/settings.md lists them; a test
compares.
"""

import ipaddress
from pathlib import Path

from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from collab_server.errors import ConfigurationError
from collab_server.settings.accounts import AccountSettings, GuestRole
from collab_server.settings.limits import LimitSettings
from collab_server.settings.network import NetworkSettings
from collab_server.settings.operation import OperationSettings
from collab_server.settings.secret_key import SHORTEST_SECRET, read_secret_key
from collab_server.settings.storage import StorageSettings

PREFIX = "COLLAB_"
SHORT_SECRET = 32
"""Characters. A shorter SECRET_KEY is accepted with a warning."""


class Settings(OperationSettings, LimitSettings, AccountSettings, StorageSettings, NetworkSettings, BaseSettings):
    """All settings, validated. Times in seconds, sizes in bytes.

    Pydantic orders the fields from the last base to the first.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_file=".env", extra="ignore", frozen=True)

    @property
    def embedded(self) -> bool:
        return not self.database_url

    @property
    def files_dir(self) -> Path:
        """Folder of files without STORAGE_URL."""
        return self.data_dir / "files"

    @property
    def effective_guest_role(self) -> GuestRole:
        """The guests' role after the rule for an empty GUEST_ROLE."""
        if self.guest_role:
            return self.guest_role
        return "editor" if self.embedded and is_loopback(self.host) else "none"

    @property
    def base_url(self) -> str:
        """Where browsers reach this server, without a slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.public_url.rstrip("/") or f"http://{host}:{self.port}"

    @property
    def largest_message(self) -> int:
        """Bytes of a message or body that holds a whole document, with what stands before the document."""
        return max(self.max_message_bytes, self.max_document_bytes + 65_536)

    def secret(self) -> bytes:
        """The signing key: SECRET_KEY, or the one generated into DATA_DIR (created on first use).

        Raises ConfigurationError where an external database is used without SECRET_KEY, as several servers must share
        it.
        """
        if given := self.secret_key.get_secret_value():
            if len(given) < SHORTEST_SECRET:
                raise ConfigurationError(f"COLLAB_SECRET_KEY is too short: give at least {SHORTEST_SECRET} characters")
            return given.encode()
        if not self.embedded:
            raise ConfigurationError("COLLAB_SECRET_KEY is required with COLLAB_DATABASE_URL")
        return read_secret_key(self.data_dir / "secret_key")


def is_loopback(host: str) -> bool:
    """Whether `host` can only be reached from this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def load(**given: object) -> Settings:
    """Settings from the environment, .env and what the command line gave (None: not given).

    Raises ConfigurationError naming the variable and what is wrong with it, one fault a line.
    """
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        faults = "; ".join(f"{PREFIX}{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors())
        raise ConfigurationError(faults) from error

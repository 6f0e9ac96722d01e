"""`collab-server`: serve, migrate, user, token, workspace, document, secrets, maintain, verify, doctor.

Exit status 0, 1 (failed), 2 (usage).
"""

import asyncio
import gc
import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from pydantic import SecretStr

from collab_server import __version__
from collab_server.adapters import login, migrations
from collab_server.cli.database import embedded_database, run_on_database
from collab_server.errors import CollabError, ConfigurationError
from collab_server.observability.logging import configure_logging
from collab_server.settings import PREFIX, Settings, load

_MODULES = {
    "document": "documents",
    "maintain": "upkeep",
    "secrets": "upkeep",
    "token": "people",
    "user": "people",
    "verify": "upkeep",
    "workspace": "workspaces",
}
"""The commands that are not in this module, and their modules."""


def main() -> None:
    """Run the command line; faults that an operator can mend are one line on stderr."""
    try:
        cli(standalone_mode=False)
    except click.exceptions.Exit as leaving:
        sys.exit(leaving.exit_code)
    except click.Abort:
        sys.exit(1)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except CollabError as error:
        click.echo(f"collab-server: {error.detail}", err=True)
        sys.exit(1)


class _Commands(click.Group):
    """Imports the module of a command when the command is used: all of them together take a second."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *_MODULES])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _MODULES:
            return super().get_command(ctx, cmd_name)
        command: click.Command = getattr(importlib.import_module(f"collab_server.cli.{_MODULES[cmd_name]}"), cmd_name)
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="collab-server")
def cli() -> None:
    """A durable real-time collaborative editing server for Yjs documents."""


def _settings_help() -> str:
    """Every setting, for `serve --help`."""
    lines = ["\b", "Settings (environment variables, or lines of a .env file):"]
    for name, field in Settings.model_fields.items():
        default = field.get_default(call_default_factory=True)
        shown = "" if default in ("", None) or isinstance(default, SecretStr) else f" [{default}]"
        lines.append(f"  {PREFIX}{name.upper()}{shown}")
        lines.append(f"      {field.description}")
    return "\n".join(lines)


@cli.command(epilog=_settings_help())
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), help="TCP port; 0 takes a free one.")
@click.option("--data-dir", type=click.Path(path_type=Path), help="Folder of the embedded PostgreSQL.")
@click.option("--workers", type=click.IntRange(1), default=1, help="Server processes on the port; several need Redis.")
def serve(host: str | None, port: int | None, data_dir: Path | None, workers: int) -> None:
    """Run the server until SIGTERM or Ctrl-C."""
    # Nothing that modules make is garbage, and looking for it takes a tenth of the start.
    gc.disable()
    from collab_server.process.bootstrap import serve as run

    gc.enable()
    settings = load(host=host, port=port, data_dir=data_dir)
    if workers > 1 and not settings.redis_url:
        raise click.UsageError(
            f"--workers {workers} needs COLLAB_REDIS_URL: without Redis the processes would not hear each other's edits"
        )
    configure_logging(settings.log_level, settings.log_format)
    run(settings, workers)


@cli.command()
@click.argument("direction", type=click.Choice(["up", "down", "status"]), default="up")
@click.option("--to", "revision", default="base", help="With down: the revision to go back to.")
@click.option("--yes", is_flag=True, help="With down: do not ask; it deletes data.")
def migrate(direction: str, revision: str, *, yes: bool) -> None:
    """Bring the database's schema up to date (`up`), back (`down`), or say where it is (`status`)."""
    settings = load()
    with _owner_dsn(settings) as dsn:
        if direction == "down":
            if not yes:
                click.confirm(f"Go back to {revision}? This deletes data.", abort=True)
            asyncio.run(migrations.downgrade(dsn, revision))
        elif direction == "up":
            asyncio.run(migrations.upgrade(dsn))
            if settings.owner_url and not settings.embedded:
                role = asyncio.run(login.prepare(dsn, settings.database_url))
                click.echo(f"the server's role is {role}")
        status = asyncio.run(migrations.status(dsn))
    click.echo(f"schema at {status.current or 'nothing'}, newest {status.head}, {len(status.pending)} to apply")


@contextmanager
def _owner_dsn(settings: Settings) -> Iterator[str]:
    if not settings.embedded:
        yield settings.owner_url or settings.database_url
        return
    with embedded_database(settings) as embedded:
        yield embedded.owner_dsn


@cli.command()
def doctor() -> None:
    """Check settings, database, schema, extensions and backlog; exit status 1 if anything is wrong."""
    from collab_server.cli.doctor import examine

    settings = load()
    good = True

    def tell(name: str, *, ok: bool, detail: str) -> None:
        nonlocal good
        good = good and ok
        click.echo(f"{'ok  ' if ok else 'FAIL'}  {name}: {detail}")

    try:
        settings.secret()
    except ConfigurationError as error:
        tell("secret key", ok=False, detail=error.detail)
        sys.exit(1)

    run_on_database(settings, lambda dsn: examine(settings, dsn, tell))
    if not good:
        sys.exit(1)

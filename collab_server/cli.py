"""`collab-server`: serve, migrate, user, token, workspace, document, secrets, maintain, verify, doctor.

Exit status 0, 1 (failed), 2 (usage).
"""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import click
from pydantic import SecretStr

from collab_server import __version__, sealing, telemetry
from collab_server.accounts import queries, rotation
from collab_server.backends import login
from collab_server.backends import migrate as migrations
from collab_server.backends.db import Conn, Database, DatabaseError, UniqueViolation, one_line
from collab_server.cli_database import embedded_database, with_database
from collab_server.cli_files import document, workspace_export, workspace_import
from collab_server.cli_people import found_user, token, user
from collab_server.errors import CollabError, ConfigurationError
from collab_server.maintenance.jobs import run_once
from collab_server.settings import PREFIX, Settings, load
from collab_server.workspaces import invitations, operator_queries

_GIVEN_ROLES = ("admin", "editor", "commenter", "viewer")


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


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
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
    from collab_server.serve import serve as run

    settings = load(host=host, port=port, data_dir=data_dir)
    if workers > 1 and not settings.redis_url:
        raise click.UsageError(
            f"--workers {workers} needs COLLAB_REDIS_URL: without Redis the processes would not hear each other's edits"
        )
    telemetry.configure_logging(settings.log_level, settings.log_format)
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


cli.add_command(user)
cli.add_command(token)
cli.add_command(document)


@cli.group()
def workspace() -> None:
    """Workspaces."""


@workspace.command("create")
@click.argument("slug")
@click.option("--owner", required=True, help="E-mail of the owner.")
@click.option("--name", help="How people see it.")
def workspace_create(slug: str, owner: str, name: str | None) -> None:
    """Make a team workspace."""

    async def work(conn: Conn) -> UUID:
        found = await found_user(conn, owner)
        try:
            return await queries.insert_workspace(conn, found.id, name or slug, slug, "team")
        except UniqueViolation:
            raise ConfigurationError(f"there is a workspace {slug} already") from None
        except DatabaseError as error:
            raise ConfigurationError(str(error)) from None

    click.echo(str(with_database(work)))


@workspace.command("list")
def workspace_list() -> None:
    """All workspaces."""
    for slug, name, kind, owner in with_database(queries.list_workspaces):
        click.echo(f"{slug}  {name}  {kind}  {owner}")


async def _workspace(conn: Conn, slug: str) -> UUID:
    found = await operator_queries.find_by_slug(conn, slug)
    if found is None:
        raise ConfigurationError(f"there is no workspace {slug} that has members")
    return found


@workspace.command("members")
@click.argument("slug")
def workspace_members(slug: str) -> None:
    """The members of a workspace."""

    async def work(conn: Conn) -> list[tuple[str, str, bool]]:
        return await operator_queries.list_members(conn, await _workspace(conn, slug))

    for email, role, active in with_database(work):
        click.echo(f"{email}  {role}{'' if active else '  suspended'}")


@workspace.command("invite")
@click.argument("slug")
@click.argument("email")
@click.option(
    "--role", type=click.Choice(_GIVEN_ROLES), default="editor", show_default=True, help="What the person will be."
)
def workspace_invite(slug: str, email: str, role: str) -> None:
    """Invite somebody, and print the link to hand over; it works once, for this address."""
    token = invitations.new_token()

    async def work(conn: Conn) -> None:
        workspace_id = await _workspace(conn, slug)
        members = await operator_queries.list_members(conn, workspace_id)
        if email.lower() in {member.lower() for member, _, active in members if active}:
            raise ConfigurationError(f"{email} is a member already")
        try:
            await operator_queries.insert_invitation(conn, workspace_id, email, role, token.hash)
        except UniqueViolation:
            raise ConfigurationError(f"{email} is invited already") from None
        except DatabaseError as error:
            raise ConfigurationError(f"{email!r} cannot be invited: {one_line(error)}") from None

    with_database(work)
    click.echo(invitations.link_to(load().base_url, token.text))


workspace.add_command(workspace_export, "export")
workspace.add_command(workspace_import, "import")


@cli.group("secrets")
def secret_group() -> None:
    """Secrets at rest."""


@secret_group.command("new-key")
def secrets_new_key() -> None:
    """Print a fresh key for COLLAB_ENCRYPTION_KEYS."""
    click.echo(sealing.new_key())


@secret_group.command("rotate")
def secrets_rotate() -> None:
    """Encrypt every stored secret with the newest key; then the older ones can go. Servers may be running."""
    settings = load()
    keyring = sealing.keyring(settings.encryption_keys.get_secret_value(), settings.secret())
    done = with_database(lambda conn: rotation.rotate(conn, keyring), in_transaction=False)
    click.echo(f"{done.rotated} encrypted anew with {keyring.current!r}")
    if done.lost:
        raise ConfigurationError(f"{done.lost} cannot be opened: their key is not in COLLAB_ENCRYPTION_KEYS")


@cli.command()
def maintain() -> None:
    """Do once what a server does every hour: delete for good what has been in the trash long enough, or expired.

    Besides, take carriage returns out of the texts of documents, which a server does when one is opened.
    """
    from collab_server.backends.workers import Workers
    from collab_server.documents.repairing import repair_line_ends

    async def run(dsn: str) -> dict[str, int | None] | None:
        db = Database(dsn, pool_size=2)
        workers = Workers(1)
        await db.open()
        try:
            done = await run_once(db, settings)
            if done is not None:
                repaired, failed = await repair_line_ends(db, workers)
                done["line ends"] = None if failed else repaired
            return done
        finally:
            await workers.close()
            await db.close()

    settings = load()
    if settings.embedded:
        with embedded_database(settings) as embedded:
            done = asyncio.run(run(embedded.dsn))
    else:
        done = asyncio.run(run(settings.database_url))
    if done is None:
        raise ConfigurationError("another process is at it")
    for name, count in done.items():
        click.echo(f"{name}: {'failed' if count is None else count}")
    if None in done.values():
        sys.exit(1)


@cli.command()
@click.option("--document", "only", type=click.UUID, help="Id of the one document to read.")
def verify(only: UUID | None) -> None:
    """Read everything that is stored of every document; name the damaged ones, and exit 1 if there is any.

    Servers may be running.
    """
    from collab_server.backends.workers import Workers
    from collab_server.documents.verifying import verify as verdicts

    async def run(dsn: str) -> tuple[int, int]:
        db = Database(dsn, pool_size=1)
        workers = Workers(1)
        read = damaged = 0
        await db.open()
        try:
            async for verdict in verdicts(db, workers, only):
                read += 1
                if verdict.reason:
                    damaged += 1
                    click.echo(f"damaged: {verdict.document_id}: {verdict.reason}")
        finally:
            await workers.close()
            await db.close()
        return read, damaged

    settings = load()
    if settings.embedded:
        with embedded_database(settings) as embedded:
            read, damaged = asyncio.run(run(embedded.dsn))
    else:
        read, damaged = asyncio.run(run(settings.database_url))
    click.echo(f"{read} documents read, {damaged} damaged")
    if damaged:
        sys.exit(1)


@cli.command()
def doctor() -> None:
    """Check settings, database, schema, extensions and backlog; exit status 1 if anything is wrong."""
    from collab_server.doctor import examine

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

    def run(dsn: str) -> Any:
        return asyncio.run(examine(settings, dsn, tell))

    if settings.embedded:
        with embedded_database(settings) as embedded:
            run(embedded.dsn)
    else:
        run(settings.database_url)
    if not good:
        sys.exit(1)

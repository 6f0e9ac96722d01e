"""`collab-server`: serve, migrate, user, token, workspace, doctor. Exit status 0, 1 (failed), 2 (usage)."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import click

from collab_server import __version__, crypto, telemetry
from collab_server.access.identity import SCOPES
from collab_server.accounts import queries
from collab_server.backends import migrate as migrations
from collab_server.backends.db import Conn, Database, DatabaseError, UniqueViolation
from collab_server.backends.embedded import EmbeddedPostgres
from collab_server.errors import CollabError, ConfigurationError
from collab_server.settings import PREFIX, Settings, load

T = TypeVar("T")


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
        shown = "" if default in ("", None) or name == "secret_key" else f" [{default}]"
        lines.append(f"  {PREFIX}{name.upper()}{shown}")
        lines.append(f"      {field.description}")
    return "\n".join(lines)


@cli.command(epilog=_settings_help())
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), help="TCP port; 0 takes a free one.")
@click.option("--data-dir", type=click.Path(path_type=Path), help="Folder of the embedded PostgreSQL.")
@click.option("--workers", type=click.IntRange(1), default=1, help="Server processes; this release runs one.")
def serve(host: str | None, port: int | None, data_dir: Path | None, workers: int) -> None:
    """Run the server until SIGTERM or Ctrl-C."""
    from collab_server.serve import serve as run

    if workers > 1:
        raise ConfigurationError("more than one process needs Redis between them, which this release does not have yet")
    settings = load(host=host, port=port, data_dir=data_dir)
    telemetry.configure_logging(settings.log_level, settings.log_format)
    run(settings)


@cli.command()
@click.argument("direction", type=click.Choice(["up", "down", "status"]), default="up")
@click.option("--to", "revision", default="base", help="With down: the revision to go back to.")
@click.option("--yes", is_flag=True, help="With down: do not ask; it deletes data.")
def migrate(direction: str, revision: str, *, yes: bool) -> None:
    """Bring the database's schema up to date (`up`), back (`down`), or say where it is (`status`)."""
    with _owner_dsn(load()) as dsn:
        if direction == "down":
            if not yes:
                click.confirm(f"Go back to {revision}? This deletes data.", abort=True)
            asyncio.run(migrations.downgrade(dsn, revision))
        elif direction == "up":
            asyncio.run(migrations.upgrade(dsn))
        status = asyncio.run(migrations.status(dsn))
    click.echo(f"schema at {status.current or 'nothing'}, newest {status.head}, {len(status.pending)} to apply")


@contextmanager
def _owner_dsn(settings: Settings) -> Iterator[str]:
    if not settings.embedded:
        yield settings.database_url
        return
    with _embedded(settings) as embedded:
        yield embedded.owner_dsn


@contextmanager
def _embedded(settings: Settings) -> Iterator[EmbeddedPostgres]:
    """The embedded PostgreSQL: a running server's, or started for this command."""
    embedded = EmbeddedPostgres(settings.data_dir)
    if embedded.attach() is not None:
        yield embedded
        return
    embedded.start()
    try:
        asyncio.run(migrations.upgrade(embedded.owner_dsn))
        asyncio.run(migrations.ensure_login(embedded.owner_dsn))
        yield embedded
    finally:
        embedded.stop()


def _with_database(work: Callable[[Conn], Awaitable[T]]) -> T:
    """Run `work` with a connection under app_service."""
    settings = load()

    async def run(dsn: str) -> T:
        db = Database(dsn, pool_size=1)
        await db.open()
        try:
            async with db.as_service() as conn, conn.transaction():
                return await work(conn)
        finally:
            await db.close()

    if not settings.embedded:
        return asyncio.run(run(settings.database_url))
    with _embedded(settings) as embedded:
        return asyncio.run(run(embedded.dsn))


@cli.group()
def user() -> None:
    """Users."""


@user.command("create")
@click.argument("email")
@click.option("--name", help="How others see the user.")
def user_create(email: str, name: str | None) -> None:
    """Make a user, with a personal workspace."""

    async def work(conn: Conn) -> UUID:
        try:
            user_id = await queries.insert_user(conn, email, name)
        except UniqueViolation:
            raise ConfigurationError(f"there is a user {email} already") from None
        except DatabaseError as error:
            raise ConfigurationError(f"{email!r} is not an e-mail address: {error}") from None
        await queries.insert_personal_workspace(conn, user_id, name or email, email.partition("@")[0])
        return user_id

    click.echo(str(_with_database(work)))


@user.command("list")
def user_list() -> None:
    """All users."""
    for found in _with_database(queries.list_users):
        click.echo(f"{found.id}  {found.email}  {found.name or '-'}  {'active' if found.is_active else 'deactivated'}")


@user.command("deactivate")
@click.argument("email")
def user_deactivate(email: str) -> None:
    """Lock a user out; documents stay."""

    async def work(conn: Conn) -> None:
        await queries.update_active(conn, (await _user(conn, email)).id, is_active=False)

    _with_database(work)
    click.echo(f"{email} is deactivated")


async def _user(conn: Conn, email: str) -> queries.User:
    found = await queries.find_user(conn, email)
    if found is None:
        raise ConfigurationError(f"there is no user {email}")
    return found


@cli.group()
def token() -> None:
    """API tokens."""


@token.command("create")
@click.argument("email")
@click.option("--name", default="command line", help="What the token is for.")
@click.option("--scope", type=click.Choice(SCOPES), default="write", show_default=True, help="The most it may do.")
@click.option("--days", type=click.IntRange(1), help="Days until it expires; never if not given.")
def token_create(email: str, name: str, scope: str, days: int | None) -> None:
    """Make an API token; it is printed once and stored hashed."""
    secret = crypto.new_api_token()

    async def work(conn: Conn) -> UUID:
        found = await _user(conn, email)
        return await queries.insert_token(conn, found.id, name, crypto.token_hash(secret), [scope], days)

    token_id = _with_database(work)
    click.echo(f"token id {token_id} (for `collab-server token revoke`)", err=True)
    click.echo(secret)


@token.command("revoke")
@click.argument("token_id", type=click.UUID)
def token_revoke(token_id: UUID) -> None:
    """Make a token worthless."""

    async def work(conn: Conn) -> bool:
        return await queries.revoke_token(conn, token_id)

    if not _with_database(work):
        raise ConfigurationError("there is no such token, or it was revoked before")
    click.echo("revoked")


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
        found = await _user(conn, owner)
        try:
            return await queries.insert_workspace(conn, found.id, name or slug, slug, "team")
        except UniqueViolation:
            raise ConfigurationError(f"there is a workspace {slug} already") from None
        except DatabaseError as error:
            raise ConfigurationError(str(error)) from None

    click.echo(str(_with_database(work)))


@workspace.command("list")
def workspace_list() -> None:
    """All workspaces."""
    for slug, name, kind, owner in _with_database(queries.list_workspaces):
        click.echo(f"{slug}  {name}  {kind}  {owner}")


@cli.command()
def doctor() -> None:
    """Check settings, database, schema, extensions and backlog; exit status 1 if anything is wrong."""
    from collab_server.doctor import examine

    settings = load()
    settings.secret()
    good = True

    def tell(name: str, *, ok: bool, detail: str) -> None:
        nonlocal good
        good = good and ok
        click.echo(f"{'ok  ' if ok else 'FAIL'}  {name}: {detail}")

    def run(dsn: str) -> Any:
        return asyncio.run(examine(settings, dsn, tell))

    if settings.embedded:
        with _embedded(settings) as embedded:
            run(embedded.dsn)
    else:
        run(settings.database_url)
    if not good:
        sys.exit(1)

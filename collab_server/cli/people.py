"""`collab-server user` and `collab-server token`."""

import sys
from uuid import UUID

import click

from collab_server.access.identity import SCOPES
from collab_server.adapters.postgres import Conn
from collab_server.adapters.postgres_errors import DatabaseError, UniqueViolation
from collab_server.cli.database import with_database
from collab_server.errors import ConfigurationError
from collab_server.features.account import changes
from collab_server.features.audit import queries as audit_queries
from collab_server.features.auth import session_queries, token_queries
from collab_server.features.auth.links import make_sign_in_link
from collab_server.features.users import feature_flags, queries
from collab_server.features.users.passwords import LONGEST, SHORTEST, Passwords, check_choice
from collab_server.observability.metrics import Counts
from collab_server.security import tokens
from collab_server.settings import load


@click.group()
def user() -> None:
    """Users."""


@user.command("create")
@click.argument("email")
@click.option("--name", help="How others see the user.")
@click.option("--admin", is_flag=True, help="May administer the server.")
@click.option("--password-stdin", is_flag=True, help="Read a password from stdin; without, give them `user link`.")
def user_create(email: str, name: str | None, *, admin: bool, password_stdin: bool) -> None:
    """Make a user, with a personal workspace."""
    password = _password_from_stdin(email) if password_stdin else None

    async def work(conn: Conn) -> UUID:
        try:
            user_id = await queries.insert_user(conn, email, name, "admin" if admin else "user")
        except UniqueViolation:
            raise ConfigurationError(f"there is a user {email} already") from None
        except DatabaseError as error:
            raise ConfigurationError(f"{email!r} is not an e-mail address: {error}") from None
        await queries.insert_personal_workspace(conn, user_id, name or email, email.partition("@")[0])
        if password is not None:
            hashed = await Passwords(Counts()).hash(password)
            await session_queries.upsert_password(conn, user_id, hashed)
        return user_id

    click.echo(str(with_database(work)))


def _password_from_stdin(email: str) -> str:
    try:
        password = sys.stdin.readline().rstrip("\r\n")
    except UnicodeDecodeError:
        raise ConfigurationError("the password must be UTF-8") from None
    if not SHORTEST <= len(password) <= LONGEST or "\x00" in password:
        raise ConfigurationError(f"a password has {SHORTEST} to {LONGEST} characters")
    check_choice(password, email)
    return password


@user.command("link")
@click.argument("email")
def user_link(email: str) -> None:
    """Print a link that signs a user in, once, within a day."""
    settings = load()

    async def work(conn: Conn) -> str:
        found = await get_user(conn, email)
        if not found.is_active:
            raise ConfigurationError(f"{email} is deactivated")
        return await make_sign_in_link(conn, found.id, settings, "operator")

    click.echo(with_database(work))


@user.command("list")
def user_list() -> None:
    """All users."""
    for found in with_database(queries.list_users):
        state = "active" if found.is_active else "deactivated"
        click.echo(f"{found.id}  {found.email}  {found.display_name or '-'}  {found.role}  {state}")


@user.command("deactivate")
@click.argument("email")
def user_deactivate(email: str) -> None:
    """Lock a user out; documents stay."""

    async def work(conn: Conn) -> None:
        await changes.set_active(conn, (await get_user(conn, email)).id, is_active=False)

    with_database(work)
    click.echo(f"{email} is deactivated")


@user.command("delete")
@click.argument("email")
@click.option("--yes", is_flag=True, help="Do not ask.")
def user_delete(email: str, *, yes: bool) -> None:
    """Delete a user; what they wrote in shared workspaces stays, and their teams pass to the next member."""
    if not yes:
        click.confirm(f"Delete {email}?", abort=True)

    async def work(conn: Conn) -> None:
        await changes.delete_user(conn, (await get_user(conn, email)).id)

    with_database(work)
    click.echo(f"{email} is deleted")


async def get_user(conn: Conn, email: str) -> queries.User:
    found = await queries.find_user(conn, email)
    if found is None:
        raise ConfigurationError(f"there is no user {email}")
    return found


@click.group()
def token() -> None:
    """API tokens."""


@token.command("create")
@click.argument("email")
@click.option("--name", default="command line", help="What the token is for.")
@click.option("--scope", type=click.Choice(SCOPES), default="write", show_default=True, help="The most it may do.")
@click.option("--days", type=click.IntRange(1), help="Days until it expires; never if not given.")
def token_create(email: str, name: str, scope: str, days: int | None) -> None:
    """Make an API token; it is printed once and stored hashed."""
    secret = tokens.new_api_token()

    async def work(conn: Conn) -> UUID:
        found = await get_user(conn, email)
        await feature_flags.require(conn, found.id, feature_flags.Feature.API_TOKENS)
        made = await token_queries.insert_token(conn, found.id, name, tokens.token_hash(secret), [scope], days)
        return made.id

    token_id = with_database(work)
    click.echo(f"token id {token_id} (for `collab-server token revoke`)", err=True)
    click.echo(secret)


@token.command("revoke")
@click.argument("token_id", type=click.UUID)
def token_revoke(token_id: UUID) -> None:
    """Make a token worthless."""

    async def work(conn: Conn) -> bool:
        return await token_queries.revoke_token(conn, token_id)

    if not with_database(work):
        raise ConfigurationError("there is no such token, or it was revoked before")
    click.echo("revoked")


@token.command("revoke-all")
@click.option("--yes", is_flag=True, help="Do not ask.")
def token_revoke_all(*, yes: bool) -> None:
    """End everybody's sessions, API tokens, connect tokens and one-time links, such as those that a restored backup has
    brought back. Servers may be running.
    """
    if not yes:
        click.confirm("Sign everybody out and revoke all tokens?", abort=True)

    async def work(conn: Conn) -> token_queries.Revoked:
        done = await token_queries.revoke_everything(conn)
        await audit_queries.insert_entry(
            conn, "revoke_all", "server", "", {"sessions": done.sessions, "tokens": done.tokens}
        )
        return done

    done = with_database(work)
    click.echo(f"{done.sessions} sessions, {done.tokens} API tokens and {done.links} links ended; connect tokens too")

"""`collab-server workspace`: workspaces, their members, and all their documents as one file."""

import sys
from contextlib import closing
from pathlib import Path
from uuid import UUID

import click

from collab_server.adapters.postgres import Conn
from collab_server.adapters.postgres_errors import DatabaseError, UniqueViolation, one_line
from collab_server.cli.context import CommandContext, with_context
from collab_server.cli.database import with_database
from collab_server.cli.outputs import writing
from collab_server.cli.people import get_user
from collab_server.cli.progress import echo_note, show_progress
from collab_server.errors import ConfigurationError
from collab_server.features.exports import archive, file_names, formats
from collab_server.features.imports.importing import Importer
from collab_server.features.users import queries
from collab_server.features.workspaces import invitations, operator_queries
from collab_server.settings import load

_GIVEN_ROLES = ("admin", "editor", "commenter", "viewer")


@click.group()
def workspace() -> None:
    """Workspaces."""


@workspace.command("create")
@click.argument("slug")
@click.option("--owner", required=True, help="E-mail of the owner.")
@click.option("--name", help="How people see it.")
def workspace_create(slug: str, owner: str, name: str | None) -> None:
    """Make a team workspace."""

    async def work(conn: Conn) -> UUID:
        found = await get_user(conn, owner)
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
    token = invitations.make_token()

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
    click.echo(invitations.make_link(load().base_url, token.text))


@workspace.command("export")
@click.argument("slug")
@click.option("--output", "-o", type=click.Path(path_type=Path, dir_okay=False), help="<slug>.zip if not given.")
@click.option(
    "--format",
    "forms",
    multiple=True,
    type=click.Choice(formats.FORMATS),
    help="May be given again; md and yjs if not.",
)
def workspace_export(slug: str, output: Path | None, forms: tuple[formats.Format, ...]) -> None:
    """Write all documents of a workspace into a zip."""
    target = output or Path(f"{file_names.make_safe_name(slug)}.zip")

    async def work(context: CommandContext) -> int:
        workspace_id, acting = await context.workspace(slug)
        count = 0
        async with context.db.as_service() as conn:
            expected = await operator_queries.count_documents(conn, workspace_id)
        with show_progress("Exporting") as progress, writing(target) as file:
            progress.expect(expected)

            def done(title: str) -> None:
                nonlocal count
                count += 1
                progress.tell(title)

            chosen = forms or archive.LOSSLESS
            with closing(archive.WorkspaceArchive(context.sources, acting, workspace_id, chosen, done)) as made:
                for part in (made.documents(), made.attachments()):
                    async for piece in part:
                        file.write(piece)
        return count

    count = with_context(work)
    click.echo(f"{count} documents in {target}")


@workspace.command("import")
@click.argument("slug")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--as", "email", help="E-mail of the author; the workspace's owner if not given.")
def workspace_import(slug: str, file: Path, email: str | None) -> None:
    """Make documents of all that is in a zip, such as `workspace export` writes."""

    async def work(context: CommandContext) -> tuple[int, int]:
        workspace_id, acting = await context.workspace(slug, email)
        importer = Importer(
            context.request_context(acting), context.converters, context.attachments.adder, workspace_id
        )
        counts = [0, 0]
        with show_progress("Importing") as progress, file.open("rb") as opened:
            most = context.settings.max_import_bytes
            async for outcome in importer.archive(opened, most, progress.expect, echo_note):
                counts[outcome.document is None] += 1
                if outcome.error is not None:
                    click.echo(f"{outcome.file}: {outcome.error.detail}", err=True)
                for note in outcome.notes:
                    click.echo(f"{outcome.file}: {note}", err=True)
                progress.tell(outcome.file)
        return counts[0], counts[1]

    made, failed = with_context(work)
    click.echo(f"{made} documents made, {failed} failed")
    if failed:
        sys.exit(1)

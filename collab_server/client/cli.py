"""The command `collab-client`."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import UUID

import click
from platformdirs import user_data_dir

from collab_server.client import versions
from collab_server.client.commands.file_commands import FILE_ERRORS, make_commands
from collab_server.client.comments import NoSuchComment
from collab_server.client.local_document import NoSuchDocument
from collab_server.client.offline import NotSetUp, OfflineClient
from collab_server.client.outbox import TemporarilyRefused
from collab_server.client.wire import ServerUnavailable

EXPECTED = (NotSetUp, NoSuchDocument, NoSuchComment, TemporarilyRefused, ServerUnavailable, *FILE_ERRORS)


@click.group()
@click.option(
    "--file",
    "path",
    type=click.Path(dir_okay=False, path_type=Path),
    default=lambda: Path(user_data_dir("collab_client")) / "documents.sqlite",
    envvar="COLLAB_CLIENT_FILE",
    help="Where documents and unsent edits are kept.",
)
@click.pass_context
def cli(context: click.Context, path: Path) -> None:
    """Documents of a collab_server, with and without a connection."""
    path.parent.mkdir(parents=True, exist_ok=True)
    context.obj = path


def _run(context: click.Context, work: Callable[[OfflineClient], Awaitable[None]]) -> None:
    async def main() -> None:
        async with OfflineClient(context.obj) as client:
            await work(client)

    try:
        asyncio.run(main())
    except EXPECTED as error:
        click.echo(f"collab-client: {error}", err=True)
        sys.exit(1)


@cli.command()
@click.argument("server")
@click.option("--token", envvar="COLLAB_CLIENT_TOKEN", prompt=True, hide_input=True, help="An API token.")
@click.pass_context
def init(context: click.Context, server: str, token: str) -> None:
    """Set the server (such as http://localhost:8000) and sync for the first time; again, to replace the token."""

    async def work(client: OfflineClient) -> None:
        await client.set_up(server.rstrip("/"), token)
        await _sync_once(client)

    _run(context, work)


cli.add_command(init, "login")
for _command in make_commands(_run):
    cli.add_command(_command)


@cli.command()
@click.pass_context
def ls(context: click.Context) -> None:
    """List the documents: id, a mark (* not sent yet, ! refused), title."""

    async def work(client: OfflineClient) -> None:
        for document in await client.documents():
            mark = "!" if document.refused else "*" if document.waiting else " "
            click.echo(f"{document.id} {mark} {document.title}")

    _run(context, work)


@cli.command()
@click.argument("document")
@click.pass_context
def cat(context: click.Context, document: str) -> None:
    """Print a document, given by id, name or title."""

    async def work(client: OfflineClient) -> None:
        click.echo(await client.content(await client.find(document)), nl=False)

    _run(context, work)


@cli.command()
@click.argument("title")
@click.option("--workspace", type=click.UUID, help="Its id; your personal workspace if not given.")
@click.pass_context
def new(context: click.Context, title: str, workspace: UUID | None) -> None:
    """Create a document from the standard input (empty on a terminal), and print its id."""

    async def work(client: OfflineClient) -> None:
        text = "" if sys.stdin.isatty() else sys.stdin.read()
        click.echo(await client.create(title, text, workspace))

    _run(context, work)


@cli.command()
@click.argument("document")
@click.pass_context
def edit(context: click.Context, document: str) -> None:
    """Edit a document in $EDITOR, or replace its text by the standard input. Only differences are edited."""

    async def work(client: OfflineClient) -> None:
        document_id = await client.find(document)
        if sys.stdin.isatty():
            text = await asyncio.to_thread(click.edit, await client.content(document_id), extension=".md")
        else:
            text = sys.stdin.read()
        if text is not None:
            await client.replace(document_id, text)

    _run(context, work)


@cli.command(context_settings={"ignore_unknown_options": True})  # a line of a list begins with a hyphen
@click.argument("document")
@click.argument("text")
@click.pass_context
def append(context: click.Context, document: str, text: str) -> None:
    """Add a line at the end of a document."""

    async def work(client: OfflineClient) -> None:
        await client.append(await client.find(document), text + "\n")

    _run(context, work)


@cli.command()
@click.argument("document")
@click.argument("title")
@click.pass_context
def rename(context: click.Context, document: str, title: str) -> None:
    """Give a document another title."""

    async def work(client: OfflineClient) -> None:
        await client.rename(await client.find(document), title)

    _run(context, work)


@cli.command()
@click.argument("document")
@click.pass_context
def rm(context: click.Context, document: str) -> None:
    """Put a document into the trash."""

    async def work(client: OfflineClient) -> None:
        await client.remove(await client.find(document))

    _run(context, work)


@cli.command()
@click.argument("document")
@click.pass_context
def retry(context: click.Context, document: str) -> None:
    """Send a refused document (!) again."""

    async def work(client: OfflineClient) -> None:
        await client.retry(await client.find(document))

    _run(context, work)


@cli.command()
@click.argument("document")
@click.pass_context
def comments(context: click.Context, document: str) -> None:
    """List the comments of a document: id, a mark (* not sent yet), author and text, in threads."""

    async def work(client: OfflineClient) -> None:
        for one in await client.comments(await client.find(document)):
            mark, quote = "*" if one.waiting else " ", f' "{one.quote}"' if one.quote else ""
            state = " (resolved)" if one.resolved else ""
            text = "(deleted)" if one.deleted else one.content
            click.echo(f"{one.id} {mark} {'  ' * one.depth}{one.author or 'you'}{quote}{state}: {text}")

    _run(context, work)


@cli.command(context_settings={"ignore_unknown_options": True})
@click.argument("document")
@click.argument("text")
@click.option("--quote", help="Words of the document that the comment is about.")
@click.option("--reply-to", type=click.UUID, help="The id of a comment.")
@click.pass_context
def comment(context: click.Context, document: str, text: str, quote: str | None, reply_to: UUID | None) -> None:
    """Comment on a document, and print the id of the comment."""

    async def work(client: OfflineClient) -> None:
        click.echo(await client.comment(await client.find(document), text, quote=quote, parent=reply_to))

    _run(context, work)


@cli.command()
@click.argument("document")
@click.pass_context
def history(context: click.Context, document: str) -> None:
    """List the versions of a document, the newest first. Needs the server."""

    async def work(client: OfflineClient) -> None:
        for version in await versions.list_versions(client, await client.find(document)):
            label = version["label"] or version["change_description"] or ""
            click.echo(f"{version['number']:>5}  {version['created_at']}  {version['kind']:<8}  {label}".rstrip())

    _run(context, work)


@cli.command()
@click.argument("document")
@click.argument("number", type=click.IntRange(1, 2**31 - 1))
@click.pass_context
def restore(context: click.Context, document: str, number: int) -> None:
    """Restore a version of a document (see history). Needs the server, and syncs."""

    async def work(client: OfflineClient) -> None:
        changed = await versions.restore_version(client, await client.find(document), number)
        click.echo(f"version {number} is restored" if changed else f"the content of version {number} is there already")

    _run(context, work)


@cli.command()
@click.option("--watch", is_flag=True, help="Go on: sync whenever something changes here or there.")
@click.pass_context
def sync(context: click.Context, *, watch: bool) -> None:
    """Send pending changes, and fetch new ones."""

    async def work(client: OfflineClient) -> None:
        if not watch:
            return await _sync_once(client)
        async for report in client.watch():
            if report.pushed or report.pulled:
                click.echo(f"sent {report.pushed}, fetched {report.pulled}, refused {report.refused}")

    try:
        _run(context, work)
    except KeyboardInterrupt:
        sys.exit(130)


@cli.command()
@click.pass_context
def status(context: click.Context) -> None:
    """Show the number of documents, pending changes and refusals."""

    async def work(client: OfflineClient) -> None:
        documents, waiting, _ = await client.status()
        refused = await client.refused()
        kept_back = sum(count for *_, count in refused)
        click.echo(
            f"{documents} documents, {waiting} changes to be sent" + (f", {kept_back} refused" if kept_back else "")
        )
        for document, title, code, count in refused:
            click.echo(f"{document} ! {title}: {code} ({count} changes kept: collab-client retry {document})")
        for number, _, title, reason, text in await client.rescued():
            kept = "" if text is None else f" ({len(text)} characters kept: collab-client rescued {number})"
            click.echo(f"#{number} {title}: {reason}{kept}")
        for refusal in await client.refused_comments():
            click.echo(f"comment {refusal.comment_id} {refusal.kind}: {refusal.code}: {refusal.detail}")

    _run(context, work)


@cli.command()
@click.argument("number", type=int)
@click.pass_context
def rescued(context: click.Context, number: int) -> None:
    """Print a rescued text (see status)."""

    async def work(client: OfflineClient) -> None:
        texts = {one[0]: one[4] for one in await client.rescued()}
        if texts.get(number) is None:
            raise NoSuchDocument(f"there is no rescued text #{number}")
        click.echo(texts[number], nl=False)

    _run(context, work)


async def _sync_once(client: OfflineClient) -> None:
    report = await client.sync()
    click.echo(f"sent {report.pushed}, fetched {report.pulled}, refused {report.refused}")


def main() -> None:
    cli()

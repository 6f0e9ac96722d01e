"""The command `collab-client`."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import UUID

import click
from platformdirs import user_data_dir

from collab_server.client.offline import NotSetUp, OfflineClient
from collab_server.client.outbox import Pending
from collab_server.client.store import NoSuchDocument
from collab_server.client.wire import Away, Rejected

EXPECTED = (NotSetUp, NoSuchDocument, Pending, Away, Rejected, ValueError)


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
    """Name the server (as http://localhost:8000) and sync for the first time; again, with another token."""

    async def work(client: OfflineClient) -> None:
        await client.set_up(server.rstrip("/"), token)
        await _sync_once(client)

    _run(context, work)


cli.add_command(init, "login")


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
    """Make a document of what stands on the standard input (nothing on a terminal), and print its id."""

    async def work(client: OfflineClient) -> None:
        text = "" if sys.stdin.isatty() else sys.stdin.read()
        click.echo(await client.create(title, text, workspace))

    _run(context, work)


@cli.command()
@click.argument("document")
@click.pass_context
def edit(context: click.Context, document: str) -> None:
    """Change a document in $EDITOR, or to what stands on the standard input. Only what differs is edited."""

    async def work(client: OfflineClient) -> None:
        found = await client.find(document)
        if sys.stdin.isatty():
            text = await asyncio.to_thread(click.edit, await client.content(found), extension=".md")
        else:
            text = sys.stdin.read()
        if text is not None:
            await client.replace(found, text)

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
    """Offer a document that the server has refused (!) again."""

    async def work(client: OfflineClient) -> None:
        await client.retry(await client.find(document))

    _run(context, work)


@cli.command()
@click.option("--watch", is_flag=True, help="Go on: sync whenever something changes here or there.")
@click.pass_context
def sync(context: click.Context, *, watch: bool) -> None:
    """Send what waits, and fetch what is new."""

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
    """What is here, what waits, and what the server refuses or would not take."""

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

    _run(context, work)


@cli.command()
@click.argument("number", type=int)
@click.pass_context
def rescued(context: click.Context, number: int) -> None:
    """Print a text that the server would not take (see status)."""

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

"""Commands of `collab-client` for attachments."""

import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import UUID

import click

from collab_server.client.files.downloading import DamagedDownload
from collab_server.client.files.file_store import NoSuchFile
from collab_server.client.offline import OfflineClient
from collab_server.client.wire import RequestRejected

FILE_ERRORS = (NoSuchFile, DamagedDownload, RequestRejected, OSError, ValueError)

Run = Callable[[click.Context, Callable[[OfflineClient], Awaitable[None]]], None]


def make_commands(run: Run) -> list[click.Command]:
    """Return the commands. `run`: runs work with the client of a context."""

    @click.command()
    @click.argument("document")
    @click.pass_context
    def files(context: click.Context, document: str) -> None:
        """List the attachments of a document: id, a mark (+ downloaded), size and name."""

        async def work(client: OfflineClient) -> None:
            document_id = await client.find(document)
            for file in await client.files(document_id):
                click.echo(f"{file.id} {'+' if file.path else ' '} {file.size:>12} {file.name}")

        run(context, work)

    @click.command()
    @click.argument("file", type=click.UUID)
    @click.option("--to", "target", type=click.Path(path_type=Path), help="Also copy it to this file or folder.")
    @click.pass_context
    def download(context: click.Context, file: UUID, target: Path | None) -> None:
        """Download an attachment, verify it, and print its path. Needs the server unless it is here."""

        async def work(client: OfflineClient) -> None:
            path = await client.download(file)
            click.echo(path if target is None else shutil.copy(path, target))

        run(context, work)

    return [files, download]

"""`collab-server document`: documents as files, and their history."""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final, cast, get_args
from uuid import UUID

import click

from collab_server.access.identity import GUEST
from collab_server.cli import history
from collab_server.cli.context import CommandContext, with_context
from collab_server.cli.database import OPERATOR
from collab_server.cli.outputs import put_out, writing
from collab_server.cli.progress import echo_note, show_progress
from collab_server.core.documents.text_kind import TextKind
from collab_server.errors import CollabError
from collab_server.features.conversion import converting
from collab_server.features.documents.document_queries import Document
from collab_server.features.exports import formats, reading
from collab_server.features.exports.files import document_zip
from collab_server.features.history import points, restoring
from collab_server.features.imports import parsing
from collab_server.features.imports.importing import Importer, Outcome, Upload
from collab_server.features.trash.recovery import Recovered, recover
from collab_server.web.rooms import RestAuthor

_ZIP: Final = ".zip"
_EXTENSIONS: Final[Mapping[str, str]] = {**{name: kind.extension for name, kind in formats.KINDS.items()}, "zip": _ZIP}


@click.group()
def document() -> None:
    """Documents as files, and their history."""


@document.command("export")
@click.argument("address")
@click.option("--format", "form", type=click.Choice(tuple(_EXTENSIONS)), help="By the ending of --output if not given.")
@click.option("--output", "-o", type=click.Path(path_type=Path, dir_okay=False), help="Stdout if not given, or -.")
def document_export(address: str, form: str | None, output: Path | None) -> None:
    """Write a document to a file. A zip has its Markdown and its attachments."""
    chosen: str | None = form
    if chosen is None:
        suffix = output.suffix.lower() if output else ".md"
        chosen = next((name for name, extension in _EXTENSIONS.items() if extension == suffix), None)
        if chosen is None:
            raise click.UsageError(f"{suffix or 'a file without ending'} tells no format: give --format")
    kind: formats.Format = "md" if chosen == "zip" else cast(formats.Format, chosen)
    formats.check_installed([kind])

    async def read(context: CommandContext) -> tuple[Document, bytes]:
        found, category, secret = await context.document(address)
        if not await reading.settle(context.sources, found.id):
            click.echo("the document is damaged: this is its text as it was stored last", err=True)
        content = await reading.get_text(context.sources, found.id)
        return found, await reading.write(context.sources, found, content, kind, category, secret)

    async def write_zip(context: CommandContext) -> None:
        found, text = await read(context)
        files = await document_zip.list_files(context.sources, found.id, text)
        with writing(output) as file:
            async for piece in document_zip.write(context.sources, found, text, files):
                file.write(piece)

    if chosen == "zip":
        with_context(write_zip)
    else:
        put_out(with_context(read)[1], output)


@document.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--workspace", "-w", "slug", required=True, help="Slug of the workspace.")
@click.option("--as", "email", help="E-mail of the author; the workspace's owner if not given.")
@click.option("--tag", "tags", multiple=True, help="Of the new documents; may be given again. Not for a zip.")
def document_import(files: tuple[Path, ...], slug: str, email: str | None, tags: tuple[str, ...]) -> None:
    """Make documents of files (.md, .txt, .html, .docx, .yjs, .zip); prints the id and title of each."""
    for file in files:
        if file.suffix.lower() not in {*parsing.EXTENSIONS, _ZIP}:
            raise click.UsageError(f"{file.name} has none of the endings {', '.join([*parsing.EXTENSIONS, _ZIP])}")

    async def work(context: CommandContext) -> bool:
        workspace_id, acting = await context.workspace(slug, email)
        importer = Importer(
            context.request_context(acting), context.converters, context.attachments.adder, workspace_id
        )
        with show_progress("Importing") as progress:
            progress.expect(len(files))
            good = True
            for file in files:
                async for outcome in _outcomes(importer, file, tags, context.settings.max_import_bytes):
                    good = _report(outcome) and good
                progress.tell(file.name)
        return good

    if not with_context(work):
        sys.exit(1)


@document.command("history")
@click.argument("address")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="Rows of each table.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, in the shapes of the REST routes.")
def document_history(address: str, limit: int, *, as_json: bool) -> None:
    """List the versions of a document, and who edited it when, the newest first."""

    async def work(context: CommandContext) -> history.ShownHistory:
        found, _, _ = await context.document(address)
        return await history.find_history(context, found.id, limit)

    shown = with_context(work)
    click.echo(shown.to_json() if as_json else shown.to_table())


@document.command("at")
@click.argument("address")
@click.option("--time", "moment", help="A time as in 2026-01-31T12:00:00Z; without a zone it is in UTC.")
@click.option("--seq", type=click.IntRange(0, points.MAX_SEQ), help="Number of a row of the log; see history.")
@click.option("--format", "form", type=click.Choice(["markdown", "text", "yjs"]), default="markdown", show_default=True)
@click.option("--to", "output", type=click.Path(path_type=Path, dir_okay=False), help="Stdout if not given, or -.")
def document_at(address: str, moment: str | None, seq: int | None, form: history.Format, output: Path | None) -> None:
    """Write a document as it was at a time, or after a row of its log."""
    if (moment is None) == (seq is None):
        raise click.UsageError("give either --time or --seq")
    try:
        at = points.to_utc(datetime.fromisoformat(moment)) if moment is not None else None
    except (ValueError, OverflowError):
        raise click.UsageError(f"{moment} is no time: write it as in 2026-01-31T12:00:00Z") from None

    async def work(context: CommandContext) -> history.MomentFile:
        found, _, _ = await context.document(address)
        return await history.read_moment(context, found.id, points.Point(seq=seq, at=at), form)

    read = with_context(work)
    if read.truncated:
        click.echo("the text is cut, because it is very long; --format yjs has all of it", err=True)
    put_out(read.body, output)


@document.command("convert")
@click.argument("address")
@click.option("--to", required=True, type=click.Choice(get_args(TextKind)), help="The kind of text that is wanted.")
@click.option("--as", "email", help="E-mail of who converts it; the operator if not given.")
def document_convert(address: str, to: TextKind, email: str | None) -> None:
    """Convert the text of a document between Markdown and rich text. Servers may be running: editors that have it open
    load it again, with what they had not sent. A version of the document before is made.
    """

    async def work(context: CommandContext) -> tuple[UUID, converting.ConvertedDocument]:
        found, _, _ = await context.document(address)
        user_id = (await context.person(email)).user_id if email else None
        done = await converting.convert_document(context.db, context.rooms(), context.workers, user_id, found.id, to)
        return found.id, done

    document_id, done = with_context(work)
    before = f"; version {done.version} has the document before" if done.version else ""
    click.echo(f"{document_id}  {to.replace('_', ' ')}, generation {done.generation}{before}")


@document.command("restore")
@click.argument("document_id", type=click.UUID)
@click.option("--workspace", "-w", "slug", help="Slug of the workspace it goes to; the one it was in if not given.")
@click.option("--version", "number", type=click.IntRange(1, 2**31 - 1), help="Number of a version to restore.")
@click.option("--as", "email", help="With --version: e-mail of the author of the edit; the operator if not given.")
def document_restore(document_id: UUID, slug: str | None, number: int | None, email: str | None) -> None:
    """Bring a document back from the archive, where the trash is emptied into.

    With --version: restore a version of a document that is there. This is an edit: it merges with what people type,
    and a version of the present content is made before it. Servers may be running.
    """
    if number is not None:
        if slug is not None:
            raise click.UsageError("--workspace is for documents in the archive, --version for others")
        _restore_version(document_id, number, email)
        return
    if email is not None:
        raise click.UsageError("--as needs --version")

    async def work(context: CommandContext) -> Recovered:
        workspace_id = (await context.workspace(slug))[0] if slug else None
        return await recover(context.db, context.workers, document_id, workspace_id)

    back = with_context(work)
    click.echo(f"{back.id}  {back.title}  in {back.workspace}")
    if back.renamed:
        click.echo(f"its name is another document's by now: it is {back.name or 'without one'}", err=True)


def _restore_version(document_id: UUID, number: int, email: str | None) -> None:
    async def work(context: CommandContext) -> restoring.Restored:
        await context.document(str(document_id))
        writer = RestAuthor(await context.person(email) if email else GUEST, OPERATOR)
        return await restoring.restore_version(
            context.db, context.rooms(), context.workers, writer, document_id, number
        )

    done = with_context(work)
    if done.changed:
        click.echo(f"{document_id}  version {number} is restored; version {done.version} has the content before")
    else:
        click.echo(f"{document_id}  has the content of version {number} already")


async def _outcomes(importer: Importer, file: Path, tags: tuple[str, ...], most: int) -> AsyncIterator[Outcome]:
    try:
        if file.suffix.lower() == _ZIP:
            with file.open("rb") as opened:
                async for outcome in importer.archive(opened, most, note=echo_note):
                    yield outcome
            return
        upload = Upload(parsing.EXTENSIONS[file.suffix.lower()], file.name, tags=tags)
        yield await importer.file(upload, await asyncio.to_thread(file.read_bytes))
    except CollabError as error:
        yield Outcome(str(file), None, error)


def _report(outcome: Outcome) -> bool:
    if outcome.document is None:
        detail = outcome.error.detail if outcome.error else ""
        click.echo(f"{outcome.file}: {detail}", err=True)
        return False
    click.echo(f"{outcome.document.id}  {outcome.document.title}")
    for note in outcome.notes:
        click.echo(f"{outcome.file}: {note}", err=True)
    return True

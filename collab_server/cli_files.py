"""`collab-server document export|import|restore` and `workspace export|import`: files, in place of a browser."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, TypeVar, cast
from uuid import UUID

import click

from collab_server.access.identity import GUEST, Identity
from collab_server.backends.db import Database
from collab_server.backends.workers import Workers
from collab_server.cli_database import embedded_database
from collab_server.documents import document_queries, organizing_queries, store
from collab_server.documents.addresses import Addresses, checked
from collab_server.documents.document_queries import Document, Encrypted
from collab_server.documents.kinds import ENCRYPTED
from collab_server.documents.quotas import Quotas
from collab_server.documents.recovery import Recovered, recover
from collab_server.documents.showing import Desk
from collab_server.documents.views import Views
from collab_server.errors import CollabError, ConfigurationError, NotFound
from collab_server.exports import archive, file_names, formats, manifest, parsing, reading
from collab_server.exports.converting import Converters
from collab_server.exports.importing import Importer, Outcome, Upload
from collab_server.exports.reading import Sources
from collab_server.settings import Settings, load
from collab_server.web.depends import Rooms
from collab_server.workspaces import operator_queries

T = TypeVar("T")
_ZIP: Final = ".zip"


class Office:
    """What a command works with, beside a server or without one. `acting`: for whom, as themselves."""

    def __init__(self, settings: Settings, db: Database) -> None:
        self.settings = settings
        self.db = db
        self.workers = Workers(1)
        self.converters = Converters()
        self.sources = Sources(db, self.workers, self.converters, self._settle)

    async def _settle(self, document_id: UUID) -> None:
        await store.fold(self.db, self.workers, document_id)

    def desk(self, acting: Identity) -> Desk:
        # Making documents asks nothing else of the rooms, which are in the server.
        rooms = cast(Rooms, SimpleNamespace(settle=self._settle, people_in=lambda _: 0))
        creations = Quotas(self.settings, paced=False).by("")
        return Desk(acting, self.db, rooms, self.workers, self.settings, Views(), creations)

    async def workspace(self, slug: str, email: str | None = None) -> tuple[UUID, Identity]:
        """(its id, who acts: the person of this address, else its owner). Raises ConfigurationError."""
        async with self.db.as_service() as conn:
            found = await operator_queries.find_workspace_with_owner(conn, slug)
            person = await operator_queries.find_person(conn, email) if email else None
        if found is None:
            raise ConfigurationError(f"there is no workspace {slug}")
        if email and person is None:
            raise ConfigurationError(f"there is no user {email}")
        acting = person or found.owner_id
        return found.id, GUEST if acting is None else Identity("user", acting, email or "operator")

    async def document(self, address: str) -> tuple[Document, tuple[str, ...], Encrypted | None]:
        """(document, names of its category, its secret). Raises NotFound."""
        found: UUID | None = None
        async with self.db.as_service() as conn:
            try:
                found = UUID(address)
            except ValueError:
                addresses = Addresses(self.db, self.settings.default_workspace)
                found = await addresses.find_unchecked(conn, checked(address))
            document = await document_queries.find_document_unchecked(conn, found) if found else None
            if document is None:
                raise NotFound(f"there is no document {address}")
            paths = manifest.paths_of(await organizing_queries.list_categories(conn, document.workspace_id))
            secret = await document_queries.find_encrypted(conn, document.id) if document.type == ENCRYPTED else None
        return document, paths.get(document.category_id, ()) if document.category_id else (), secret


@asynccontextmanager
async def _open(settings: Settings, dsn: str) -> AsyncIterator[Office]:
    db = Database(dsn, guest_role="editor", pool_size=2)
    await db.open()
    office = Office(settings, db)
    try:
        yield office
    finally:
        await office.converters.close()
        await office.workers.close()
        await db.close()


def _with_office(work: Callable[[Office], Awaitable[T]]) -> T:
    settings = load()

    async def run(dsn: str) -> T:
        async with _open(settings, dsn) as office:
            return await work(office)

    if not settings.embedded:
        return asyncio.run(run(settings.database_url))
    with embedded_database(settings) as embedded:
        return asyncio.run(run(embedded.dsn))


class _Progress:
    """`bar`: None where nobody looks."""

    def __init__(self, bar: Any = None) -> None:
        self._bar = bar

    def expect(self, steps: int) -> None:
        """So many there will be."""
        if self._bar is not None:
            self._bar.length = steps
            self._bar.render_progress()

    def tell(self, step: str) -> None:
        """Another one is done."""
        if self._bar is None:
            click.echo(step, err=True)
        else:
            self._bar.update(1, step[:40])


@contextmanager
def _progress(label: str) -> Iterator[_Progress]:
    """A bar on a terminal, a line for each step elsewhere; both on stderr."""
    if not sys.stderr.isatty():
        yield _Progress()
        return
    with click.progressbar(
        length=0, label=label, show_pos=True, item_show_func=lambda step: step, file=sys.stderr
    ) as bar:
        yield _Progress(bar)


@click.group()
def document() -> None:
    """Documents as files."""


@document.command("export")
@click.argument("address")
@click.option("--format", "form", type=click.Choice(formats.FORMATS), help="By the ending of --output if not given.")
@click.option("--output", "-o", type=click.Path(path_type=Path, dir_okay=False), help="Stdout if not given, or -.")
def document_export(address: str, form: formats.Format | None, output: Path | None) -> None:
    """Write a document to a file."""
    if form is None:
        suffix = output.suffix.lower() if output else ".md"
        form = next((name for name, kind in formats.KINDS.items() if kind.extension == suffix), None)
        if form is None:
            raise click.UsageError(f"{suffix or 'a file without ending'} tells no format: give --format")
    chosen = form

    async def work(office: Office) -> bytes:
        found, category, secret = await office.document(address)
        if not await reading.settled(office.sources, found.id):
            click.echo("the document is damaged: this is its text as it was stored last", err=True)
        content = await reading.text(office.sources, found.id)
        return await reading.write(office.sources, found, content, chosen, category, secret)

    file = _with_office(work)
    if output is None or str(output) == "-":
        sys.stdout.buffer.write(file)
        sys.stdout.buffer.flush()
    else:
        _write(output, lambda out: out.write_bytes(file))


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

    async def work(office: Office) -> bool:
        workspace_id, acting = await office.workspace(slug, email)
        importer = Importer(office.desk(acting), office.converters, workspace_id)
        with _progress("Importing") as progress:
            progress.expect(len(files))
            good = True
            for file in files:
                async for outcome in _outcomes(importer, file, tags, office.settings.max_import_bytes):
                    good = _told(outcome) and good
                progress.tell(file.name)
        return good

    if not _with_office(work):
        sys.exit(1)


@document.command("restore")
@click.argument("document_id", type=click.UUID)
@click.option("--workspace", "-w", "slug", help="Slug of the workspace it goes to; the one it was in if not given.")
def document_restore(document_id: UUID, slug: str | None) -> None:
    """Bring a document back from the archive, where the trash is emptied into."""

    async def work(office: Office) -> Recovered:
        workspace_id = (await office.workspace(slug))[0] if slug else None
        return await recover(office.db, office.workers, document_id, workspace_id)

    back = _with_office(work)
    click.echo(f"{back.id}  {back.title}  in {back.workspace}")
    if back.renamed:
        click.echo(f"its name is another document's by now: it is {back.name or 'without one'}", err=True)


@click.command("export")
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
    target = output or Path(f"{file_names.safe_name(slug)}{_ZIP}")

    async def work(office: Office) -> int:
        workspace_id, acting = await office.workspace(slug)
        count = 0
        async with office.db.as_service() as conn:
            expected = await operator_queries.count_documents(conn, workspace_id)
        with _progress("Exporting") as progress, partial.open("wb") as file:
            progress.expect(expected)

            def done(title: str) -> None:
                nonlocal count
                count += 1
                progress.tell(title)

            chosen = forms or archive.LOSSLESS
            async for piece in archive.write(office.sources, acting, workspace_id, chosen, done):
                file.write(piece)
        return count

    partial = target.with_name(f"{target.name}.partial")
    try:
        count = _with_office(work)
        partial.replace(target)
    except OSError as error:
        raise ConfigurationError(f"{target} cannot be written: {error.strerror}") from None
    finally:
        partial.unlink(missing_ok=True)
    click.echo(f"{count} documents in {target}")


@click.command("import")
@click.argument("slug")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--as", "email", help="E-mail of the author; the workspace's owner if not given.")
def workspace_import(slug: str, file: Path, email: str | None) -> None:
    """Make documents of all that is in a zip, such as `workspace export` writes."""

    async def work(office: Office) -> tuple[int, int]:
        workspace_id, acting = await office.workspace(slug, email)
        importer = Importer(office.desk(acting), office.converters, workspace_id)
        counts = [0, 0]
        with _progress("Importing") as progress, file.open("rb") as opened:
            most = office.settings.max_import_bytes
            async for outcome in importer.archive(opened, most, progress.expect, _note):
                counts[outcome.document is None] += 1
                if outcome.error is not None:
                    click.echo(f"{outcome.file}: {outcome.error.detail}", err=True)
                for note in outcome.notes:
                    click.echo(f"{outcome.file}: {note}", err=True)
                progress.tell(outcome.file)
        return counts[0], counts[1]

    made, failed = _with_office(work)
    click.echo(f"{made} documents made, {failed} failed")
    if failed:
        sys.exit(1)


async def _outcomes(importer: Importer, file: Path, tags: tuple[str, ...], most: int) -> AsyncIterator[Outcome]:
    try:
        if file.suffix.lower() == _ZIP:
            with file.open("rb") as opened:
                async for outcome in importer.archive(opened, most, note=_note):
                    yield outcome
            return
        upload = Upload(parsing.EXTENSIONS[file.suffix.lower()], file.name, tags=tags)
        yield await importer.file(upload, await asyncio.to_thread(file.read_bytes))
    except CollabError as error:
        yield Outcome(str(file), None, error)


def _note(text: str) -> None:
    click.echo(text, err=True)


def _told(outcome: Outcome) -> bool:
    if outcome.document is None:
        detail = outcome.error.detail if outcome.error else ""
        click.echo(f"{outcome.file}: {detail}", err=True)
        return False
    click.echo(f"{outcome.document.id}  {outcome.document.title}")
    for note in outcome.notes:
        click.echo(f"{outcome.file}: {note}", err=True)
    return True


def _write(output: Path, write: Callable[[Path], object]) -> None:
    try:
        write(output)
    except OSError as error:
        raise ConfigurationError(f"{output} cannot be written: {error.strerror}") from None

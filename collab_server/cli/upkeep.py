"""`collab-server maintain`, `verify` and `secrets`."""

import sys
from uuid import UUID

import click

from collab_server.adapters.object_store import ObjectStore
from collab_server.adapters.postgres import Database
from collab_server.adapters.workers import Workers
from collab_server.cli.database import run_on_database, with_database
from collab_server.errors import ConfigurationError
from collab_server.features.attachments.cleaning import ObjectCleaner
from collab_server.features.document_log.repairing import repair_line_ends
from collab_server.features.document_log.verifying import verify as find_verdicts
from collab_server.features.maintenance import key_rotation
from collab_server.features.maintenance.jobs import run_once
from collab_server.security import encryption
from collab_server.settings import load


@click.group("secrets")
def secrets() -> None:
    """Secrets at rest."""


@secrets.command("new-key")
def secrets_new_key() -> None:
    """Print a fresh key for COLLAB_ENCRYPTION_KEYS."""
    click.echo(encryption.new_key())


@secrets.command("rotate")
def secrets_rotate() -> None:
    """Encrypt every stored secret with the newest key; then the older ones can go. Servers may be running."""
    settings = load()
    keyring = encryption.keyring(settings.encryption_keys.get_secret_value(), settings.secret())
    done = with_database(lambda conn: key_rotation.rotate(conn, keyring), in_transaction=False)
    click.echo(f"{done.rotated} encrypted anew with {keyring.current!r}")
    if done.lost:
        raise ConfigurationError(f"{done.lost} cannot be opened: their key is not in COLLAB_ENCRYPTION_KEYS")


@click.command()
def maintain() -> None:
    """Do once what a server does every hour: delete for good what has been in the trash long enough, or expired.

    Besides, delete files from the store that belong to nothing, and take carriage returns out of the texts of
    documents, which a server does when one is opened.
    """

    async def run(dsn: str) -> dict[str, int | None] | None:
        db = Database(dsn, pool_size=2)
        workers = Workers(1)
        store = ObjectStore.open(settings.storage_url, settings.files_dir)
        await db.open()
        try:
            strays = await ObjectCleaner(db, store).find_strays()
            done = await run_once(db, workers, settings, store)
            if done is not None:
                done["stray objects"] = strays
                repaired, failed = await repair_line_ends(db, workers)
                done["line ends"] = None if failed else repaired
            return done
        finally:
            store.close()
            await workers.close()
            await db.close()

    settings = load()
    done = run_on_database(settings, run)
    if done is None:
        raise ConfigurationError("another process is at it")
    for name, count in done.items():
        click.echo(f"{name}: {'failed' if count is None else count}")
    if None in done.values():
        sys.exit(1)


@click.command()
@click.option("--document", "only", type=click.UUID, help="Id of the one document to read.")
def verify(only: UUID | None) -> None:
    """Read everything that is stored of every document; name the damaged ones, and exit 1 if there is any.

    Servers may be running.
    """

    async def run(dsn: str) -> tuple[int, int]:
        db = Database(dsn, pool_size=1)
        workers = Workers(1)
        read = damaged = 0
        await db.open()
        try:
            async for verdict in find_verdicts(db, workers, only):
                read += 1
                if verdict.reason:
                    damaged += 1
                    click.echo(f"damaged: {verdict.document_id}: {verdict.reason}")
        finally:
            await workers.close()
            await db.close()
        return read, damaged

    settings = load()
    read, damaged = run_on_database(settings, run)
    click.echo(f"{read} documents read, {damaged} damaged")
    if damaged:
        sys.exit(1)

"""What `collab-server doctor` looks at."""

from importlib.util import find_spec
from typing import Protocol

from collab_server import _speedups
from collab_server.adapters import login, migrations, postgres_checks
from collab_server.adapters.clamd import Scanner
from collab_server.adapters.cluster_queries import count_servers
from collab_server.adapters.object_store import ObjectStore
from collab_server.adapters.postgres import Database
from collab_server.adapters.redis.redis_bus import RedisBus
from collab_server.errors import CollabError
from collab_server.features.document_log import damage_queries, log_queries
from collab_server.features.exports import formats
from collab_server.features.oidc.oidc import Oidc
from collab_server.security import encryption
from collab_server.settings import Settings

DAMAGED_SHOWN = 10


class Tell(Protocol):
    def __call__(self, name: str, *, ok: bool, detail: str) -> None: ...


async def examine(settings: Settings, dsn: str, tell: Tell) -> None:
    """Tell one line for each thing looked at; nothing raises for a fault that was found."""
    _tell_form(settings, tell)
    await _examine_sign_in(settings, tell)
    await _examine_bus(settings, tell)
    # Absent extras are no fault: somebody chose the smaller installation.
    absent = [*([] if find_spec("mmdr") else ["diagrams"]), *formats.list_absent()]
    tell("extras", ok=True, detail=f"without {', '.join(absent)}" if absent else "all")
    await _examine_files(settings, tell)
    await _examine_scanner(settings, tell)
    where = f"embedded in {settings.data_dir}" if settings.embedded else "COLLAB_DATABASE_URL"
    tell("guests", ok=True, detail=f"{settings.effective_guest_role} in the playground workspace")
    try:
        tell("PostgreSQL", ok=True, detail=f"{await postgres_checks.check_usable(dsn)}, {where}")
        faults = await login.faults(dsn)
        cure = "; give the server a role of its own: COLLAB_OWNER_URL and `collab-server migrate`"
        tell("login", ok=not faults, detail=", ".join(faults) + cure if faults else "row-level security binds it")
        status = await migrations.status(dsn)
    except CollabError as error:
        tell("PostgreSQL", ok=False, detail=error.detail)
        return
    faults = [f"{len(status.pending)} migrations to apply"] if status.pending else []
    faults += [f"{len(status.changed)} changed objects to apply"] if status.changed else []
    tell("schema", ok=not faults, detail=f"{status.current}, {', '.join(faults) or 'up to date'}")
    database = Database(dsn, pool_size=1)
    await database.open()
    try:
        async with database.as_service() as conn:
            synchronous = await conn.fetchval("SHOW synchronous_commit")
            flushing = await conn.fetchval("SHOW fsync")
            waiting = len(await log_queries.list_backlog(conn, 1000))
            damaged = await damage_queries.list_damage(conn, DAMAGED_SHOWN + 1)
            servers = await count_servers(conn)
    finally:
        await database.close()
    durable = synchronous not in ("off", "local") and flushing == "on"
    tell("durability", ok=durable, detail=f"synchronous_commit={synchronous}, fsync={flushing}")
    count = servers.with_bus + servers.without_bus
    deaf = (
        f", {servers.without_bus} of them without COLLAB_REDIS_URL: they do not hear the others" if servers.deaf else ""
    )
    tell("servers", ok=not servers.deaf, detail=f"{count} at work{deaf}")
    tell("log", ok=True, detail=f"{waiting} documents wait to be folded")
    for found in damaged[:DAMAGED_SHOWN]:
        when = f"{found.noticed_at:%Y-%m-%d %H:%M} UTC"
        tell("damaged document", ok=False, detail=f"{found.document_id}: {found.reason} (noticed {when})")
    if len(damaged) > DAMAGED_SHOWN:
        tell("damaged documents", ok=False, detail="and others; `collab-server verify` names all")


def _tell_form(settings: Settings, tell: Tell) -> None:
    if settings.speedups and _speedups.is_compiled():
        detail = "compiled from C"
    elif settings.speedups:
        detail = "in Python; `python -m collab_server._speedups.build` says what is missing to compile it"
    else:
        detail = "in Python, as COLLAB_SPEEDUPS is false"
    tell("hot path", ok=True, detail=detail)


async def _examine_bus(settings: Settings, tell: Tell) -> None:
    if not settings.redis_url:
        return
    try:
        kind = await RedisBus(settings.redis_url, settings.redis_prefix).examine()
    except CollabError as error:
        tell("Redis", ok=False, detail=error.detail)
    else:
        tell("Redis", ok=True, detail=f"{kind}; it carries messages under {settings.redis_prefix!r}")


async def _examine_files(settings: Settings, tell: Tell) -> None:
    try:
        store = ObjectStore.open(settings.storage_url, settings.files_dir)
    except CollabError as error:
        tell("files", ok=False, detail=error.detail)
        return
    try:
        await store.check()
    except CollabError as error:
        cure = "the folder and its owner" if store.bucket.startswith("file:") else "the bucket and its credentials"
        tell("files", ok=False, detail=f"{error.detail}; look at COLLAB_STORAGE_URL, {cure}")
    else:
        where = str(settings.files_dir) if not settings.storage_url else store.bucket
        tell("files", ok=True, detail=f"{where} takes and returns files")
    finally:
        store.close()


async def _examine_scanner(settings: Settings, tell: Tell) -> None:
    if not settings.clamd_address:
        return
    try:
        await Scanner(settings.clamd_address).ping()
    except CollabError as error:
        tell("malware scanner", ok=False, detail=f"{error.detail}; look at COLLAB_CLAMD_ADDRESS")
    else:
        tell("malware scanner", ok=True, detail=f"clamd at {settings.clamd_address} answers")


async def _examine_sign_in(settings: Settings, tell: Tell) -> None:
    try:
        keyring = encryption.keyring(settings.encryption_keys.get_secret_value(), settings.secret())
    except CollabError as error:
        tell("secrets at rest", ok=False, detail=error.detail)
        return
    tell("secrets at rest", ok=True, detail=f"encrypted with the key {keyring.current!r}")
    if not settings.oidc_issuer:
        return
    try:
        oidc = Oidc(settings, keyring)
        try:
            await oidc.examine()
        finally:
            await oidc.close()
    except CollabError as error:
        tell("OpenID Connect", ok=False, detail=error.detail)
    else:
        tell("OpenID Connect", ok=True, detail=f"{settings.oidc_issuer} answers")

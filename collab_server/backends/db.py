"""PostgreSQL: the only module that meets asyncpg.

The server's login owns nothing. Work for a person runs in a transaction under `app_readwrite` with that person's id,
so that row-level security applies (`Database.as_user`); the server's own work runs under `app_service`
(`Database.as_service`).
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from uuid import UUID

import asyncpg

from collab_server.backends.shares import Shares
from collab_server.errors import ConfigurationError, LostRace, Unavailable, UnprocessableContent

if TYPE_CHECKING:
    Conn = asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
else:
    # asyncpg's classes are generic for type checkers only.
    Conn = asyncpg.Connection
Row = asyncpg.Record
UniqueViolation = asyncpg.UniqueViolationError
InsufficientPrivilege = asyncpg.InsufficientPrivilegeError
ForeignKeyViolation = asyncpg.ForeignKeyViolationError
CheckViolation = asyncpg.CheckViolationError
RestrictViolation = asyncpg.RestrictViolationError
DatabaseError = asyncpg.PostgresError

OLDEST_VERSION = 15
CONNECT_TIMEOUT = 5.0
COMMAND_TIMEOUT = 30.0
LISTEN_CHECK = 10.0
"""How often a connection that only listens is asked whether it is still there."""

STATEMENTS_EACH = 3
"""Transactions at once of one person, or of the guests of one address; a pool has 8 connections."""
ROLLBACK_TIMEOUT = 5.0
LOG_LOCK_TIMEOUT = "300ms"
LOG_STATEMENT_TIMEOUT = "10s"
"""Less than the writer waits, so that PostgreSQL says that nothing was committed."""
SESSION_SETTINGS = {
    "lock_timeout": "5s",
    "statement_timeout": "30s",
    "idle_in_transaction_session_timeout": "15s",
    # Without these PostgreSQL keeps the locks of a client that vanished for as long as TCP keep-alive takes: two hours.
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "30s",
    "client_connection_check_interval": "10s",
}
"""Of every session of the server. `backends/migrate.py` works on sessions without them. What takes longer (maintenance)
sets its own for its transaction.
"""

_TRANSIENT = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # shutdown, crash of another backend, cannot connect now
    asyncpg.InsufficientResourcesError,  # disk full, out of memory, too many connections
    asyncpg.TransactionRollbackError,  # serialization, deadlock
    asyncpg.LockNotAvailableError,
    asyncpg.ReadOnlySQLTransactionError,  # a standby, or a primary that was demoted
    asyncpg.exceptions.InternalClientError,
)


def is_blocked(error: BaseException) -> bool:
    """Whether PostgreSQL rolled the statement back because it took too long, waited for a lock, or met a deadlock."""
    return isinstance(error, asyncpg.LockNotAvailableError | asyncpg.QueryCanceledError | asyncpg.DeadlockDetectedError)


def is_transient(error: BaseException) -> bool:
    """Whether the same statement may succeed later: PostgreSQL away, restarting, full, or a lost race."""
    return isinstance(error, _TRANSIENT)


@asynccontextmanager
async def reporting() -> AsyncIterator[None]:
    """Turn the faults of a database that is away into Unavailable, lost races into LostRace, values that PostgreSQL
    cannot hold (beyond the range of their type) into UnprocessableContent; others pass.
    """
    try:
        yield
    except (asyncpg.SerializationError, asyncpg.DeadlockDetectedError) as error:
        raise LostRace("others changed the same at the same time") from error
    except asyncpg.DataError as error:
        raise UnprocessableContent(f"a value cannot be stored: {one_line(error)}") from error
    except _TRANSIENT as error:
        raise Unavailable("the database cannot answer now") from error


@dataclass(frozen=True, slots=True)
class Caller:
    """From where the current request comes, for the logs of what changed. Empty: unknown."""

    ip: str = ""
    user_agent: str = ""
    device_id: str = ""
    client_version: str = ""


caller: ContextVar[Caller] = ContextVar("caller", default=Caller())  # noqa: B039
"""Set by web/middleware.py for each request; each person's transaction carries it: app.setting('client_ip')."""

Plans = Literal["auto", "force_generic_plan"]
"""How a transaction's statements are planned. Generic: once for a connection, right where every value leads through the
same index (under the policies, planning costs more than reading a page). Auto: PostgreSQL guesses, and may guess wrong.
"""


class Database:
    """Connections of one server process. `guest_role` is what the playground grants to everybody ('' for nothing)."""

    def __init__(self, dsn: str, *, guest_role: str = "", pool_size: int = 8) -> None:
        self.dsn = dsn
        self.guest_role = guest_role
        self._pool_size = pool_size
        self._shares = Shares(STATEMENTS_EACH)
        self._people: asyncpg.Pool[asyncpg.Record] | None = None
        self._service: asyncpg.Pool[asyncpg.Record] | None = None

    async def open(self) -> None:
        """Connect. Raises ConfigurationError, one line that says what to mend."""
        await check(self.dsn)
        self._people = await self._pool({})
        self._service = await self._pool({"role": "app_service"})

    async def _pool(self, server_settings: dict[str, str]) -> "asyncpg.Pool[asyncpg.Record]":
        return await asyncpg.create_pool(
            self.dsn,
            min_size=0,
            max_size=self._pool_size,
            timeout=CONNECT_TIMEOUT,
            command_timeout=COMMAND_TIMEOUT,
            max_inactive_connection_lifetime=60,
            reset=_leave_as_it_is,
            server_settings={**SESSION_SETTINGS, "application_name": "collab_server", **server_settings},
        )

    async def close(self) -> None:
        for pool in (self._people, self._service):
            if pool is not None:
                try:
                    await asyncio.wait_for(pool.close(), 5)
                except TimeoutError:
                    pool.terminate()
        self._people = self._service = None

    @asynccontextmanager
    async def as_user(self, user_id: UUID | None, plans: Plans = "auto") -> AsyncIterator[Conn]:
        """A transaction under row-level security for this user; None: a guest. Raises Unavailable.

        Not to be nested: a person has STATEMENTS_EACH of them.
        """
        assert self._people is not None, "Database.open() comes first"
        origin = caller.get()
        settings = {
            "role": "app_readwrite",
            "app.current_user_id": str(user_id) if user_id else "",
            "app.guest_role": self.guest_role,
            "app.client_ip": origin.ip,
            "app.user_agent": origin.user_agent,
            "app.device_id": origin.device_id,
            "app.client_version": origin.client_version,
        }
        if plans != "auto":
            settings["plan_cache_mode"] = plans
        beginning = ", ".join(f"set_config('{name}', {_literal(value)}, true)" for name, value in settings.items())
        share = str(user_id) if user_id else f"guest {origin.ip}"
        async with (
            reporting(),
            self._shares.taken(share, CONNECT_TIMEOUT),
            self._people.acquire(timeout=CONNECT_TIMEOUT) as conn,
        ):
            try:
                # One message for both: a round trip costs as much as many a statement.
                await conn.execute(f"BEGIN; SELECT {beginning}")
                yield conn
                await conn.execute("COMMIT")
            except BaseException as error:
                await _roll_back(conn, error)
                raise

    @asynccontextmanager
    async def as_service(self) -> AsyncIterator[Conn]:
        """A connection for the server's own work: each statement is its own transaction. Raises Unavailable."""
        assert self._service is not None, "Database.open() comes first"
        async with reporting(), self._service.acquire(timeout=CONNECT_TIMEOUT) as conn:
            yield conn

    async def connect_service(self) -> "asyncpg.Connection[asyncpg.Record]":
        """A connection of its own for one long-lived task under app_service."""
        conn = await asyncpg.connect(
            self.dsn,
            timeout=CONNECT_TIMEOUT,
            command_timeout=COMMAND_TIMEOUT,
            server_settings={
                **SESSION_SETTINGS,
                # A commit of all documents must not wait for one of them.
                "lock_timeout": LOG_LOCK_TIMEOUT,
                "statement_timeout": LOG_STATEMENT_TIMEOUT,
                "application_name": "collab_server log",
                "role": "app_service",
            },
        )
        # Our acknowledgement says "on disk", whatever the database's default; a stricter default stays.
        await conn.execute(
            "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
        )
        return conn

    async def listen(self, channel: str, heard: Callable[[str], None], began: Callable[[], None]) -> None:
        """Give each notice on the channel to `heard`, on a connection of its own, until that is lost or this is
        cancelled.

        `began` is called once nothing is missed any more. Raises Unavailable when the connection cannot be made or has
        been lost. Behind a pooler that shares connections between transactions no notice ever arrives.
        """
        async with reporting():
            conn = await asyncpg.connect(
                self.dsn,
                timeout=CONNECT_TIMEOUT,
                command_timeout=CONNECT_TIMEOUT,
                server_settings={**SESSION_SETTINGS, "application_name": "collab_server notices"},
            )
            try:
                lost = asyncio.Event()
                conn.add_termination_listener(lambda _: lost.set())
                await conn.add_listener(channel, lambda *notice: heard(str(notice[3])))
                began()
                while not lost.is_set():
                    try:
                        await asyncio.wait_for(lost.wait(), LISTEN_CHECK)
                    except TimeoutError:
                        await conn.execute("SELECT 1")
                raise Unavailable("the connection that listens was lost")
            finally:
                conn.terminate()


@asynccontextmanager
async def serving(conn: Conn) -> AsyncIterator[None]:
    """Within a transaction of `as_user`: what belongs to it and is the server's own work, such as writing the log."""
    await conn.execute("SELECT set_config('role', 'app_service', true)")
    yield
    await conn.execute("SELECT set_config('role', 'app_readwrite', true)")


@asynccontextmanager
async def acting(conn: Conn, user_id: UUID | None, name: str = "") -> AsyncIterator[None]:
    """On a connection of `as_service`: a transaction of the server's own work that the audit puts down to this user,
    with the current request's address. `name`: of an actor without an account.
    """
    origin = caller.get()
    async with conn.transaction():
        await conn.execute(
            "SELECT set_config('app.current_user_id', $1, true), set_config('app.actor_name', $2, true), "
            "set_config('app.client_ip', $3, true), set_config('app.user_agent', $4, true)",
            str(user_id) if user_id else "",
            name,
            origin.ip,
            origin.user_agent,
        )
        yield


async def attribute(conn: Conn, user_id: UUID) -> None:
    """Within a transaction of `acting`: it has turned out who acts."""
    await conn.execute("SELECT set_config('app.current_user_id', $1, true)", str(user_id))


@asynccontextmanager
async def savepoint(conn: Conn) -> AsyncIterator[None]:
    """Within a transaction of `as_user`: what fails here is undone, and the rest goes on."""
    await conn.execute("SAVEPOINT attempt")
    try:
        yield
    except BaseException:
        await conn.execute("ROLLBACK TO attempt")
        raise
    await conn.execute("RELEASE attempt")


def _literal(text: str) -> str:
    """A constant in SQL, whatever standard_conforming_strings says. The text has no NUL."""
    return "E'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


async def _roll_back(conn: Conn, error: BaseException) -> None:
    """End the transaction of a connection that goes back to its pool.

    A statement may have been cancelled half way, even BEGIN. What the connection knows of its transaction is then out
    of date, so ROLLBACK is sent in any case; asyncpg waits for the end of the cancellation before.
    """
    if not conn.is_in_transaction() and isinstance(error, Exception) and not isinstance(error, TimeoutError):
        return
    try:
        await conn.execute("ROLLBACK", timeout=ROLLBACK_TIMEOUT)
    except BaseException as second:
        conn.terminate()
        if not isinstance(second, Exception):
            raise


async def _leave_as_it_is(_: object) -> None:
    """Instead of asyncpg's reset, a round trip for each use: what we set ends with the transaction it was set in."""


async def check(dsn: str) -> str:
    """As check_reachable, and that the login may work as the server does. Raises ConfigurationError, one line."""
    conn = await connect(dsn)
    try:
        await conn.execute("SET ROLE app_service")
        await conn.execute("SET ROLE app_readwrite")
    except asyncpg.PostgresError as error:
        raise ConfigurationError(f"{one_line(error)}: run `collab-server migrate` as the database's owner") from error
    else:
        return _version(conn)
    finally:
        await conn.close()


async def check_reachable(dsn: str) -> str:
    """The server's version, e.g. '18.4'. Raises ConfigurationError as `connect` does."""
    conn = await connect(dsn)
    try:
        return _version(conn)
    finally:
        await conn.close()


def _version(conn: "asyncpg.Connection[asyncpg.Record]") -> str:
    version = conn.get_server_version()
    # Of 18.4 asyncpg says (18, 0, 4).
    return f"{version.major}.{version.micro}"


async def connect(dsn: str) -> "asyncpg.Connection[asyncpg.Record]":
    """A connection to a PostgreSQL that is new enough; ConfigurationError, one line, for all that can be wrong."""
    try:
        conn: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(dsn, timeout=CONNECT_TIMEOUT)
    except (ValueError, asyncpg.exceptions.ClientConfigurationError) as error:
        raise ConfigurationError(f"COLLAB_DATABASE_URL cannot be read: {one_line(error)}") from error
    except asyncpg.InvalidAuthorizationSpecificationError as error:  # includes a wrong password
        raise ConfigurationError(f"PostgreSQL refused the login: {one_line(error)}") from error
    except asyncpg.InvalidCatalogNameError as error:
        raise ConfigurationError(f"{one_line(error)}: create it, or correct COLLAB_DATABASE_URL") from error
    except TimeoutError as error:
        raise ConfigurationError(f"PostgreSQL did not answer within {CONNECT_TIMEOUT} s") from error
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise ConfigurationError(f"cannot reach PostgreSQL: {one_line(error)}") from error
    version = conn.get_server_version()
    if version.major < OLDEST_VERSION:
        await conn.close()
        raise ConfigurationError(
            f"PostgreSQL {version.major}.{version.micro} is too old: {OLDEST_VERSION} or newer is needed"
        )
    return conn


def one_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]

"""Connections and transactions of PostgreSQL. Only this module and its neighbours use asyncpg.

The server's login owns nothing. Work for a user runs in a transaction under `app_readwrite` with the user's id, so that
row-level security applies (`Database.as_user`). The server's own work runs under `app_service` (`Database.as_service`).
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple
from uuid import UUID

import asyncpg

from collab_server.adapters.connection_shares import Shares
from collab_server.adapters.postgres_checks import CONNECT_TIMEOUT, check_usable
from collab_server.adapters.postgres_errors import reporting
from collab_server.errors import Unavailable

if TYPE_CHECKING:
    Conn = asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
else:
    # asyncpg's classes are generic for type checkers only.
    Conn = asyncpg.Connection
Row = asyncpg.Record
COMMAND_TIMEOUT = 30.0
LISTEN_CHECK = 10.0
"""Seconds between two checks of a connection that only listens."""

STATEMENTS_EACH = 3
"""Concurrent transactions of one user, or of the guests of one address. A pool has 8 connections."""
ROLLBACK_TIMEOUT = 5.0
LOG_LOCK_TIMEOUT = "300ms"
LOG_STATEMENT_TIMEOUT = "10s"
"""Less than the timeout of the group commit, so that PostgreSQL reports that nothing was committed."""
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
"""Settings of every session of the server, except migrations. Maintenance sets longer ones for its transactions."""


class Subject(NamedTuple):
    """Whose rights row-level security applies: a user (None: a guest), and the share of the link they came by."""

    user_id: UUID | None
    share_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """Origin of the current request, for the audit. Empty: unknown."""

    ip: str = ""
    user_agent: str = ""
    device_id: str = ""
    client_version: str = ""


caller: ContextVar[Caller] = ContextVar("caller", default=Caller())  # noqa: B039
"""The origin of the current request, set by web/middleware/headers.py. User transactions carry it as settings."""

Plans = Literal["auto", "force_generic_plan"]
"""Planning of a transaction's statements.

Generic: once for a connection. This is right if every value leads through the same index; under the policies, planning
costs more than reading a page. Auto: PostgreSQL guesses, and may guess wrong.
"""


class Database:
    """Connections of one process. `guest_role`: the role of guests in the playground; empty for none."""

    def __init__(self, dsn: str, *, guest_role: str = "", pool_size: int = 8) -> None:
        self.dsn = dsn
        self.guest_role = guest_role
        self._pool_size = pool_size
        self._shares = Shares(STATEMENTS_EACH)
        self._people: asyncpg.Pool[asyncpg.Record] | None = None
        self._service: asyncpg.Pool[asyncpg.Record] | None = None

    async def open(self) -> None:
        """Connect. Raises ConfigurationError."""
        await check_usable(self.dsn)
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
                    async with asyncio.timeout(5):
                        await pool.close()
                except TimeoutError:
                    pool.terminate()
        self._people = self._service = None

    @asynccontextmanager
    async def as_user(self, who: Subject | UUID | None, plans: Plans = "auto") -> AsyncIterator[Conn]:
        """Begin a transaction under row-level security for this subject, or the user of this id; None: a guest.
        Raises Unavailable.

        Do not nest it: a user has STATEMENTS_EACH of them.
        """
        assert self._people is not None, "Database.open() comes first"
        user_id, share_id = who if isinstance(who, Subject) else Subject(who)
        origin = caller.get()
        settings = {
            "role": "app_readwrite",
            "app.current_user_id": str(user_id) if user_id else "",
            "app.share_id": str(share_id) if share_id else "",
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
                # One message for both, because a round trip costs as much as a short statement.
                await conn.execute(f"BEGIN; SELECT {beginning}")
                yield conn
                await conn.execute("COMMIT")
            except BaseException as error:
                await _roll_back(conn, error)
                raise

    @asynccontextmanager
    async def as_service(self) -> AsyncIterator[Conn]:
        """Take a connection for the server's own work. Each statement is its own transaction. Raises Unavailable."""
        assert self._service is not None, "Database.open() comes first"
        async with reporting(), self._service.acquire(timeout=CONNECT_TIMEOUT) as conn:
            yield conn

    async def connect_service(self) -> "asyncpg.Connection[asyncpg.Record]":
        """Open a separate connection under app_service for one long-lived task."""
        conn = await asyncpg.connect(
            self.dsn,
            timeout=CONNECT_TIMEOUT,
            command_timeout=COMMAND_TIMEOUT,
            server_settings={
                **SESSION_SETTINGS,
                # A group commit must not wait for the lock of one document.
                "lock_timeout": LOG_LOCK_TIMEOUT,
                "statement_timeout": LOG_STATEMENT_TIMEOUT,
                "application_name": "collab_server log",
                "role": "app_service",
            },
        )
        # Acknowledged means "on disk", whatever the default of the database. A stricter default stays.
        await conn.execute(
            "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
        )
        return conn

    async def listen(self, channels: Mapping[str, Callable[[str], None]], on_begin: Callable[[], None]) -> None:
        """Call the function of a channel with the payload of each notice on it, until cancelled.

        `on_begin` is called when notices begin to arrive. Raises Unavailable when the connection cannot be made or is
        lost. Behind a pooler that shares connections between transactions, notices never arrive.
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
                for channel in channels:
                    await conn.add_listener(channel, lambda *notice: channels[notice[2]](str(notice[3])))
                on_begin()
                while not lost.is_set():
                    try:
                        async with asyncio.timeout(LISTEN_CHECK):
                            await lost.wait()
                    except TimeoutError:
                        await conn.execute("SELECT 1")
                raise Unavailable("the connection for notices was lost")
            finally:
                conn.terminate()


@asynccontextmanager
async def serving(conn: Conn) -> AsyncIterator[None]:
    """Do the server's own work within a transaction of `as_user`, for example writing the log."""
    await conn.execute("SELECT set_config('role', 'app_service', true)")
    yield
    await conn.execute("SELECT set_config('role', 'app_readwrite', true)")


@asynccontextmanager
async def acting(conn: Conn, user_id: UUID | None, name: str = "") -> AsyncIterator[None]:
    """Begin a transaction on a connection of `as_service` whose audit entries name this user as the actor.

    The entries carry the address of the current request. `name`: the name of an actor without an account.
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
    """Name the actor within a transaction of `acting` that began without one."""
    await conn.execute("SELECT set_config('app.current_user_id', $1, true)", str(user_id))


@asynccontextmanager
async def savepoint(conn: Conn) -> AsyncIterator[None]:
    """Undo only this part of a transaction of `as_user` if it fails."""
    await conn.execute("SAVEPOINT attempt")
    try:
        yield
    except BaseException:
        await conn.execute("ROLLBACK TO attempt")
        raise
    await conn.execute("RELEASE attempt")


def _literal(text: str) -> str:
    """Return the text as an SQL constant that no setting changes. The text must not contain NUL characters."""
    return "E'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


async def _roll_back(conn: Conn, error: BaseException) -> None:
    """End the transaction of a connection before it returns to its pool.

    A statement may have been cancelled half way, even BEGIN. The transaction state of the connection is then out of
    date, so ROLLBACK is always sent; asyncpg waits for the end of the cancellation first.
    """
    if not conn.is_in_transaction() and isinstance(error, Exception) and not isinstance(error, TimeoutError):
        return
    try:
        await conn.execute("ROLLBACK", timeout=ROLLBACK_TIMEOUT)
    except BaseException as second:
        conn.terminate()
        # The caller raises the first error, which says more.
        if not isinstance(second, Exception):
            raise


async def _leave_as_it_is(_: object) -> None:
    """Replace the reset of asyncpg, which costs a round trip for each use. Our settings end with their transaction."""

"""Checks of a database before the server uses it. Every fault is a ConfigurationError with one line."""

import asyncpg

from collab_server.adapters.postgres_errors import one_line
from collab_server.errors import ConfigurationError

OLDEST_VERSION = 15
CONNECT_TIMEOUT = 5.0


async def check_usable(dsn: str) -> str:
    """Like check_reachable, and check that the login may take the server's roles. Raises ConfigurationError."""
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
    """Return the version of PostgreSQL, e.g. '18.4'. Raises ConfigurationError like `connect`."""
    conn = await connect(dsn)
    try:
        return _version(conn)
    finally:
        await conn.close()


def _version(conn: "asyncpg.Connection[asyncpg.Record]") -> str:
    version = conn.get_server_version()
    # asyncpg reads 18.4 as (18, 0, 4).
    return f"{version.major}.{version.micro}"


async def connect(dsn: str) -> "asyncpg.Connection[asyncpg.Record]":
    """Connect to a PostgreSQL that is new enough. Raises ConfigurationError for every fault."""
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

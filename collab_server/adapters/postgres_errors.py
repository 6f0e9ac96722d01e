"""Errors of PostgreSQL: which of them are transient, and which errors of the server they become."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from collab_server.errors import LostRace, Unavailable, UnprocessableContent

UniqueViolation = asyncpg.UniqueViolationError
InsufficientPrivilege = asyncpg.InsufficientPrivilegeError
ForeignKeyViolation = asyncpg.ForeignKeyViolationError
CheckViolation = asyncpg.CheckViolationError
RestrictViolation = asyncpg.RestrictViolationError
LockTimeout = asyncpg.LockNotAvailableError
DatabaseError = asyncpg.PostgresError

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
    """Whether PostgreSQL rolled the statement back because of a timeout, a lock or a deadlock."""
    return isinstance(error, asyncpg.LockNotAvailableError | asyncpg.QueryCanceledError | asyncpg.DeadlockDetectedError)


def is_transient(error: BaseException) -> bool:
    """Whether the same statement may succeed later: PostgreSQL is away, restarts or is full, or a race was lost."""
    return isinstance(error, _TRANSIENT)


@asynccontextmanager
async def reporting() -> AsyncIterator[None]:
    """Turn errors of PostgreSQL into errors of the server.

    A database that is away becomes Unavailable, a lost race LostRace, and a value beyond the range of its type
    UnprocessableContent. Other errors pass.
    """
    try:
        yield
    except (asyncpg.SerializationError, asyncpg.DeadlockDetectedError) as error:
        raise LostRace("another request changed the same rows at the same time") from error
    except asyncpg.DataError as error:
        raise UnprocessableContent(f"a value cannot be stored: {one_line(error)}") from error
    except _TRANSIENT as error:
        raise Unavailable("the database cannot answer now") from error


def one_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]

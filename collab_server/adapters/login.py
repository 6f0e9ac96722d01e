"""The login that the server works with: what it must not be, and how `collab-server migrate` makes it."""

import base64
import hashlib
import hmac
import secrets
from urllib.parse import parse_qs, unquote, urlsplit

import asyncpg

from collab_server.adapters import migrations
from collab_server.adapters.postgres_checks import check_usable, connect
from collab_server.adapters.postgres_errors import one_line
from collab_server.errors import ConfigurationError

_ITERATIONS = 4096
"""PostgreSQL's own; the password is meant to be a long random one."""


async def faults(dsn: str) -> list[str]:
    """Why row-level security does not bind this login; empty where it does. Raises ConfigurationError."""
    conn = await connect(dsn)
    try:
        return await _faults(conn)
    except asyncpg.PostgresError as error:
        raise ConfigurationError(f"the database's login cannot be examined: {one_line(error)}") from error
    finally:
        await conn.close()


async def _faults(conn: "asyncpg.Connection[asyncpg.Record]", role: str | None = None) -> list[str]:
    """List the faults of this role; None: of the connected one. Roles it may take on count as its own."""
    row = await conn.fetchrow(
        """
        SELECT r.rolname, r.rolsuper, r.rolbypassrls, r.rolcreaterole,
          EXISTS (SELECT FROM pg_roles o WHERE o.oid <> r.oid AND (o.rolsuper OR o.rolbypassrls OR o.rolcreaterole)
                  AND pg_has_role(r.oid, o.oid, 'MEMBER')) AS may_become,
          EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                  WHERE n.nspname IN ('public', 'app') AND c.relkind IN ('r', 'p', 'S', 'v', 'm')
                  AND pg_has_role(r.oid, c.relowner, 'MEMBER')) AS owns
        FROM pg_roles r WHERE r.rolname = coalesce($1, session_user::text)
        """,
        role,
    )
    if row is None:
        return []
    name = row["rolname"]
    if row["rolsuper"]:
        return [f"{name} is a superuser"]
    found = {
        "has BYPASSRLS": row["rolbypassrls"],
        "has CREATEROLE": row["rolcreaterole"],
        "may become a role that has SUPERUSER, BYPASSRLS or CREATEROLE": row["may_become"],
        "owns tables": row["owns"],
    }
    return [f"{name} {fault}" for fault, is_so in found.items() if is_so]


async def prepare(owner_dsn: str, dsn: str) -> str:
    """Make the role of `dsn` able to work as the server, with the password of `dsn` if it has one; the role's name.

    Raises ConfigurationError: also where that role exists and row-level security would not bind it.
    """
    role, password = _named(dsn)
    conn = await connect(owner_dsn)
    try:
        if role == await conn.fetchval("SELECT session_user::text"):
            raise ConfigurationError(
                f"COLLAB_DATABASE_URL and COLLAB_OWNER_URL both name {role}: give the server its own"
            )
        if wrong := await _faults(conn, role):
            raise ConfigurationError(f"{', '.join(wrong)}: COLLAB_DATABASE_URL must name another role")
        await migrations.ensure_login(owner_dsn, role)
        if password:
            # A verifier, as the statement may be written to PostgreSQL's log.
            await migrations.change_role(
                conn, f"ALTER ROLE {migrations.quote_identifier(role)} LOGIN NOINHERIT PASSWORD '{verifier(password)}'"
            )
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        raise ConfigurationError(f"the server's role {role} could not be made: {one_line(error)}") from error
    finally:
        conn.terminate()
    await check_usable(dsn)
    return role


def _named(dsn: str) -> tuple[str, str]:
    """(role, password or '') of a URL. Raises ConfigurationError."""
    try:
        parts = urlsplit(dsn)
        query = parse_qs(parts.query)
    except ValueError as error:
        raise ConfigurationError(f"COLLAB_DATABASE_URL cannot be read: {error}") from None
    role = unquote(parts.username or "") or query.get("user", [""])[0]
    password = unquote(parts.password or "") or query.get("password", [""])[0]
    if not role:
        raise ConfigurationError("COLLAB_DATABASE_URL must name the server's role: postgresql://ROLE:PASSWORD@...")
    if not password.isascii():
        raise ConfigurationError("the password in COLLAB_DATABASE_URL must be ASCII")
    return role, password


def verifier(password: str, salt: bytes | None = None) -> str:
    """What PostgreSQL stores of a password of ASCII (RFC 5803)."""
    salt = salt or secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _ITERATIONS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    shown = (base64.b64encode(part).decode() for part in (salt, stored, server))
    return "SCRAM-SHA-256${}:{}${}:{}".format(_ITERATIONS, *shown)

"""Attempts to sign in: free at first, then after a growing pause. Counted in PostgreSQL, for all servers together.

An attempt counts before it is decided, so that many at once are not decided on one look; success gives it back.
"""

import hashlib
from dataclasses import dataclass

from collab_server.accounts import session_queries as queries
from collab_server.backends.db import Conn, Database, caller
from collab_server.backends.rates import network_of
from collab_server.errors import TooMany


@dataclass(frozen=True, slots=True)
class Rule:
    """`free` attempts, then a pause that doubles from one second to `longest` (seconds). `memory`: seconds without an
    attempt after which all is forgotten.
    """

    free: int
    longest: int
    memory: int = 3600


PER_ACCOUNT = Rule(free=5, longest=900)
PER_ADDRESS = Rule(free=50, longest=300)
MAILS_PER_ACCOUNT = Rule(free=3, longest=3600, memory=86_400)
MAILS_PER_ADDRESS = Rule(free=20, longest=900)
REGISTRATIONS = Rule(free=10, longest=3600, memory=86_400)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One that was let through: what `forgive` takes back."""

    account: bytes
    address: bytes


async def begin(db: Database, account: str) -> Attempt:
    """Count an attempt to sign in to `account` (an e-mail address, known or not) from the caller's IP address.

    Raises TooMany with the seconds to wait; then it is not counted. Unavailable.
    """
    where = caller_address()
    attempt = Attempt(_key("sign-in", account.casefold(), where), _key("sign-in", where))
    async with db.as_service() as conn, conn.transaction():
        await _count(conn, attempt.address, PER_ADDRESS)
        await _count(conn, attempt.account, PER_ACCOUNT)
    return attempt


async def forgive(conn: Conn, attempt: Attempt) -> None:
    """It was the right person."""
    await queries.delete_attempts(conn, attempt.account)
    await queries.give_back_attempt(conn, attempt.address)


async def count_mail_request(db: Database) -> None:
    """Raises TooMany where the caller's IP address has too many mails sent."""
    async with db.as_service() as conn:
        await _count(conn, _key("mail", caller_address()), MAILS_PER_ADDRESS)


async def count_mail(db: Database, email: str) -> bool:
    """Whether one more mail may go to this address, whoever asks."""
    async with db.as_service() as conn:
        return await _may(conn, _key("mail to", email.casefold()), MAILS_PER_ACCOUNT) is None


async def count_registration(db: Database) -> None:
    """Raises TooMany."""
    async with db.as_service() as conn:
        await _count(conn, _key("register", caller_address()), REGISTRATIONS)


async def _count(conn: Conn, key: bytes, rule: Rule) -> None:
    wait = await _may(conn, key, rule)
    if wait is not None:
        raise TooMany(f"too many attempts: try again in {wait} s", retry_after=wait)


async def _may(conn: Conn, key: bytes, rule: Rule) -> int | None:
    return await queries.count_attempt(conn, key, rule.free, rule.longest, rule.memory)


def caller_address() -> str:
    """The caller's IP address; of IPv6 the network, as one machine has all addresses in it."""
    return network_of(caller.get().ip)


def _key(*parts: str) -> bytes:
    return hashlib.sha256("\x00".join(parts).encode()).digest()

"""Attempts to sign in: free at first, then after a growing pause. Counted in PostgreSQL, for all servers together.

An attempt counts before it is decided, so that many at once are not decided on one look; success gives it back.

Counted are: the place (an IPv4 address, an IPv6 network of 64 bits), the account from this place, and the account from
all places where nobody has signed in to it. The last one slows guesses that come from many places; places that the
owner has used are not subject to it, so nobody can lock the owner out from elsewhere.
"""

import hashlib
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from collab_server.accounts import throttle_queries as queries
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
EVERYWHERE = Rule(free=20, longest=60)
"""For one account, from all places together that it does not know."""
MAILS_PER_ACCOUNT = Rule(free=20, longest=1800, memory=86_400)
MAILS_PER_ACCOUNT_AND_ADDRESS = Rule(free=3, longest=1800, memory=86_400)
"""`longest` is half of how long a link works: whenever a mail is held back, the last one has a link that works."""
MAILS_PER_ADDRESS = Rule(free=20, longest=900)
REGISTRATIONS = Rule(free=10, longest=3600, memory=86_400)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One that was let through: what `forgive` takes back. `everywhere`: None from a place that the account knows."""

    account: bytes
    address: bytes
    everywhere: bytes | None


async def begin(db: Database, account: str, *, signed_in: bool = False) -> Attempt:
    """Count an attempt to sign in to `account` (an e-mail address, known or not) from the caller's IP address.

    `signed_in`: by the account itself, to prove a password once more. Raises TooMany with the seconds to wait; then it
    is not counted. Unavailable.
    """
    place, here = _place(account), _key("sign-in", caller_address())
    everywhere = None
    async with db.as_service() as conn, conn.transaction():
        await _count(conn, here, PER_ADDRESS)
        await _count(conn, place, PER_ACCOUNT)
        if not signed_in and not await queries.is_known_place(conn, place):
            everywhere = _key("sign-in everywhere", account.casefold())
            await _count(conn, everywhere, EVERYWHERE)
    return Attempt(place, here, everywhere)


async def forgive(conn: Conn, attempt: Attempt, user_id: UUID) -> None:
    """It was the right person, who may come back from here. Rows are locked in the order of `begin`."""
    await queries.give_back_attempt(conn, attempt.address)
    await queries.delete_attempts(conn, attempt.account)
    if attempt.everywhere is not None:
        await queries.give_back_attempt(conn, attempt.everywhere)
    await queries.upsert_known_place(conn, attempt.account, user_id)


async def know(conn: Conn, email: str, user_id: UUID) -> None:
    """The owner of the account has proved here, by a mailed link, to be that."""
    await queries.upsert_known_place(conn, _place(email), user_id)


async def count_mail_request(db: Database) -> None:
    """Raises TooMany where the caller's IP address has too many mails sent."""
    async with db.as_service() as conn:
        await _count(conn, _key("mail", caller_address()), MAILS_PER_ADDRESS)


async def count_mail(db: Database, email: str, purpose: Literal["reset", "verify"]) -> bool:
    """Whether one more mail for this purpose may go to this address, as the caller's IP address asks.

    Many requests from elsewhere hold back no mail that is asked for where the account's owner has signed in before.
    """
    name, where = email.casefold(), caller_address()
    async with db.as_service() as conn:
        if await _may(conn, _key("mail to", purpose, name, where), MAILS_PER_ACCOUNT_AND_ADDRESS) is not None:
            return False
        if await queries.is_known_place(conn, _place(email)):
            return True
        return await _may(conn, _key("mail to", purpose, name), MAILS_PER_ACCOUNT) is None


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


def _place(account: str) -> bytes:
    """The account from the caller's IP address."""
    return _key("sign-in", account.casefold(), caller_address())


def _key(*parts: str) -> bytes:
    return hashlib.sha256("\x00".join(parts).encode()).digest()

"""Limits of sign-in attempts: some are free, later ones need a growing pause. PostgreSQL counts them for all servers
together.

An attempt counts before its outcome, so concurrent attempts cannot share one free attempt. A success resets it. The
counters are: the place (an IPv4 address or an IPv6 network of 64 bits), the account from this place, and the account
from all unknown places. The last counter slows guesses from many places. Known places of the owner are exempt, so
nobody can lock the owner out from elsewhere.
"""

import hashlib
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from collab_server.adapters.postgres import Conn, Database, caller
from collab_server.adapters.rates import network_of
from collab_server.errors import TooMany
from collab_server.features.auth import throttle_queries as queries


@dataclass(frozen=True, slots=True)
class Rule:
    """`free` attempts, then a pause that doubles from one second up to `longest` seconds. `memory`: seconds without
    attempts until the counter is deleted.
    """

    free: int
    longest: int
    memory: int = 3600


PER_ACCOUNT = Rule(free=5, longest=900)
PER_ADDRESS = Rule(free=50, longest=300)
EVERYWHERE = Rule(free=20, longest=60)
"""Limit of one account, from all unknown places together."""
MAILS_PER_ACCOUNT = Rule(free=20, longest=1800, memory=86_400)
MAILS_PER_ACCOUNT_AND_ADDRESS = Rule(free=3, longest=1800, memory=86_400)
"""`longest` is half of a link's lifetime: while a mail is held back, the last mail still has a valid link."""
MAILS_PER_ADDRESS = Rule(free=20, longest=900)
LINK_PASSWORDS = Rule(free=5, longest=60)
"""Passwords of one link from one place: ten in the first minute at most, then one a minute."""
LINK_PASSWORDS_EVERYWHERE = Rule(free=60, longest=10)
UNKNOWN_LINKS = Rule(free=5, longest=60)
"""Tokens of no link from one place."""
REGISTRATIONS = Rule(free=10, longest=3600, memory=86_400)


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt that was counted. `everywhere`: None if the account knows the place."""

    account: bytes
    address: bytes
    everywhere: bytes | None


async def begin(db: Database, account: str, *, signed_in: bool = False) -> Attempt:
    """Count an attempt to sign in to `account` (any e-mail address) from the caller's IP address. `signed_in`: a
    repeated password check of a signed-in user. Raises TooMany with the seconds to wait, without counting; Unavailable.
    """
    place, here = _hash_place(account), _make_key("sign-in", get_caller_address())
    everywhere = None
    async with db.as_service() as conn, conn.transaction():
        await _count(conn, here, PER_ADDRESS)
        await _count(conn, place, PER_ACCOUNT)
        if not signed_in and not await queries.is_known_place(conn, place):
            everywhere = _make_key("sign-in everywhere", account.casefold())
            await _count(conn, everywhere, EVERYWHERE)
    return Attempt(place, here, everywhere)


async def reset_attempts(conn: Conn, attempt: Attempt, user_id: UUID) -> None:
    """Reset the counters after a success and remember the place. Locks rows in the order of `begin`."""
    await queries.give_back_attempt(conn, attempt.address)
    await queries.delete_attempts(conn, attempt.account)
    if attempt.everywhere is not None:
        await queries.give_back_attempt(conn, attempt.everywhere)
    await queries.upsert_known_place(conn, attempt.account, user_id)


async def remember_place(conn: Conn, email: str, user_id: UUID) -> None:
    """Remember the caller's place for this account after its owner opened a mailed link there."""
    await queries.upsert_known_place(conn, _hash_place(email), user_id)


async def count_mail_request(db: Database) -> None:
    """Raises TooMany where the caller's IP address has too many mails sent."""
    async with db.as_service() as conn:
        await _count(conn, _make_key("mail", get_caller_address()), MAILS_PER_ADDRESS)


async def count_mail(db: Database, email: str, purpose: Literal["reset", "verify"]) -> bool:
    """Count a mail for this purpose to this address. Raises TooMany. Requests from elsewhere do not hold back mails
    requested from a known place of the account.
    """
    name, where = email.casefold(), get_caller_address()
    async with db.as_service() as conn:
        if await _may(conn, _make_key("mail to", purpose, name, where), MAILS_PER_ACCOUNT_AND_ADDRESS) is not None:
            return False
        if await queries.is_known_place(conn, _hash_place(email)):
            return True
        return await _may(conn, _make_key("mail to", purpose, name), MAILS_PER_ACCOUNT) is None


async def count_registration(db: Database) -> None:
    """Raises TooMany."""
    async with db.as_service() as conn:
        await _count(conn, _make_key("register", get_caller_address()), REGISTRATIONS)


async def count_unknown_link(db: Database, network: str) -> None:
    """Count a token that no link has, of a request or a socket. `network`: as of `network_of`. Raises TooMany."""
    async with db.as_service() as conn:
        await _count(conn, _make_key("unknown link", network), UNKNOWN_LINKS)


@dataclass(frozen=True, slots=True)
class LinkAttempt:
    """A password of a link that was counted."""

    here: bytes
    everywhere: bytes


async def begin_link(db: Database, share_id: UUID) -> LinkAttempt:
    """Count an attempt to open a link with a password. Raises TooMany with the seconds to wait; Unavailable."""
    here = _make_key("link", str(share_id), get_caller_address())
    everywhere = _make_key("link everywhere", str(share_id))
    async with db.as_service() as conn, conn.transaction():
        await _count(conn, here, LINK_PASSWORDS)
        await _count(conn, everywhere, LINK_PASSWORDS_EVERYWHERE)
    return LinkAttempt(here, everywhere)


async def reset_link(db: Database, attempt: LinkAttempt) -> None:
    """Reset the counters after the right password."""
    async with db.as_service() as conn, conn.transaction():
        await queries.delete_attempts(conn, attempt.here)
        await queries.give_back_attempt(conn, attempt.everywhere)


async def _count(conn: Conn, key: bytes, rule: Rule) -> None:
    wait = await _may(conn, key, rule)
    if wait is not None:
        raise TooMany(f"too many attempts: try again in {wait} s", retry_after=wait)


async def _may(conn: Conn, key: bytes, rule: Rule) -> int | None:
    return await queries.count_attempt(conn, key, rule.free, rule.longest, rule.memory)


def get_caller_address() -> str:
    """The caller's IP address; of IPv6 the network, as one machine has all addresses in it."""
    return network_of(caller.get().ip)


def _hash_place(account: str) -> bytes:
    """The account from the caller's IP address."""
    return _make_key("sign-in", account.casefold(), get_caller_address())


def _make_key(*parts: str) -> bytes:
    return hashlib.sha256("\x00".join(parts).encode()).digest()

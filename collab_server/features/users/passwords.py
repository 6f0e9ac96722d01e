"""Password hashes (argon2id), computed in threads with a limit. Unknown accounts take as long as wrong passwords."""

import asyncio
import unicodedata
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from pydantic import AfterValidator, Field

from collab_server.errors import Unavailable, UnprocessableContent
from collab_server.observability.metrics import Counts
from collab_server.web.fields import storable

SHORTEST, LONGEST = 10, 1024
PARALLEL = 2
WAITING = 64
"""Each hash takes 64 MB and some 50 ms of a core; more at once would starve the sockets."""

Password = Annotated[str, Field(min_length=SHORTEST, max_length=LONGEST), AfterValidator(storable)]
GivenPassword = Annotated[str, Field(min_length=1, max_length=LONGEST), AfterValidator(storable)]
"""A password to compare. A short one is wrong, not malformed."""


class Passwords:
    """`counts.password_hashes` counts all computed hashes."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._hasher = PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=2)
        self._free = asyncio.Semaphore(PARALLEL)
        self._waiting = 0
        self._decoy: str | None = None

    async def hash(self, password: str) -> str:
        """The argon2id string to keep. Raises Unavailable where too many wait."""
        return await self._compute(password)

    async def verify(self, stored: str | None, password: str) -> bool:
        """Return whether the password is the stored one. `stored` None takes as long."""
        if self._decoy is None:
            self._decoy = await self._compute("nobody has this password")
        right = await self._compare(stored or self._decoy, password)
        return right and stored is not None

    def is_outdated(self, stored: str) -> bool:
        """Whether it was hashed with other parameters than today's: hash again at the next sign-in."""
        return self._hasher.check_needs_rehash(stored)

    async def _compute(self, password: str) -> str:
        async with self._turn():
            return await asyncio.to_thread(self._hasher.hash, _normalize(password))

    async def _compare(self, stored: str, password: str) -> bool:
        async with self._turn():
            try:
                return await asyncio.to_thread(self._hasher.verify, stored, _normalize(password))
            except (VerificationError, InvalidHashError):
                return False

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """Wait for one of the few slots for computations."""
        if self._waiting >= WAITING:
            raise Unavailable("too many concurrent sign-ins")
        self._waiting += 1
        try:
            await self._free.acquire()
        finally:
            self._waiting -= 1
        self._counts.password_hashes += 1
        try:
            yield
        finally:
            self._free.release()


def check_choice(password: str, email: str) -> None:
    """Raises UnprocessableContent for an obvious password."""
    chosen, address = _normalize(password).casefold(), email.casefold()
    if chosen in (address, address.partition("@")[0]):
        raise UnprocessableContent("the password must differ from the e-mail address")
    if len(set(chosen)) < 3:
        raise UnprocessableContent("the password has fewer than three different characters")


def _normalize(password: str) -> str:
    """The same characters, whichever keyboard composed them."""
    return unicodedata.normalize("NFKC", password)

"""Sign-ins in the log and, those that failed, in the audit: bounded, so that a flood of attempts fills no disk.

The audit's rows of sign-ins and sign-outs are written by triggers on `sessions`.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Literal
from uuid import UUID

from collab_server.accounts import audit_queries
from collab_server.accounts.sessions import NewSession
from collab_server.backends.db import Database, acting, caller
from collab_server.errors import CollabError
from collab_server.telemetry import Counts, log

Reason = Literal["wrong_password", "throttled", "link", "provider"]
BURST = 100
PER_SECOND = 0.5


class Allowance:
    """Lets `burst` records through at once, and `per_second` in the long run."""

    def __init__(
        self, burst: float = BURST, per_second: float = PER_SECOND, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._burst = burst
        self._per_second = per_second
        self._clock = clock
        self._left = burst
        self._at = clock()
        self._left_out = 0

    def take(self) -> int | None:
        """How many records were left out before this one; None: leave this one out too."""
        now = self._clock()
        self._left = min(self._burst, self._left + (now - self._at) * self._per_second)
        self._at = now
        if self._left < 1:
            self._left_out += 1
            return None
        self._left -= 1
        left_out, self._left_out = self._left_out, 0
        return left_out


class SignIns:
    """Tells the log and the audit. Failures at accounts that exist have an allowance of their own: a flood of invented
    addresses does not hide them.
    """

    def __init__(self, db: Database, counts: Counts) -> None:
        self._db = db
        self._counts = counts
        self._known = Allowance()
        self._unknown = Allowance()
        self._good = Allowance()
        self._writing: set[asyncio.Task[None]] = set()

    def succeeded(self, session: NewSession) -> None:
        """After the commit."""
        left_out = self._good.take()
        if left_out is not None:
            fields = {"user": session.user_id, "session": session.session_id, "by": session.signed_in_by}
            log.info("signed in", extra={**fields, "address": caller.get().ip, "left_out": left_out})

    def ended(self, user_id: UUID | None, session_id: UUID) -> None:
        left_out = self._good.take()
        if left_out is not None:
            fields = {"user": user_id, "session": session_id, "address": caller.get().ip}
            log.info("signed out", extra={**fields, "left_out": left_out})

    def failed(self, reason: Reason, *, account: str = "", user_id: UUID | None = None) -> None:
        """`account`: the e-mail address that was given; `user_id`: the account that it belongs to.

        Never waits: what is written, and that it is, must not tell the caller whether there is such an account.
        """
        self._counts.sign_in_failures += 1
        left_out = (self._known if user_id else self._unknown).take()
        if left_out is None:
            return
        fields = {"reason": reason, "account": account, "user": user_id, "address": caller.get().ip}
        log.warning("sign-in failed", extra={**fields, "left_out": left_out})
        task = asyncio.get_running_loop().create_task(self._write(reason, account, user_id, left_out))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def _write(self, reason: Reason, account: str, user_id: UUID | None, left_out: int) -> None:
        kind, entity = ("user", str(user_id)) if user_id else ("address", account.lower())
        data: dict[str, object] = {"reason": reason}
        if left_out:
            data["left_out"] = left_out
        try:
            async with self._db.as_service() as conn, acting(conn, None):
                await audit_queries.insert_entry(conn, "sign_in_failed", kind, entity, data)
        except CollabError as error:
            log.warning("a failed sign-in is not in the audit", extra={"code": error.code})
        except Exception:
            log.exception("a failed sign-in is not in the audit")

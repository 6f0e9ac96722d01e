"""Sign-ins in the log, and failed ones also in the audit. Their rate is limited, so a flood of attempts does not fill
the disk. Triggers on `sessions` write the audit rows of sign-ins and sign-outs.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Literal
from uuid import UUID

from collab_server.adapters.postgres import Database, acting, caller
from collab_server.errors import CollabError
from collab_server.features.audit import queries as audit_queries
from collab_server.features.auth.sessions import NewSession
from collab_server.observability.logging import log
from collab_server.observability.metrics import Counts

Reason = Literal["wrong_password", "throttled", "link", "provider"]
BURST = 100
PER_SECOND = 0.5


class TokenBucket:
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
        """Return the number of records skipped before this one. None: skip this one too."""
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
    """Writes to the log and the audit. Failures of existing accounts have a limit of their own, so a flood of invented
    addresses does not hide them.
    """

    def __init__(self, db: Database, counts: Counts) -> None:
        self._db = db
        self._counts = counts
        self._known = TokenBucket()
        self._unknown = TokenBucket()
        self._good = TokenBucket()
        self._writing: set[asyncio.Task[None]] = set()

    def record_success(self, session: NewSession) -> None:
        """Log a sign-in after its commit."""
        left_out = self._good.take()
        if left_out is not None:
            fields = {"user": session.user_id, "session": session.session_id, "by": session.signed_in_by}
            log.info("signed in", extra={**fields, "address": caller.get().ip, "left_out": left_out})

    def record_end(self, user_id: UUID | None, session_id: UUID) -> None:
        left_out = self._good.take()
        if left_out is not None:
            fields = {"user": user_id, "session": session_id, "address": caller.get().ip}
            log.info("signed out", extra={**fields, "left_out": left_out})

    def record_failure(self, reason: Reason, *, account: str = "", user_id: UUID | None = None) -> None:
        """Log a failure. `account`: the given e-mail address; `user_id`: its account. Never waits: the duration must
        not show if the account exists.
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
            log.warning("writing a failed sign-in to the audit failed", extra={"code": error.code})
        except Exception:
            log.exception("writing a failed sign-in to the audit failed")

"""Sends mails about notifications. The task runs in every process; PostgreSQL gives each mail to one of them.

A mail is sent at least once. It is sent again only if the process dies between the answer of the mail server and the
note of it in the database; the repetition has the same Message-ID.
"""

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from collab_server.adapters.mail import Mailer
from collab_server.adapters.postgres import Database
from collab_server.background import run_periodically
from collab_server.errors import Unavailable, UnprocessableContent
from collab_server.features.documents.addresses import Addresses
from collab_server.features.notifications import letters, mail_queries, queries
from collab_server.features.notifications.mail_queries import DueMail
from collab_server.features.notifications.presentation import to_response
from collab_server.observability.logging import log
from collab_server.security.tokens import UnsubscribeTokens
from collab_server.settings import Settings

LEASE = 300.0
"""Seconds that an attempt may take: then its process counts as dead. The mail server has ten seconds for each step."""
OLDEST = timedelta(days=2)
"""Older notifications are not mailed: a server that gets its first mail server does not send what has collected."""
FIRST_RETRY, LONGEST_RETRY = 30.0, 3600.0
GIVE_UP = timedelta(days=3)
REFUSALS = 6
"""Attempts of a mail whose recipient is refused: a first refusal may be greylisting."""
LONGEST_PAUSE = 15.0
SHORTEST_PAUSE = 0.2
PATH = "/api/v1/notifications/unsubscribe"


def make_unsubscribe_url(base_url: str, token: str) -> str:
    """Return the URL of a page that asks, and to which mail programs send the one-click form of RFC 8058."""
    return f"{base_url}{PATH}?token={quote(token)}"


class Outbox:
    """The task. Nothing is queued without a mail server."""

    def __init__(self, db: Database, mailer: Mailer, settings: Settings, tokens: UnsubscribeTokens) -> None:
        self._db = db
        self._mailer = mailer
        self._settings = settings
        self._tokens = tokens
        self._addresses = Addresses(db, settings.default_workspace)

    async def run(self) -> None:
        """Run until cancelled. Returns at once without a mail server."""
        if self._mailer.configured:
            await run_periodically("mailing notifications", self._work, LONGEST_PAUSE, retry=(1.0, 30.0))

    async def _work(self) -> float:
        """Send what is due. Return the seconds until the next look. Raises Unavailable."""
        now = datetime.now(UTC)
        await self.deliver(now)
        async with self._db.as_service() as conn:
            due = await mail_queries.find_next_due(conn)
        soon = min(LONGEST_PAUSE, self._settings.notification_delay)
        if due is not None:
            soon = min(soon, (due - datetime.now(UTC)).total_seconds())
        return max(SHORTEST_PAUSE, soon)

    async def deliver(self, now: datetime) -> int:
        """Queue mails, and send those that are due. Return the number that the mail server took.

        The first failure ends the round: the other mails would fail as well. Raises Unavailable for the database.
        """
        settings = self._settings
        async with self._db.as_service() as conn:
            await mail_queries.queue_mails(
                conn, now, settings.notification_delay, settings.notification_digest_hour, now - OLDEST
            )
        sent = 0
        while True:
            async with self._db.as_service() as conn:
                mail = await mail_queries.claim_mail(conn, now, LEASE, now - OLDEST)
            if mail is None:
                return sent
            try:
                outcome = await self._send(mail)
            except (Unavailable, UnprocessableContent) as error:
                await self._note_failure(mail, error, now)
                if isinstance(error, Unavailable):
                    return sent
                continue
            async with self._db.as_service() as conn:
                await mail_queries.finish_mail(conn, mail.id, outcome, now)
            sent += outcome == "sent"

    async def _send(self, mail: DueMail) -> str:
        """Write the mail with the present rights of its person. Raises Unavailable, UnprocessableContent."""
        if mail.email is None:
            return "empty"
        async with self._db.as_user(mail.user_id) as conn:
            rows = await queries.list_of_mail(conn, mail.id)
        if not rows:
            return "empty"
        url = make_unsubscribe_url(self._settings.base_url, self._tokens.sign(mail.user_id))
        letter = letters.compose([to_response(row, self._addresses) for row in rows], self._settings.base_url, url)
        headers = {
            "Message-ID": self._mailer.make_id(f"notification.{mail.id}"),
            "List-Unsubscribe": f"<{url}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }
        if letter.topic is not None:
            headers["References"] = self._mailer.make_id(letter.topic)
        await self._mailer.send(mail.email, letter.subject, letter.text, html=letter.html, headers=headers)
        return "sent"

    async def _note_failure(self, mail: DueMail, error: Unavailable | UnprocessableContent, now: datetime) -> None:
        refused = isinstance(error, UnprocessableContent) and mail.attempts >= REFUSALS
        delay = min(FIRST_RETRY * 2 ** (mail.attempts - 1), LONGEST_RETRY)
        async with self._db.as_service() as conn:
            if refused or now - mail.created_at > GIVE_UP:
                log.warning("a mail of notifications was given up", extra={"mail": mail.id, "attempts": mail.attempts})
                await mail_queries.finish_mail(conn, mail.id, "given_up", now)
            else:
                await mail_queries.postpone_mail(conn, mail.id, now + timedelta(seconds=delay))

"""E-mails of registration and password reset. They are sent after the answer, so the duration of a request does not
show if an account exists.
"""

from collections.abc import Awaitable, Callable
from typing import Literal

from collab_server.adapters.mail import Mailer
from collab_server.adapters.postgres import Conn, Database
from collab_server.errors import CollabError
from collab_server.features.auth import links, session_queries, throttle
from collab_server.observability.logging import log
from collab_server.settings import Settings

Letter = tuple[str, str, str]
"""Address, subject, text."""


async def send_reset(db: Database, mailer: Mailer, settings: Settings, email: str) -> None:
    """Send a link for setting a new password, if the account exists. Never raises."""

    async def compose(conn: Conn) -> Letter | None:
        found = await session_queries.find_credentials(conn, email)
        if found is None:
            return None
        link = await links.make_reset_link(conn, found.user_id, settings)
        return found.email, "Set a new password", _reset_text(settings, link)

    await _send(db, mailer, email, "reset", compose)


async def send_verification(db: Database, mailer: Mailer, settings: Settings, email: str) -> None:
    """Send a link that finishes a registration. If the address has an account, tell its owner about the attempt. Never
    raises.
    """

    async def compose(conn: Conn) -> Letter | None:
        found = await session_queries.find_credentials(conn, email)
        if found is not None:
            return found.email, "You have an account already", _known_text(settings)
        link = await links.make_verify_link(conn, email, settings)
        return email, "Finish your registration", _verify_text(settings, link)

    await _send(db, mailer, email, "verify", compose)


async def _send(
    db: Database,
    mailer: Mailer,
    email: str,
    purpose: Literal["reset", "verify"],
    compose: Callable[[Conn], Awaitable[Letter | None]],
) -> None:
    try:
        if not await throttle.count_mail(db, email, purpose):
            log.info("mail not sent: too many requests for one address")
            return
        async with db.as_service() as conn, conn.transaction():
            letter = await compose(conn)
        if letter is not None:
            await mailer.send(*letter)
    except CollabError as error:
        log.warning("sending a mail failed", extra={"code": error.code, "reason": error.detail})


def _reset_text(settings: Settings, link: str) -> str:
    return (
        f"Somebody, hopefully you, asked to set a new password for your account at {settings.base_url}.\n\n"
        f"This link works once, within an hour:\n\n{link}\n\n"
        "If it was not you, there is nothing to do: your password stays as it is.\n"
    )


def _known_text(settings: Settings) -> str:
    return (
        f"Somebody, hopefully you, tried to register with this address at {settings.base_url}, where it has an account "
        f"already. Sign in, or set a new password, at:\n\n{settings.base_url}/signin\n\n"
        "If it was not you, there is nothing to do.\n"
    )


def _verify_text(settings: Settings, link: str) -> str:
    return (
        f"Somebody, hopefully you, registered with this address at {settings.base_url}.\n\n"
        f"Behind this link you choose your password; it works once, within a day:\n\n{link}\n\n"
        "If it was not you, do not open it: without it there is no account.\n"
    )

"""Invitations: their tokens and links, and the mails that carry them."""

import secrets
from dataclasses import dataclass

from collab_server.backends.mail import Mailer
from collab_server.crypto import token_hash
from collab_server.errors import CollabError
from collab_server.workspaces.invitations_queries import LIFETIME_DAYS

MAX_TOKEN = 200


@dataclass(frozen=True, slots=True)
class Token:
    """`text` is shown or mailed once; only `hash` is stored."""

    text: str
    hash: bytes


def new_token() -> Token:
    """256 random bits."""
    text = secrets.token_urlsafe(32)
    return Token(text, token_hash(text))


def link_to(base_url: str, token: str) -> str:
    """Of the page that shows the invitation. The token stands behind the `#`, which no log and no referrer gets."""
    return f"{base_url}/invite#token={token}"


async def mail(mailer: Mailer, to: str, link: str, *, inviter: str, workspace: str, message: str | None) -> bool:
    """Whether the mail server took the invitation; False also where none is configured."""
    if not mailer.configured:
        return False
    said = f"\n{message.strip()}\n" if message and message.strip() else ""
    text = (
        f"{inviter} invites you to the workspace “{workspace}”.\n{said}\n"
        f"To see the invitation, open this link within {LIFETIME_DAYS} days:\n\n{link}\n\n"
        "If you do not know what this is about, do nothing: the invitation will expire.\n"
    )
    try:
        await mailer.send(to, f"{inviter} invites you to {workspace}"[:200], text)
    except CollabError:
        return False
    return True

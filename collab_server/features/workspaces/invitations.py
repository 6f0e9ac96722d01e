"""Tokens, links and e-mails of invitations."""

import secrets
from dataclasses import dataclass

from collab_server.adapters.mail import Mailer
from collab_server.errors import CollabError
from collab_server.features.workspaces.invitations_queries import LIFETIME_DAYS
from collab_server.security.tokens import token_hash

MAX_TOKEN = 200


@dataclass(frozen=True, slots=True)
class Token:
    """`text` is shown or mailed once; only `hash` is stored."""

    text: str
    hash: bytes


def make_token() -> Token:
    """256 random bits."""
    text = secrets.token_urlsafe(32)
    return Token(text, token_hash(text))


def make_link(base_url: str, token: str) -> str:
    """Make the link of the page with the invitation. The token follows the `#`, so it is in no log and no referrer."""
    return f"{base_url}/invite#token={token}"


async def send_invitation(
    mailer: Mailer, to: str, link: str, *, inviter: str, workspace: str, message: str | None
) -> bool:
    """Send the invitation. Return whether the mail server accepted it; False without a mail server."""
    if not mailer.configured:
        return False
    quoted = f"\n{message.strip()}\n" if message and message.strip() else ""
    text = (
        f"{inviter} invites you to the workspace “{workspace}”.\n{quoted}\n"
        f"To see the invitation, open this link within {LIFETIME_DAYS} days:\n\n{link}\n\n"
        "If you do not know what this is about, do nothing: the invitation will expire.\n"
    )
    try:
        await mailer.send(to, f"{inviter} invites you to {workspace}"[:200], text)
    except CollabError:
        return False
    return True

"""The author of what an identity writes, for the log and the history."""

from collab_server.access.identity import Identity
from collab_server.core.room.entries import Author


def author_of(identity: Identity, device: str | None) -> Author:
    """Return the author of edits by this identity. `device`: the client's own name for it.

    The bearer of a connect token is a user if the token names one, else a user of the application that made it.
    """
    credential = identity.credential
    if credential is not None and credential.kind == "token":
        return Author(identity.user_id, device, "api_client", credential.name or None)
    if identity.user_id is not None:
        return Author(identity.user_id, device)
    if identity.issuer is not None:
        return Author(None, device, "app_user", identity.name)
    return Author(None, device, "guest", identity.name if identity.link is not None else None)

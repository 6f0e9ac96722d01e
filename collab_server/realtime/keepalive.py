"""How long a socket may stay quiet, and how long an identity stays good."""

from datetime import UTC, datetime

from collab_server.access.identity import Identity

KEEPALIVE_SECONDS = 15.0
"""Stock clients drop a socket that brought no message for 30 s, looking every 3 s; pings do not count for them."""


def remaining(identity: Identity) -> float:
    """Seconds until the identity expires; infinity where it does not."""
    if identity.expires_at is None:
        return float("inf")
    return (identity.expires_at - datetime.now(UTC)).total_seconds()

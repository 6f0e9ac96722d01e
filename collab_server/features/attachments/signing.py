"""Addresses of attachments that are good for a short time without any other credential, for `<img>` and downloads."""

import hmac
import time
from uuid import UUID

from collab_server.security import base64url
from collab_server.security.tokens import derived_key

ROUND_SECONDS = 300
"""Addresses of the same five minutes are the same, so that browsers use the copy that they have."""
LIFETIME = 900
"""Seconds; at least two thirds of it are left when an address is made."""


class AttachmentUrls:
    """Signs with a key of its own, derived from the server's secret. `cdn`: base of addresses at a content delivery
    network, without a slash at the end; empty: there is none.
    """

    def __init__(self, secret: bytes, cdn_url: str = "") -> None:
        self.cdn = cdn_url.rstrip("/")
        self._key = derived_key(secret, "collab_server/attachments")

    def sign(self, attachment_id: UUID) -> str:
        """Return the query of a signed address, without the question mark."""
        expires = (int(time.time()) // ROUND_SECONDS) * ROUND_SECONDS + LIFETIME
        return f"expires={expires}&signature={self._signature(attachment_id, expires)}"

    def seconds_left(self, attachment_id: UUID, expires: int, signature: str) -> int:
        """Return for how long a signed address is good; 0: it is not signed by us, or has expired."""
        if not hmac.compare_digest(self._signature(attachment_id, expires).encode(), signature.encode()):
            return 0
        return max(0, min(LIFETIME, expires - int(time.time())))

    def _signature(self, attachment_id: UUID, expires: int) -> str:
        return base64url.encode(hmac.digest(self._key, attachment_id.bytes + str(expires).encode(), "sha256"))

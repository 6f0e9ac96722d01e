"""Base64 for URLs, cookies and tokens: the alphabet with - and _, without padding."""

import base64


def encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def decode(text: str) -> bytes:
    """Return the bytes. Padding and the usual alphabet are accepted too. Raises ValueError."""
    unpadded = text.rstrip("=")
    return base64.b64decode(unpadded + "=" * (-len(unpadded) % 4), altchars=b"-_", validate=True)

"""Request bodies that are no JSON of a fixed shape."""

from typing import Any

from fastapi import Request
from starlette.requests import ClientDisconnect

from collab_server.errors import Malformed, UnsupportedMediaType


async def raw_body(request: Request, kinds: tuple[str, ...]) -> tuple[str, bytes]:
    """(media type, one of `kinds`; the bytes). Ask first whether the caller may: this reads what they send.

    Raises UnsupportedMediaType; Malformed where the caller goes away; TooLarge (see BodyLimit).
    """
    kind, _, parameters = request.headers.get("content-type", "").partition(";")
    kind = kind.strip().lower()
    charset = parameters.lower().replace(" ", "").replace('"', "").partition("charset=")[2].partition(";")[0]
    if kind not in kinds or charset not in ("", "utf-8", "utf8"):
        raise UnsupportedMediaType(f"send {' or '.join(kinds)}, in UTF-8")
    try:
        return kind, await request.body()
    except ClientDisconnect:
        raise Malformed("the body ended before its end") from None


def decoded(body: bytes) -> str:
    """A text of UTF-8 without U+0000, which PostgreSQL cannot keep. Raises Malformed."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise Malformed("the body is not UTF-8") from None
    if "\0" in text:
        raise Malformed("must not contain NUL characters")
    return text


def body_of(*media: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    """The `openapi_extra` of a route that reads its body by itself: media types with their schemas (and examples)."""
    return {"requestBody": {"required": True, "content": dict(media)}}

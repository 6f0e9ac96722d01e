"""Conditional requests: ETag, If-Match, If-None-Match. A row's tag is its version, `"r7"`; a text's is its hash."""

import re

from fastapi import Request, Response

from collab_server.errors import Malformed, PreconditionFailed

_VERSION = re.compile(r'(?:W/)?"r(\d{1,18})"')


def row_etag(row_version: int) -> str:
    return f'"r{row_version}"'


def expected_version(request: Request) -> int | None:
    """The row version that If-Match demands; None without one, or for `*`.

    Raises Malformed for what is no tag of a row. Give it to the UPDATE (`AND row_version = $n`), not to a read before.
    """
    given = request.headers.get("if-match", "").strip()
    if given in ("", "*"):
        return None
    found = _VERSION.fullmatch(given)
    if found is None:
        raise Malformed('If-Match takes the ETag of a GET, such as "r7"')
    return int(found[1])


def changed_meanwhile(row_version: int) -> PreconditionFailed:
    return PreconditionFailed(f'it was changed meanwhile and is now at "r{row_version}": read it again')


def not_modified(request: Request, etag: str) -> Response | None:
    """A 304 where If-None-Match names `etag`."""
    tags = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    if etag in tags or tags == ["*"]:
        return Response(status_code=304, headers={"etag": etag, "cache-control": "private, no-cache"})
    return None

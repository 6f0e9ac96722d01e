"""The texts that requests refer to by If-Match."""

import re
from uuid import UUID

from starlette.requests import Request

from collab_server.adapters.postgres import Database
from collab_server.adapters.workers import Workers
from collab_server.core.documents.apply_edit import MergeBase
from collab_server.core.history import answers
from collab_server.errors import Malformed, UnprocessableContent
from collab_server.features.content import merge_base_queries
from collab_server.features.document_log import version_content_queries

_TAG = re.compile(r'(?:W/)?"([0-9a-f]{64})(?:-json)?"')
_VERSION = re.compile(r'"version:([1-9][0-9]{0,8})"')


def parse_if_match(request: Request, *, only: bool) -> MergeBase | int | None:
    """Return the text of If-Match, or the number of a version. Raises Malformed."""
    given = request.headers.get("if-match", "").strip()
    if given in ("", "*"):
        if only:
            raise Malformed("on_conflict=fail needs If-Match")
        return None
    if (numbered := _VERSION.fullmatch(given)) is not None:
        return int(numbered[1])
    found = _TAG.fullmatch(given)
    if found is None:
        raise Malformed('If-Match takes one ETag of the content as text/markdown or application/json, or "version:N"')
    return MergeBase(found[1], None, only)


async def read_if_match(
    request: Request, db: Database, workers: Workers, document_id: UUID, *, only: bool
) -> MergeBase | None:
    """Return the text of If-Match; that of an ETag is not read yet.

    Raises Malformed, NotFound, UnprocessableContent, TooMany, Unavailable.
    """
    base = parse_if_match(request, only=only)
    return await _read_version(db, workers, document_id, base, only=only) if isinstance(base, int) else base


async def find_text(db: Database, document_id: UUID, base: MergeBase | None) -> MergeBase | None:
    """Read the text of a base on demand: mostly the text has not changed. None: it is not known, or read already."""
    if base is None or base.text is not None:
        return None
    async with db.as_service() as conn:
        read = await merge_base_queries.find_base(conn, document_id, base.hash)
    return MergeBase(base.hash, read.text, base.only, read.state_vector) if read is not None else None


async def _read_version(db: Database, workers: Workers, document_id: UUID, number: int, *, only: bool) -> MergeBase:
    async with db.as_service() as conn:
        version = await version_content_queries.get_content(conn, document_id, number)
        generation = await merge_base_queries.find_generation(conn, document_id)
    if version.truncated:
        raise UnprocessableContent("this version is too large to be edited as a text; send Yjs updates")
    if version.generation != generation:
        # Clocks of another generation say nothing of this one.
        return MergeBase(version.content_hash, version.content, only)
    state_vector = await workers.run(answers.read_state_vector, version.snapshot)
    return MergeBase(version.content_hash, version.content, only, state_vector)

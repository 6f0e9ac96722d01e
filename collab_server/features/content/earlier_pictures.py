"""Pictures in earlier texts of a document: they may be deleted since then, or gone."""

import re
from collections.abc import Mapping
from typing import Final, Literal
from uuid import UUID

from collab_server.adapters.postgres import Database
from collab_server.core.documents.attachment_links import find_links, list_links
from collab_server.features.content import picture_queries

_IMAGE: Final = re.compile(r'<img\b[^<>]*?\ssrc="([^"<>]*)"[^<>]*>')
_ALTERNATIVE: Final = re.compile(r'\salt="([^"<>]*)"')

Standing = Literal["living", "deleted", "gone"]


async def show_earlier(db: Database, document_id: UUID, page: str) -> str:
    """Return sanitised HTML of an earlier text in which deleted attachments are shown, and those that are gone are
    named. A deleted one is shown until it is purged.
    """
    linked = list(dict.fromkeys(each for found in _IMAGE.finditer(page) for each in list_links(found[1])))
    if not linked:
        return page
    async with db.as_service() as conn:
        standings = await picture_queries.find_standings(conn, document_id, linked)
    return _IMAGE.sub(lambda found: _show(found, standings), page)


def _show(found: re.Match[str], standings: Mapping[UUID, Standing]) -> str:
    image, address = found[0], found[1]
    standing = next((standings[each] for each in find_links(address)), "living")
    if standing == "deleted":
        return image.replace(address, f"{address}{'&amp;' if '?' in address else '?'}deleted=true", 1)
    if standing == "gone":
        alternative = _ALTERNATIVE.search(image)
        words = alternative[1].strip() if alternative else ""
        return f"<em>[this picture is gone{f': {words}' if words else ''}]</em>"
    return image

"""Links to attachments in the content of documents. Pure.

A link is `/api/v1/attachments/<id>/content` or `/thumbnail`, with or without an origin before it and a query behind it.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from collab_server.core.documents.apply_edit import Put, compose_changes, read_current
from collab_server.core.yjs.updates import EMPTY_UPDATE

_ID: Final = r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
_LINK: Final = re.compile(f"(/attachments/)({_ID})(?=/(?:content|thumbnail))")
_ADDRESS: Final = re.compile(
    r"(?:https?://[^\s/\"'<>()\[\]\\]+)?/api/v1"
    rf"/attachments/({_ID})/(?:content|thumbnail)(?:\?[\w=&;%.~+-]*)?"
)
_ENCODED_LINK: Final = re.compile(_LINK.pattern.encode())


def find_links(text: str) -> set[UUID]:
    """Return the ids of the attachments that a text has links to."""
    return {UUID(found[2]) for found in _LINK.finditer(text)}


def list_links(text: str) -> list[UUID]:
    """Return the same ids in the order of their first links."""
    return list(dict.fromkeys(UUID(found[2]) for found in _LINK.finditer(text)))


def replace_addresses(text: str, addresses: Mapping[UUID, str]) -> str:
    """Return the text with other addresses in the place of whole links, with their origins and queries.

    `addresses`: by id; links to others stay.
    """
    return _ADDRESS.sub(lambda found: addresses.get(UUID(found[1]), found[0]), text)


def replace_links(text: str, ids: Mapping[UUID, UUID]) -> str:
    """Return the text with links to other attachments. Links to attachments that `ids` lacks stay."""
    return _LINK.sub(lambda found: found[1] + str(ids.get(UUID(found[2]), found[2])), text)


def rewrite_update(update: bytes, ids: Mapping[UUID, UUID], client: int) -> Sequence[bytes]:
    """Return the updates of a copy of a document, with links to other attachments. For a worker process.

    Ids have the same length, so they are replaced where the update stores them. Only a link whose characters were
    inserted by several edits is not found that way: the Yjs client `client` edits it.
    """
    replaced = _ENCODED_LINK.sub(
        lambda found: found[1] + str(ids.get(UUID(found[2].decode()), found[2].decode())).encode(), update
    )
    try:
        present = read_current(replaced)
        wanted = Put(replace_links(present.text, ids)).changes(present.text)
        edit = compose_changes(replaced, present, client, wanted)[0].update() if wanted else EMPTY_UPDATE
    except Exception:
        # A document that is no text, or that cannot be read, is copied as its bytes are; see document_log/store.py.
        edit = EMPTY_UPDATE
    return [replaced] if edit == EMPTY_UPDATE else [replaced, edit]

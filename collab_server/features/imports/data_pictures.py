"""Pictures within a web page, as data: addresses. Pure; for a worker process."""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from typing import Final

from collab_server.features.attachments.files.file_types import sniff
from collab_server.features.attachments.sources import HEAD_BYTES
from collab_server.features.attachments.thumbnails import PICTURES

_DATA: Final = re.compile(
    r"(<img\b[^<>]{0,2000}?\ssrc\s?=\s?[\"'])data:image/[\w.+-]{1,40};base64,([A-Za-z0-9+/=\s%]*)", re.IGNORECASE
)


def take(page: str, shown: Mapping[str, str]) -> tuple[str, dict[str, bytes]]:
    """Return the page with other addresses of its pictures, and these by SHA-256. `shown`: the addresses; a picture
    without one has none, and its description stays.
    """
    pictures: dict[str, bytes] = {}

    def replace(found: re.Match[str]) -> str:
        try:
            octets = base64.b64decode(found[2], validate=False)
        except binascii.Error:
            return found[1]
        if sniff(octets[:HEAD_BYTES], "", None) not in PICTURES:
            return found[1]
        digest = hashlib.sha256(octets).hexdigest()
        pictures[digest] = octets
        return found[1] + shown.get(digest, "")

    return _DATA.sub(replace, page), pictures

"""An anchor as it is stored: the characters that it was put on, and what is needed to find them again.

Format: a byte for the version (1), then as lib0 values: the root's name, the ranges of characters by client (number of
clients; per client its id, the number of ranges, and for each the distance from the end of the one before and the
length), the quote, the text before and behind it, and the state vector as bytes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from collab_server.core.yjs.delete_set import DeleteSet
from collab_server.core.yjs.inspection import MAX_CLOCK, Range
from collab_server.core.yjs.lib0 import Reader, write_var_bytes, write_var_string, write_var_uint
from collab_server.core.yjs.updates import decode_state_vector, encode_state_vector
from collab_server.errors import Malformed

VERSION: Final = 1
MAX_BYTES: Final = 1 << 20
MAX_CHARACTERS: Final = 50_000
"""UTF-16 units that an anchor may cover."""
CONTEXT: Final = 32
"""UTF-16 units of the text before and behind that are kept."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """ids: of the characters that it was put on, sorted; none for an orphan that was carried over to another copy.

    quote: these characters without white space and without signs of Markdown. prefix, suffix: the same of the text
    before and behind, at most CONTEXT units. known: the state vector of the document at that time.
    """

    root: str
    ids: tuple[Range, ...]
    quote: str
    prefix: str
    suffix: str
    known: Mapping[int, int]

    def encode(self) -> bytes:
        """The stored form."""
        return b"".join(
            (
                bytes((VERSION,)),
                write_var_string(self.root),
                _encode_ids(self.ids),
                *map(write_var_string, (self.quote, self.prefix, self.suffix)),
                write_var_bytes(encode_state_vector(dict(self.known))),
            )
        )


def merge_ids(ids: Iterable[Range]) -> tuple[Range, ...]:
    """These ranges sorted, with adjacent ones joined."""
    return tuple(DeleteSet(ids).ranges())


def decode_anchor(encoded: bytes) -> Anchor:
    """Decode the stored form. Raises Malformed."""
    if len(encoded) > MAX_BYTES:
        raise Malformed(f"an anchor has at most {MAX_BYTES} bytes")
    if encoded[:1] != bytes((VERSION,)):
        raise Malformed("an anchor of this version is not known")
    reader = Reader(encoded, 1)
    root = reader.var_string()
    ids = _decode_ids(reader)
    quote, prefix, suffix = reader.var_string(), reader.var_string(), reader.var_string()
    known = decode_state_vector(reader.var_bytes())
    reader.end()
    return Anchor(root, ids, quote, prefix, suffix, known)


def _encode_ids(ids: Iterable[Range]) -> bytes:
    by_client: dict[int, list[tuple[int, int]]] = {}
    for client, start, end in ids:
        by_client.setdefault(client, []).append((start, end))
    encoded = [write_var_uint(len(by_client))]
    for client, ranges in by_client.items():
        encoded += (write_var_uint(client), write_var_uint(len(ranges)))
        position = 0
        for start, end in ranges:
            encoded += (write_var_uint(start - position), write_var_uint(end - start))
            position = end
    return b"".join(encoded)


def _decode_ids(reader: Reader) -> tuple[Range, ...]:
    ids: list[Range] = []
    clients: set[int] = set()
    for _ in range(_count(reader)):
        client = reader.var_uint()
        if client in clients:
            raise Malformed("a client occurs twice in an anchor")
        clients.add(client)
        position = 0
        for _ in range(_count(reader)):
            start = position + reader.var_uint()
            position = start + reader.var_uint()
            if position == start or position > MAX_CLOCK:
                raise Malformed("a range of an anchor is empty or too large")
            ids.append((client, start, position))
    return tuple(ids)


def _count(reader: Reader) -> int:
    count = reader.var_uint()
    if count * 2 > reader.remaining:
        raise Malformed(f"{count} parts of an anchor declared, {reader.remaining} bytes left")
    return count

"""RelativePositions of Yjs, as bytes of `Y.encodeRelativePosition`."""

from dataclasses import dataclass
from typing import Final

from collab_server.core.yjs.lib0 import Reader, write_var_string, write_var_uint
from collab_server.core.yjs.structs import Id
from collab_server.errors import Malformed

_ITEM: Final = 0
_ROOT: Final = 1
_TYPE: Final = 2
_BEFORE: Final = b"\0"
_BEHIND: Final = b"\x41"
"""The varInt -1."""


@dataclass(frozen=True, slots=True)
class RelativePosition:
    """A place at a character or value, or at the end of a type.

    item: of the character; or type: of the type's item; or root: the type's name. behind: it stays behind the
    character before it (assoc < 0); of a type, it is its beginning.
    """

    item: Id | None = None
    type: Id | None = None
    root: str | None = None
    behind: bool = False

    def encode(self) -> bytes:
        """Encode it as Yjs does."""
        if self.item is not None:
            place = write_var_uint(_ITEM) + b"".join(map(write_var_uint, self.item))
        elif self.root is not None:
            place = write_var_uint(_ROOT) + write_var_string(self.root)
        else:
            assert self.type is not None, "a position has a place"
            place = write_var_uint(_TYPE) + b"".join(map(write_var_uint, self.type))
        return place + (_BEHIND if self.behind else _BEFORE)


def decode_relative_position(encoded: bytes) -> RelativePosition:
    """Decode a position; older versions of Yjs write no assoc. Raises Malformed."""
    reader = Reader(encoded)
    kind = reader.var_uint()
    item: Id | None = None
    type_: Id | None = None
    root: str | None = None
    if kind == _ITEM:
        item = reader.var_uint(), reader.var_uint()
    elif kind == _ROOT:
        root = reader.var_string()
    elif kind == _TYPE:
        type_ = reader.var_uint(), reader.var_uint()
    else:
        raise Malformed(f"a relative position of kind {kind} does not exist")
    behind = False
    if reader.remaining:
        if reader.remaining != 1 or reader.frame[reader.position] > 127:
            raise Malformed("the assoc of a relative position cannot be read")
        # A varInt of one byte: its sign is 0x40.
        byte = reader.frame[reader.position]
        behind = bool(byte & 0x40) and bool(byte & 0x3F)
    return RelativePosition(item, type_, root, behind)

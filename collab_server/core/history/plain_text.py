"""The visible text of a document at a moment, with the clock of each character, where the document is a plain text."""

import re
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from collab_server.core.documents.projection import TEXT_ROOT
from collab_server.core.history.moment import Moment
from collab_server.core.yjs.delete_set import ClientRanges
from collab_server.core.yjs.lib0 import read_var_uint, write_var_string
from collab_server.core.yjs.structs import DELETED, EMBED, FORMAT
from collab_server.core.yjs.unit_order import KeptStructs, NotReadable, Units, order_units
from collab_server.errors import Malformed

_ROOT: Final = write_var_string(TEXT_ROOT)
_HIDDEN: Final = 1
_OTHER: Final = 2
_DELETED: Final = bytes((_HIDDEN,))
_SECOND_HALF: Final = re.compile("[\udc00-\udfff]")
_WITHOUT_TEXT: Final = frozenset({DELETED, EMBED, FORMAT})


@dataclass(frozen=True, slots=True)
class PlainText:
    """text: of the root. shown: the units of the text, in order. bases: by client id, the unit of its clock 0. units:
    the number of all units. kept: the structs that the moment has.
    """

    root: str
    text: str
    shown: "array[int]"
    bases: dict[int, int]
    units: int
    kept: list[KeptStructs]


def read_plain_text(update: bytes, moment: Moment) -> PlainText | None:
    """Read the text of a document as it was at a moment. update: merged and uncollected, with all that the moment has.
    See show_plain_text.
    """
    limits = {client: end for client, _, end in moment.inserted.ranges()}
    return show_plain_text(update, limits, moment.deleted.by_client())


def show_plain_text(update: bytes, limits: Mapping[int, int], deleted: Iterable[ClientRanges]) -> PlainText | None:
    """Read the text of what is below each client's limit and not deleted. update: merged and uncollected, with all that
    is below the limits. limits: sorted by client id. deleted: also overlapping ranges, in any order.

    The root is `content`, or the only root. None: the root has no visible text, or it has values or types in it, or the
    document is not readable for unit_order.py, or a character of two code units is cut in two.
    """
    try:
        units = Units(update, limits, _ROOT if b"\1" + _ROOT in update else None)
        root = _find_root(units)
        return _show(units, root, order_units(units), deleted)
    except (NotReadable, IndexError, UnicodeDecodeError, Malformed):
        return None


def _find_root(units: Units) -> str:
    names = {parent for parent, _ in units.starts if isinstance(parent, bytes)}
    if _ROOT not in names and len(names) != 1:
        raise NotReadable
    name = _ROOT if _ROOT in names else next(iter(names))
    return name[read_var_uint(name, 0)[1] :].decode()


def _show(units: Units, root: str, following: "array[int]", deleted: Iterable[ClientRanges]) -> PlainText | None:
    flags = _flag(units, deleted)
    if units.has_pairs and _has_cut_pair(units, flags):
        raise NotReadable
    shown = array("I")
    none = units.none
    first = unit = units.starts.get((write_var_string(root), None), none)
    append = shown.append
    while (unit := following[unit]) != none:
        if not flags[unit]:
            append(unit)
    if _OTHER in flags:
        unit = first
        while (unit := following[unit]) != none:
            if flags[unit] == _OTHER:
                raise NotReadable
    text = "".join(map(units.text.__getitem__, shown))
    if not text:
        return None
    if units.has_pairs:
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    return PlainText(root, text, shown, {client.id: client.base for client in units.clients}, none, units.kept)


def _flag(units: Units, deleted: Iterable[ClientRanges]) -> bytearray:
    """Return a flag for each unit."""
    clients = {client.id: client for client in units.clients}
    flags = bytearray(units.none)
    for start, end, kind in units.others:
        flags[start:end] = bytes((_HIDDEN if kind in _WITHOUT_TEXT else _OTHER,)) * (end - start)
    for id_, zero, starts, ends in deleted:
        if id_ not in clients:
            continue
        shift, limit = clients[id_].base - zero, clients[id_].end
        for start, end in zip(starts, ends, strict=True):
            if end - start == 1 and end + shift <= limit:
                flags[start + shift] = _HIDDEN
            else:
                first, stop = min(start + shift, limit), min(end + shift, limit)
                flags[first:stop] = _DELETED * (stop - first)
    return flags


def _has_cut_pair(units: Units, flags: bytearray) -> bool:
    """Return whether only one half of a character is deleted, or something stands between its halves."""
    cuts: set[int] = set()
    for client in units.clients:
        cuts.update(client.rights)
        cuts.update(left + 1 for left in client.lefts)
    seconds = (found.start() for found in _SECOND_HALF.finditer(units.text))
    return any(unit in cuts or flags[unit - 1] != flags[unit] for unit in seconds)

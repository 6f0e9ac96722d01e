"""The visible text of a document at a moment, with the clock of each character, where the document is a plain text."""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import compress, groupby
from operator import itemgetter
from typing import Final

from collab_server.core.documents.projection import TEXT_ROOT
from collab_server.core.history.moment import Moment
from collab_server.core.yjs.inspection import Range
from collab_server.core.yjs.lib0 import read_var_uint, write_var_string
from collab_server.core.yjs.structs import DELETED, EMBED, FORMAT
from collab_server.core.yjs.unit_order import KeptStructs, NotReadable, Units, order_units
from collab_server.errors import Malformed

_ROOT: Final = write_var_string(TEXT_ROOT)
_SHOWN: Final = 0
_HIDDEN: Final = 1
_OTHER: Final = 2
_DELETED: Final = bytes((_HIDDEN,))
_IS_SHOWN: Final = bytes(flag == _SHOWN for flag in range(256))
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

    The root is `content`, or the only root. None: the root has no visible text, or it has values or types in it, or the
    document is not readable for unit_order.py, or a character of two code units is cut in two.
    """
    try:
        limits = {client: end for client, _, end in moment.inserted.ranges()}
        units = Units(update, limits, _ROOT if b"\1" + _ROOT in update else None)
        root = _find_root(units)
        return _show(units, root, order_units(units), moment.deleted.ranges())
    except (NotReadable, IndexError, UnicodeDecodeError, Malformed):
        return None


def _find_root(units: Units) -> str:
    names = {parent for parent, _ in units.starts if isinstance(parent, bytes)}
    if _ROOT not in names and len(names) != 1:
        raise NotReadable
    name = _ROOT if _ROOT in names else next(iter(names))
    return name[read_var_uint(name, 0)[1] :].decode()


def _show(units: Units, root: str, following: "array[int]", deleted: Iterable[Range]) -> PlainText | None:
    flags, cuts = _flag(units, deleted)
    if units.has_pairs and any("\udc00" <= units.text[unit] <= "\udfff" for unit in cuts if unit < units.none):
        raise NotReadable
    order = array("I")
    unit = units.starts.get((write_var_string(root), None), units.none)
    append = order.append
    while (unit := following[unit]) != units.none:
        append(unit)
    seen = bytes(map(flags.__getitem__, order))
    if _OTHER in seen:
        raise NotReadable
    shown = array("I", compress(order, seen.translate(_IS_SHOWN)))
    text = "".join(map(units.text.__getitem__, shown))
    if not text:
        return None
    if units.has_pairs:
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    return PlainText(root, text, shown, {client.id: client.base for client in units.clients}, units.none, units.kept)


def _flag(units: Units, deleted: Iterable[Range]) -> tuple[bytearray, set[int]]:
    """Return a flag for each unit. And where a text has characters of two units: units before which something begins
    or ends.
    """
    clients = {client.id: client for client in units.clients}
    flags = bytearray(units.none)
    for start, end, kind in units.others:
        flags[start:end] = bytes((_HIDDEN if kind in _WITHOUT_TEXT else _OTHER,)) * (end - start)
    cuts: set[int] = set()
    for id_, ranges in groupby(deleted, itemgetter(0)):
        if id_ not in clients:
            continue
        base, limit = clients[id_].base, clients[id_].end
        for _, start, end in ranges:
            first, stop = min(base + start, limit), min(base + end, limit)
            flags[first:stop] = _DELETED * (stop - first)
            if units.has_pairs:
                cuts.update((first, stop))
    if units.has_pairs:
        for client in units.clients:
            cuts.update(client.rights)
            cuts.update(left + 1 for left in client.lefts)
    return flags, cuts

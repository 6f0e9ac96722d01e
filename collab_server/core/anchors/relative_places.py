"""Finds the visible text between two RelativePositions of Yjs."""

from collections.abc import Iterator

from collab_server.core.anchors.relative_position import RelativePosition, decode_relative_position
from collab_server.core.anchors.wishes import RelativeWish
from collab_server.core.yjs.inspection import Range
from collab_server.core.yjs.structs import STRING, TYPE, Branch, Item
from collab_server.core.yjs.tree import Tree
from collab_server.errors import UnprocessableContent


def find_relative(document: Tree, root: str | None, wanted: RelativeWish) -> list[Range]:
    """The visible characters of the content root between two places, in their order.

    Raises Malformed for bytes that are no places, and UnprocessableContent for places that are not in the root.
    """
    begin, end = decode_relative_position(wanted.start), decode_relative_position(wanted.end)
    if root is None:
        raise UnprocessableContent("the document is empty")
    places = _Places(document.roots[root], root)
    start, stop = places.find(begin, "relative_start"), places.find(end, "relative_end")
    if start >= stop:
        raise UnprocessableContent("there is no visible text between these positions")
    return list(places.between(start, stop))


class _Places:
    """The items of a root in order, with the number of visible units before each."""

    def __init__(self, branch: Branch, root: str) -> None:
        self._root = root
        self._items: list[tuple[Item, int]] = []
        self._ends: dict[int, int] = {}
        """The number of units before the end of each type, by the index of its item."""
        position = 0
        stack: list[tuple[Item | None, int]] = [(branch.start, -1)]
        while stack:
            item, holder = stack.pop()
            while item is not None:
                self._items.append((item, position))
                if item.kind == STRING and not item.deleted:
                    position += item.length
                elif item.kind == TYPE and not item.deleted:
                    stack.append((item.right, holder))
                    holder = len(self._items) - 1
                    item = item.content.start
                    continue
                item = item.right
            self._ends[holder] = position
        self._size = position

    def find(self, place: RelativePosition, name: str) -> int:
        """The number of visible units before a place. Raises UnprocessableContent."""
        if place.root is not None:
            if place.root == self._root:
                return 0 if place.behind else self._size
        else:
            id_ = place.item or place.type
            assert id_ is not None, "a place without a root has an id"
            for index, (item, position) in enumerate(self._items):
                offset = id_[1] - item.clock
                if item.client != id_[0] or not 0 <= offset < item.length:
                    continue
                if place.type is not None:
                    return position if place.behind else self._ends.get(index, position)
                if item.kind == STRING and not item.deleted:
                    return position + offset + place.behind
                # Behind a value or a node: what is in it is before the place.
                return self._ends.get(index, position) if place.behind else position
        raise UnprocessableContent(f"`{name}` is not in the content of the document")

    def between(self, start: int, end: int) -> Iterator[Range]:
        for item, position in self._items:
            if item.kind == STRING and not item.deleted:
                first, stop = max(start, position), min(end, position + item.length)
                if first < stop:
                    yield item.client, item.clock + first - position, item.clock + stop - position

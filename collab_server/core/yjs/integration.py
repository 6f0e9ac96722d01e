"""Integrates the structs of a document by the conflict resolution of Yjs (YATA).

Structs with missing dependencies are left out. Structs in collected content are collected.
"""

from bisect import bisect_right
from collections.abc import Iterable
from math import inf
from typing import Final

from collab_server.core.yjs import utf16
from collab_server.core.yjs.inspection import Range
from collab_server.core.yjs.structs import ANY, GC, JSON, STRING, TYPE, Branch, Id, Item

MAX_CONFLICT_STEPS: Final = 5_000_000
"""Limit of steps: thousands of clients with insertions at one place have quadratic cost. After it, items keep their
order of arrival.
"""


class Client:
    """The integrated structs of one client, by clock without a gap."""

    __slots__ = ("clocks", "end", "items")

    def __init__(self) -> None:
        self.clocks: list[int] = []
        self.items: list[Item] = []
        self.end = 0

    def append(self, item: Item) -> None:
        self.clocks.append(item.clock)
        self.items.append(item)
        self.end = item.clock + item.length

    def index(self, clock: int) -> int:
        return bisect_right(self.clocks, clock) - 1


class Integration:
    def __init__(self, waiting: dict[int, list[Item]]) -> None:
        self.waiting = waiting
        self.next = dict.fromkeys(waiting, 0)
        self.clients = {client: Client() for client in waiting}
        self.roots: dict[str, Branch] = {}
        self.steps = 0

    def run(self) -> None:
        for first in sorted(self.waiting):
            # A client whose next struct waits for another client's stands below that one.
            stack: list[tuple[int, float]] = [(first, inf)]
            while stack:
                client, until = stack[-1]
                missing = self._advance(client, until)
                if missing is None:
                    stack.pop()
                elif missing[0] not in self.waiting or any(missing[0] == blocked for blocked, _ in stack):
                    break
                else:
                    stack.append(missing)

    def _advance(self, client: int, until: float) -> Id | None:
        """Integrate this client's structs up to the clock `until`, inclusive; returns a missing dependency or None."""
        integrated, waiting = self.clients[client], self.waiting[client]
        index = self.next[client]
        missing: Id | None = None
        while index < len(waiting) and integrated.end <= until:
            item = waiting[index]
            missing = (client, integrated.end) if item.clock != integrated.end else self._missing(item)
            if missing is not None:
                break
            integrated.append(item)
            if item.kind != GC:
                self._integrate(item)
            index += 1
        self.next[client] = index
        if missing is None and integrated.end <= until < inf:
            return (client, integrated.end)
        return missing

    def _missing(self, item: Item) -> Id | None:
        parent = item.parent if isinstance(item.parent, tuple) else None
        for dependency in (item.origin, item.right_origin, parent):
            if dependency is not None:
                integrated = self.clients.get(dependency[0])
                if integrated is None or integrated.end <= dependency[1]:
                    return dependency
        return None

    def split_at(self, ranges: Iterable[Range]) -> None:
        """Split the integrated items at the ends of these ranges."""
        for client, start, end in ranges:
            integrated = self.clients.get(client)
            for clock in (start, end):
                if integrated is not None and 0 < clock < integrated.end:
                    self._starting_at((client, clock))

    def _starting_at(self, id_: Id) -> Item:
        """The item with this first clock; a longer run is split."""
        integrated = self.clients[id_[0]]
        index = integrated.index(id_[1])
        item = integrated.items[index]
        if item.clock == id_[1] or item.kind == GC:
            return item
        right = _split_item(item, id_[1] - item.clock)
        integrated.clocks.insert(index + 1, right.clock)
        integrated.items.insert(index + 1, right)
        return right

    def _ending_at(self, id_: Id) -> Item:
        integrated = self.clients[id_[0]]
        item = integrated.items[integrated.index(id_[1])]
        if item.clock + item.length != id_[1] + 1 and item.kind != GC:
            self._starting_at((id_[0], id_[1] + 1))
            item = integrated.items[integrated.index(id_[1])]
        return item

    def _containing(self, id_: Id) -> Item:
        integrated = self.clients[id_[0]]
        return integrated.items[integrated.index(id_[1])]

    def _integrate(self, item: Item) -> None:
        left = self._ending_at(item.origin) if item.origin else None
        right = self._starting_at(item.right_origin) if item.right_origin else None
        parent = self._parent(item, left, right)
        if parent is None:
            # As in Yjs: what stands in collected content is collected too.
            item.kind, item.content, item.deleted = GC, None, True
            return
        item.parent = parent
        if left is None or left.right is not right:
            left = self._place(item, parent, left, right)
        _link_item(item, parent, left)

    def _parent(self, item: Item, left: Item | None, right: Item | None) -> Branch | None:
        """The parent of an item, or None for a collected parent; copies the key of the neighbours."""
        if (left is not None and left.kind == GC) or (right is not None and right.kind == GC):
            return None
        parent = item.parent
        if isinstance(parent, str):
            root = self.roots.get(parent)
            if root is None:
                root = self.roots[parent] = Branch(None)
            return root
        if parent is None:
            neighbour = left or right
            if neighbour is None or not isinstance(neighbour.parent, Branch):
                return None
            item.key = neighbour.key
            return neighbour.parent
        if isinstance(parent, tuple):
            holder = self._containing(parent)
            return holder.content if holder.kind == TYPE else None
        return parent

    def _place(self, item: Item, parent: Branch, left: Item | None, right: Item | None) -> Item | None:
        """The left neighbour of an item among other items at the same place (YATA)."""
        if left is not None:
            other = left.right
        elif item.key is not None:
            other = parent.starts.get(item.key)
        else:
            other = parent.start
        conflicting: set[Item] = set()
        before: set[Item] = set()
        while other is not None and other is not right and self.steps < MAX_CONFLICT_STEPS:
            self.steps += 1
            before.add(other)
            conflicting.add(other)
            if other.origin == item.origin:
                if other.client < item.client:
                    left = other
                    conflicting.clear()
                elif other.right_origin == item.right_origin:
                    break
            elif other.origin is not None and (origin := self._containing(other.origin)) in before:
                if origin not in conflicting:
                    left = other
                    conflicting.clear()
            else:
                break
            other = other.right
        return left

    def delete(self, ranges: list[tuple[int, int, int]]) -> bool:
        """Delete ranges of clocks; returns whether all of them were integrated."""
        complete = True
        for client, start, end in ranges:
            integrated = self.clients.get(client)
            complete = complete and integrated is not None and end <= integrated.end
            if integrated is None or start >= min(end, integrated.end):
                continue
            self._starting_at((client, start))
            self._ending_at((client, min(end, integrated.end) - 1))
            index = integrated.index(start)
            while index < len(integrated.items) and integrated.items[index].clock < end:
                integrated.items[index].deleted = True
                index += 1
        return complete


def _link_item(item: Item, parent: Branch, left: Item | None) -> None:
    """Link the item after `left`, or as the first one. Only the last of several items under one key is visible."""
    item.left = left
    if left is not None:
        item.right = left.right
        left.right = item
    elif item.key is not None:
        item.right = parent.starts.get(item.key)
        parent.starts[item.key] = item
    else:
        item.right = parent.start
        parent.start = item
    if item.right is not None:
        item.right.left = item
        if item.key is not None:
            item.deleted = True
    elif item.key is not None:
        if left is not None:
            left.deleted = True
        parent.entries[item.key] = item


def _split_item(item: Item, offset: int) -> Item:
    """Split a run after `offset` clocks; returns the linked second part."""
    right = Item(item.client, item.clock + offset, item.kind)
    right.length = item.length - offset
    item.length = offset
    right.origin = (item.client, right.clock - 1)
    right.right_origin = item.right_origin
    right.parent = item.parent
    right.key = item.key
    right.deleted = item.deleted
    if item.kind == STRING:
        item.content, right.content = utf16.split(item.content, offset)
    elif item.kind in (ANY, JSON):
        item.content, right.content = item.content[:offset], item.content[offset:]
    right.left, right.right = item, item.right
    if item.right is not None:
        item.right.left = right
    item.right = right
    if isinstance(item.parent, Branch) and item.key is not None and item.parent.entries.get(item.key) is item:
        item.parent.entries[item.key] = right
    return right

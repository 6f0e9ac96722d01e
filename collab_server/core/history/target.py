"""What a document showed at an earlier moment, and what it shows now."""

from collab_server.core.history.moment import Moment
from collab_server.core.yjs.integration import Integration
from collab_server.core.yjs.structs import TYPE, Branch, Item


def view_now(branch: Branch) -> tuple[list[Item], dict[str, Item]]:
    """Return the visible items of a type: those of its sequence in order, and one for each key."""
    items: list[Item] = []
    item = branch.start
    while item is not None:
        if not item.deleted:
            items.append(item)
        item = item.right
    return items, {key: entry for key, entry in branch.entries.items() if not entry.deleted}


class Target:
    """A moment to bring back, with the types that stay visible for its sake."""

    def __init__(self, moment: Moment, integration: Integration) -> None:
        self._target = moment
        self.kept = self._find_kept(integration)

    def _find_kept(self, integration: Integration) -> set[Item]:
        """Types that hold something of the target, although they are not in it themselves."""
        holders = {
            item.content: item
            for integrated in integration.clients.values()
            for item in integrated.items
            if item.kind == TYPE
        }
        kept: set[Item] = set()
        for integrated in integration.clients.values():
            for item in integrated.items:
                if not self.is_in_target(item):
                    continue
                chain = []
                holder = holders.get(item.parent) if isinstance(item.parent, Branch) else None
                while holder is not None and holder not in kept and not self.is_in_target(holder):
                    chain.append(holder)
                    holder = holders.get(holder.parent) if isinstance(holder.parent, Branch) else None
                # What stands in a deleted type is not shown, whether or not somebody deleted it too.
                if not any(self._target.deleted.contains(one.client, one.clock) for one in chain):
                    kept.update(chain)
        return kept

    def is_in_target(self, item: Item) -> bool:
        """Whether the moment shows an item."""
        target = self._target
        return target.inserted.contains(item.client, item.clock) and not target.deleted.contains(
            item.client, item.clock
        )

    def is_wanted(self, item: Item) -> bool:
        """Whether an item is to be visible: the moment shows it, or something in it."""
        return item in self.kept or self.is_in_target(item)

    def view(self, branch: Branch) -> tuple[list[Item], dict[str, Item]]:
        """Return the items of a type that the moment shows: those of its sequence in order, and one for each key."""
        return self._wanted_items(branch), self._wanted_entries(branch)

    def _wanted_items(self, branch: Branch) -> list[Item]:
        items = []
        item = branch.start
        while item is not None:
            if self.is_wanted(item):
                items.append(item)
            item = item.right
        return items

    def _wanted_entries(self, branch: Branch) -> dict[str, Item]:
        found = {key: self.find_entry(first) for key, first in branch.starts.items()}
        return {key: item for key, item in found.items() if item is not None}

    def find_entry(self, first: Item) -> Item | None:
        """The item of a key that the target shows: the last one, if it is not deleted. `first`: of all its items."""
        item: Item | None = first
        last: Item | None = None
        while item is not None:
            if item.right is None and item in self.kept:
                return item
            if self._target.inserted.contains(item.client, item.clock):
                last = item
            item = item.right
        return last if last is not None and self.is_in_target(last) else None


class AllShown(Target):
    """Everything that a document shows now."""

    def __init__(self) -> None:
        """It needs no moment: nothing of another document is looked up in it."""

    def is_wanted(self, item: Item) -> bool:
        """Whether an item is visible."""
        return not item.deleted

    def view(self, branch: Branch) -> tuple[list[Item], dict[str, Item]]:
        """Return the visible items of a type."""
        return view_now(branch)

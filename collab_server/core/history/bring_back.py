"""Edits that bring back an earlier content: the smallest change of what is there now.

A document is brought to a target: the clocks that should be visible. What is visible now and not in the target is
deleted. What is in the target and deleted now is inserted again as a copy, at its old place. Everything else keeps its
items, so that the edit merges with what others type at the same time, in texts with formats, fragments, maps, arrays
and what is nested in them.
"""

from collections.abc import Container, Sequence
from dataclasses import dataclass

from collab_server.core.history.encoded_tree import encode_content, read_encoded_tree
from collab_server.core.history.moment import Moment
from collab_server.core.history.target import AllShown, Target, view_now
from collab_server.core.history.units import Units, sign, units_of
from collab_server.core.text.sequence_diff import Hunk, diff_sequences
from collab_server.core.yjs import utf16
from collab_server.core.yjs.composer import Composer, Parent
from collab_server.core.yjs.edit_functions import Edit
from collab_server.core.yjs.integration import Integration
from collab_server.core.yjs.structs import STRING, TYPE, Branch, Id, Item
from collab_server.core.yjs.updates import merge
from collab_server.errors import TooMuchWork


@dataclass(slots=True)
class Change:
    """How much an edit changes, in UTF-16 code units of text. `others`: items that are no text, removed or restored.
    `missing`: clocks whose content was not kept.
    """

    removed: int = 0
    restored: int = 0
    others: int = 0
    missing: int = 0


def bring_back(parts: Sequence[bytes], client: int, target: Moment, *, keeps_equal: bool = True) -> Edit[Change]:
    """Compose the edit of `client` that makes the document of all `parts` show `target`.

    The parts have all structs and deletions of the document, with deleted content. A type stays visible where something
    in it is in the target. keeps_equal: what is visible and not in the target stays where the target has the same. With
    False its author is not credited with it any more.

    Raises Malformed for unreadable bytes, and TooMuchWork for too many nested types.
    """
    integration = read_encoded_tree(merge(parts))
    integration.split_at(target.inserted.ranges())
    integration.split_at(target.deleted.ranges())
    own = integration.clients.get(client)
    composer = Composer(client, own.end if own is not None else 0)
    work = _BringBack(composer, Target(target, integration), keeps_equal=keeps_equal)
    try:
        for name, branch in integration.roots.items():
            work.change(branch, name)
    except RecursionError:
        raise TooMuchWork("this document has too many types nested in one another to bring back") from None
    return Edit(composer.update(), work.counts, composer.place)


def compose_difference(
    now: Integration, wanted: Integration, client: int, *, without: Container[str] = ()
) -> Edit[Change]:
    """Compose the edit of `client` that makes one document show what another one shows, by the smallest change.

    The documents need not have an item in common. without: roots that stay as they are. Raises TooMuchWork for too many
    nested types.
    """
    own = now.clients.get(client)
    composer = Composer(client, own.end if own is not None else 0)
    work = _BringBack(composer, AllShown(), keeps_equal=True)
    try:
        for name in {**now.roots, **wanted.roots}:
            if name in without:
                continue
            work.replace_content(now.roots.get(name) or Branch(None), wanted.roots.get(name) or Branch(None), name)
    except RecursionError:
        raise TooMuchWork("this document has too many types nested in one another to compare") from None
    return Edit(composer.update(), work.counts, composer.place)


class _BringBack:
    def __init__(self, composer: Composer, target: Target, *, keeps_equal: bool) -> None:
        self._composer = composer
        self._target = target
        self._keeps_equal = keeps_equal
        self.counts = Change()

    def change(self, branch: Branch, parent: Parent) -> None:
        """Change a type that is visible now and in the target."""
        self._change_sequence(branch, parent)
        self._change_entries(branch, parent)

    def _change_sequence(self, branch: Branch, parent: Parent) -> None:
        """Replace what is visible by what is wanted, between two items that stay."""
        visible: list[Item] = []
        waiting: list[Item] = []
        item = branch.start
        while item is not None:
            wanted = self._target.is_wanted(item)
            if not wanted and not item.deleted:
                visible.append(item)
            elif wanted and item.deleted:
                waiting.append(item)
            elif wanted:
                self._replace(visible, waiting, parent)
                visible, waiting = [], []
                if item.kind == TYPE:
                    self.change(item.content, (item.client, item.clock))
            item = item.right
        self._replace(visible, waiting, parent)

    def _replace(self, visible: list[Item], waiting: list[Item], parent: Parent) -> None:
        """Make visible items into others. What is equal in both stays."""
        if not waiting or not visible or not self._keeps_equal:
            for item in visible:
                self._delete(item)
            self._insert_copies(waiting, parent)
            return
        old, new = units_of(visible, view_now), units_of(waiting, self._target.view)
        last = visible[-1]
        behind = (last.right.client, last.right.clock) if last.right is not None else None
        for start, end, first, stop in diff_sequences(old.keys, new.keys):
            self._replace_units(old, new, (start, end, first, stop), parent, behind)

    def _replace_units(self, old: Units, new: Units, hunk: Hunk, parent: Parent, behind: Id | None) -> None:
        """Replace units by others. Types of the same kind and name stay, and their content is replaced."""
        start, end, first, stop = hunk
        for index in range(start, end):
            item = old.places[index][0]
            if item.kind != TYPE:
                continue
            twin = next((at for at in range(first, stop) if _are_alike(item, new.places[at][0])), None)
            if twin is not None:
                self._exchange(old, new, (start, index, first, twin), parent, behind)
                self.replace_content(item.content, new.places[twin][0].content, (item.client, item.clock))
                start, first = index + 1, twin + 1
        self._exchange(old, new, (start, end, first, stop), parent, behind)

    def _exchange(self, old: Units, new: Units, hunk: Hunk, parent: Parent, behind: Id | None) -> None:
        start, end, first, stop = hunk
        for item in old.slices(start, end):
            self._delete(item)
        if first == stop:
            return
        if start:
            item, offset, length = old.places[start - 1]
            left: Id | None = (item.client, item.clock + offset + length - 1)
        else:
            before = old.places[0][0].left
            left = (before.client, before.clock + before.length - 1) if before is not None else None
        if start < len(old.places):
            item, offset, _ = old.places[start]
            right: Id | None = (item.client, item.clock + offset)
        else:
            right = behind
        self._copy_items(new.slices(first, stop), parent, left, right)

    def replace_content(self, now: Branch, then: Branch, parent: Parent) -> None:
        """Make a visible type show the content of another type, which is not visible."""
        visible, shown = view_now(now)
        waiting, wanted = self._target.view(then)
        if not visible and waiting:
            item, last = now.start, None
            while item is not None:
                item, last = item.right, item
            left = (last.client, last.clock + last.length - 1) if last is not None else None
            self._copy_items(waiting, parent, left, None)
        else:
            self._replace(visible, waiting, parent)
        for key in sorted({*shown, *wanted}):
            if key not in wanted:
                self._delete(shown[key])
            elif key in shown and _are_alike(shown[key], wanted[key]):
                self.replace_content(shown[key].content, wanted[key].content, (shown[key].client, shown[key].clock))
            elif key not in shown or sign(shown[key], view_now) != sign(wanted[key], self._target.view):
                last = now.entries.get(key)
                self._copy(
                    wanted[key],
                    parent,
                    (last.client, last.clock + last.length - 1) if last is not None else None,
                    None,
                    key=key,
                )

    def _change_entries(self, branch: Branch, parent: Parent) -> None:
        for key, first in branch.starts.items():
            now = branch.entries[key]
            then = self._target.find_entry(first)
            if then is now and not now.deleted:
                if now.kind == TYPE:
                    self.change(now.content, (now.client, now.clock))
            elif then is None:
                self._delete(now)
            elif now.deleted or sign(now, view_now) != sign(then, self._target.view):
                if not now.deleted and _are_alike(now, then):
                    self.replace_content(now.content, then.content, (now.client, now.clock))
                else:
                    self._copy(then, parent, (now.client, now.clock + now.length - 1), None, key=key)

    def _delete(self, item: Item) -> None:
        if item.deleted:
            return
        self._composer.delete_item(item)
        if item.kind == STRING:
            self.counts.removed += item.length
            return
        self.counts.others += 1
        if item.kind == TYPE:
            self._count_removed(item.content)

    def _count_removed(self, branch: Branch) -> None:
        item = branch.start
        while item is not None:
            if not item.deleted and item.kind == STRING:
                self.counts.removed += item.length
            elif not item.deleted and item.kind == TYPE:
                self._count_removed(item.content)
            item = item.right

    def _insert_copies(self, items: list[Item], parent: Parent) -> None:
        """Insert copies of deleted items behind the last of them."""
        if not items:
            return
        last = items[-1]
        right = (last.right.client, last.right.clock) if last.right is not None else None
        self._copy_items(items, parent, (last.client, last.clock + last.length - 1), right)

    def _copy_items(self, items: list[Item], parent: Parent, left: Id | None, right: Id | None) -> None:
        text = ""
        for item in items:
            if item.kind == STRING:
                text += item.content
                continue
            left, text = self._copy_text(text, parent, left, right), ""
            left = self._copy(item, parent, left, right) or left
        self._copy_text(text, parent, left, right)

    def _copy_text(self, text: str, parent: Parent, left: Id | None, right: Id | None) -> Id | None:
        if not text:
            return left
        self.counts.restored += utf16.length(text)
        return self._composer.text(parent, left, right, text)

    def _copy(
        self, item: Item, parent: Parent, left: Id | None, right: Id | None, *, key: str | None = None
    ) -> Id | None:
        """Insert a copy of an item with what it holds of the target. None: its content was not kept."""
        content = encode_content(item)
        if content is None:
            self.counts.missing += item.length
            return None
        made = self._composer.item(item.kind, parent, left, right, content, item.length, key=key)
        if item.kind == STRING:
            self.counts.restored += item.length
        else:
            self.counts.others += 1
        if item.kind == TYPE:
            items, entries = self._target.view(item.content)
            self._copy_items(items, made, None, None)
            for name, entry in entries.items():
                self._copy(entry, made, None, None, key=name)
        return made


def _are_alike(one: Item, other: Item) -> bool:
    """Both are types of the same kind and name."""
    if one.kind != TYPE or other.kind != TYPE:
        return False
    return (one.content.reference, one.content.name) == (other.content.reference, other.content.name)

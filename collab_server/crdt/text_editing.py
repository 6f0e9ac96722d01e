"""Changes of a text, as items of a Yjs document: what is not changed keeps its identity, its formats and the cursors in
it.
"""

from collections.abc import Mapping, Sequence

from collab_server.crdt.composing import Composer, Parent
from collab_server.crdt.structs import STRING, Branch, Id, Item
from collab_server.crdt.text_diff import Change


def write(composer: Composer, parent: Parent, branch: Branch | None, changes: Sequence[Change]) -> None:
    """`branch`: a Y.Text or Y.XmlText, None for a root that nobody has written to. `changes`: of its strings as one
    text (see roots.text_of), ascending. What is inserted has the formats of the character before it.
    """
    item = branch.start if branch is not None else None
    left: Id | None = None
    position = 0
    for change in changes:
        # To the character before the change: what stands between that and the next one, deleted or a format, stays
        # behind what is inserted, as in Yjs.
        while item is not None and position + _characters(item) < change.start:
            position += _characters(item)
            left, item = (item.client, item.clock + item.length - 1), item.right
        offset = change.start - position
        if change.text:
            before, after = _neighbours(item, offset, left)
            composer.text(parent, before, after, change.text)
        _delete(composer, item, offset, change.end - change.start)


def _neighbours(item: Item | None, offset: int, left: Id | None) -> tuple[Id | None, Id | None]:
    """(the id before, the id after) the character `offset` of an item; `left`: the id before the item."""
    if item is None:
        return left, None
    if not offset:
        return left, (item.client, item.clock)
    clock = item.clock + _clocks(item, offset)
    if clock < item.clock + item.length:
        return (item.client, clock - 1), (item.client, clock)
    return (item.client, clock - 1), (item.right.client, item.right.clock) if item.right is not None else None


def _delete(composer: Composer, item: Item | None, offset: int, count: int) -> None:
    """`count` characters from the character `offset` of an item on."""
    while item is not None and count:
        there = _characters(item)
        taken = min(count, there - offset)
        if taken > 0:
            first = item.clock + _clocks(item, offset)
            composer.delete(item.client, first, item.clock + _clocks(item, offset + taken))
            count -= taken
        offset = max(0, offset - there)
        item = item.right


def _characters(item: Item) -> int:
    """Of its text that can be seen, in code points."""
    return 0 if item.deleted or item.kind != STRING else len(item.content)


def _clocks(item: Item, characters: int) -> int:
    """How many clocks its first characters take."""
    content: str = item.content
    if len(content) == item.length:
        return characters
    return len(content[:characters].encode("utf-16-le")) >> 1


def since(branch: Branch, clocks: Mapping[int, int]) -> tuple[str, list[Change]]:
    """(what is left of a text that had this state, what has been inserted into that since)"""
    kept: list[str] = []
    added: list[Change] = []
    position = 0
    item = branch.start
    while item is not None:
        if _characters(item):
            old = _old_characters(item, clocks.get(item.client, 0))
            kept.append(item.content[:old])
            position += old
            if new := item.content[old:]:
                before = added.pop().text if added and added[-1].start == position else ""
                added.append(Change(position, position, before + new))
        item = item.right
    return "".join(kept), added


def _old_characters(item: Item, end: int) -> int:
    """How many of an item's characters have a clock below `end`."""
    if item.clock >= end:
        return 0
    if item.clock + item.length <= end:
        return len(item.content)
    if len(item.content) == item.length:
        return end - item.clock
    return len(item.content.encode("utf-16-le")[: (end - item.clock) * 2].decode("utf-16-le", "ignore"))

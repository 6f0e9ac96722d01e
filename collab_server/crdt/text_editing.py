"""Changes of a text, as items of a Yjs document: what is not changed keeps its identity, its formats and the cursors in
it.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence

from collab_server.crdt.composing import Composer, Parent
from collab_server.crdt.fragment_text import Formats, changed, missing
from collab_server.crdt.structs import FORMAT, STRING, Branch, Id, Item
from collab_server.crdt.text_diff import Change
from collab_server.crdt.text_formats import FormattedText, Run

_Place = tuple[Id | None, Id | None, Formats]
"""(the id before, the id after, the formats that hold there)"""


class _Clocks:
    """How many clocks the first characters of an item take; of one item after the other."""

    def __init__(self) -> None:
        self._item: Item | None = None
        self._pairs: list[int] = []

    def before(self, item: Item, characters: int) -> int:
        content: str = item.content
        if len(content) == item.length:
            return characters
        if item is not self._item:
            self._item = item
            self._pairs = [index for index, character in enumerate(content) if character > "\uffff"]
        return characters + bisect_left(self._pairs, characters)


def write(composer: Composer, parent: Parent, branch: Branch | None, changes: Sequence[Change]) -> None:
    """`branch`: a Y.Text or Y.XmlText, None for a root that nobody has written to. `changes`: of its strings as one
    text (see roots.text_of), ascending. What is inserted has the formats that `text_formats` tells.
    """
    item = branch.start if branch is not None else None
    text = FormattedText(branch) if branch is not None and has_formats(branch) else None
    left: Id | None = None
    position = 0
    actual: Formats = {}
    clocks = _Clocks()
    for change in changes if text is None else text.line_by_line(changes):
        # To the character before the change: what stands between that and the next one, deleted or a format, stays
        # behind what is inserted, as in Yjs.
        while item is not None and position + _characters(item) < change.start:
            position += _characters(item)
            actual = _after(item, actual)
            left, item = (item.client, item.clock + item.length - 1), item.right
        offset = change.start - position
        if change.text:
            before, after = _neighbours(clocks, item, offset, left)
            if text is None:
                composer.text(parent, before, after, change.text)
            else:
                runs = text.runs(change)
                places = _places(item, offset, (before, after, actual))
                _insert(composer, parent, _fitting(places, runs[0], replaces=change.end > change.start), runs)
        _delete(composer, clocks, item, offset, change.end - change.start)


def has_formats(branch: Branch) -> bool:
    """Whether any sign of a format stands in the text."""
    item = branch.start
    while item is not None:
        if item.kind == FORMAT and not item.deleted:
            return True
        item = item.right
    return False


def _places(item: Item | None, offset: int, first: _Place) -> Iterator[_Place]:
    """All between the character before `offset` of an item and what can be seen next."""
    yield first
    _, _, formats = first
    if item is None or (there := _characters(item)) > offset:
        return
    following = item.right if there else item
    while following is not None and not _characters(following):
        if not following.deleted and following.kind != FORMAT:
            return
        formats = _after(following, formats)
        right = following.right
        yield (
            (following.client, following.clock + following.length - 1),
            (right.client, right.clock) if right is not None else None,
            formats,
        )
        following = right


def _fitting(places: Iterator[_Place], run: Run, *, replaces: bool) -> _Place:
    """The first that has the formats of the run already, else the first; of a replacement the last, which is before
    what goes.
    """
    found = list(places)
    if replaces:
        return found[-1]
    return next((place for place in found if place[2] == run.formats), found[0])


def _insert(composer: Composer, parent: Parent, place: _Place, runs: Sequence[Run]) -> None:
    left, right, formats = place
    actual = formats
    for run in runs:
        for name, value in missing(actual, run.formats):
            left = composer.format(parent, left, right, name, value)
        actual = run.formats
        left = composer.text(parent, left, right, run.text)
    for name, value in missing(actual, formats):
        left = composer.format(parent, left, right, name, value)


def _after(item: Item, formats: Formats) -> Formats:
    return changed(formats, *item.content) if item.kind == FORMAT and not item.deleted else formats


def _neighbours(clocks: _Clocks, item: Item | None, offset: int, left: Id | None) -> tuple[Id | None, Id | None]:
    """(the id before, the id after) the character `offset` of an item; `left`: the id before the item."""
    if item is None:
        return left, None
    if not offset:
        return left, (item.client, item.clock)
    clock = item.clock + clocks.before(item, offset)
    if clock < item.clock + item.length:
        return (item.client, clock - 1), (item.client, clock)
    return (item.client, clock - 1), (item.right.client, item.right.clock) if item.right is not None else None


def _delete(composer: Composer, clocks: _Clocks, item: Item | None, offset: int, count: int) -> None:
    """`count` characters from the character `offset` of an item on."""
    while item is not None and count:
        there = _characters(item)
        taken = min(count, there - offset)
        if taken > 0:
            first = item.clock + clocks.before(item, offset)
            composer.delete(item.client, first, item.clock + clocks.before(item, offset + taken))
            count -= taken
        offset = max(0, offset - there)
        item = item.right


def _characters(item: Item) -> int:
    """Of its text that can be seen, in code points."""
    return 0 if item.deleted or item.kind != STRING else len(item.content)


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

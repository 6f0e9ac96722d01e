"""Writes changes of a text as items of a Yjs document. Unchanged text keeps its identity, formats and cursors."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence

from collab_server.core.text.diff import Change
from collab_server.core.text.formats import FormattedText, Run
from collab_server.core.text.text_steps import Formats, change_format, missing_formats
from collab_server.core.yjs import utf16
from collab_server.core.yjs.composer import Composer, Parent
from collab_server.core.yjs.structs import FORMAT, STRING, Branch, Id, Item

_Place = tuple[Id | None, Id | None, Formats]
"""(the id before, the id after, the formats at this place)"""


class _Clocks:
    """Number of clocks of the first characters of an item, cached for one item at a time."""

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


def write_changes(composer: Composer, parent: Parent, branch: Branch | None, changes: Sequence[Change]) -> None:
    """Write ascending changes of a text.

    `branch`: a Y.Text or Y.XmlText, or None for an empty root. `changes`: of its text as `read_text` returns it.
    FormattedText chooses the formats of insertions.
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
        while item is not None and position + _count_visible(item) < change.start:
            position += _count_visible(item)
            actual = _formats_after(item, actual)
            left, item = (item.client, item.clock + item.length - 1), item.right
        offset = change.start - position
        if change.text:
            before, after = _membership(clocks, item, offset, left)
            if text is None:
                composer.text(parent, before, after, change.text)
            else:
                runs = text.runs(change)
                places = _places(item, offset, (before, after, actual))
                _insert(composer, parent, _choose_place(places, runs[0], replaces=change.end > change.start), runs)
        _delete(composer, clocks, item, offset, change.end - change.start)


def has_formats(branch: Branch) -> bool:
    """Whether the text contains formats."""
    item = branch.start
    while item is not None:
        if item.kind == FORMAT and not item.deleted:
            return True
        item = item.right
    return False


def _places(item: Item | None, offset: int, first: _Place) -> Iterator[_Place]:
    """The places between the character before `offset` of an item and the next visible content."""
    yield first
    _, _, formats = first
    if item is None or (characters := _count_visible(item)) > offset:
        return
    following = item.right if characters else item
    while following is not None and not _count_visible(following):
        if not following.deleted and following.kind != FORMAT:
            return
        formats = _formats_after(following, formats)
        right = following.right
        yield (
            (following.client, following.clock + following.length - 1),
            (right.client, right.clock) if right is not None else None,
            formats,
        )
        following = right


def _choose_place(places: Iterator[_Place], run: Run, *, replaces: bool) -> _Place:
    """The first place with the formats of the run, or the first one. A replacement takes the last one, before the
    deleted text.
    """
    candidates = list(places)
    if replaces:
        return candidates[-1]
    return next((place for place in candidates if place[2] == run.formats), candidates[0])


def _insert(composer: Composer, parent: Parent, place: _Place, runs: Sequence[Run]) -> None:
    left, right, formats = place
    actual = formats
    for run in runs:
        for name, value in missing_formats(actual, run.formats):
            left = composer.format(parent, left, right, name, value)
        actual = run.formats
        left = composer.text(parent, left, right, run.text)
    for name, value in missing_formats(actual, formats):
        left = composer.format(parent, left, right, name, value)


def _formats_after(item: Item, formats: Formats) -> Formats:
    return change_format(formats, *item.content) if item.kind == FORMAT and not item.deleted else formats


def _membership(clocks: _Clocks, item: Item | None, offset: int, left: Id | None) -> tuple[Id | None, Id | None]:
    """(the id before, the id after) the character at `offset` of an item; `left`: the id before the item."""
    if item is None:
        return left, None
    if not offset:
        return left, (item.client, item.clock)
    clock = item.clock + clocks.before(item, offset)
    if clock < item.clock + item.length:
        return (item.client, clock - 1), (item.client, clock)
    return (item.client, clock - 1), (item.right.client, item.right.clock) if item.right is not None else None


def _delete(composer: Composer, clocks: _Clocks, item: Item | None, offset: int, count: int) -> None:
    """Delete `count` characters from `offset` of an item on."""
    while item is not None and count:
        characters = _count_visible(item)
        deleted = min(count, characters - offset)
        if deleted > 0:
            first = item.clock + clocks.before(item, offset)
            composer.delete(item.client, first, item.clock + clocks.before(item, offset + deleted))
            count -= deleted
        offset = max(0, offset - characters)
        item = item.right


def _count_visible(item: Item) -> int:
    """The number of visible characters, in code points."""
    return 0 if item.deleted or item.kind != STRING else len(item.content)


def compare_with_state(branch: Branch, clocks: Mapping[int, int]) -> tuple[str, list[Change]]:
    """Compare a text with an older state: (its text without newer characters, the insertions since then)."""
    kept: list[str] = []
    added: list[Change] = []
    position = 0
    item = branch.start
    while item is not None:
        if _count_visible(item):
            old = _count_old(item, clocks.get(item.client, 0))
            kept.append(item.content[:old])
            position += old
            if new := item.content[old:]:
                before = added.pop().text if added and added[-1].start == position else ""
                added.append(Change(position, position, before + new))
        item = item.right
    return "".join(kept), added


def _count_old(item: Item, end: int) -> int:
    """The number of an item's characters with a clock below `end`."""
    if item.clock >= end:
        return 0
    if item.clock + item.length <= end:
        return len(item.content)
    if len(item.content) == item.length:
        return end - item.clock
    return utf16.count_characters(item.content, end - item.clock)

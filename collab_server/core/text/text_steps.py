"""Steps of edits in one Y.XmlText or element: kept characters keep their items."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from collab_server.core.yjs import utf16
from collab_server.core.yjs.composer import Composer, Parent
from collab_server.core.yjs.structs import FORMAT, STRING, TYPE, Branch, Id, Item

Formats = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Character:
    """A visible character. `offset`: in its item's string, in code points. `formats`: by the FORMAT items before it."""

    text: str
    item: Item
    offset: int
    formats: Formats


@dataclass(slots=True)
class Keep:
    character: Character
    formats: Formats


@dataclass(slots=True)
class Drop:
    character: Character


@dataclass(slots=True)
class Add:
    text: str
    formats: Formats


@dataclass(slots=True)
class Pass:
    """A node in the text; `drop`: delete it."""

    item: Item
    drop: bool


@dataclass(slots=True)
class AddNode:
    name: str
    attributes: Mapping[str, Any]


Step = Keep | Drop | Add | Pass | AddNode


def last_id(item: Item) -> Id:
    return (item.client, item.clock + item.length - 1)


def has_strings(branch: Branch) -> bool:
    """Whether the type has direct text. Yjs 14 writes direct text into elements."""
    item = branch.start
    while item is not None:
        if item.kind == STRING and not item.deleted:
            return True
        item = item.right
    return False


def characters(branch: Branch) -> Iterator[Character]:
    return (one for one in visible_items(branch) if isinstance(one, Character))


def visible_items(branch: Branch) -> Iterator[Character | Item]:
    """The visible characters of a text, and the items of shared types between them."""
    formats: dict[str, Any] = {}
    item = branch.start
    while item is not None:
        if not item.deleted:
            if item.kind == STRING:
                for offset, text in enumerate(item.content):
                    yield Character(text, item, offset, formats)
            elif item.kind == FORMAT:
                formats = change_format(formats, *item.content)
            elif item.kind == TYPE:
                yield item
        item = item.right


def change_format(formats: Formats, name: str, value: Any) -> dict[str, Any]:
    kept = {key: formats[key] for key in formats if key != name}
    return kept if value is None else {**kept, name: value}


def append_runs(
    composer: Composer, parent: Parent, runs: Sequence[tuple[str, Formats]], left: Id | None = None
) -> Id | None:
    """Write at the end of a new text, after `left`; returns the id of the last item."""
    actual: Formats = {}
    for text, formats in runs:
        for name, value in missing_formats(actual, formats):
            left = composer.format(parent, left, None, name, value)
        actual = formats
        left = composer.text(parent, left, None, text)
    for name, value in missing_formats(actual, {}):
        left = composer.format(parent, left, None, name, value)
    return left


def missing_formats(actual: Formats, wanted: Formats) -> list[tuple[str, Any]]:
    """The formats to write between a text with `actual` and a text with `wanted` formats."""
    ended = [(name, None) for name in actual if name not in wanted]
    return ended + [(name, value) for name, value in wanted.items() if name not in actual or actual[name] != value]


def write_steps(composer: Composer, parent: Id, branch: Branch, steps: Sequence[Step]) -> None:
    """Edit a text. `steps`: every visible character in order, kept or dropped, with the additions between them."""
    if any(_changes(step) for step in steps):
        _StepWriter(composer, parent, branch).run(steps)


def _changes(step: Step) -> bool:
    if isinstance(step, Keep):
        return step.character.formats != step.formats
    return not isinstance(step, Pass) or step.drop


class _StepWriter:
    """Writes steps. `item`: the next item; `left`: the id of the item before the current place."""

    def __init__(self, composer: Composer, parent: Id, branch: Branch) -> None:
        self.composer = composer
        self.parent = parent
        self.item = branch.start
        self.offset = 0
        self.left: Id | None = None
        self.actual: Formats = {}
        self.original: Formats = {}
        self.gap: list[Item] = []

    def run(self, steps: Sequence[Step]) -> None:
        later: list[Add] = []
        for index, step in enumerate(steps):
            match step:
                case Add():
                    if step.formats != self.actual and self._next_kept(steps, index) == step.formats:
                        later.append(step)
                    else:
                        self._write(step.text, step.formats)
                case Drop(character):
                    self._reach(character)
                    clock = character.item.clock + _units(character.item, character.offset)
                    self._pass(character)
                    end = character.item.clock + _units(character.item, character.offset + 1)
                    self.composer.delete(character.item.client, clock, end)
                case Keep(character, formats):
                    self._reach(character)
                    self._settle(formats)
                    for added in later:
                        self._write(added.text, added.formats)
                    later = []
                    self._pass(character)
                case Pass(item, drop):
                    while self.item is not None and self.item is not item:
                        self._step_over(self.item)
                    for added in later:
                        self._write(added.text, added.formats)
                    later = []
                    if drop:
                        self.composer.delete_item(item)
                    self._step_over(item)
                case AddNode(name, attributes):
                    self.left = self.composer.element(self.parent, self.left, self._right(), name, attributes)
        while self.item is not None:
            self._step_over(self.item)
        self._settle(self.original)
        for added in later:
            self._write(added.text, added.formats)

    def _next_kept(self, steps: Sequence[Step], index: int) -> Formats | None:
        """The formats of the next kept character, or None if another addition precedes it."""
        for step in steps[index + 1 : index + 1 + _LOOK_AHEAD]:
            if isinstance(step, Keep):
                return step.formats
            if isinstance(step, Add | Pass | AddNode):
                return None
        return {} if index + _LOOK_AHEAD >= len(steps) else None

    def _reach(self, character: Character) -> None:
        """Advance to the place before a character."""
        while self.item is not None and self.item is not character.item:
            self._step_over(self.item)

    def _step_over(self, item: Item) -> None:
        if not item.deleted and item.kind == FORMAT:
            self.gap.append(item)
            self.original = change_format(self.original, *item.content)
        self.left = last_id(item)
        self.item, self.offset = item.right, 0

    def _pass(self, character: Character) -> None:
        self.offset = character.offset + 1
        item = character.item
        self.left = (item.client, item.clock + _units(item, self.offset) - 1)
        if self.offset >= len(item.content):
            self.item, self.offset = item.right, 0

    def _right(self) -> Id | None:
        if self.item is None:
            return None
        return (self.item.client, self.item.clock + _units(self.item, self.offset))

    def _settle(self, wanted: Formats) -> None:
        """Change formats in the gap from the actual to the wanted ones: delete wrong FORMAT items and add new ones."""
        after = self._after(self.gap)
        if after != wanted:
            wrong = {name for name, _ in missing_formats(after, wanted)}
            kept = []
            for item in self.gap:
                if item.content[0] in wrong:
                    self.composer.delete_item(item)
                else:
                    kept.append(item)
            self._format(self._after(kept), wanted)
        self.gap = []
        self.actual = wanted

    def _after(self, gap: Sequence[Item]) -> Formats:
        formats = self.actual
        for item in gap:
            formats = change_format(formats, *item.content)
        return formats

    def _format(self, actual: Formats, wanted: Formats) -> None:
        for name, value in missing_formats(actual, wanted):
            self.left = self.composer.format(self.parent, self.left, self._right(), name, value)

    def _write(self, text: str, formats: Formats) -> None:
        if self.gap:
            self._settle(formats)
        else:
            self._format(self.actual, formats)
        self.actual = formats
        self.left = self.composer.text(self.parent, self.left, self._right(), text)


_LOOK_AHEAD: Final = 1000


def _units(item: Item, offset: int) -> int:
    """The number of clocks of the first `offset` characters of an item."""
    if not offset:
        return 0
    content: str = item.content
    return offset if len(content) == item.length else utf16.length(content[:offset])

"""Changes within one Y.XmlText: what stays keeps its items, what comes has the formats it is to have."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from collab_server.crdt.composing import Composer, Parent
from collab_server.crdt.structs import FORMAT, STRING, TYPE, Branch, Id, Item

Formats = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Character:
    """A visible one of a text. `offset`: in its item's string, in code points. `formats`: by what stands before it."""

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
    """Go behind a node that stands in the text; `drop`: and delete it."""

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
    """Whether text stands directly in it: in an element, that is how Yjs 14 writes."""
    item = branch.start
    while item is not None:
        if item.kind == STRING and not item.deleted:
            return True
        item = item.right
    return False


def characters(branch: Branch) -> Iterator[Character]:
    return (one for one in in_order(branch) if isinstance(one, Character))


def in_order(branch: Branch) -> Iterator[Character | Item]:
    """The visible characters of a text, and the items of shared types that stand between them."""
    formats: dict[str, Any] = {}
    item = branch.start
    while item is not None:
        if not item.deleted:
            if item.kind == STRING:
                for offset, text in enumerate(item.content):
                    yield Character(text, item, offset, formats)
            elif item.kind == FORMAT:
                formats = changed(formats, *item.content)
            elif item.kind == TYPE:
                yield item
        item = item.right


def changed(formats: Formats, name: str, value: Any) -> dict[str, Any]:
    kept = {key: formats[key] for key in formats if key != name}
    return kept if value is None else {**kept, name: value}


def add(composer: Composer, parent: Parent, runs: Sequence[tuple[str, Formats]], left: Id | None = None) -> Id | None:
    """Write at the end of a text that nobody else has written to, behind `left`; the id of the last that is there."""
    actual: Formats = {}
    for text, formats in runs:
        for name, value in missing(actual, formats):
            left = composer.format(parent, left, None, name, value)
        actual = formats
        left = composer.text(parent, left, None, text)
    for name, value in missing(actual, {}):
        left = composer.format(parent, left, None, name, value)
    return left


def missing(actual: Formats, wanted: Formats) -> list[tuple[str, Any]]:
    """The formats to write where the one holds and the other is to."""
    ended = [(name, None) for name in actual if name not in wanted]
    return ended + [(name, value) for name, value in wanted.items() if name not in actual or actual[name] != value]


def rewrite(composer: Composer, parent: Id, branch: Branch, steps: Sequence[Step]) -> None:
    """`steps`: every visible character in order, kept or dropped, and what is added between them."""
    if any(_changes(step) for step in steps):
        _Rewriting(composer, parent, branch).run(steps)


def _changes(step: Step) -> bool:
    if isinstance(step, Keep):
        return step.character.formats != step.formats
    return not isinstance(step, Pass) or step.drop


class _Rewriting:
    """`item`: the next one that has not been passed; `left`: the id of what stands before the place of writing."""

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
        """The formats of what follows, if nothing else is added before."""
        for step in steps[index + 1 : index + 1 + _LOOK_AHEAD]:
            if isinstance(step, Keep):
                return step.formats
            if isinstance(step, Add | Pass | AddNode):
                return None
        return {} if index + _LOOK_AHEAD >= len(steps) else None

    def _reach(self, character: Character) -> None:
        """Go to the place before a character, by all that stands before it."""
        while self.item is not None and self.item is not character.item:
            self._step_over(self.item)

    def _step_over(self, item: Item) -> None:
        if not item.deleted and item.kind == FORMAT:
            self.gap.append(item)
            self.original = changed(self.original, *item.content)
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
        """Have the formats that stand in the gap, and new ones, lead to the wanted ones."""
        after = self._after(self.gap)
        if after != wanted:
            wrong = {name for name, _ in missing(after, wanted)}
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
            formats = changed(formats, *item.content)
        return formats

    def _format(self, actual: Formats, wanted: Formats) -> None:
        for name, value in missing(actual, wanted):
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
    """The clocks of its first characters; of anything but a visible string none."""
    if not offset:
        return 0
    content: str = item.content
    return offset if len(content) == item.length else len(content[:offset].encode("utf-16-le")) >> 1

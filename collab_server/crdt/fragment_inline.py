"""Changes of what stands in one block: its Y.XmlText keep what stays, breaks and images between them too.

Old and new are compared as they are shown: marks by what they say, images and breaks as single characters, a node that
Markdown has no sign for as its text. So what is not shown (white space at the ends, colours, comments) stays.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from typing import Any

from collab_server.crdt import fragment_text, markdown_inline, markdown_runs, text_diff
from collab_server.crdt.composing import Composer
from collab_server.crdt.dialect import Dialect
from collab_server.crdt.fragment_text import Add, AddNode, Character, Drop, Formats, Keep, Pass, has_strings, last_id
from collab_server.crdt.markdown_runs import MARKS, MarkKey, Run
from collab_server.crdt.prosemirror import Node, canonical, mark_name
from collab_server.crdt.structs import TYPE, XML_TEXT, Branch, Id, Item
from collab_server.crdt.text_diff import BEFORE, BEHIND, BESIDE
from collab_server.errors import UnprocessableContent


@dataclass(slots=True)
class Sign:
    """What is shown in one place: a character, or the whole of a break or an image (then `run` is it)."""

    text: str
    marks: frozenset[MarkKey]
    run: Run | None = None


@dataclass(slots=True)
class _Place:
    """A sign as it is in the document: a character of a text, or one of those that a node between texts shows.

    `child`: of the block, by its number. `shown`: None where it is not.
    """

    text: str
    child: int
    character: Character | None
    shown: Sign | None = None
    wanted: Sign | None = None
    dropped: bool = False
    item: Item | None = None
    """Of a node that stands directly in the text."""


@dataclass(slots=True)
class _Child:
    """A text, or a node between texts, of a block."""

    item: Item
    node: Node | None
    places: list[_Place] = field(default_factory=list)


def signs(nodes: Sequence[Node]) -> list[Sign]:
    return list(_signs(markdown_runs.runs_of(nodes, markdown_inline.SIGNS)))


def code_signs(nodes: Sequence[Node]) -> list[Sign]:
    text = "".join(node.text for node in nodes)
    return [Sign(character, frozenset()) for character in _normal(text)]


def _signs(runs: Sequence[Run]) -> Iterator[Sign]:
    for run in runs:
        if run.kind == "break" or run.image is not None:
            yield Sign("\n" if run.image is None else "", run.marks, run)
        else:
            marks = run.marks | {"code"} if run.kind == "code" else run.marks
            for character in run.text:
                yield Sign(character, marks)


def _normal(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")


def edit(composer: Composer, block: Item, node: Node, wanted: Node, dialect: Dialect, *, code: bool = False) -> None:
    """Have a block of text say what another one says. `node`: what the block is now."""
    direct = has_strings(block.content) or (dialect.text_in_elements and not _holds_texts(block.content))
    children = [_whole(block, node)] if direct else list(_children(block.content, node))
    old = code_signs(node.content) if code else signs(node.content)
    new = code_signs(wanted.content) if code else signs(wanted.content)
    places = [place for child in children for place in child.places]
    shown = _show(places, old)
    added = _match(shown, new)
    _drop_around_breaks(places)
    (_WritingDirectly if direct else _Writing)(composer, block, children, dialect).run(places, added)


def _children(branch: Branch, node: Node) -> Iterator[_Child]:
    nodes = {id(child.branch): child for child in node.content if child.branch is not None}
    item = branch.start
    number = 0
    while item is not None:
        if not item.deleted and item.kind == TYPE:
            inner: Branch = item.content
            known = nodes.get(id(inner))
            if inner.reference == XML_TEXT and known is None:
                texts = list(fragment_text.characters(inner))
                yield _Child(item, None, [_Place(one.text, number, one) for one in texts])
                number += 1
            elif known is not None:
                said = [sign.text for sign in _signs(markdown_runs.raw_runs([known]))]
                yield _Child(item, known, [_Place(text, number, None) for text in said or ["\0"]])
                number += 1
        item = item.right


def _holds_texts(branch: Branch) -> bool:
    """Whether a Y.XmlText stands in it."""
    types = (one for one in fragment_text.in_order(branch) if isinstance(one, Item))
    return any(item.content.reference == XML_TEXT for item in types)


def _whole(block: Item, node: Node) -> _Child:
    """A block in which text stands directly, as one child. Raises UnprocessableContent where it holds a Y.XmlText
    too.
    """
    nodes = {id(child.branch): child for child in node.content if child.branch is not None}
    places: list[_Place] = []
    for one in fragment_text.in_order(block.content):
        if isinstance(one, Item):
            known = nodes.get(id(one.content))
            if known is None:
                raise UnprocessableContent("a block of this document has text of two kinds; send Yjs updates")
            said = [sign.text for sign in _signs(markdown_runs.raw_runs([known]))]
            places += [_Place(text, 0, None, item=one) for text in said or ["\0"]]
        else:
            places.append(_Place(one.text, 0, one))
    return _Child(block, None, places)


def _show(places: list[_Place], old: Sequence[Sign]) -> list[_Place]:
    """The places that are shown, each with its sign: the signs are the places' texts without some white space."""
    shown: list[_Place] = []
    at = 0
    for place in places:
        if at == len(old):
            break
        sign = old[at]
        text = place.text
        if text == "\r":
            text = "\n"
        if sign.text == text or (text == "\n" and sign.text == " "):
            place.shown = place.wanted = sign
            shown.append(place)
            at += 1
    return shown


@dataclass(slots=True)
class _Added:
    """`near`: see text_diff.Change."""

    signs: list[Sign]
    near: int


def _match(shown: list[_Place], new: Sequence[Sign]) -> dict[int, _Added]:
    """Mark each place as dropped or give it the sign that it is to be; what is added, by the number of the shown
    places before it.
    """
    letters = _Letters(place.shown for place in shown)
    letters.take(new)
    old_text = "".join(letters.of(place.shown) for place in shown if place.shown is not None)
    new_text = "".join(map(letters.of, new))
    match: list[int | None] = []
    near: dict[int, int] = {}
    at = 0
    for change in text_diff.changes(old_text, new_text):
        near[change.start] = change.near
        count = change.start - len(match)
        match += range(at, at + count)
        match += [None] * (change.end - change.start)
        at += count + len(change.text)
    match += range(at, at + len(shown) - len(match))
    _unmatch_cut_nodes(shown, match)
    added: dict[int, _Added] = {}
    taken = 0
    kept = 0
    for index, (place, found) in enumerate(zip(shown, match, strict=True)):
        if found is None:
            place.dropped = True
            continue
        if found > taken:
            added[kept] = _Added(list(new[taken:found]), near.get(kept, BESIDE))
        place.wanted = new[found]
        taken, kept = found + 1, index + 1
    if taken < len(new):
        added[kept] = _Added(list(new[taken:]), near.get(kept, BESIDE))
    return added


def _drop_around_breaks(places: Sequence[_Place]) -> None:
    """With a break goes the white space at the ends of the lines, which was not shown."""
    for one, other in pairwise(places):
        if one.text == "\r" and other.text == "\n" and other.shown is None and one.shown is not None:
            other.dropped = one.dropped or (one.shown.text == " " and "code" not in (one.wanted or one.shown).marks)
    for one, other in (*pairwise(places), *pairwise(reversed(places))):
        if one.dropped and other.shown is None and (one.shown is None or _is_break(one)):
            other.dropped = other.text.isspace()


def _is_line_feed_in_code(place: _Place) -> bool:
    """Which is shown as a space."""
    return place.text in "\r\n" and place.shown is not None and place.shown.text == " "


def _is_break(place: _Place) -> bool:
    return place.shown is not None and place.shown.run is not None and place.shown.run.image is None


def _unmatch_cut_nodes(shown: list[_Place], match: list[int | None]) -> None:
    """A node whose text is to change within goes as a whole."""
    start = 0
    for _, group in groupby(shown, key=lambda place: (place.child, id(place.item), place.character is None)):
        end = start + len(list(group))
        if shown[start].character is None:
            found = match[start:end]
            if found != [None] * len(found) and any(
                one is None or other is None or other != one + 1 for one, other in pairwise(found)
            ):
                match[start:end] = [None] * len(found)
        start = end


class _Letters:
    """One character for each image, such as no text has: all of a text is compared as a text then."""

    def __init__(self, old: Iterator[Sign | None] | Any) -> None:
        self._letters: dict[tuple[str, str, str], str] = {}
        self._next = 0x100000
        self._used: set[str] = set()
        self._old = [sign for sign in old if sign is not None]

    def take(self, new: Sequence[Sign]) -> None:
        self._used = {sign.text for sign in (*self._old, *new) if sign.text >= "\U00100000"}

    def of(self, sign: Sign) -> str:
        if sign.run is None or sign.run.image is None:
            return sign.text
        key = (sign.run.text, sign.run.image[1], sign.run.image[2])
        if key not in self._letters:
            while chr(self._next) in self._used and self._next < 0x10FFFD:
                self._next += 1
            self._letters[key] = chr(self._next)
            self._next = min(self._next + 1, 0x10FFFD)
        return self._letters[key]


class _Writing:
    """`left`: the id before the place where the next child comes in, `after`: the child that has been passed."""

    def __init__(self, composer: Composer, block: Item, children: list[_Child], dialect: Dialect) -> None:
        self.composer = composer
        self.block: Id = (block.client, block.clock)
        self.branch: Branch = block.content
        self.children = children
        self.dialect = dialect
        self.left: Id | None = None
        self.right_item = self.branch.start
        self.steps: list[fragment_text.Step] = []
        self.fresh: list[tuple[str, Formats]] | None = None
        self.current = -1

    def run(self, places: list[_Place], added: dict[int, _Added]) -> None:
        passed = 0
        waiting = added.pop(0, None)
        # White space that is not shown at the beginning of a line stays there: what comes is put behind it.
        begins = True
        for place in places:
            if waiting and (place.shown is not None or not begins):
                self._add(waiting, place)
                waiting = None
            self._go_to(place.child)
            self._place(place)
            if place.shown is not None:
                passed += 1
                begins = _is_break(place)
                waiting = added.pop(passed, waiting)
        if waiting:
            self._add(waiting, None)
        self._go_to(len(self.children))

    def _go_to(self, child: int) -> None:
        """Finish the children before this one."""
        while self.current < child:
            self._finish()
            self.current += 1
            if self.current < len(self.children):
                item = self.children[self.current].item
                # What is put in later stands behind this child.
                self.left, self.right_item = last_id(item), item.right

    def _finish(self) -> None:
        self._write_fresh()
        if 0 <= self.current < len(self.children):
            child = self.children[self.current]
            if child.node is None:
                steps = _joined(self.steps)
                fragment_text.rewrite(self.composer, last_id(child.item), child.item.content, steps)
            elif any(place.dropped for place in child.places):
                self.composer.delete_item(child.item)
        self.steps, self.fresh = [], None

    def _write_fresh(self) -> None:
        if self.fresh:
            self.left = text = self.composer.xml_text(self.block, self.left, self._right())
            runs = [("".join(text for text, _ in run), formats) for formats, run in _grouped(self.fresh)]
            fragment_text.add(self.composer, text, runs)

    def _right(self) -> Id | None:
        return (self.right_item.client, self.right_item.clock) if self.right_item is not None else None

    def _place(self, place: _Place) -> None:
        character = place.character
        if character is None:
            return
        formats = character.formats
        sign, shown = place.wanted, place.shown
        if sign is not None and shown is not None and sign.run is None and sign.marks != shown.marks:
            formats = self._formats(sign.marks, formats, formats)
        if place.dropped:
            self.steps.append(Drop(character))
        elif sign is not None and _is_line_feed_in_code(place) and "code" not in sign.marks:
            # Outside of code it would be a break.
            self.steps.append(Drop(character))
            self._text(sign.text, formats, None)
        elif self.fresh is None:
            self.steps.append(Keep(character, formats))
        else:
            # Behind a new break: the text goes on in another one.
            self.steps.append(Drop(character))
            self.fresh.append((character.text, formats))

    def _add(self, new: _Added, following: _Place | None) -> None:
        """Between the place that was passed last and the following one. What replaces that, or is part of the word
        there, has its formats.
        """
        before = self._last_formats()
        after = following.character.formats if following is not None and following.character is not None else {}
        if following is not None and following.character is not None and (following.dropped or new.near == BEHIND):
            unsaid = after
        elif new.near == BEFORE:
            unsaid = before
        else:
            unsaid = {name: value for name, value in before.items() if name in after and after[name] == value}
        for sign in new.signs:
            if sign.run is not None:
                self._between(self.dialect.inline(sign.run))
            else:
                self._text(sign.text, self._formats(sign.marks, unsaid, before, after), following)

    def _last_formats(self) -> Formats:
        if self.fresh:
            return self.fresh[-1][1]
        for step in reversed(self.steps):
            if isinstance(step, Keep):
                return step.formats
        return {}

    def _text(self, text: str, formats: Formats, following: _Place | None) -> None:
        if not self.fresh and not (self.fresh is None and self._in_text(self.current)):
            # Not within a text: at the beginning of the next one, or in one of its own.
            if following is not None and following.character is not None and following.child != self.current:
                self._go_to(following.child)
            elif following is None and self.fresh is None and self._in_text(self.current + 1):
                self._go_to(self.current + 1)
            elif self.fresh is None:
                self.fresh = []
        if self.fresh is not None:
            self.fresh.append((text, formats))
        else:
            self.steps.append(Add(text, formats))

    def _in_text(self, child: int) -> bool:
        return 0 <= child < len(self.children) and self.children[child].node is None

    def _between(self, node: Node) -> None:
        """A node behind all that has been passed; what follows in the same text moves into another one."""
        self._write_fresh()
        self.left = self.composer.element(self.block, self.left, self._right(), node.type, node.attributes)
        self.fresh = []

    def _formats(self, marks: frozenset[MarkKey], unsaid: Formats, *beside: Formats) -> Formats:
        """The formats that say these marks, those of them that are beside as they are, and of `unsaid` what Markdown
        cannot say.
        """
        formats = {name: value for name, value in unsaid.items() if not _says(name)}
        for name, value in self.dialect.formats(marks).items():
            known = (formats_[name] for formats_ in beside if name in formats_ and _covers(formats_[name], value))
            formats[name] = next(known, value)
        return formats


class _WritingDirectly(_Writing):
    """Of a block in which text and nodes stand beside one another."""

    def _place(self, place: _Place) -> None:
        if place.item is None:
            super()._place(place)
        elif not any(isinstance(step, Pass) and step.item is place.item for step in self.steps[-1:]):
            self.steps.append(Pass(place.item, place.dropped))

    def _text(self, text: str, formats: Formats, following: _Place | None) -> None:
        self._go_to(0)
        self.steps.append(Add(text, formats))

    def _between(self, node: Node) -> None:
        self._go_to(0)
        self.steps.append(AddNode(node.type, node.attributes))


def _says(name: str) -> bool:
    return canonical(mark_name(name)) in MARKS


def _covers(there: Any, wanted: dict[str, Any]) -> bool:
    """Whether a format says what is wanted, and maybe more."""
    if not isinstance(there, dict):
        return there is not None and there is not False and not wanted
    return (there.get("href"), there.get("title") or None) == (wanted.get("href"), wanted.get("title"))


def _grouped(runs: list[tuple[str, Formats]]) -> Iterator[tuple[Formats, list[tuple[str, Formats]]]]:
    group: list[tuple[str, Formats]] = []
    for run in runs:
        if group and group[-1][1] != run[1]:
            yield group[0][1], group
            group = []
        group.append(run)
    if group:
        yield group[0][1], group


def _joined(steps: list[fragment_text.Step]) -> list[fragment_text.Step]:
    """Added characters with the same formats as one run."""
    joined: list[fragment_text.Step] = []
    for step in steps:
        last = joined[-1] if joined else None
        if isinstance(step, Add) and isinstance(last, Add) and last.formats == step.formats:
            last.text += step.text
        else:
            joined.append(step)
    return joined

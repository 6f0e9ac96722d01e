"""Writes the edits of a text block: Y.XmlText keep unchanged characters; breaks and images go between them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from collab_server.core.markdown.editor_schema import EditorSchema
from collab_server.core.markdown.runs import MARKS, MarkKey
from collab_server.core.prosemirror.nodes import Node, canonical, mark_name
from collab_server.core.prosemirror_edits.inline_characters import (
    BlockChild,
    StoredCharacter,
    VisibleCharacter,
    is_line_break,
    is_line_feed_in_code,
)
from collab_server.core.text import text_steps
from collab_server.core.text.diff import BEFORE, BEHIND
from collab_server.core.text.text_steps import Add, AddNode, Drop, Formats, Keep, Pass, last_id
from collab_server.core.yjs.composer import Composer
from collab_server.core.yjs.structs import Branch, Id, Item


@dataclass(slots=True)
class Insertion:
    """New characters at one place. `near`: as in core.text.diff.Change."""

    characters: list[VisibleCharacter]
    near: int


class TextWriter:
    """Writes a block with Y.XmlText. `left`, `right_item`: neighbours of the next new child of the block."""

    def __init__(self, composer: Composer, block: Item, children: list[BlockChild], schema: EditorSchema) -> None:
        self.composer = composer
        self.block: Id = (block.client, block.clock)
        self.branch: Branch = block.content
        self.children = children
        self.schema = schema
        self.left: Id | None = None
        self.right_item = self.branch.start
        self.steps: list[text_steps.Step] = []
        self.new_text: list[tuple[str, Formats]] | None = None
        self.current = -1

    def run(self, stored_characters: list[StoredCharacter], insertions: dict[int, Insertion]) -> None:
        """Write all children; `insertions` by the number of visible characters before them."""
        passed = 0
        waiting = insertions.pop(0, None)
        # New text goes after hidden white space at the beginning of a line.
        begins = True
        for stored in stored_characters:
            if waiting and (stored.visible is not None or not begins):
                self._add(waiting, stored)
                waiting = None
            self._go_to(stored.child)
            self._place(stored)
            if stored.visible is not None:
                passed += 1
                begins = is_line_break(stored)
                waiting = insertions.pop(passed, waiting)
        if waiting:
            self._add(waiting, None)
        self._go_to(len(self.children))

    def _go_to(self, child: int) -> None:
        """Finish all children before this one."""
        while self.current < child:
            self._finish()
            self.current += 1
            if self.current < len(self.children):
                item = self.children[self.current].item
                # Later insertions go after this child.
                self.left, self.right_item = last_id(item), item.right

    def _finish(self) -> None:
        self._write_new_text()
        if 0 <= self.current < len(self.children):
            child = self.children[self.current]
            if child.node is None:
                steps = _join_additions(self.steps)
                text_steps.write_steps(self.composer, last_id(child.item), child.item.content, steps)
            elif any(stored.dropped for stored in child.characters):
                self.composer.delete_item(child.item)
        self.steps, self.new_text = [], None

    def _write_new_text(self) -> None:
        if self.new_text:
            self.left = text = self.composer.xml_text(self.block, self.left, self._right())
            runs = [("".join(text for text, _ in run), formats) for formats, run in _group_by_formats(self.new_text)]
            text_steps.append_runs(self.composer, text, runs)

    def _right(self) -> Id | None:
        return (self.right_item.client, self.right_item.clock) if self.right_item is not None else None

    def _place(self, stored: StoredCharacter) -> None:
        character = stored.character
        if character is None:
            return
        formats = character.formats
        wanted, visible = stored.wanted, stored.visible
        if wanted is not None and visible is not None and wanted.run is None and wanted.marks != visible.marks:
            formats = self._formats(wanted.marks, formats, formats)
        if stored.dropped:
            self.steps.append(Drop(character))
        elif wanted is not None and is_line_feed_in_code(stored) and "code" not in wanted.marks:
            # It would be a line break outside of code.
            self.steps.append(Drop(character))
            self._text(wanted.text, formats, None)
        elif self.new_text is None:
            self.steps.append(Keep(character, formats))
        else:
            # The text after a new break goes into a new Y.XmlText.
            self.steps.append(Drop(character))
            self.new_text.append((character.text, formats))

    def _add(self, new: Insertion, following: StoredCharacter | None) -> None:
        """Insert before `following`; a replacement, or a part of the same word, gets its formats."""
        before = self._last_formats()
        after = following.character.formats if following is not None and following.character is not None else {}
        if following is not None and following.character is not None and (following.dropped or new.near == BEHIND):
            hidden = after
        elif new.near == BEFORE:
            hidden = before
        else:
            hidden = {name: value for name, value in before.items() if name in after and after[name] == value}
        for character in new.characters:
            if character.run is not None:
                self._between(self.schema.inline(character.run))
            else:
                self._text(character.text, self._formats(character.marks, hidden, before, after), following)

    def _last_formats(self) -> Formats:
        if self.new_text:
            return self.new_text[-1][1]
        for step in reversed(self.steps):
            if isinstance(step, Keep):
                return step.formats
        return {}

    def _text(self, text: str, formats: Formats, following: StoredCharacter | None) -> None:
        if not self.new_text and not (self.new_text is None and self._in_text(self.current)):
            # Outside of texts: it goes to the beginning of the next text, or into a new one.
            if following is not None and following.character is not None and following.child != self.current:
                self._go_to(following.child)
            elif following is None and self.new_text is None and self._in_text(self.current + 1):
                self._go_to(self.current + 1)
            elif self.new_text is None:
                self.new_text = []
        if self.new_text is not None:
            self.new_text.append((text, formats))
        else:
            self.steps.append(Add(text, formats))

    def _in_text(self, child: int) -> bool:
        return 0 <= child < len(self.children) and self.children[child].node is None

    def _between(self, node: Node) -> None:
        """Insert a node; the rest of the current text moves into a new Y.XmlText."""
        self._write_new_text()
        self.left = self.composer.element(self.block, self.left, self._right(), node.type, node.attributes)
        self.new_text = []

    def _formats(self, marks: frozenset[MarkKey], hidden: Formats, *beside: Formats) -> Formats:
        """The formats for these marks, as neighbours have them, and those of `hidden` that Markdown cannot express."""
        formats = {name: value for name, value in hidden.items() if not _is_markdown_mark(name)}
        for name, value in self.schema.formats(marks).items():
            existing = (other[name] for other in beside if name in other and _covers(other[name], value))
            formats[name] = next(existing, value)
        return formats


class DirectTextWriter(TextWriter):
    """Writes a block with direct text, in which text and nodes are siblings."""

    def _place(self, stored: StoredCharacter) -> None:
        if stored.item is None:
            super()._place(stored)
        elif not any(isinstance(step, Pass) and step.item is stored.item for step in self.steps[-1:]):
            self.steps.append(Pass(stored.item, stored.dropped))

    def _text(self, text: str, formats: Formats, following: StoredCharacter | None) -> None:
        self._go_to(0)
        self.steps.append(Add(text, formats))

    def _between(self, node: Node) -> None:
        self._go_to(0)
        self.steps.append(AddNode(node.type, node.attributes))


def _is_markdown_mark(name: str) -> bool:
    return canonical(mark_name(name)) in MARKS


def _covers(value: Any, wanted: dict[str, Any]) -> bool:
    """Whether a format has at least the wanted meaning."""
    if not isinstance(value, dict):
        return value is not None and value is not False and not wanted
    return (value.get("href"), value.get("title") or None) == (wanted.get("href"), wanted.get("title"))


def _group_by_formats(runs: list[tuple[str, Formats]]) -> Iterator[tuple[Formats, list[tuple[str, Formats]]]]:
    group: list[tuple[str, Formats]] = []
    for run in runs:
        if group and group[-1][1] != run[1]:
            yield group[0][1], group
            group = []
        group.append(run)
    if group:
        yield group[0][1], group


def _join_additions(steps: list[text_steps.Step]) -> list[text_steps.Step]:
    """Join consecutive additions with equal formats."""
    joined: list[text_steps.Step] = []
    for step in steps:
        last = joined[-1] if joined else None
        if isinstance(step, Add) and isinstance(last, Add) and last.formats == step.formats:
            last.text += step.text
        else:
            joined.append(step)
    return joined

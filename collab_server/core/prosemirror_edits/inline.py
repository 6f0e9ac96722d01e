"""Edits one text block so that it shows the wanted Markdown.

Old and new text are compared as Markdown shows them: marks by their meaning, images and breaks as single characters,
and a node unknown to Markdown as its text. Invisible content (white space at the ends, colours, comments) stays.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby, pairwise

from collab_server.core.markdown.editor_schema import EditorSchema
from collab_server.core.prosemirror.nodes import Node
from collab_server.core.prosemirror_edits.inline_characters import (
    StoredCharacter,
    VisibleCharacter,
    code_characters,
    has_text_types,
    is_line_break,
    read_children,
    read_direct_text,
    visible_characters,
)
from collab_server.core.prosemirror_edits.inline_edits import DirectTextWriter, Insertion, TextWriter
from collab_server.core.text.diff import BESIDE, diff_texts
from collab_server.core.text.text_steps import has_strings
from collab_server.core.yjs.composer import Composer
from collab_server.core.yjs.structs import Item


def edit_text_block(
    composer: Composer, block: Item, node: Node, wanted: Node, schema: EditorSchema, *, code: bool = False
) -> None:
    """Change a text block to the wanted one. `node`: the block as a node. `code`: it is a code block."""
    direct = has_strings(block.content) or (schema.text_in_elements and not has_text_types(block.content))
    children = [read_direct_text(block, node)] if direct else list(read_children(block.content, node))
    old = code_characters(node.content) if code else visible_characters(node.content)
    new = code_characters(wanted.content) if code else visible_characters(wanted.content)
    stored = [character for child in children for character in child.characters]
    insertions = _match_characters(_mark_visible(stored, old), new)
    _drop_space_around_breaks(stored)
    (DirectTextWriter if direct else TextWriter)(composer, block, children, schema).run(stored, insertions)


def _mark_visible(stored: list[StoredCharacter], old: Sequence[VisibleCharacter]) -> list[StoredCharacter]:
    """Set `visible` of the visible characters and return them; the others are white space."""
    shown: list[StoredCharacter] = []
    for character in stored:
        if len(shown) == len(old):
            break
        visible = old[len(shown)]
        text = "\n" if character.text == "\r" else character.text
        if visible.text == text or (text == "\n" and visible.text == " "):
            character.visible = character.wanted = visible
            shown.append(character)
    return shown


def _match_characters(shown: list[StoredCharacter], new: Sequence[VisibleCharacter]) -> dict[int, Insertion]:
    """Set `wanted` or `dropped` of each visible character.

    Returns the insertions, by the number of visible characters before them.
    """
    placeholders = _Placeholders([*(one.visible for one in shown if one.visible is not None), *new])
    old_text = "".join(placeholders.replace(one.visible) for one in shown if one.visible is not None)
    new_text = "".join(map(placeholders.replace, new))
    matches: list[int | None] = []
    near: dict[int, int] = {}
    position = 0
    for change in diff_texts(old_text, new_text):
        near[change.start] = change.near
        count = change.start - len(matches)
        matches += range(position, position + count)
        matches += [None] * (change.end - change.start)
        position += count + len(change.text)
    matches += range(position, position + len(shown) - len(matches))
    _drop_changed_nodes(shown, matches)
    insertions: dict[int, Insertion] = {}
    consumed = before = 0
    for index, (character, match) in enumerate(zip(shown, matches, strict=True)):
        if match is None:
            character.dropped = True
            continue
        if match > consumed:
            insertions[before] = Insertion(list(new[consumed:match]), near.get(before, BESIDE))
        character.wanted = new[match]
        consumed, before = match + 1, index + 1
    if consumed < len(new):
        insertions[before] = Insertion(list(new[consumed:]), near.get(before, BESIDE))
    return insertions


def _drop_space_around_breaks(stored: Sequence[StoredCharacter]) -> None:
    """Drop hidden white space at the line ends around dropped breaks."""
    for one, other in pairwise(stored):
        if one.text == "\r" and other.text == "\n" and other.visible is None and one.visible is not None:
            other.dropped = one.dropped or (one.visible.text == " " and "code" not in (one.wanted or one.visible).marks)
    for one, other in (*pairwise(stored), *pairwise(reversed(stored))):
        if one.dropped and other.visible is None and (one.visible is None or is_line_break(one)):
            other.dropped = other.text.isspace()


def _drop_changed_nodes(shown: list[StoredCharacter], matches: list[int | None]) -> None:
    """Drop a node as a whole if its text changes."""
    start = 0
    for _, group in groupby(shown, key=lambda one: (one.child, id(one.item), one.character is None)):
        end = start + len(list(group))
        if shown[start].character is None:
            group_matches = matches[start:end]
            if group_matches != [None] * len(group_matches) and any(
                one is None or other is None or other != one + 1 for one, other in pairwise(group_matches)
            ):
                matches[start:end] = [None] * len(group_matches)
        start = end


class _Placeholders:
    """Replaces images and formulas by characters that are in no text, so that plain texts can be compared."""

    def __init__(self, characters: Iterable[VisibleCharacter]) -> None:
        self._by_node: dict[tuple[str, str, str], str] = {}
        self._next = 0x100000
        self._used = {character.text for character in characters if character.text >= "\U00100000"}

    def replace(self, character: VisibleCharacter) -> str:
        """The text of a character, or the placeholder of an image or a formula."""
        run = character.run
        if run is None or run.kind == "break":
            return character.text
        key = (run.text, *run.image[1:]) if run.image is not None else (run.kind, run.text, "\0")
        if key not in self._by_node:
            while chr(self._next) in self._used and self._next < 0x10FFFD:
                self._next += 1
            self._by_node[key] = chr(self._next)
            self._next = min(self._next + 1, 0x10FFFD)
        return self._by_node[key]

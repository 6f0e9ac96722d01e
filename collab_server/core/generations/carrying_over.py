"""Carries edits of a former generation over to the next one.

Both generations have the same content at the place where one ends and the next begins, perhaps one as Markdown and the
other as rich text. What the edits make of it in the former one is composed as the smallest change of the next one, so
that it merges with what has been edited there since.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from collab_server.core.documents.projection import read_text
from collab_server.core.documents.text_kind import TextKind, find_text_root, read_source, rewrite_markdown
from collab_server.core.history.bring_back import compose_difference
from collab_server.core.history.encoded_tree import read_encoded_tree
from collab_server.core.markdown.writer import write_markdown
from collab_server.core.prosemirror.nodes import read_nodes
from collab_server.core.prosemirror_edits.edit import edit_fragment
from collab_server.core.text import ytext_edits
from collab_server.core.text.diff import apply_changes, diff_texts, rebase_changes
from collab_server.core.yjs import tree
from collab_server.core.yjs.composer import Composer
from collab_server.core.yjs.inspection import inspect
from collab_server.core.yjs.structs import Branch
from collab_server.core.yjs.updates import EMPTY_UPDATE, diff, merge
from collab_server.errors import Malformed, StaleGeneration


@dataclass(frozen=True, slots=True)
class Seam:
    """Where a generation ends and the next begins. former, next: the same content in both, with what was carried over
    since. next_vector: the state vector of the next one as it began. converted_to: the kind of text of the next one,
    where the former one has the other kind.
    """

    former: bytes
    next: bytes
    next_vector: bytes
    converted_to: TextKind | None = None


@dataclass(frozen=True, slots=True)
class CarriedOver:
    """seam: with the edits; the same object where they change nothing. update: everything carried over so far, for the
    next generation.
    """

    seam: Seam
    update: bytes


def carry_over(
    seam: Seam, update: bytes, client: int, foreign: Collection[int] = (), present: Sequence[bytes] = ()
) -> CarriedOver:
    """Carry a validated update of the former generation over, as edits of `client` and the client after it, which the
    next one does not know.

    Edits that were carried over before change nothing. foreign: clients of other generations. present: the next one as
    it is now. A conversion needs it: a block that becomes another one keeps what others have typed in it. Raises
    Malformed for unreadable bytes or where edits before these are missing, StaleGeneration for edits of `foreign`,
    TooMuchWork for too many nested types, and UnprocessableContent for a text that cannot become one of the other kind.
    """
    if any(one in foreign for one, _, _ in inspect(update).structs):
        raise StaleGeneration("this update is of another generation than it says")
    merged = merge([seam.former, update])
    wanted = read_encoded_tree(merged)
    for known, _, end in inspect(merged).structs:
        if wanted.clients[known].end < end:
            raise Malformed("these edits follow others that the server does not have; send all of your copy")
    if seam.converted_to is None:
        edit = compose_difference(read_encoded_tree(seam.next), wanted, client).update
    else:
        edit = _convert_edits(seam, merged, client, seam.converted_to, present)
    if edit != EMPTY_UPDATE:
        seam = replace(seam, former=merged, next=merge([seam.next, edit]))
    return CarriedOver(seam, diff(seam.next, seam.next_vector))


def _convert_edits(seam: Seam, merged: bytes, client: int, kind: TextKind, present: Sequence[bytes]) -> bytes:
    """Make the changes between two states of the former generation in the next one, whose text is of another kind.

    Both states are written as the next one would be, and the change of the Markdown is made as a request makes it.
    """
    now = merge([seam.next, *present])
    former, wanted, document = (tree.read_tree(each) for each in (seam.former, merged, now))
    other: TextKind = "markdown" if kind == "rich_text" else "rich_text"
    before, after = read_source(former.roots, other), read_source(wanted.roots, other)
    name = find_text_root(document.roots, kind)
    branch = document.roots.get(name, Branch(None))
    composer = Composer(client, document.clocks.get(client, 0))
    if before != after and kind == "rich_text":
        text = write_markdown(read_nodes(branch))
        before, after = rewrite_markdown(before), rewrite_markdown(after)
        if changes := rebase_changes(diff_texts(before, after), diff_texts(before, text)):
            edit_fragment(composer, name, branch, apply_changes(text, changes), for_page=True)
    elif before != after:
        changes = rebase_changes(diff_texts(before, after), diff_texts(before, read_text(branch)))
        ytext_edits.write_changes(composer, name, branch, changes)
    edit = composer.update()
    own = {name, find_text_root(former.roots, other)}
    # Roots of other programs, which a conversion copies.
    shown, theirs = read_encoded_tree(seam.next), read_encoded_tree(merged)
    return merge([edit, compose_difference(shown, theirs, client + 1, without=own).update])

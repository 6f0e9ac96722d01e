"""Edit functions that bring earlier content back: a version, or everything but one author's edits.

What the document got after `before`, while people type, is left as it is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from collab_server.core.documents.projection import read_text
from collab_server.core.documents.text_kind import find_text_kind, find_text_root, read_source
from collab_server.core.history.answers import open_snapshot, read_state_vector
from collab_server.core.history.bring_back import Change, bring_back, compose_difference
from collab_server.core.history.encoded_tree import read_encoded_tree
from collab_server.core.history.moment import Moment
from collab_server.core.history.owners import Owners
from collab_server.core.history.stored_history import (
    StoredHistory,
    find_moment,
    find_position,
    list_deleted,
    list_inserted,
    open_history,
)
from collab_server.core.markdown.writer import write_markdown
from collab_server.core.prosemirror.nodes import read_nodes
from collab_server.core.prosemirror_edits.edit import edit_fragment
from collab_server.core.text import ytext_edits
from collab_server.core.text.diff import apply_changes, diff_texts, rebase_changes
from collab_server.core.yjs.composer import Composer
from collab_server.core.yjs.delete_set import DeleteSet
from collab_server.core.yjs.edit_functions import Edit
from collab_server.core.yjs.inspection import Range, inspect
from collab_server.core.yjs.structs import TYPE, Branch, Item
from collab_server.core.yjs.tree import read_tree
from collab_server.core.yjs.updates import diff, merge, state_vector


@dataclass(frozen=True, slots=True)
class Rollback:
    """Whose edits to undo. user_id: of a user or an API client. Times are milliseconds since 1970, both inclusive."""

    user_id: str
    from_at: int | None = None
    to_at: int | None = None


def restore_version(parts: Sequence[bytes], client: int, before: bytes, target: bytes) -> Edit[Change]:
    """Compose the edit that restores a version. before, target: snapshots of the document now, and of the version.

    Raises Malformed, TooMuchWork.
    """
    wanted = open_snapshot(target)
    known = _read_moment(open_snapshot(before))
    return _revert(parts, client, wanted, _read_moment(wanted), known, keeps_equal=True)


def restore_other_generation(parts: Sequence[bytes], client: int, before: bytes, target: bytes) -> Edit[Change]:
    """Compose the edit that restores a version of a former generation, which has other items than the document now.

    before, target: snapshots of the document now, and of the version. Where the text is of the other kind by now, or
    people have typed since `before`, the Markdown of both is compared. Raises Malformed, TooMuchWork, and
    UnprocessableContent for nodes that cannot be changed to this Markdown.
    """
    wanted, whole = open_snapshot(target), merge(parts)
    now = read_tree(whole)
    kind = find_text_kind(now.roots, "markdown")
    known, then = read_tree(open_snapshot(before)).roots, read_tree(wanted).roots
    former = find_text_kind(then, kind)
    if former == kind and read_state_vector(before) == state_vector(whole):
        return compose_difference(read_encoded_tree(whole), read_encoded_tree(wanted), client)
    name = find_text_root(now.roots, kind)
    branch = now.roots.get(name, Branch(None))
    shown = write_markdown(read_nodes(branch)) if kind == "rich_text" else read_text(branch)
    earlier = read_source(known, kind)
    changes = rebase_changes(diff_texts(earlier, read_source(then, former)), diff_texts(earlier, shown))
    composer = Composer(client, now.clocks.get(client, 0))
    if changes and kind == "rich_text":
        edit_fragment(composer, name, branch, apply_changes(shown, changes), for_page=True)
    else:
        ytext_edits.write_changes(composer, name, branch, changes)
    change = Change(sum(one.end - one.start for one in changes), sum(len(one.text) for one in changes))
    return Edit(composer.update(), change, composer.place)


def undo_author(parts: Sequence[bytes], client: int, stored: StoredHistory, rollback: Rollback) -> Edit[Change]:
    """Compose the edit that undoes the edits of one author. Raises Malformed, TooMuchWork."""
    history = open_history(stored)
    known = find_moment(history, find_position(history).seq)
    shown = Moment()
    owners = Owners()
    inserted, deleted = [], []
    for part in list_inserted(history):
        author = owners.find_author(part.author, part.range[0])
        if not (author.id == rollback.user_id and _is_in_time(rollback, part.at)):
            inserted.append(part.range)
    for part in list_deleted(history):
        if not (part.author.id == rollback.user_id and _is_in_time(rollback, part.at)):
            deleted.append(part.range)
    shown.inserted.add(inserted)
    shown.deleted.add(deleted)
    return _revert(parts, client, history.update, shown, known, keeps_equal=False)


def _is_in_time(rollback: Rollback, at: int) -> bool:
    return (rollback.from_at is None or at >= rollback.from_at) and (rollback.to_at is None or at <= rollback.to_at)


def _read_moment(update: bytes) -> Moment:
    summary = inspect(update)
    moment = Moment()
    moment.inserted.add(summary.structs)
    moment.deleted.add(list(DeleteSet(summary.deletes).ranges()))
    return moment


def _revert(
    parts: Sequence[bytes], client: int, contents: bytes, target: Moment, known: Moment, *, keeps_equal: bool
) -> Edit[Change]:
    """Bring `target` back. contents: an update that has its content. known: what of the document may change."""
    now = merge(parts)
    present = _read_moment(now)
    # Content of `contents` first: in the document it may be collected.
    whole = merge([contents, diff(now, state_vector(contents))])
    target.inserted.add(known.inserted.outside(list(present.inserted.ranges())))
    known.deleted.add(_find_implied(whole, known))
    target.deleted.add(known.deleted.outside(list(present.deleted.ranges())))
    return bring_back([whole], client, target, keeps_equal=keeps_equal)


def _find_implied(update: bytes, known: Moment) -> list[Range]:
    """Find what a document does not show although no deletion names it: what stands in deleted types, and values of a
    key that has a later one.
    """
    integration = read_encoded_tree(update)
    found: list[Range] = []
    stack: list[Branch] = []
    branches = list(integration.roots.values())
    for integrated in integration.clients.values():
        for item in integrated.items:
            if item.kind == TYPE:
                branches.append(item.content)
                if known.deleted.contains(item.client, item.clock):
                    stack.append(item.content)
    for branch in branches:
        for first in branch.starts.values():
            values = [item for item in _chain(first) if known.inserted.contains(item.client, item.clock)]
            for item in values[:-1]:
                found.append((item.client, item.clock, item.clock + item.length))
                if item.kind == TYPE:
                    stack.append(item.content)
    seen: set[Branch] = set()
    while stack:
        branch = stack.pop()
        if branch in seen:
            continue
        seen.add(branch)
        for start in (branch.start, *branch.starts.values()):
            for item in _chain(start):
                found.append((item.client, item.clock, item.clock + item.length))
                if item.kind == TYPE:
                    stack.append(item.content)
    return found


def _chain(item: Item | None) -> Iterator[Item]:
    while item is not None:
        yield item
        item = item.right

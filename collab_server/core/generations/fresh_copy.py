"""Copies what a document shows into a new document without its deletions, and keeps the authors.

Every visible part becomes an item of a new client, one for each author. The items are written in the order in which the
originals were added, so that each keeps the author and the time of the row that added it.
"""

from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from itertools import groupby

from collab_server.core.history.blame import Credit, Credits
from collab_server.core.history.encoded_tree import encode_content, read_encoded_tree
from collab_server.core.history.folding import PackedSegment, RowHeader
from collab_server.core.history.segment import UNKNOWN, HistoryRow, Segment, encode_segment
from collab_server.core.history.stored_history import StoredHistory, identity_of, list_inserted, open_history
from collab_server.core.history.target import view_now
from collab_server.core.yjs import utf16
from collab_server.core.yjs.composer import Composer, Parent
from collab_server.core.yjs.inspection import inspect
from collab_server.core.yjs.integration import Integration
from collab_server.core.yjs.lib0 import write_var_string
from collab_server.core.yjs.structs import STRING, TYPE, Branch, Id, Item
from collab_server.core.yjs.updates import EMPTY_UPDATE, merge, state_vector
from collab_server.errors import TooMuchWork, UnprocessableContent


@dataclass(frozen=True, slots=True)
class FreshCopy:
    """A document of the same content. update: all of it. segment: its history, one row for each author and time."""

    update: bytes
    state_vector: bytes
    segment: PackedSegment


@dataclass(slots=True, eq=False)
class _Part:
    """An item to write. texts: of a text. parent: the name of a root, or the part with the type. composer, clock: where
    it is written.
    """

    item: Item
    texts: list[str]
    length: int
    parent: "str | _Part"
    key: str | None
    credit: Credit | None
    rank: int
    left: "_Part | None" = None
    right: "_Part | None" = None
    composer: Composer | None = None
    clock: int = 0

    @property
    def first(self) -> Id:
        """The id of its first clock."""
        assert self.composer is not None, "what it is written beside or in was added before it"
        return self.composer.client, self.clock

    @property
    def last(self) -> Id:
        """The id of its last clock."""
        client, clock = self.first
        return client, clock + self.length - 1


@dataclass(slots=True)
class _Reader:
    credits: Credits
    parts: list[_Part] = field(default_factory=list)

    def read(self, branch: Branch, parent: "str | _Part", rank: int) -> None:
        """Read the visible items of a type, in the order of the document."""
        items, entries = view_now(branch)
        last: _Part | None = None
        for item in items:
            for part in self._split(item, parent, rank):
                if last is not None and _are_one(last, part):
                    _join(last, part)
                    continue
                part.left = last
                if last is not None:
                    last.right = part
                self._add(part)
                last = part
        for key, item in entries.items():
            credit = self._credit(item)
            self._add(_make_part(item, [], item.length, parent, key, credit, rank))

    def _add(self, part: _Part) -> None:
        self.parts.append(part)
        if part.item.kind == TYPE:
            self.read(part.item.content, part, part.rank)

    def _split(self, item: Item, parent: "str | _Part", rank: int) -> Iterator[_Part]:
        if item.kind != STRING:
            yield _make_part(item, [], item.length, parent, None, self._credit(item), rank)
            return
        text, clock = item.content, item.clock
        for end, credit in self.credits.split_by_author(item.client, clock, clock + item.length):
            piece, text = utf16.split(text, end - clock)
            yield _make_part(item, [piece], end - clock, parent, None, credit, rank)
            clock = end

    def _credit(self, item: Item) -> Credit | None:
        return next(
            (credit for _, credit in self.credits.split(item.client, item.clock, item.clock + item.length)), None
        )


def _make_part(
    item: Item, texts: list[str], length: int, parent: str | _Part, key: str | None, credit: Credit | None, rank: int
) -> _Part:
    # A part is never written before the type that it is in.
    return _Part(item, texts, length, parent, key, credit, max(rank, credit.seq if credit is not None else 0))


def copy_fresh(stored: StoredHistory, client: int, head: int, at: int) -> FreshCopy:
    """Copy the document of a history. The rows of the new history have the numbers after `head`.

    client: the id of the first new client; the others follow it. at: of the copy, in milliseconds since 1970. Raises
    Malformed for unreadable bytes, TooMuchWork for too many nested types, and UnprocessableContent for a visible part
    whose content was not kept, or where edits wait for missing ones.
    """
    history = open_history(stored)
    integration = read_whole_tree(history.update)
    return copy_credited(integration, Credits(list_inserted(history)), integration.clients, client, head, at)


def read_whole_tree(update: bytes) -> Integration:
    """Integrate a validated update. Raises Malformed, and UnprocessableContent where edits wait for missing ones."""
    integration = read_encoded_tree(update)
    if any(integration.clients[client].end < end for client, _, end in inspect(update).structs):
        raise UnprocessableContent("some edits of this document wait for others that are missing")
    return integration


def copy_credited(
    integration: Integration, credits: Credits, used: Container[int], client: int, head: int, at: int
) -> FreshCopy:
    """Copy a document whose characters have these credits, as copy_fresh does. used: client ids that are taken."""
    reader = _Reader(credits)
    _read_roots(integration, reader)
    ordered = sorted(reader.parts, key=lambda part: part.rank)
    for part in reversed(ordered):
        # What stays linked to it was added before it.
        if part.left is not None:
            part.left.right = part.right
        if part.right is not None:
            part.right.left = part.left
    composers: dict[object, Composer] = {}
    for part in ordered:
        owner = _owner(part)
        if owner not in composers:
            while client in used:
                client += 1
            composers[owner] = Composer(client, 0)
            client += 1
        _write(part, composers[owner])
    update = merge([composer.update() for composer in composers.values()]) if composers else EMPTY_UPDATE
    rows = _rows(ordered, head) or [HistoryRow(head + 1, at, UNKNOWN, (), ())]
    payload = encode_segment(Segment(tuple(rows), update))
    segment = PackedSegment(rows[0].seq, rows[-1].seq, rows[0].at, rows[-1].at, len(rows), payload)
    return FreshCopy(update, state_vector(update) if composers else b"\0", segment)


def _read_roots(integration: Integration, reader: _Reader) -> None:
    try:
        for name, branch in integration.roots.items():
            reader.read(branch, name, 0)
    except RecursionError:
        raise TooMuchWork("this document has too many types nested in one another to copy") from None


def _are_one(last: _Part, part: _Part) -> bool:
    """Both are texts of one author, and neighbours."""
    return last.item.kind == part.item.kind == STRING and _author(last) == _author(part)


def _join(last: _Part, part: _Part) -> None:
    last.texts += part.texts
    last.length += part.length
    if part.rank > last.rank:
        last.rank, last.credit = part.rank, part.credit


def _write(part: _Part, composer: Composer) -> None:
    parent: Parent = part.parent if isinstance(part.parent, str) else part.parent.first
    left = part.left.last if part.left is not None else None
    right = part.right.first if part.right is not None else None
    content = write_var_string("".join(part.texts)) if part.texts else encode_content(part.item)
    if content is None:
        raise UnprocessableContent("a part of this document has no content that could be copied")
    part.composer, part.clock = composer, composer.clock
    composer.item(part.item.kind, parent, left, right, content, part.length, key=part.key)


def _rows(ordered: list[_Part], head: int) -> list[HistoryRow]:
    rows: list[HistoryRow] = []
    at = 0
    for header, parts in groupby(ordered, _header):
        same = list(parts)
        at = max(at, header.at)
        client, first = same[0].first
        rows.append(HistoryRow(head + 1 + len(rows), at, header.author, ((client, first, same[-1].last[1] + 1),), ()))
    return rows


def _header(part: _Part) -> RowHeader:
    if part.credit is None:
        return RowHeader(0, 0, UNKNOWN)
    return RowHeader(part.credit.seq, part.credit.at, part.credit.author)


def _owner(part: _Part) -> object:
    """Equal for parts that one client writes: a client id has one author."""
    author = _header(part).author
    return identity_of(author), author.is_relayed


def _author(part: _Part) -> object:
    return part.credit.author if part.credit is not None else None

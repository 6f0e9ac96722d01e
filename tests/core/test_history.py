"""The history of random documents: content at any moment, and edits that bring content back or undo one person."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from random import Random
from typing import Any

import pycrdt
import pytest

from collab_server.core.history.blame import Credits, credited_text, join_authors
from collab_server.core.history.bring_back import bring_back
from collab_server.core.history.moment import Moment, cut_to_moment, without_rows
from collab_server.core.history.segment import (
    HistoryAuthor,
    HistoryRow,
    Segment,
    build_row,
    build_segment,
    decode_segment,
    encode_segment,
    join_segments,
    to_columns,
)
from collab_server.core.history.stored_history import History, RowPart, list_inserted
from collab_server.core.yjs import tree, updates
from collab_server.core.yjs.structs import ANY, FORMAT, JSON, STRING, TYPE, Branch, Item
from tests.core.test_tree import Peers

CLIENT = 4242


class Authors(Peers):
    """Peers of which each log entry names the author."""

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self.authors: list[int] = []
        self._formats = 0

    def edit(self, times: int) -> None:
        for _ in range(times):
            states = [doc.get_state() for doc in self.docs]
            before = len(self.log)
            super().edit(1)
            changed = [doc.client_id for doc, state in zip(self.docs, states, strict=True) if doc.get_state() != state]
            own = [client for client, _, _ in updates.validate(self.log[before]).structs]
            self.authors.append(own[0] if own else changed[0] if changed else 0)

    def text_only(self) -> None:
        index = self.random.randrange(len(self.docs))
        doc = self.docs[index]
        while self.heard[index] < len(self.log):
            doc.apply_update(self.log[self.heard[index]])
            self.heard[index] += 1
        before = doc.get_state()
        self.text(doc)
        self.log.append(doc.get_update(before))
        self.authors.append(doc.client_id)

    def text(self, doc: pycrdt.Doc[Any]) -> None:
        text = doc.get("content", type=pycrdt.Text)
        if len(str(text)) > 2 and self.random.random() < 0.3:
            start, stop = sorted(self.random.sample(self.boundaries(str(text)), 2))
            text.format(start, stop, {self.random.choice(["bold", "italic"]): self.random.choice([True, None])})
        else:
            super().text(doc)


def shown(update: bytes) -> dict[str, Any]:
    """Everything a document shows, by root, with formats and nested types."""
    document = tree.read_tree(update)
    assert not document.pending
    values = {name: value_of(branch) for name, branch in document.roots.items()}
    return {name: value for name, value in values.items() if value != [[], {}]}


def value_of(value: Any) -> Any:
    if not isinstance(value, Branch):
        return repr(value)
    runs: list[list[Any]] = []
    for part, formats in tree.text_delta(value):
        if isinstance(part, str) and runs and isinstance(runs[-1][0], str) and runs[-1][1] == formats and runs[-1][2]:
            runs[-1][0] += part
        else:
            runs.append([part if isinstance(part, str) else value_of(part), formats, isinstance(part, str)])
    return [runs, {key: value_of(entry) for key, entry in tree.visible_entries(value).items()}]


def text_of(update: bytes) -> str:
    content = tree.read_tree(update).roots.get("content", Branch(None))
    return "".join(part for part, _ in tree.text_delta(content))


def inserted_by(rows: Sequence[HistoryRow]) -> Iterator[RowPart]:
    return list_inserted(History([to_columns(rows)], updates.EMPTY_UPDATE))


def credits_of(rows: Sequence[HistoryRow]) -> Credits:
    return Credits(inserted_by(rows))


def segment_of(peers: Authors) -> Segment:
    rows = [
        build_row(number, 1_000 * number, HistoryAuthor("user", str(author)), update)
        for number, (author, update) in enumerate(zip(peers.authors, peers.log, strict=True), start=1)
    ]
    return build_segment(rows, peers.log)


@pytest.mark.parametrize("seed", range(15))
def test_a_segment_shows_the_document_after_each_of_its_rows(seed: int) -> None:
    peers = Authors(Random(seed))
    peers.edit(60)
    segment = segment_of(peers)
    middle = Random(seed).randint(1, 59)
    halves = [
        build_segment(segment.rows[:middle], peers.log[:middle]),
        build_segment(segment.rows[middle:], peers.log[middle:]),
    ]
    joined = join_segments(halves[0], halves[1])
    assert joined.rows == segment.rows
    assert decode_segment(encode_segment(joined)) == joined
    moment = Moment()
    for number, row in enumerate(segment.rows, start=1):
        moment.add([row])
        expected = shown(updates.merge(peers.log[:number]))
        assert shown(cut_to_moment(segment.update, moment)) == expected
        assert shown(cut_to_moment(joined.update, moment)) == expected


@pytest.mark.parametrize("seed", range(50))
def test_an_earlier_content_is_brought_back_exactly(seed: int) -> None:
    peers = Authors(Random(seed))
    peers.edit(80)
    segment = segment_of(peers)
    parts = [segment.update]
    rows = list(segment.rows)
    random = Random(seed + 1)
    for attempt in range(4):
        target = Moment()
        target.add(rows[: random.randint(0, len(rows))])
        expected = shown(cut_to_moment(updates.merge(parts), target))
        edit = bring_back(parts, CLIENT + attempt, target)
        updates.validate(edit.update)
        parts.append(edit.update)
        rows.append(build_row(len(rows) + 1, 0, HistoryAuthor("user"), edit.update))
        assert shown(updates.merge(parts)) == expected
        doc = pycrdt.Doc[Any]()
        doc.apply_update(updates.merge(parts))
        assert shown(doc.get_update()) == expected
        assert bring_back(parts, 99, target).update == updates.EMPTY_UPDATE or edit.update != updates.EMPTY_UPDATE


@pytest.mark.parametrize("seed", range(25))
def test_text_that_is_typed_meanwhile_stays_in_the_text_that_is_brought_back(seed: int) -> None:
    random = Random(seed)
    peers = Authors(random)
    while len(peers.log) < 60:
        peers.text_only()
    segment = segment_of(peers)
    target = Moment()
    target.add(segment.rows[: random.randint(0, 60)])
    expected = text_of(cut_to_moment(segment.update, target))
    edit = bring_back([segment.update], CLIENT, target)
    marks = []
    for number, doc in enumerate(peers.docs):
        text = doc.get("content", type=pycrdt.Text)
        before = doc.get_state()
        text.insert(random.choice(peers.boundaries(str(text))), f"<{number}>")
        marks.append(doc.get_update(before))
    after = text_of(updates.merge([segment.update, edit.update, *marks]))
    assert sorted(re.findall(r"<\d>", after)) == [f"<{number}>" for number in range(len(peers.docs))]
    assert re.sub(r"<\d>", "", after) == expected


@pytest.mark.parametrize("seed", range(40))
def test_undoing_one_author_leaves_the_text_of_the_others(seed: int) -> None:
    peers = Authors(Random(seed))
    peers.edit(80)
    segment = segment_of(peers)
    undone = str(Random(seed).choice(peers.authors))
    first, last = sorted(Random(seed).sample(range(1, 81), 2))
    kept_text = text_without(peers, int(undone), first, last)
    target = without_rows(segment.rows, lambda row: row.author.id == undone and first <= row.seq <= last)
    edit = bring_back([segment.update], CLIENT, target)
    assert text_of(updates.merge([segment.update, edit.update])) == kept_text


def text_without(peers: Authors, author: int, first: int, last: int) -> str:
    """The text of the document's items, each by itself, except what one author did in some rows."""
    inserted: dict[tuple[int, int], bool] = {}
    deleted: dict[tuple[int, int], bool] = {}
    for number, (own, update) in enumerate(zip(peers.authors, peers.log, strict=True), start=1):
        is_undone = own == author and first <= number <= last
        summary = updates.validate(update)
        for seen, ranges in ((inserted, summary.structs), (deleted, summary.deletes)):
            for client, start, end in ranges:
                for clock in range(start, end):
                    seen.setdefault((client, clock), is_undone)
    document = tree.read_tree(updates.merge(peers.log))
    item = document.roots.get("content", Branch(None)).start
    text = b""
    while item is not None:
        if isinstance(item.content, str):
            units = item.content.encode("utf-16-le")
            for offset in range(item.length):
                place = (item.client, item.clock + offset)
                if not inserted[place] and deleted.get(place, True):
                    text += units[2 * offset : 2 * offset + 2]
        item = item.right
    return text.decode("utf-16-le", "replace")


@pytest.mark.parametrize("seed", range(20))
def test_every_character_is_credited_to_the_first_row_that_added_it(seed: int) -> None:
    peers = Authors(Random(seed))
    peers.edit(80)
    segment = segment_of(peers)
    first_rows: dict[tuple[int, int], int] = {}
    for row in segment.rows:
        for client, start, end in row.inserted:
            for clock in range(start, end):
                first_rows.setdefault((client, clock), row.seq)
    content = tree.read_tree(segment.update).roots.get("content", Branch(None))
    expected: list[tuple[str, int]] = []
    item = content.start
    while item is not None:
        if not item.deleted and isinstance(item.content, str):
            clock = item.clock
            for character in item.content:
                expected.append((character, first_rows[item.client, clock]))
                clock += len(character.encode("utf-16-le")) // 2
        item = item.right
    runs = list(credited_text(content, credits_of(segment.rows)))
    assert [(character, run.credit and run.credit.seq) for run in runs for character in run.text] == expected
    joined = join_authors(runs)
    assert "".join(run.text for run in joined) == text_of(segment.update)
    authors = [run.credit and run.credit.author for run in joined]
    assert all(one != other for one, other in pairwise(authors))
    later = credits_of(segment.rows[40:])
    unknown = [run for run in credited_text(content, later) if run.credit is None]
    known = {seq for _, seq in expected if seq > 40}
    assert {run.credit.seq for run in credited_text(content, later) if run.credit is not None} >= known
    assert bool(unknown) == any(seq <= 40 for _, seq in expected)


@pytest.mark.parametrize("seed", range(20))
def test_what_was_brought_back_is_not_brought_back_again(seed: int) -> None:
    random = Random(seed)
    peers = Authors(random)
    peers.edit(60)
    segment = segment_of(peers)
    target = Moment()
    target.add(segment.rows[: random.randint(0, 60)])
    first = bring_back([segment.update], CLIENT, target)
    after = updates.merge([segment.update, first.update])
    again = bring_back([after], CLIENT + 1, target)
    assert again.update == updates.EMPTY_UPDATE
    assert shown(after) == shown(cut_to_moment(segment.update, target))


@pytest.mark.parametrize("seed", range(20))
def test_one_writer_brings_two_moments_back_one_after_the_other(seed: int) -> None:
    random = Random(seed)
    peers = Authors(random)
    peers.edit(60)
    segment = segment_of(peers)
    after = segment.update
    for rows in (random.randint(0, 60), random.randint(0, 60)):
        target = Moment()
        target.add(segment.rows[:rows])
        after = updates.merge([after, bring_back([after], CLIENT, target).update])
        assert shown(after) == shown(cut_to_moment(segment.update, target))


class Three(Authors):
    """Three authors, each with some words of formatted text."""

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self.docs = [pycrdt.Doc[Any](client_id=client) for client in (11, 22, 33)]
        self.heard = [0] * len(self.docs)


def without_author(update: bytes, shown: Moment) -> dict[str, Any]:
    """What a document shows of `shown` alone, item by item, in the form of `shown()`."""
    roots = tree.read_tree(update).roots
    values = {name: _value_without(branch, shown) for name, branch in roots.items()}
    return {name: value for name, value in values.items() if value != [[], {}]}


def _is_shown(item: Item, shown: Moment) -> bool:
    """Whether an item is shown, for itself or for what others have in it."""
    if shown.deleted.contains(item.client, item.clock):
        return False
    if shown.inserted.contains(item.client, item.clock):
        return True
    if item.kind != TYPE:
        return False
    items = _chain(item.content.start)
    for first in item.content.starts.values():
        items += _chain(first)
    return any(_is_shown(one, shown) for one in items)


def _chain(item: Item | None) -> list[Item]:
    items = []
    while item is not None:
        items.append(item)
        item = item.right
    return items


def _value_without(value: Any, shown: Moment) -> Any:
    if not isinstance(value, Branch):
        return repr(value)
    runs: list[list[Any]] = []
    formats: dict[str, Any] = {}

    def add(part: Any) -> None:
        if not isinstance(part, str):
            runs.append([_value_without(part, shown), formats, False])
        elif part and runs and runs[-1][1:] == [formats, True]:
            runs[-1][0] += part
        elif part:
            runs.append([part, formats, True])

    for item in _chain(value.start):
        kept = [
            offset
            for offset in range(item.length)
            if shown.inserted.contains(item.client, item.clock + offset)
            and not shown.deleted.contains(item.client, item.clock + offset)
        ]
        if item.kind == STRING:
            units = item.content.encode("utf-16-le")
            add(b"".join(units[2 * offset : 2 * offset + 2] for offset in kept).decode("utf-16-le"))
        elif item.kind == FORMAT and kept:
            name, given = item.content
            formats = {key: formats[key] for key in formats if key != name} | ({} if given is None else {name: given})
        elif item.kind in (ANY, JSON):
            for offset in kept:
                add(item.content[offset])
        elif item.kind == TYPE and _is_shown(item, shown):
            add(item.content)
    entries = {}
    for key in sorted(value.starts):
        items = _chain(value.starts[key])
        last = next((item for item in reversed(items) if shown.inserted.contains(item.client, item.clock)), None)
        if _is_shown(items[-1], shown):
            last = items[-1]
        if last is not None and _is_shown(last, shown):
            content = last.content[-1] if last.kind in (ANY, JSON) else last.content
            entries[key] = _value_without(content, shown)
    return [runs, entries]


@pytest.mark.parametrize("seed", range(40))
def test_undoing_one_of_three_authors_leaves_formats_and_nested_types_of_the_others(seed: int) -> None:
    peers = Three(Random(seed))
    peers.edit(80)
    segment = segment_of(peers)
    target = without_rows(segment.rows, lambda row: row.author.id == "22")
    expected = without_author(segment.update, target)
    edit = bring_back([segment.update], CLIENT, target, keeps_equal=False)
    after = updates.merge([segment.update, edit.update])
    assert shown(after) == expected
    doc = pycrdt.Doc[Any]()
    doc.apply_update(after)
    assert shown(doc.get_update()) == expected

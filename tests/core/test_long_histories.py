"""What reads long histories fast finds the same as plain algorithms: the order of a text, its authors, its sessions."""

import base64
import zlib
from random import Random
from typing import Any

import pycrdt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collab_server.core.documents.projection import project
from collab_server.core.history import answers
from collab_server.core.history.blame_content import blame
from collab_server.core.history.folding import Past, RowHeader, pack_history
from collab_server.core.history.moment import Moment
from collab_server.core.history.owners import Owners
from collab_server.core.history.parts import join_ranges, only_first, read_parts
from collab_server.core.history.plain_text import read_plain_text, show_plain_text
from collab_server.core.history.segment import UNKNOWN, HistoryAuthor, HistoryRow, to_columns, to_rows
from collab_server.core.history.sessions import PAUSE, Session, group_sessions
from collab_server.core.history.stored_history import (
    History,
    StoredHistory,
    cut,
    find_moment,
    identity_of,
    list_inserted,
    open_history,
)
from collab_server.core.text.sequence_diff import shortest_edit
from collab_server.core.yjs import tree, updates
from collab_server.core.yjs.composer import Composer
from collab_server.core.yjs.delete_set import DeleteSet
from collab_server.core.yjs.inspection import Range
from collab_server.errors import Malformed
from tests.core.strategies import CLIENT_IDS
from tests.core.test_history import Authors
from tests.core.test_tree import CUT
from tests.seeds import count_examples


class Writers(Authors):
    """Peers of whom each delivers for others too, at times that sometimes go back, with breaks."""

    def history(self) -> StoredHistory:
        known = [HistoryAuthor("user", name) for name in "abc"] + [UNKNOWN]
        relay = HistoryAuthor("user", "d", others=((self.authors[0], known[0]),))
        relayed = HistoryAuthor("guest", None, "e", is_relayed=True)
        headers = []
        at = 10_000_000
        for number, client in enumerate(self.authors, start=1):
            at += self.random.choice([1, 1000, 1000, -5000, 299_000, 301_000])
            chosen = known[client % len(known)] if self.random.random() < 0.7 else self.random.choice([relay, relayed])
            headers.append(RowHeader(number, at, chosen))
        ends = sorted(self.random.sample(range(len(headers)), 3))
        bounds = zip([0, *ends[:2]], ends, strict=True)
        segments = [pack_history(Past(headers[a:b]), None, self.log[a:b]).payload for a, b in bounds if a < b]
        return StoredHistory(segments, headers[ends[-1] :], self.log[ends[-1] :])


def written(seed: int, *, only_text: bool) -> Writers:
    peers = Writers(Random(seed))
    if only_text:
        for _ in range(60):
            if peers.log and peers.random.random() < 0.1:
                # Somebody sends again what they know.
                index = peers.random.randrange(len(peers.docs))
                peers.log.append(peers.docs[index].get_update())
                peers.authors.append(peers.docs[index].client_id)
            peers.text_only() if peers.random.random() < 0.5 else concurrent_text(peers)
    else:
        peers.edit(60)
    return peers


def concurrent_text(peers: Writers) -> None:
    """An edit by somebody who has not heard of the last ones."""
    index = peers.random.randrange(len(peers.docs))
    doc = peers.docs[index]
    before = doc.get_state()
    peers.text(doc)
    peers.log.append(doc.get_update(before))
    peers.authors.append(doc.client_id)


@pytest.mark.parametrize("only_text", [True, False])
@pytest.mark.parametrize("seed", range(25))
def test_moments_and_blame_are_those_of_the_tree(seed: int, only_text: bool) -> None:
    peers = written(seed, only_text=only_text)
    stored = peers.history()
    history = open_history(stored)
    for seq in {len(peers.log), *peers.random.sample(range(1, len(peers.log)), 12)}:
        update = cut(history, seq)
        expected = project(update)
        assert answers.read_moment(stored, seq=seq).projection == expected
        plain = read_plain_text(history.update, find_moment(history, seq))
        if plain is not None:
            assert (plain.text, plain.root) == (expected.content, expected.root)
        else:
            assert not (only_text and expected.content), "a text is read without a tree"
        found = answers.read_blame(stored, seq)
        assert (found.projection, found.runs) == blame(update, list_inserted(history, seq))


def moment_of(update: bytes) -> Moment:
    summary = updates.validate(update)
    return Moment(DeleteSet(summary.structs), DeleteSet(summary.deletes))


def ordered(update: bytes) -> list[tuple[int, int]] | None:
    """The units of the text of an update, in order, as (client, clock). None: the update is not read."""
    plain = read_plain_text(update, moment_of(update))
    if plain is None:
        return None
    bases = sorted((base, client) for client, base in plain.bases.items())
    return [next((client, unit - base) for base, client in reversed(bases) if base <= unit) for unit in plain.shown]


@pytest.mark.parametrize("seed", range(40))
def test_concurrent_insertions_at_one_place_have_the_order_of_yjs(seed: int) -> None:
    random = Random(seed)
    clients = random.sample(CLIENT_IDS[1:], 4)
    composers = {client: Composer(client, 0) for client in clients}
    sequence: list[tuple[int, int]] = []
    for _ in range(30):
        # Between two neighbours of the same few, so that most insertions are at places with others.
        client = random.choice(clients)
        place = random.randint(0, min(2, len(sequence)))
        left = sequence[place - 1] if place else None
        right = sequence[place] if place < len(sequence) else None
        last = composers[client].text("content", left, right, random.choice(["x", "yz", "é"]))
        if random.random() < 0.3:
            sequence.insert(place, last)
    update = updates.merge([composer.update() for composer in composers.values()])
    expected = []
    item = tree.read_tree(update).roots["content"].start
    while item is not None:
        expected += [(item.client, item.clock + offset) for offset in range(item.length)]
        item = item.right
    assert ordered(update) == expected


def test_what_is_not_read_without_a_tree() -> None:
    composer = Composer(1, 0)
    composer.text("content", None, None, "text")
    assert ordered(composer.update()) == [(1, 0), (1, 1), (1, 2), (1, 3)]
    gap = Composer(1, 5)
    gap.text("content", (1, 4), None, "after a gap")
    assert ordered(updates.merge([composer.update(), gap.update()])) is None
    lost = Composer(2, 0)
    lost.text("content", (7, 3), None, "behind nothing")
    assert ordered(updates.merge([composer.update(), lost.update()])) is None
    doc: pycrdt.Doc[Any] = pycrdt.Doc(client_id=3)
    doc.get("default", type=pycrdt.XmlFragment).children.append(pycrdt.XmlElement("p"))
    assert ordered(doc.get_update()) is None
    deleted = Composer(1, 4)
    deleted.delete(1, 0, 4)
    assert ordered(updates.merge([composer.update(), deleted.update()])) is None
    assert ordered(updates.EMPTY_UPDATE) is None


def test_numbers_of_any_length_are_read_as_by_the_tree() -> None:
    first, second, third = Composer(1, 0), Composer(300, 0), Composer(2**32 - 1, 0)
    clocks = [0, 1, 126, 127, 128, 16_382, 16_383, 16_384, 2_097_150, 2_097_151, 2_097_152, 2_200_000]
    first.text("content", None, None, "x" * 2_200_001 + "y")
    for clock in clocks:
        after = second.text("content", (1, clock), (1, clock + 1), "second")
        third.text("content", after, (1, clock + 1), "third")
        first.text("content", (1, clock), (1, clock + 1), "first")
    update = updates.merge([first.update(), second.update(), third.update()])
    plain = read_plain_text(update, moment_of(update))
    assert plain is not None
    assert plain.text == project(update).content


@pytest.mark.parametrize("rows", [[(2, 4)], [(2, 3), (3, 4)], [(3, 4), (2, 3)], [(1, 3), (2, 5)]])
def test_a_character_that_rows_delete_half_by_half_is_read(rows: list[tuple[int, int]]) -> None:
    composer = Composer(1, 0)
    composer.text("content", None, None, "ab😀cd")
    deleted = [(1, 0, [start], [end]) for start, end in rows]
    plain = show_plain_text(composer.update(), {1: 6}, deleted)
    assert plain is not None
    assert plain.text == ("abcd" if len(rows) == 1 or rows[0] != (1, 3) else "ad")
    for half in (2, 3):
        assert show_plain_text(composer.update(), {1: 6}, [(1, 0, [half], [half + 1])]) is None


@pytest.mark.parametrize("seed", range(15))
def test_inserted_pieces_of_a_diff_have_the_credit_of_their_characters(seed: int) -> None:
    peers = written(seed, only_text=True)
    stored = peers.history()
    last = len(peers.log)
    old = answers.read_content(stored, seq=last // 2)[1]
    blamed = answers.read_blame(stored, last)
    new = blamed.projection.content
    credits = [run.credit for run in blamed.runs for _ in run.text]
    pieces = answers.read_diff(stored, old, new, last)
    assert "".join(text for operation, text, _ in pieces if operation != "insert") == old
    assert "".join(text for operation, text, _ in pieces if operation != "delete") == new
    position = 0
    for operation, text, credit in pieces:
        if operation == "insert":
            assert credits[position : position + len(text)] == [credit] * len(text)
        else:
            assert credit is None
        position += len(text) if operation != "delete" else 0
    foreign = answers.read_diff(stored, old, new + "?", last)
    assert {credit for _, _, credit in foreign} == {None}


@pytest.mark.parametrize("case", range(len(CUT)))
def test_texts_with_cut_characters_are_left_to_the_tree(case: int) -> None:
    encoded, text = CUT[case]
    update = zlib.decompress(base64.b64decode(encoded))
    plain = read_plain_text(update, moment_of(update))
    assert plain is None or plain.text == text


RANGES = st.tuples(st.sampled_from([1, 5, 2**40]), st.integers(0, 30), st.integers(1, 8)).map(
    lambda one: (one[0], one[1], one[1] + one[2])
)


@settings(max_examples=count_examples(300), deadline=None)
@given(st.lists(st.lists(RANGES, max_size=3), max_size=12), st.integers(0, 12), st.integers(0, 13))
def test_only_the_first_of_ranges_count(rows: list[list[Range]], half: int, seq: int) -> None:
    history = [HistoryRow(number, 0, UNKNOWN, tuple(row), ()) for number, row in enumerate(rows, start=1)]
    parts = [to_columns(one) for one in (history[:half], history[half:]) if one]
    found = read_parts([(one, one.inserted) for one in parts], seq)
    seen = DeleteSet()
    expected = []
    for row in history[:seq]:
        for one in row.inserted:
            expected += [(row.seq - 1, *part) for part in seen.outside([one])]
            seen.add([one])
    first = only_first(found)
    ranges = zip(first.rows, map(first.clock, first.starts), first.starts, first.ends, strict=True)
    assert [(row, client, clock, clock + end - start) for row, (client, clock), start, end in ranges] == expected
    assert join_ranges(found).ranges() == seen.ranges()


@settings(max_examples=count_examples(300), deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([7, 5, 2**40]), st.integers(1, 30), st.integers(1, 3), st.sampled_from([0, 0, 0, -2, 4])
        ),
        min_size=1,
        max_size=8,
    ),
    st.integers(0, 250),
)
def test_typed_runs_are_read_as_their_ranges(runs: list[tuple[int, int, int, int]], seq: int) -> None:
    """A run is a number of ranges of one length, of which the first begins a jump behind the client's last one."""
    ends: dict[int, int] = {}
    ranges: list[Range] = []
    for client, count, length, jump in runs:
        start = max(0, ends.get(client, 0) + jump)
        ranges += [(client, one, one + length) for one in range(start, start + count * length, length)]
        ends[client] = start + count * length
    history = [HistoryRow(number, 0, UNKNOWN, (one,), ()) for number, one in enumerate(ranges, start=1)]
    columns = [to_columns(one) for one in (history[:90], history[90:]) if one]
    parts = read_parts([(one, one.inserted) for one in columns], seq)
    read = [(*parts.clock(start), end - start) for start, end in zip(parts.starts, parts.ends, strict=True)]
    expected = [(client, start, end - start) for client, start, end in ranges[:seq]]
    assert read == expected
    assert list(parts.rows) == list(range(len(expected)))
    assert parts.limits == {
        client: max(end for other, _, end in ranges[:seq] if other == client)
        for client in sorted({client for client, _, _ in ranges[:seq]})
    }
    assert [
        (client, start - zero, end - start)
        for client, zero, starts, stops in parts.by_client()
        for start, end in zip(starts, stops, strict=True)
    ] == expected
    joined: list[list[int]] = []
    for client, start, end in ranges[:seq]:
        if joined and joined[-1][0] == client and joined[-1][2] == start:
            joined[-1][2] = end
        else:
            joined.append([client, start, end])
    found = [[*parts.clock(start), end - start] for start, end in zip(*parts.joined, strict=True)]
    assert found == [[client, start, end - start] for client, start, end in joined]


def test_a_range_behind_the_last_clock_is_malformed() -> None:
    row = HistoryRow(1, 0, UNKNOWN, ((1, 0, 2**32 - 2), (1, 2**32 - 2, 2**32 + 4)), ())
    columns = to_columns([row])
    parts = read_parts([(columns, columns.inserted)])
    with pytest.raises(Malformed):
        _ = parts.limits


def plain_sessions(history: History, since: int, pause: int) -> list[Session]:
    """Sessions by a plain reading of the rows."""
    inserted, deleted, owners = DeleteSet(), DeleteSet(), Owners()
    running: dict[Any, Session] = {}
    found: list[Session] = []
    for row in (row for columns in history.columns for row in to_rows(columns)):
        edits = []
        for one in row.inserted:
            for client, start, end in inserted.outside([one]):
                edits.append((owners.find_author(row.author, client), end - start, 0))
            inserted.add([one])
        for one in row.deleted:
            edits += [(row.author, 0, end - start) for _, start, end in deleted.outside([one])]
            deleted.add([one])
        for author, added, removed in edits if row.seq > since else ():
            session = running.get(identity_of(author))
            if session is None or row.at - session.last_at > pause:
                session = running[identity_of(author)] = Session(author, row.at, row.at, row.seq, row.seq)
                found.append(session)
            session.last_at, session.to_seq = max(row.at, session.last_at), row.seq
            session.inserted += added
            session.deleted += removed
    return sorted(found, key=lambda one: (-one.to_seq, one.from_seq))


@pytest.mark.parametrize("seed", range(40))
def test_sessions_are_those_of_the_rows_one_by_one(seed: int) -> None:
    peers = written(seed, only_text=seed % 2 == 0)
    stored = peers.history()
    history = open_history(stored)
    assert answers.read_sessions(stored) == plain_sessions(history, 0, PAUSE)
    for since in peers.random.sample(range(len(peers.log) + 2), 5):
        for pause in (0, 2_000, PAUSE):
            assert group_sessions(history, since, pause) == plain_sessions(history, since, pause)


def count_edits(one: str, other: str) -> int:
    """The fewest insertions and deletions, by the lengths of longest common subsequences."""
    lengths = [0] * (len(other) + 1)
    for letter in one:
        before = 0
        for index, other_letter in enumerate(other, start=1):
            found = before + 1 if letter == other_letter else max(lengths[index], lengths[index - 1])
            before, lengths[index] = lengths[index], found
    return len(one) + len(other) - 2 * lengths[-1]


@settings(max_examples=count_examples(300), deadline=None)
@given(st.text("abc", max_size=14), st.text("abc", max_size=14), st.integers(0, 30))
def test_an_edit_script_is_as_short_as_can_be(one: str, other: str, limit: int) -> None:
    hunks = shortest_edit(one, other, limit)
    fewest = count_edits(one, other)
    assert (hunks is None) == (fewest > limit)
    if hunks is None:
        return
    made, position = "", 0
    for start, end, other_start, other_end in hunks:
        made += one[position:start]
        assert len(made) == other_start
        made += other[other_start:other_end]
        position = end
    assert made + one[position:] == other
    assert sum(b - a + d - c for a, b, c, d in hunks) == fewest


def plain_myers(one: str, other: str) -> list[tuple[int, int, int, int]]:
    """The hunks of Myers' greedy algorithm, by the furthest ends of all scripts."""
    furthest = [{1: 0}]
    while True:
        edits = len(furthest) - 1
        ends: dict[int, int] = {}
        for k in range(-edits, edits + 1, 2):
            before = furthest[-1]
            x = before.get(k + 1, -1) if before.get(k - 1, -2) < before.get(k + 1, -1) else before[k - 1] + 1
            while x < len(one) and x - k < len(other) and one[x] == other[x - k]:
                x += 1
            ends[k] = x
        furthest.append(ends)
        if ends.get(len(one) - len(other), -1) >= len(one):
            break
    hunks: list[tuple[int, int, int, int]] = []
    x, y = len(one), len(other)
    for before in reversed(furthest[1:-1]):
        k = x - y
        is_insertion = before.get(k - 1, -2) < before.get(k + 1, -1)
        x = before[k + 1] if is_insertion else before[k - 1]
        y = x - (k + 1 if is_insertion else k - 1)
        end, other_end = (x, y + 1) if is_insertion else (x + 1, y)
        if hunks and hunks[-1][0] == end and hunks[-1][2] == other_end:
            end, other_end = hunks[-1][1], hunks[-1][3]
            hunks.pop()
        hunks.append((x, end, y, other_end))
    return hunks[::-1]


@settings(max_examples=count_examples(500), deadline=None)
@given(st.text("abcd", max_size=40), st.text("abcd", max_size=40), st.integers(0, 60))
def test_an_edit_script_is_that_of_myers(one: str, other: str, limit: int) -> None:
    fewest = count_edits(one, other)
    assert shortest_edit(one, other, limit) == (plain_myers(one, other) if fewest <= limit else None)

"""The history as it is stored: packed fold by fold, read at moments, by authors and sessions, and reverted."""

from itertools import pairwise
from random import Random
from typing import Any

import pycrdt
import pytest

from collab_server.core.documents.compression import compress, decompress
from collab_server.core.history import answers, reverting
from collab_server.core.history.folding import (
    MAX_JOINED_MILLISECONDS,
    MAX_JOINED_ROWS,
    PackedSegment,
    Past,
    RowHeader,
    SegmentSize,
    count_joined,
    pack_history,
)
from collab_server.core.history.owners import Owners
from collab_server.core.history.segment import UNKNOWN, HistoryAuthor, build_row, decode_segment, to_columns
from collab_server.core.history.sessions import PAUSE, group_sessions
from collab_server.core.history.stored_history import History, StoredHistory, find_position, open_history
from collab_server.core.yjs import updates
from tests.core.test_history import CLIENT, Authors, shown, text_of

ANN, BEN, EVE = (HistoryAuthor("user", name) for name in ("ann", "ben", "eve"))
SECOND = 1_000


def headers_of(peers: Authors) -> list[RowHeader]:
    return [
        RowHeader(number, number * SECOND, HistoryAuthor("user", str(author)))
        for number, author in enumerate(peers.authors, start=1)
    ]


def folded(peers: Authors, ends: list[int]) -> StoredHistory:
    """The history after folds at these rows. The later rows are not folded."""
    headers = headers_of(peers)
    segments: list[PackedSegment] = []
    for start, end in pairwise([0, *ends]):
        sizes = [SegmentSize(one.rows, len(one.payload), one.first_at) for one in segments]
        count = count_joined(sizes, end - start, headers[end - 1].at)
        joined = segments[len(segments) - count :]
        past = Past(headers[start:end], None, [one.payload for one in joined])
        segments[len(segments) - count :] = [pack_history(past, None, peers.log[start:end])]
    assert segments[0].first_seq == 1 and segments[-1].last_seq == ends[-1]
    assert all(one.last_seq + 1 == other.first_seq for one, other in pairwise(segments))
    return StoredHistory([one.payload for one in segments], headers[ends[-1] :], peers.log[ends[-1] :])


def test_small_segments_are_joined_and_large_ones_stay() -> None:
    sizes = [SegmentSize(1_000, 10_000, 0), SegmentSize(30, 500, 1), SegmentSize(20, 400, 2)]
    assert count_joined(sizes, 10, 3) == 2
    assert count_joined(sizes, 9, 3) == 0, "the last one has more than twice the rows"
    assert count_joined(sizes, 500, 3) == 3
    assert count_joined([SegmentSize(MAX_JOINED_ROWS, 1_000, 0)], MAX_JOINED_ROWS, 1) == 0
    assert count_joined([SegmentSize(10, 2**30, 0)], 10, 1) == 0
    assert count_joined([], 10, 1) == 0


def test_a_segment_does_not_grow_beyond_a_day() -> None:
    sizes = [SegmentSize(10, 100, 0), SegmentSize(10, 100, MAX_JOINED_MILLISECONDS)]
    assert count_joined(sizes, 10, MAX_JOINED_MILLISECONDS) == 2
    assert count_joined(sizes, 10, MAX_JOINED_MILLISECONDS + 1) == 1
    assert count_joined(sizes, 10, 2 * MAX_JOINED_MILLISECONDS + 1) == 0


def test_large_removals_are_found_with_the_text_before_them() -> None:
    doc: pycrdt.Doc[Any] = pycrdt.Doc()
    text = doc.get("content", type=pycrdt.Text)
    log: list[bytes] = []
    doc.observe(lambda event: log.append(event.update))
    text += "x" * 400
    text += "y" * 100
    del text[0:260]  # more than half
    text += "z" * 300
    with doc.transaction():  # other text instead
        del text[0:540]
        text += "new" * 200
    del text[0:199]  # too few
    del text[0:250]
    headers = [RowHeader(number, number * SECOND, BEN if number == 3 else ANN) for number in range(1, 8)]
    packed = pack_history(Past(headers, length=len(str(text))), None, log)
    assert packed.removals == (3, 5, 7)
    stored = StoredHistory([packed.payload], (), ())
    found = answers.read_large_removals(stored, [2, 3, 5, 6, 7, 9])
    assert [(one.position.seq, one.position.at, one.author) for one in found] == [
        (3, 3 * SECOND, BEN),
        (5, 5 * SECOND, ANN),
        (7, 7 * SECOND, ANN),
    ]
    assert found[0].content == "x" * 400 + "y" * 100
    state = answers.read_version_state(stored, 0, 2)
    assert (state.position.seq, state.projection.content, state.authors) == (2, found[0].content, [ANN])
    later = pack_history(Past(headers[4:], length=len(str(text))), None, log[4:])
    assert answers.read_large_removals(StoredHistory([later.payload], (), ()), [3, 5]) == [], "rows before are not kept"


def test_smaller_removals_are_looked_at_and_left_out() -> None:
    doc: pycrdt.Doc[Any] = pycrdt.Doc()
    text = doc.get("content", type=pycrdt.Text)
    log: list[bytes] = []
    doc.observe(lambda event: log.append(event.update))
    text += "x" * 1_000
    del text[0:240]
    del text[0:300]
    headers = [RowHeader(number, number * SECOND, ANN) for number in range(1, 4)]
    packed = pack_history(Past(headers, length=460), None, log)
    assert packed.removals == (3,), "a quarter is looked at"
    assert answers.read_large_removals(StoredHistory([packed.payload], (), ()), [3]) == []
    assert pack_history(Past(headers), None, log).removals == (), "the length is unknown"


@pytest.mark.parametrize("seed", range(10))
def test_moments_and_versions_do_not_depend_on_the_folds(seed: int) -> None:
    random = Random(seed)
    peers = Authors(random)
    peers.edit(60)
    stored = folded(peers, sorted(random.sample(range(1, 58), 5)))
    for number in random.sample(range(1, 61), 8):
        moment = answers.read_moment(stored, seq=number)
        assert (moment.position.seq, moment.position.at) == (number, number * SECOND)
        expected = shown(updates.merge(peers.log[:number]))
        assert shown(answers.open_snapshot(moment.snapshot)) == expected
        by_time = answers.read_moment(stored, at=number * SECOND + SECOND - 1)
        assert by_time == moment
    before = answers.read_moment(stored, seq=0)
    assert (before.position.seq, before.projection.content) == (0, "")
    version = answers.read_version_state(stored, 30)
    assert shown(answers.open_snapshot(version.snapshot)) == shown(updates.merge(peers.log))
    assert version.position.seq == 60
    assert version.state_hash == answers.read_version_state(stored, 0).state_hash
    assert {author.id for author in version.authors} <= {str(author) for author in peers.authors}


def test_a_history_begins_with_the_snapshot_where_no_rows_are_kept() -> None:
    peers = Authors(Random(7))
    peers.edit(40)
    base = RowHeader(30, 30 * SECOND, UNKNOWN)
    packed = pack_history(Past(headers_of(peers)[30:], base), updates.merge(peers.log[:30]), peers.log[30:])
    assert (packed.first_seq, packed.last_seq, packed.rows) == (30, 40, 11)
    assert decode_segment(packed.payload).rows[0].author == UNKNOWN
    history = open_history(StoredHistory([packed.payload], (), ()))
    assert find_position(history, seq=3).seq == find_position(history, at=0).seq == 30
    moment = answers.read_moment(StoredHistory([packed.payload], (), ()), seq=35)
    assert shown(answers.open_snapshot(moment.snapshot)) == shown(updates.merge(peers.log[:35]))


def typed(*edits: tuple[HistoryAuthor, int, str | int]) -> StoredHistory:
    """A history of a text: each author inserts a text at the end, or deletes so many characters from the start."""
    docs: dict[HistoryAuthor, pycrdt.Doc[pycrdt.Text]] = {}
    log: list[bytes] = []
    headers = []
    for number, (author, at, edit) in enumerate(edits, start=1):
        doc = docs.setdefault(author, pycrdt.Doc(client_id=10 + len(docs)))
        text = doc.get("content", type=pycrdt.Text)
        for update in log:
            doc.apply_update(update)
        before = doc.get_state()
        if isinstance(edit, str):
            text.insert(len(text), edit)
        else:
            del text[0:edit]
        log.append(doc.get_update(before))
        headers.append(RowHeader(number, at, author))
    half = len(log) // 2
    segments = [pack_history(Past(headers[:half]), None, log[:half]).payload] if half else []
    return StoredHistory(segments, headers[half:], log[half:])


def test_sessions_end_after_a_pause_of_their_author() -> None:
    later = 10 * SECOND + PAUSE + 1
    stored = typed((ANN, SECOND, "one "), (BEN, 2 * SECOND, "two "), (ANN, 10 * SECOND, "three"), (ANN, later, 4))
    found = [(one.author, one.from_seq, one.to_seq, one.inserted, one.deleted) for one in answers.read_sessions(stored)]
    assert found == [(ANN, 4, 4, 0, 4), (ANN, 1, 3, 9, 0), (BEN, 2, 2, 4, 0)]
    assert [one.author for one in group_sessions(open_history(stored), since=3)] == [ANN]
    longer = group_sessions(open_history(stored), pause=2 * PAUSE)
    assert [(one.author, one.inserted, one.deleted) for one in longer] == [(ANN, 9, 4), (BEN, 4, 0)]


def test_what_was_inserted_before_does_not_count_again() -> None:
    update = pycrdt.Doc[pycrdt.Text](client_id=1)
    update.get("content", type=pycrdt.Text).insert(0, "words")
    rows = [build_row(number, number, author, update.get_update()) for number, author in ((1, ANN), (2, BEN))]
    sessions = group_sessions(History([to_columns(rows)], update.get_update()))
    assert [(one.author, one.inserted) for one in sessions] == [(ANN, 5)]


def test_a_client_id_belongs_to_whoever_used_it_first() -> None:
    owners = Owners()
    relay = HistoryAuthor("user", "eve", others=((1, ANN), (2, HistoryAuthor("user", "eve", is_relayed=True))))
    assert owners.find_author(relay, 1) == ANN
    assert owners.find_author(relay, 2).is_relayed
    assert owners.find_author(relay, 3) == EVE
    assert owners.find_author(BEN, 1) == ANN, "Ann's structs, delivered by Ben"
    assert owners.find_author(BEN, 2) == BEN, "nobody was known for it"
    assert owners.find_author(UNKNOWN, 9) == UNKNOWN
    assert owners.find_author(ANN, 9) == ANN


def test_differences_name_the_authors_of_new_text() -> None:
    stored = typed((ANN, 1, "one "), (BEN, 2, "two "), (EVE, 3, "three"))
    found = answers.read_diff(stored, "one (end)", "one two three", 3)
    assert [(operation, text, credit and credit.author) for operation, text, credit in found] == [
        ("equal", "one ", None),
        ("delete", "(end)", None),
        ("insert", "two ", BEN),
        ("insert", "three", EVE),
    ]
    elsewhere = answers.read_diff(stored, "one", "one and more", 3)
    assert all(credit is None for _, _, credit in elsewhere), "it is no content of this history"
    assert [(run.text, run.credit and run.credit.author) for run in answers.read_blame(stored).runs] == [
        ("one ", ANN),
        ("two ", BEN),
        ("three", EVE),
    ]


@pytest.mark.parametrize("seed", range(15))
def test_a_version_is_restored_and_what_came_meanwhile_stays(seed: int) -> None:
    random = Random(seed)
    peers = Authors(random)
    peers.edit(60)
    stored = folded(peers, [20, 40])
    number = random.randint(1, 60)
    target = answers.read_moment(stored, seq=number)
    before = answers.read_version_state(stored, 0)
    edit = reverting.restore_version(peers.log, CLIENT, before.snapshot, target.snapshot)
    assert shown(updates.merge([*peers.log, edit.update])) == shown(answers.open_snapshot(target.snapshot))
    doc: pycrdt.Doc[pycrdt.Text] = pycrdt.Doc(client_id=999)
    doc.apply_update(updates.merge(peers.log))
    state = doc.get_state()
    doc.get("content", type=pycrdt.Text).insert(0, "<meanwhile>")
    parts = [*peers.log, doc.get_update(state)]
    merged = reverting.restore_version(parts, CLIENT, before.snapshot, target.snapshot)
    after = text_of(updates.merge([*parts, merged.update]))
    assert after.count("<meanwhile>") == 1
    assert after.replace("<meanwhile>", "") == text_of(answers.open_snapshot(target.snapshot))


def test_a_rollback_undoes_one_author_in_a_time() -> None:
    stored = typed((ANN, 1, "Ours: "), (EVE, 2, "spam "), (BEN, 3, "words"), (EVE, 4, 6), (EVE, 9, " again"))
    parts = [open_history(stored).update]
    assert text_of(parts[0]) == "spam words again"

    def after(rollback: reverting.Rollback) -> str:
        return text_of(updates.merge([*parts, reverting.undo_author(parts, CLIENT, stored, rollback).update]))

    assert after(reverting.Rollback("eve")) == "Ours: words"
    assert after(reverting.Rollback("eve", from_at=4)) == "Ours: spam words"
    assert after(reverting.Rollback("eve", to_at=3)) == "words again"
    assert after(reverting.Rollback("eve", 5, 8)) == after(reverting.Rollback("nobody")) == "spam words again"


def test_bytes_that_are_no_snapshot_are_refused() -> None:
    for wrong in (b"nonsense", b"", compress(b"snapshot")[:-4]):
        with pytest.raises(ValueError, match=r"(?i)frame|zstd|descriptor"):
            answers.open_snapshot(wrong)


def test_more_than_was_asked_for_is_not_decompressed() -> None:
    bomb = compress(bytes(1_000_000))
    assert len(bomb) < 200
    assert decompress(bomb, 1_000_000) == bytes(1_000_000)
    with pytest.raises(ValueError, match="more than 999999 bytes"):
        decompress(bomb, 999_999)


def test_segments_that_zstandard_wrote_are_read() -> None:
    """Frames of the library of earlier releases: version 0.25.0, level 9, of b"collab" a hundred times."""
    written = bytes.fromhex("28b52ffd6058016d000030636f6c6c616201004f529522")
    assert decompress(written, 600) == b"collab" * 100

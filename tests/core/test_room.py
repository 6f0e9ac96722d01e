"""The room's content: nothing is lost between arrival, commit, fold and release, in any order of these."""

import random

import pytest
from pycrdt import Doc, Text

from collab_server.core.room.entries import Author, Stored
from collab_server.core.room.room import Room
from collab_server.core.yjs.updates import EMPTY_UPDATE, diff, merge, state_vector, validate
from collab_server.errors import Malformed, QuotaExceeded, TooLarge

NOBODY = Author(None)
LIMIT = 64_000_000


def typed(*texts: str, client: int = 1) -> list[bytes]:
    """One update for each text, appended to `content`."""
    doc: Doc[Text] = Doc(client_id=client)
    text = doc.get("content", type=Text)
    found: list[bytes] = []
    doc.observe(lambda event: found.append(event.update))
    for part in texts:
        text += part
    return found


def stored(*updates: bytes, seq: int = 0, rows: int = 0) -> Stored:
    whole = merge(updates)
    return Stored(whole, state_vector(whole), seq, rows)


def loaded(*updates: bytes, limit: int = LIMIT) -> Room:
    room = Room(limit)
    room.begin_load()
    room.finish_load(stored(*updates))
    return room


def give(room: Room, update: bytes, *, sender: int = 1, is_answer: bool = False) -> bool:
    return room.receive(update, validate(update), sender, NOBODY, compare_deletes=is_answer) is not None


def text_of(*updates: bytes) -> str:
    doc: Doc[Text] = Doc()
    for update in updates:
        doc.apply_update(update)
    return str(doc.get("content", type=Text))


def commit(room: Room, seq: int) -> None:
    entries = room.begin_commit()
    room.commit_succeeded([e.update for e in entries if e.update is not None], seq)


def test_a_long_tail_of_larger_edits_is_sent_as_it_is() -> None:
    room = loaded()
    updates = typed(*[str(n % 10) * 60_000 for n in range(100)])
    for seq, update in enumerate(updates, 1):
        assert give(room, update)
        commit(room, seq)
    assert all(any(sent is held for held in updates) for sent in room.answer(b"\0")), "none of them is merged again"
    behind = state_vector(merge(updates[:3]))
    while (part := room.undiffed(behind)) is not None:
        room.diffed(part, behind, diff(part, behind))
    assert text_of(*updates[:3], *room.answer(behind)) == text_of(*updates)


def test_small_edits_are_merged_on_the_way_and_large_ones_are_not() -> None:
    texts = [f"{n} " * (20_000 if n % 40 == 7 else 1) for n in range(300)]
    room = loaded()
    for seq, update in enumerate(typed(*texts), 1):
        assert give(room, update)
        commit(room, seq)
    parts = room.parts()
    assert len(parts) < 100
    assert sum(len(part) > 20_000 for part in parts) == 8, "each by itself"
    assert text_of(*parts) == text_of(*room.answer(b"\0")) == "".join(texts)


def test_a_new_connection_gets_the_snapshot_and_later_updates() -> None:
    first, second = typed("a", "b")
    room = loaded(first)
    assert give(room, second)
    assert text_of(*room.answer(b"\0")) == "ab"


def test_a_client_gets_only_missing_updates() -> None:
    first, second = typed("a" * 1000, "b")
    room = loaded(first, second)
    (answer,) = room.answer(state_vector(first))
    assert len(answer) < 100
    assert text_of(first, answer) == "a" * 1000 + "b"


def test_a_duplicate_is_acknowledged_but_not_news() -> None:
    (update,) = typed("a")
    room = loaded()
    assert give(room, update)
    assert not give(room, update, sender=2)
    commit(room, 1)
    assert not give(room, update, sender=3)
    assert [entry.sender for entry in room.begin_commit()] == [3]


def test_a_duplicate_waits_for_the_commit_of_the_first_update() -> None:
    (update,) = typed("a")
    room = loaded()
    give(room, update)
    give(room, update, sender=2)
    entries = room.begin_commit()
    assert [(e.sender, e.update) for e in entries] == [(1, update), (2, None)]
    assert not room.saved


def test_an_answer_with_known_deletes_is_nothing_new_and_an_unknown_delete_is() -> None:
    doc: Doc[Text] = Doc()
    text = doc.get("content", type=Text)
    text += "hello"
    before = doc.get_update()
    del text[1:3]
    after = doc.get_update()
    room = loaded(after)
    assert not give(room, after, is_answer=True)
    assert not give(loaded(after), before, is_answer=True)
    assert give(loaded(before), after, is_answer=True)


def test_an_empty_update_is_known() -> None:
    assert not give(loaded(), EMPTY_UPDATE)


def test_a_gap_does_not_raise_the_state_until_it_closes() -> None:
    first, second, third = typed("a", "b", "c")
    room = loaded()
    give(room, third)
    give(room, second)
    assert room.state_vector() == b"\0"
    give(room, first)
    assert room.state_vector() == state_vector(merge([first, second, third]))
    assert text_of(*room.answer(b"\0")) == "abc"


def test_known_parts_of_an_update_are_not_logged() -> None:
    first, second = typed("a" * 1000, "b")
    room = loaded(first)
    whole = merge([first, second])
    news = room.receive(whole, validate(whole), 1, NOBODY, compare_deletes=False)
    assert news is not None
    assert len(news) < 100
    assert [entry.update for entry in room.begin_commit()] == [news]
    assert text_of(*room.answer(b"\0")) == "a" * 1000 + "b"


def test_many_gaps_close_at_once() -> None:
    updates = typed(*"x" * 3000)
    room = loaded()
    for update in reversed(updates):
        give(room, update)
    assert room.clocks == {1: 3000}


def test_a_failed_commit_goes_first_the_next_time() -> None:
    first, second = typed("a", "b")
    room = loaded()
    give(room, first)
    room.begin_commit()
    give(room, second)
    room.commit_failed()
    assert [e.update for e in room.begin_commit()] == [first, second]


def test_updates_committed_during_a_fold_are_kept() -> None:
    first, second, third = typed("a", "b", "c")
    room = loaded()
    give(room, first)
    commit(room, 1)
    room.begin_load()
    give(room, second)
    commit(room, 2)
    give(room, third)
    room.finish_fold(stored(first, seq=1))
    assert text_of(*room.answer(b"\0")) == "abc"
    assert room.log_rows == 1


def test_rows_that_a_reading_saw_before_they_were_told_are_counted_once() -> None:
    first, second, third = typed("a", "b", "c")
    room = loaded()
    give(room, first)
    commit(room, 1)
    room.begin_load()
    room.apply_remote(second, validate(second), 2, 2)
    room.apply_remote(third, validate(third), 3, 3)
    room.finish_fold(stored(first, second, third, seq=3, rows=2))
    assert room.log_rows == 2
    room.begin_load()
    room.finish_fold(stored(first, second, third, seq=3))
    assert room.log_rows == 0


def test_a_failed_fold_changes_nothing() -> None:
    first, second = typed("a", "b")
    room = loaded()
    give(room, first)
    commit(room, 1)
    room.begin_load()
    give(room, second)
    commit(room, 2)
    room.abandon_load()
    assert text_of(*room.answer(b"\0")) == "ab"
    assert room.log_rows == 2


def test_a_released_room_still_takes_edits_and_has_all_of_them_when_loaded_again() -> None:
    first, second, third = typed("a", "b", "c")
    room = loaded()
    give(room, first)
    commit(room, 1)
    room.evict()
    assert not room.loaded
    assert room.held_bytes == 0
    give(room, second)
    commit(room, 2)
    room.begin_load()
    give(room, third)
    room.finish_load(stored(first, second, seq=2))
    assert text_of(*room.answer(b"\0")) == "abc"
    assert room.clocks == {1: 3}


def test_a_large_document_is_sent_in_two_parts_and_diffed_in_two() -> None:
    big, small = typed("x" * 300_000, "y")
    room = loaded(big)
    give(room, small)
    first, second = room.answer(b"\0")
    assert first == big
    assert text_of(first, second).endswith("xy")
    (only,) = room.answer(state_vector(big))
    assert len(only) < 100


def test_large_updates_that_are_not_folded_yet_are_sent_as_they_are_and_in_order() -> None:
    updates = typed("a", "b", "x" * 300_000, "y" * 300_000, "c", "d", "z" * 300_000)
    room = loaded(updates[0])
    for update in updates[1:]:
        give(room, update)
    ab, x, y, cd, z = room.answer(b"\0")
    assert (x, y, z) == (updates[2], updates[3], updates[6])
    assert (ab, cd) == (merge(updates[:2]), merge(updates[4:6]))
    assert x is updates[2]
    assert text_of(ab, x, y, cd, z) == text_of(*updates)
    give(room, *typed("e", client=9))
    assert room.answer(b"\0")[1] is x, "an edit copies nothing large"


def test_differences_of_large_parts_are_computed_separately_and_once() -> None:
    updates = typed("a", "x" * 300_000, "y" * 300_000, "b", "z" * 300_000)
    room = loaded(updates[0])
    for update in updates[1:]:
        give(room, update)
    known = state_vector(merge(updates[:2]))
    asked = []
    while (part := room.undiffed(known)) is not None:
        asked.append(part)
        room.diffed(part, known, diff(part, known))
    assert asked == [updates[1], updates[2], updates[4]]
    give(room, *typed("e", client=9))
    assert room.undiffed(known) is None, "an edit asks for nothing large again"
    answer = room.answer(known)
    assert text_of(merge(updates[:2]), *answer) == text_of(room.encoded())
    assert sum(map(len, answer)) < 601_000


def test_equal_questions_share_one_answer() -> None:
    room = loaded(*typed("a", "b"))
    assert room.answer(b"\0") is room.answer(b"\0")


def test_a_full_document_takes_deletes_but_no_growth() -> None:
    doc: Doc[Text] = Doc()
    text = doc.get("content", type=Text)
    text += "x" * 900
    room = loaded(doc.get_update(), limit=1000)
    with pytest.raises(TooLarge):
        give(room, typed("y" * 200, client=9)[0])
    deletes: list[bytes] = []
    doc.observe(lambda event: deletes.append(event.update))
    del text[0:500]
    assert give(room, deletes[0])
    assert text_of(*room.answer(b"\0")) == "x" * 400


def test_a_full_document_stays_full_when_its_bytes_are_let_go() -> None:
    room = loaded(*typed("x" * 900), limit=1000)
    room.evict()
    with pytest.raises(TooLarge):
        give(room, typed("y" * 200, client=9)[0])


def test_a_bad_state_vector_is_refused() -> None:
    with pytest.raises(Malformed):
        loaded().answer(b"\x80\x80\x80\x80\x02\x01\x01")


@pytest.mark.parametrize("seed", range(20))
def test_no_order_of_commits_folds_and_releases_loses_an_edit(seed: int) -> None:
    print("seed", seed)
    chance = random.Random(seed)
    updates = [u for client in (1, 2, 3) for u in typed(*[f"{client}{i};" for i in range(60)], client=client)]
    per_client = [updates[i : i + 60] for i in (0, 60, 120)]
    room = loaded()
    log: list[bytes] = []
    reading: list[bytes] | None = None
    while any(per_client):
        step = chance.random()
        if step < 0.6:
            source = chance.choice([c for c in per_client if c])
            give(room, source.pop(0))
        elif step < 0.75:
            entries = room.begin_commit()
            if chance.random() < 0.2:
                room.commit_failed()
            else:
                rows = [e.update for e in entries if e.update is not None]
                log += rows
                room.commit_succeeded(rows, len(log))
        elif step < 0.85 and reading is None:
            room.begin_load()
            reading = list(log)
        elif step < 0.95 and reading is not None:
            if chance.random() < 0.2:
                room.abandon_load()
            elif room.loaded:
                room.finish_fold(stored(*reading, seq=len(reading)))
            else:
                room.finish_load(stored(*reading, seq=len(reading)))
            reading = None
        elif room.saved and reading is None and room.loaded:
            room.evict()
    if not room.loaded:
        if reading is None:
            room.begin_load()
            reading = list(log)
        room.finish_load(stored(*reading, seq=len(reading)))
    expected = merge(updates)
    assert state_vector(room.encoded()) == state_vector(expected)
    assert text_of(*room.answer(b"\0")) == text_of(expected)


def test_growth_ends_where_the_workspace_has_no_room_and_deletions_pass() -> None:
    doc: Doc[Text] = Doc(client_id=1)
    text = doc.get("content", type=Text)
    text += "x" * 1000
    whole = doc.get_update()
    room = loaded(whole)
    room.limit_growth(500)
    known = doc.get_state()
    text += "y" * 300
    assert give(room, doc.get_update(known))
    commit(room, 1)
    # what is committed and not folded is not in the workspace's figure, and counts here
    room.limit_growth(500)
    before = doc.get_state()
    text += "z" * 300
    more = doc.get_update(before)
    with pytest.raises(QuotaExceeded):
        give(room, more)
    assert (room.size + room.refused_bytes > room.max_bytes, room.refused_bytes) == (True, len(more))
    room.limit_growth(-10_000)
    other: Doc[Text] = Doc(client_id=2)
    other.apply_update(whole)
    state = other.get_state()
    del other.get("content", type=Text)[0:1000]
    assert give(room, other.get_update(state))
    room.limit_growth(10_000)
    assert give(room, more)
    # the document's own limit is told apart
    full = loaded(whole, limit=len(whole) + 10)
    full.limit_growth(1_000_000)
    with pytest.raises(TooLarge) as caught:
        give(full, more)
    assert caught.value.code == "too_large"

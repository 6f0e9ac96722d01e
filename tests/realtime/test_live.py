"""Who is sent what, when."""

import pytest

from collab_server.core.protocol.messages import decode_awareness, encode_awareness_entries
from collab_server.core.room.entries import Author
from collab_server.core.yjs.updates import merge, validate
from collab_server.errors import NotFound
from collab_server.realtime.documents.document_connection import READ_ONLY
from tests.core.test_room import text_of, typed
from tests.realtime.document_harness import DocumentHarness, frames_of, presence_to, session_of, text_at, updates_to

STATE = '{"user":{"name":"x"}}'


def test_an_edit_goes_to_everybody_but_its_author() -> None:
    desk = DocumentHarness()
    ann, bob, cat = desk.seat(), desk.seat(), desk.seat(address="doc")
    (update,) = typed("hello")
    desk.write(ann, update)
    assert frames_of(bob) == []
    desk.turn()
    assert frames_of(ann) == []
    assert updates_to(bob) == updates_to(cat) == [update]


def test_an_edit_from_outside_the_room_goes_to_everybody_and_into_the_log() -> None:
    desk = DocumentHarness()
    ann, bob = desk.seat(), desk.seat()
    (update,) = typed("hello")
    desk.document.apply_edit(update, validate(update), 99, Author(None, "phone"), compare_deletes=True)
    desk.turn()
    assert updates_to(ann) == updates_to(bob) == [update]
    assert [entry.author.device for entry in desk.document.room.begin_commit()] == ["phone"]


def test_edits_of_one_turn_leave_as_one_message_for_who_wrote_none() -> None:
    desk = DocumentHarness()
    ann, bob, cat = desk.seat(), desk.seat(), desk.seat()
    for update in typed("a", "b", "c", client=1):
        desk.write(ann, update)
    for update in typed("x", "y", client=2):
        desk.write(bob, update)
    desk.turn()
    assert len(updates_to(cat)) == 1
    assert text_at(ann) == "xy"
    assert text_at(bob) == "abc"
    assert sorted(text_at(cat)) == sorted("abcxy")
    assert desk.counts.deliveries == 2 + 3 + 5


def test_every_session_gets_frames_under_its_own_address() -> None:
    desk = DocumentHarness()
    author, plain, session = desk.seat(), desk.seat(address="doc"), desk.seat(address="doc\0s1")
    desk.write(author, typed("a")[0])
    desk.turn()
    assert frames_of(plain)[0].startswith(b"\x03doc")
    assert frames_of(session)[0].startswith(b"\x06doc\0s1")


def test_an_acknowledgement_waits_for_the_commit() -> None:
    desk = DocumentHarness()
    ann, bob = desk.seat(), desk.seat()
    first, second = typed("a", "b")
    desk.write(ann, first)
    desk.write(ann, second)
    desk.write(bob, first, is_answer=True)
    desk.turn()
    assert session_of(ann).acknowledged == session_of(bob).acknowledged == 0
    desk.commit()
    assert session_of(ann).acknowledged == 2
    assert session_of(bob).acknowledged == 1


def test_a_reader_is_refused_and_nothing_of_his_reaches_anybody() -> None:
    desk = DocumentHarness()
    reader, other = desk.seat(can_edit=False), desk.seat()
    desk.write(reader, typed("a")[0])
    desk.turn()
    assert session_of(reader).refused == [READ_ONLY]
    assert frames_of(other) == []
    assert desk.document.room.saved


def test_a_reader_who_offers_nothing_new_is_told_that_nothing_is_missing() -> None:
    (update,) = typed("a")
    desk = DocumentHarness(update)
    reader = desk.seat(can_edit=False)
    desk.write(reader, update, is_answer=True)
    desk.commit()
    assert session_of(reader).refused == []
    assert session_of(reader).acknowledged == 1


@pytest.mark.parametrize(("address", "acknowledged"), [(None, 3), ("a document", 2)])
def test_an_answer_acknowledges_the_refused_messages_before_it(address: str | None, acknowledged: int) -> None:
    first, second = typed("a", "b")
    desk = DocumentHarness()
    reader = desk.seat(can_edit=False, address=address)
    desk.write(reader, first)
    desk.write(reader, second)
    reader.can_edit = True
    desk.write(reader, merge([first, second]), is_answer=True)
    assert session_of(reader).acknowledged == 0
    desk.commit()
    assert session_of(reader).acknowledged == acknowledged, "y-websocket clients count the answer too"
    desk.write(reader, merge([first, second]), is_answer=True)
    desk.commit()
    assert session_of(reader).acknowledged == acknowledged + 1, "a refused message is acknowledged once"
    assert desk.document.room.entries_given == desk.document.room.entries_done


def test_a_slow_reader_gets_one_diff_when_it_has_drained() -> None:
    first, *rest = typed("a", *("b" * 50))
    desk = DocumentHarness(first)
    author, slow = desk.seat(), desk.seat()
    desk.document.answer_sync(slow, b"\0", with_step1=False)
    session_of(slow).socket.congested = True
    for update in rest:
        desk.write(author, update)
        desk.turn()
    assert len(frames_of(slow)) == 1
    session_of(slow).socket.congested = False
    desk.document.catch_up(slow)
    assert len(frames_of(slow)) == 2
    assert text_at(slow) == "a" + "b" * 50
    desk.write(author, typed("z", client=9)[0])
    desk.turn()
    assert len(frames_of(slow)) == 3


def test_a_slow_reader_is_owed_its_acknowledgements_and_the_presence_it_missed() -> None:
    desk = DocumentHarness()
    author, slow = desk.seat(), desk.seat()
    session_of(slow).socket.congested = True
    desk.write(slow, typed("s", client=2)[0])
    desk.write(author, typed("a", client=1)[0])
    desk.document.receive_awareness(author, encode_awareness_entries([(1, 1, STATE)]))
    desk.turn()
    desk.document.leave(author)
    desk.turn()
    desk.commit()
    assert session_of(slow).acknowledged == 0
    assert frames_of(slow) == []
    session_of(slow).socket.congested = False
    desk.document.catch_up(slow)
    assert session_of(slow).acknowledged == 1
    assert text_at(slow) == "a" or sorted(text_at(slow)) == ["a", "s"]
    assert decode_awareness(presence_to(slow)[0]) == [(1, 1, "null")]


def test_presence_of_one_turn_is_one_message_and_not_an_echo() -> None:
    desk = DocumentHarness()
    ann, bob, cat = desk.seat(), desk.seat(), desk.seat()
    for clock in (1, 2, 3):
        desk.document.receive_awareness(ann, encode_awareness_entries([(10, clock, STATE)]))
    desk.turn()
    assert presence_to(ann) == []
    assert [decode_awareness(p) for p in presence_to(bob)] == [[(10, 3, STATE)]]
    desk.document.receive_awareness(bob, encode_awareness_entries([(10, 3, STATE)]))
    desk.turn()
    assert len(presence_to(cat)) == 1


def test_presence_in_a_large_room_is_gathered_and_edits_do_not_wait_for_it() -> None:
    desk = DocumentHarness()
    members = [desk.seat() for _ in range(40)]
    watcher = members[-1]
    for client, member in enumerate(members[:30]):
        desk.document.receive_awareness(member, encode_awareness_entries([(client, 1, STATE)]))
    desk.write(members[0], typed("a")[0])
    desk.turn()
    assert len(desk.presence_delays) == 1
    assert presence_to(watcher) == []
    assert text_at(watcher) == "a"
    desk.document.presence_due()
    desk.turn()
    assert len(presence_to(watcher)) == 1
    assert len(decode_awareness(presence_to(watcher)[0])) == 30
    desk.document.leave(members[0])
    assert len(desk.presence_delays) == 2


def test_who_leaves_is_removed_for_the_others() -> None:
    desk = DocumentHarness()
    ann, bob = desk.seat(), desk.seat()
    desk.document.receive_awareness(ann, encode_awareness_entries([(10, 1, STATE)]))
    desk.turn()
    desk.document.leave(ann)
    desk.turn()
    assert decode_awareness(presence_to(bob)[-1]) == [(10, 1, "null")]


def test_a_member_that_is_not_ready_is_sent_nothing_and_misses_nothing() -> None:
    desk = DocumentHarness()
    author, coming = desk.seat(), desk.seat()
    coming.ready = False
    desk.write(author, typed("a")[0])
    desk.turn()
    assert frames_of(coming) == []
    coming.ready = True
    desk.document.answer_sync(coming, b"\0", with_step1=False)
    assert text_at(coming) == "a"


def test_a_verdict_about_the_document_reaches_every_member() -> None:
    desk = DocumentHarness()
    members = [desk.seat(), desk.seat(address="doc")]
    desk.document.end(NotFound("the document was deleted"))
    assert all(isinstance(session_of(member).ended, NotFound) for member in members)
    assert not desk.document.connections


def test_joiners_share_one_encoding_until_the_document_changes() -> None:
    first, second = typed("a" * 1000, "b")
    desk = DocumentHarness(first)
    one, two, other = desk.seat(), desk.seat(), desk.seat(address="doc")
    for member in (one, two):
        desk.document.answer_sync(member, b"\0", with_step1=False)
    desk.document.answer_sync(other, b"\0", with_step1=True)
    assert frames_of(one)[0] is frames_of(two)[0]
    desk.write(one, second)
    desk.turn()
    late = desk.seat()
    desk.document.answer_sync(late, b"\0", with_step1=False)
    assert text_at(late) == "a" * 1000 + "b"
    assert text_at(other) == "a" * 1000 + "b"


def test_an_edit_that_is_not_sent_yet_is_in_the_answer_all_the_same() -> None:
    first, second = typed("a", "b")
    desk = DocumentHarness(first)
    early, author, late = desk.seat(), desk.seat(), desk.seat()
    desk.document.answer_sync(early, b"\0", with_step1=False)
    desk.write(author, second)
    desk.document.answer_sync(late, b"\0", with_step1=False)
    assert text_at(late) == "ab"


def test_the_answer_to_a_hocuspocus_client_has_the_servers_question_first() -> None:
    (update,) = typed("a")
    desk = DocumentHarness(update)
    member = desk.seat(address="doc")
    desk.document.answer_sync(member, b"\0", with_step1=True)
    step1, step2 = (frame.removeprefix(b"\x03doc") for frame in frames_of(member))
    assert step1[:2] == b"\x00\x00"
    assert step2[:2] == b"\x00\x01"
    assert text_of(*updates_to(member)) == "a"

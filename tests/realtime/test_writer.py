"""The rows of a commit."""

from uuid import uuid4

from collab_server.core.room.entries import Author, Entry
from collab_server.realtime.documents.log_rows import ROW_BYTES, rows_of
from tests.core.test_room import text_of, typed

ANN, BOB = Author(uuid4(), "laptop"), Author(None)


def test_the_edits_of_one_author_are_one_row_and_another_has_his_own() -> None:
    one, two, three = typed("a", "b", "c", client=1)
    (other,) = typed("x", client=2)
    document = uuid4()
    entries = [
        Entry(one, 1, ANN, (1,)),
        Entry(other, 2, BOB, (2,)),
        Entry(None, 2, BOB),
        Entry(two, 1, ANN, (1,)),
        Entry(three, 3, ANN, (1,)),
    ]
    first, second = rows_of(document, entries, 0)
    assert (first.document_id, first.user_id, first.device, first.clients) == (document, ANN.user_id, "laptop", (1,))
    assert text_of(first.payload) == "abc"
    assert (second.user_id, second.payload, second.clients) == (None, other, (2,))


def test_what_would_make_a_huge_row_stays_apart() -> None:
    big = typed("x" * (ROW_BYTES // 2), client=1) + typed("y" * (ROW_BYTES // 2 + 1), client=2)
    rows = rows_of(uuid4(), [Entry(update, 1, BOB, (client,)) for client, update in enumerate(big, start=1)], 0)
    assert [row.payload for row in rows] == big


def test_what_cannot_be_merged_goes_into_the_log_by_itself() -> None:
    broken = [b"\x01", b"\x02"]
    rows = rows_of(uuid4(), [Entry(update, 1, BOB) for update in broken], 0)
    assert [row.payload for row in rows] == broken


def test_an_entry_with_nothing_new_makes_no_row() -> None:
    assert rows_of(uuid4(), [Entry(None, 1, ANN)], 0) == []

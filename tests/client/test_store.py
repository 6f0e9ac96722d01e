"""An edit that does not reach the disk did not happen, in memory as in the file."""

import sqlite3
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from collab_server.client.comment_store import CommentStore
from collab_server.client.store import Store


@pytest.fixture
def made(tmp_path: Path) -> tuple[Store, UUID]:
    store = Store(str(tmp_path / "documents.sqlite"))
    return store, store.create(uuid4(), "Diary", "before")


def goes_on(store: Store, document: UUID) -> None:
    assert store.content(document) == "before"
    store.edit(document, lambda text: text.append(", after"))
    assert store.content(document) == "before, after"
    store.close()


def test_after_a_commit_that_fails_the_edit_is_nowhere_and_the_next_one_works(made: tuple[Store, UUID]) -> None:
    store, document = made
    # A line for a document that there is none of: found out when the transaction is committed.
    store.conn.execute(
        """
        CREATE TEMP TRIGGER spoil AFTER INSERT ON main.tail BEGIN
          INSERT INTO journal (document_id, kind) VALUES ('nobody', 'update');
        END
        """
    )

    def lost(text: object) -> bytes:
        store.conn.execute("PRAGMA defer_foreign_keys = ON")
        update: bytes = text.append(" lost")  # type: ignore[attr-defined]
        return update

    with pytest.raises(sqlite3.IntegrityError):
        store.edit(document, lost)
    store.conn.execute("DROP TRIGGER spoil")
    goes_on(store, document)


def test_on_a_full_disk_the_edit_is_nowhere_and_the_next_one_works(made: tuple[Store, UUID]) -> None:
    store, document = made
    pages = store.conn.execute("PRAGMA page_count").fetchone()[0]
    store.conn.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(sqlite3.OperationalError, match="full"):
        store.edit(document, lambda text: text.append("x" * 1_000_000))
    store.conn.execute("PRAGMA max_page_count = 1000000")
    goes_on(store, document)


def test_a_file_of_before_there_were_comments_goes_on_with_them(made: tuple[Store, UUID]) -> None:
    store, document = made
    for table in (
        "comment_refusals",
        "comment_journal",
        "comment_news",
        "comments",
        "discussions",
        "files",
        "file_lists",
    ):
        store.conn.execute(f"DROP TABLE {table}")
    store.conn.execute("PRAGMA user_version = 1")
    path = store.conn.execute("PRAGMA database_list").fetchone()[2]
    store.close()
    for _ in range(2):
        again = Store(path)
        comments = CommentStore(again)
        said = comments.create(document, "Now", "before", None, None, ())
        assert said in {comment.id for comment in comments.open(document)}
        goes_on(again, document) if again.content(document) == "before" else again.close()


def test_a_comment_that_does_not_reach_the_disk_is_nowhere(made: tuple[Store, UUID]) -> None:
    store, document = made
    comments = CommentStore(store)
    pages = store.conn.execute("PRAGMA page_count").fetchone()[0]
    store.conn.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(sqlite3.OperationalError, match="full"):
        comments.create(document, "x" * 60_000, None, None, None, ())
    store.conn.execute("PRAGMA max_page_count = 1000000")
    said = comments.create(document, "Small", None, None, None, ())
    assert [comment.id for comment in comments.open(document)] == [said]
    goes_on(store, document)

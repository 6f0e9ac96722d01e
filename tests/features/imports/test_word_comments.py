"""Comments of Word documents become threads on the same words."""

import json

import pytest

from collab_server.core.yjs import utf16
from collab_server.features.exports.discussion.threads import FORMAT, VERSION
from collab_server.features.imports import parsing
from collab_server.features.imports.threads import Discussion, ImportedComment, ImportedThread, prepare, read_file
from tests.features.imports.word import package, paragraph, run


def begin(number: int) -> str:
    return f'<w:commentRangeStart w:id="{number}"/>'


def end(number: int) -> str:
    return f'<w:commentRangeEnd w:id="{number}"/><w:r><w:commentReference w:id="{number}"/></w:r>'


def comment(number: int, text: str = "Why?", author: str = "Ann Weber", date: str = "2026-01-05T10:00:00Z") -> str:
    return (
        f'<w:comment w:id="{number}" w:author="{author}" w:date="{date}">'
        f"{paragraph('<w:r><w:annotationRef/></w:r>', run(text))}</w:comment>"
    )


def parse(body: str, *comments: str) -> tuple[str, Discussion, tuple[str, ...], bytes]:
    """(text, threads, notes, update) of a document."""
    parsed = parsing.parse("docx", package(body, comments="".join(comments)), 7)
    assert parsed.details.discussion is not None
    folded = parsed.folded
    return folded.projection.content, parsed.details.discussion, parsed.details.notes, folded.snapshot


def words(text: str, thread: ImportedThread) -> str | None:
    if thread.start is None or thread.end is None:
        return None
    return utf16.from_units(utf16.to_units(text)[thread.start : thread.end])


BOLD = "<w:b/>"


@pytest.mark.parametrize(
    ("body", "expected", "shown"),
    [
        (paragraph(run("We "), begin(0), run("agreed"), end(0), run(" on it")), "agreed", "We agreed on it\n"),
        (paragraph(run("a"), begin(0), run("b", BOLD), end(0), run("c", BOLD)), "b", "a**bc**\n"),
        (paragraph(begin(0), run("1. no list"), end(0)), "1\\. no list", "1\\. no list\n"),
        (paragraph(begin(0), run("# \U0001f600"), end(0), run(" x")), "# \U0001f600", "\\# \U0001f600 x\n"),
        (paragraph(run("a "), begin(0), run("b")) + paragraph(run("c"), end(0), run("d")), "b\n\nc", "a b\n\ncd\n"),
        (begin(0) + paragraph(run("whole")) + end(0) + paragraph(run("x")), "whole", "whole\n\nx\n"),
        (paragraph(begin(0), run("x"), run("hidden", "<w:vanish/>"), end(0)), "x", "x\n"),
        (paragraph(begin(0), run("secret", "<w:vanish/>"), end(0), run("x")), None, "x\n"),
        (paragraph(run("x"), begin(0), end(0)), None, "x\n"),
        (paragraph(run("x"), '<w:r><w:commentReference w:id="0"/></w:r>'), None, "x\n"),
        (paragraph(run("x")), None, "x\n"),
    ],
)
def test_a_range_is_found_in_the_text(body: str, expected: str | None, shown: str) -> None:
    text, found, notes, _ = parse(body, comment(0, "See **this** _now_"))
    assert text == shown
    [thread] = found.threads
    assert words(text, thread) == expected
    [said] = thread.comments
    assert (said.author, said.date) == ("Ann Weber", "2026-01-05T10:00:00Z")
    assert said.content == "See \\*\\*this\\*\\* \\_now\\_"
    assert not any("comment" in note for note in notes)


def test_a_range_ends_before_the_signs_of_the_next_words() -> None:
    body = paragraph(begin(0), run("old "), end(0), begin(1), run("new", BOLD), end(1), run(" end"))
    text, found, _, update = parse(body, comment(0), comment(1))
    assert [words(text, each) for each in found.threads] == ["old", "new"]
    anchors = [each.anchor for each in prepare(found, update, None).threads]
    assert [anchor and anchor[1] for anchor in anchors] == ["old", "new"]


def test_references_without_a_comment_are_noted() -> None:
    missing = paragraph(run("x"), begin(9), run("y"), end(9))
    parsed = parsing.parse("docx", package(missing), 7)
    assert parsed.details.discussion is None and "1 comment left out" in parsed.details.notes
    text, found, notes, _ = parse(missing + paragraph(begin(0), run("z"), end(0)), comment(0))
    assert text == "xy\n\nz\n" and len(found.threads) == 1 and "1 comment left out" in notes


def test_comments_in_footnotes_are_on_the_document() -> None:
    body = paragraph(run("x"), '<w:r><w:footnoteReference w:id="2"/></w:r>')
    note = f'<w:footnote w:id="2">{paragraph(begin(0), run("note"), end(0))}</w:footnote>'
    parsed = parsing.parse("docx", package(body, footnotes=note, comments=comment(0)), 7)
    assert "note" in parsed.folded.projection.content and "Why" not in parsed.folded.projection.content
    assert parsed.details.discussion is not None
    assert [words("", each) for each in parsed.details.discussion.threads] == [None]


def test_prepared_threads_name_authors_and_mention_nobody() -> None:
    _, found, _, update = parse(
        paragraph(begin(0), run("words"), end(0)),
        comment(0, "@ann@example.org hello", "A*n_n"),
        comment(1, "Two", "", "yesterday"),
    )
    prepared = prepare(found, update, None)
    first, second = prepared.threads
    assert first.comments[0].content == "**A\\*n\\_n**, 2026-01-05\n\n@ann@example.org hello"
    assert "mention" not in first.comments[0].html
    assert second.comments[0].content == "**Somebody**\n\nTwo"
    assert first.anchor is not None and first.anchor[1] == "words" and second.anchor is None
    assert prepared.notes == ()


def test_words_that_are_not_in_the_text_are_quoted() -> None:
    _, found, _, update = parse(paragraph(run("some words")), comment(0))
    one = ImportedComment("Ann", "2026-01-05", "Why?", "me")
    threads = (ImportedThread((one,), quote="other\nwords"), ImportedThread((one,), quote="some words"))
    prepared = prepare(Discussion(threads, "another text"), update, "me")
    assert [each.comments[0].content for each in prepared.threads] == ["> other\n> words\n\nWhy?", "Why?"]
    assert [each.anchor is None for each in prepared.threads] == [True, False]
    assert prepared.notes == ("1 thread of comments is on the document: the text lacks the words",)
    assert prepare(found, update, None).notes == ()


def test_too_many_and_too_long_comments_are_noted() -> None:
    _, _, _, update = parse(paragraph(run("x")), comment(0))
    long = ImportedComment("Ann", "", "\u00e9" * 40_000)
    short = ImportedComment("Ann", "", "x")
    threads = (ImportedThread((long,)), ImportedThread((short,) * 1_999), ImportedThread((short, short)))
    prepared = prepare(Discussion(threads, ""), update, None)
    assert len(prepared.threads) == 2
    assert len(prepared.threads[0].comments[0].content.encode()) <= 65_536
    assert prepared.notes == ("1 comment cut", "2 comments left out: more than 2000")


def test_a_comment_that_was_imported_before_names_its_author_once() -> None:
    _, _, _, update = parse(paragraph(run("x")), comment(0))
    again = ImportedComment("Ben", "2026-02-01", "**Ann**, 2026-01-05\n\nWhy?")
    [thread] = prepare(Discussion((ImportedThread((again,)),), ""), update, None).threads
    assert thread.comments[0].content == "**Ann**, 2026-01-05\n\nWhy?"


def test_a_file_of_comments_with_odd_characters_is_read() -> None:
    _, _, _, update = parse(paragraph(run("x")), comment(0))
    author = {"id": None, "name": None}
    said = {"id": "1", "parent_id": "0", "author": author, "created_at": "?", "content": "a\0\ud800b"}
    thread = {"anchor": {"quote": "\ud83d\0", "start": True, "end": 10**30}, "resolved": 1, "comments": [said, said]}
    file = json.dumps({"format": FORMAT, "version": VERSION, "content_hash": "", "threads": [thread]}).encode()
    [made] = prepare(read_file(file), update, None).threads
    assert [each.content for each in made.comments] == [
        "**Somebody**\n\n> \ufffd\n\na\ufffdb",
        "**Somebody**\n\na\ufffdb",
    ]
    assert not made.resolved and made.comments[1].parent == 0

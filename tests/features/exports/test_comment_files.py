"""Threads in files: as comments of Word, footnotes of Markdown, highlights of HTML, and JSON."""

import io
import json
import re
import zipfile
from datetime import UTC, datetime
from typing import Any

import docx
import pycrdt
import pytest
from docx.oxml.ns import qn
from hypothesis import given, settings
from hypothesis import strategies as st

from collab_server.core.yjs import utf16
from collab_server.features.content import markup
from collab_server.features.exports.discussion import footnotes, pages
from collab_server.features.exports.discussion.threads import Discussion, Entry, Thread
from tests.features.api_harness import ApiHarness, refused
from tests.features.comments.test_comments import listed, say
from tests.features.exports.test_archive import archived, raw, sent, space
from tests.people import Person
from tests.seeds import count_examples

TEXT = (
    "# Plan\n\nWe agreed on **the price** of `code x`, see [the list](https://example.org/list) and https://a.org/b\n\n"
    "- one\n  ```\n  x = 1\n  ```\n- two\n\n| a | b |\n|---|---|\n| cell | d |\n\nA note[^1] and [^c1].\n\n"
    "[^1]: Own note\n"
)


def entry(content: str = "Too *high*", author: str = "Ann Weber", html: str = "<p>Too <em>high</em></p>") -> Entry:
    return Entry("1", None, author, None, datetime(2026, 1, 5, 10, tzinfo=UTC), content, html)


def thread(text: str, quote: str | None, *entries: Entry, number: int = 0, resolved: bool = False) -> Thread:
    start = text.index(quote) if quote else None
    places: tuple[int | None, int | None] = (None, None)
    if quote and start is not None:
        places = utf16.length(text[:start]), utf16.length(text[: start + len(quote)])
    return Thread(str(number), quote, *places, resolved, None, None, entries or (entry(),))


def footnoted(text: str, *quotes: str | None) -> str:
    """The Markdown without the definitions."""
    threads = tuple(thread(text, quote, number=number) for number, quote in enumerate(quotes))
    written = footnotes.write(Discussion(text, threads))
    return written[: re.search(r"(?:^|\n)\[\^c\d+\]: (?:>|\*\*)", written).start()].rstrip("\n")  # type: ignore[union-attr]


def test_references_go_behind_words_code_links_and_addresses() -> None:
    shown = footnoted(TEXT, "the price", "ode", "example", "//a", "x = 1", "cell", "note[")
    assert "We agreed on **the price[^c2]** of `code x`[^c3], see [the list](https://example.org/list)[^c4]" in shown
    assert "https://a.org/b [^c5]\n" in shown
    assert "- one\n  ```\n  x = 1\n  ```\n  [^c6]\n- two\n" in shown
    assert "| cell[^c7] | d |" in shown
    assert "A note[^1][^c8] and [^c1].\n\n[^1]: Own note" in shown
    without = re.sub(r"\n  \[\^c6\]| ?\[\^c[2-9]\]", "", shown)
    assert without == TEXT.rstrip("\n")


def test_references_never_change_the_meaning_of_the_text() -> None:
    assert footnoted("path\\ next", "path\\") == "path\\ next[^c1]"
    assert footnoted("a snake_case_ b", "snake") == "a snake_case[^c1]_ b"
    assert footnoted("**bold**ly said", "bold") == "**bold**ly[^c1] said"
    assert footnoted("word(see) x", "word").startswith("word(see)[^c1] x")
    assert footnoted("> ```\n> abc", "abc") == "> ```\n> abc\n> ```\n> [^c1]"
    assert footnoted("```\nabc\n```\ntext", "abc") == "```\nabc\n```\n[^c1]\n\ntext"
    assert footnoted("[^1]: Own note", "1", "Own") == "[^1]:[^c1] Own[^c2] note"
    assert footnoted("line  \nnext", "line") == "line[^c1]  \nnext"
    assert footnoted("---\ntitle: x\n---\ntext", "title", "text") == (
        "---\ntitle: x\n---\ntext[^c1]\n\nComments on the document: [^c2]"
    )
    assert footnoted("", None) == "Comments on the document: [^c1]"


def test_definitions_name_authors_dates_and_what_is_resolved() -> None:
    text = "We agreed.\n\n```\nopen"
    threads = (
        thread(
            text,
            "agreed",
            entry("One\n\n- two"),
            entry("See [^c1] @[Ann](user:" + "0" * 8 + "-0000" * 3 + "-" + "0" * 12 + ")", "B*b"),
        ),
        thread(text, None, number=1, resolved=True),
    )
    assert footnotes.write(Discussion(text, threads)) == (
        "We agreed[^c1].\n\n```\nopen\n```\n\nComments on the document: [^c2]\n\n"
        "[^c1]: **Ann Weber**, 2026-01-05:\n\n    One\n\n    - two\n\n    **B\\*b**, 2026-01-05:\n\n    "
        "See \\[^c1] @Ann\n\n"
        "[^c2]: **Ann Weber**, 2026-01-05 (resolved):\n\n    Too *high*\n"
    )
    assert footnotes.write(Discussion(text, ())) == text


def without_references(text: str) -> str:
    """What its HTML shows, without references, white space and paragraphs."""
    page = markup.render(text, "html")
    return re.sub(r"\[\^c\d+\]|</?p>|\s", "", page)


@given(
    st.text("ab *_`[]()!<>\\|#-\n~1.", min_size=1, max_size=60),
    st.lists(st.tuples(st.integers(0, 59), st.integers(1, 9)), min_size=1, max_size=3),
)
@settings(max_examples=count_examples(300))
def test_footnotes_keep_the_structure_of_any_text(text: str, spans: list[tuple[int, int]]) -> None:
    quotes = [text[start : start + length] for start, length in spans]
    shown = footnoted(text, *(quote or None for quote in quotes)).partition("Comments on the document:")[0]
    former, now = without_references(text), without_references(shown)
    # A block of code or HTML that is open at the end is closed, so that notes can follow.
    assert now == former or now.startswith(former[:-20])


def test_a_page_highlights_words_and_is_sanitised() -> None:
    text = "We **agreed on** the\n\nprice & <x>more</x> <u>each *day*</u>\n"
    evil = entry(html='<p>x<script>alert(1)</script><a href="javascript:alert(1)">y</a></p>', author="<img src=x>")
    threads = (
        thread(text, "on** the\n\nprice", evil, entry()),
        thread(text, "price & <x>", number=1, resolved=True),
        thread(text, "more</x> <u>each", number=3),
        Thread("2", "gone <i>", None, None, False, None, None, (entry(),)),
    )
    page = pages.render(Discussion(text, threads))
    assert (
        '<p>We <strong>agreed <mark class="comment" data-comments="1">on</mark></strong>'
        '<mark class="comment" data-comments="1"> the</mark></p>' in page
    )
    assert '<mark class="comment" data-comments="1 2">price</mark><sup class="comment" id="comment-ref-1">' in page
    assert '<mark class="comment" data-comments="2"> &amp; &lt;x&gt;</mark>' in page
    assert '<u><mark class="comment" data-comments="3">each</mark>' in page
    assert "&lt;img src=x&gt;" in page and "<script" not in page and "javascript" not in page and "<img" not in page
    assert "<q>gone &lt;i&gt;</q> (these words are no longer in the text)" in page
    assert 'class="thread resolved" id="comment-2"' in page
    assert page.count("<article") == 5
    assert markup.render(text, "html") in re.sub(r"</?mark[^>]*>|<sup.*?</sup>", "", page)


async def export(who: Person, document: str, format_: str, **params: str) -> Any:
    answer = await who.get(f"/documents/{document}/export", params={"format": format_, **params})
    assert answer.status_code == 200, answer.text
    return answer


async def discuss(api: ApiHarness, text: str = TEXT) -> tuple[str, list[dict[str, Any]]]:
    """A document with a thread and its reply, a resolved one, one on the document and an orphan."""
    document = (await api.make(content=text + "\nlast words\n"))["id"]
    price = await say(api.commenter, document, "Too *high*, [see](https://example.org)", anchor={"quote": "the price"})
    reply = await say(api.editor, document, "No", parent_id=price["id"])
    done = await say(api.editor, document, "Done", anchor={"quote": "two"})
    assert (await api.editor.post(f"/comments/{done['id']}/resolve")).status_code == 200
    whole = await say(api.editor, document, "On all")
    orphan = await say(api.editor, document, "Orphan", anchor={"quote": "last words"})
    gone = await say(api.editor, document, "Gone", anchor={"quote": "one"})
    assert (await api.editor.delete(f"/comments/{gone['id']}")).status_code == 204
    edits = [{"find": "\nlast words\n", "replace": ""}, {"find": "We agreed", "replace": "\U0001f600 Yes, we agreed"}]
    assert (await api.editor.patch(f"/documents/{document}/content", json={"edits": edits})).status_code == 200
    return document, [price, reply, done, whole, orphan]


def word_comments(file: bytes) -> list[tuple[str, str]]:
    return [(each.author, each.text) for each in docx.Document(io.BytesIO(file)).comments]


def ranges(file: bytes) -> dict[int, str]:
    """The text of each comment's range."""
    found: dict[int, str] = {}
    open_: set[int] = set()
    for element in docx.Document(io.BytesIO(file)).element.body.iter():
        kind = element.tag.rpartition("}")[2]
        number = int(element.get(qn("w:id"), "-1"))
        if kind == "commentRangeStart":
            open_.add(number)
            found[number] = ""
        elif kind == "commentRangeEnd":
            open_.remove(number)
        elif kind == "t":
            for each in open_:
                found[each] += element.text
    assert not open_
    return found


async def test_a_word_document_has_the_comments_on_their_words(api: ApiHarness) -> None:
    document, made = await discuss(api)
    file = (await export(api.viewer, document, "docx")).content
    assert word_comments(file) == [
        ("commenter", "Too high, see"),
        ("editor", "No"),
        ("editor", "On all"),
        ("editor", "last words\nOrphan"),
    ]
    assert ranges(file) == {0: "the price", 1: "the price", 2: "", 3: ""}
    first = next(iter(docx.Document(io.BytesIO(file)).comments))
    assert first.timestamp == datetime.fromisoformat(made[0]["created_at"]).replace(microsecond=0)
    assert first.initials == "C"
    with zipfile.ZipFile(io.BytesIO(file)) as package:
        states = package.read("word/commentsExtended.xml").decode()
        assert "commentsExtended+xml" in package.read("[Content_Types].xml").decode()
        assert "https://example.org" in package.read("word/_rels/comments.xml.rels").decode()
    assert states.count("paraIdParent") == 1 and 'done="1"' not in states
    with_all = (await export(api.viewer, document, "docx", comments="all")).content
    assert ("editor", "Done") in word_comments(with_all) and "two" in ranges(with_all).values()
    assert 'done="1"' in zipfile.ZipFile(io.BytesIO(with_all)).read("word/commentsExtended.xml").decode()
    assert word_comments((await export(api.viewer, document, "docx", comments="false")).content) == []


async def test_other_formats_have_comments_on_request(api: ApiHarness) -> None:
    document, made = await discuss(api)
    price, reply, done, whole, orphan = made
    plain = (await export(api.viewer, document, "md")).text
    assert plain == TEXT.replace("We agreed", "\U0001f600 Yes, we agreed")
    text = (await export(api.viewer, document, "md", comments="true")).text
    assert "**the price[^c2]** of" in text and "Comments on the document: [^c3] [^c4]" in text
    assert "Done" not in text and "Gone" not in text
    assert "(resolved):" in (await export(api.viewer, document, "md", comments="all")).text
    page = (await export(api.viewer, document, "html", comments="true")).text
    assert '<mark class="comment" data-comments="1">the price</mark>' in page and "mark.comment {" in page
    assert "mark" not in (await export(api.viewer, document, "html")).text.partition("<body")[2]
    assert "comments" not in (await export(api.viewer, document, "json")).json()
    threads = (await export(api.viewer, document, "json", comments="all")).json()["comments"]
    assert [each["id"] for each in threads] == [each["id"] for each in (price, done, whole, orphan)]
    assert [each["id"] for each in threads[0]["comments"]] == [price["id"], reply["id"]]
    start = utf16.length(plain[: plain.index("the price")])
    assert threads[0]["anchor"] == {"quote": "the price", "start": start, "end": start + 9, "orphaned": False}
    assert threads[1]["resolved"] and threads[1]["resolved_by"] == "editor"
    assert threads[2]["anchor"] is None and threads[3]["anchor"]["orphaned"]
    bare = (await api.make(content="x"))["id"]
    assert (await export(api.viewer, bare, "json", comments="true")).json()["comments"] == []
    assert (await export(api.viewer, bare, "md", comments="true")).text == "x"
    for format_, params in (("txt", {}), ("pdf", {}), ("yjs", {}), ("md", {"version": 1})):
        answer = await api.viewer.get(
            f"/documents/{bare}/export", params={"format": format_, "comments": "true", **params}
        )
        assert refused(answer) == (422, "unprocessable"), format_
    answer = await api.viewer.get(f"/documents/{bare}/export", params={"format": "md", "comments": "maybe"})
    assert answer.status_code == 422


async def test_a_copy_is_outdated_by_a_new_comment(api: ApiHarness) -> None:
    document = (await api.make(content="Some words"))["id"]
    path, params = f"/documents/{document}/export", {"format": "md", "comments": "true"}
    first = await export(api.viewer, document, "md", comments="true")
    again = {"if-none-match": first.headers["etag"]}
    assert (await api.viewer.get(path, params=params, headers=again)).status_code == 304
    await say(api.editor, document, "New", anchor={"quote": "words"})
    changed = await api.viewer.get(path, params=params, headers=again)
    assert changed.status_code == 200 and "words[^c1]" in changed.text


async def test_who_reads_a_document_only_because_it_is_public_gets_no_comments(api: ApiHarness) -> None:
    document, _ = await discuss(api)
    assert (await api.owner.patch(f"/documents/{document}", json={"is_public": True})).status_code == 200
    for who in (api.stranger, api.guest):
        assert word_comments((await export(who, document, "docx")).content) == []
        assert "[^c2]" not in (await export(who, document, "md", comments="all")).text
        assert (await export(who, document, "json", comments="all")).json()["comments"] == []
        assert "Too" not in (await export(who, document, "html", comments="all")).text
    assert word_comments((await export(api.viewer, document, "docx")).content)


async def test_an_archive_has_the_threads_and_brings_them_back(api: ApiHarness) -> None:
    home, other = await space(api.owner, "Home"), await space(api.owner, "Other")
    document = (await api.make(api.owner, home, content="We agreed on the price."))["id"]
    root = await say(api.owner, document, "Mine", anchor={"quote": "the price"})
    reply = await say(api.owner, document, "Reply", parent_id=root["id"])
    await say(api.owner, document, "Deeper", parent_id=reply["id"])
    await say(api.owner, document, "On all")
    assert (await api.owner.post(f"/comments/{root['id']}/resolve")).status_code == 200
    assert (await api.owner.put(f"/comments/{root['id']}/reactions/\U0001f44d")).status_code == 204
    await api.make(api.owner, home, title="Silent", content="x")
    archive = await archived(api.owner, home)
    assert "Plan.comments.json" in archive.namelist() and "Silent.comments.json" not in archive.namelist()
    file = json.loads(archive.read("Plan.comments.json"))
    assert file["threads"][0]["comments"][0]["reactions"] == [{"emoji": "\U0001f44d", "count": 1, "people": ["owner"]}]
    result = await sent(api.owner, other, raw(archive), name="a.zip")
    assert not any(item["notes"] for item in result["items"]) and result["notes"] == []
    made = result["items"][0]["document"]["id"]
    items = await listed(api.owner, made)
    assert [each["content"] for each in items] == ["Mine", "Reply", "Deeper", "On all"]
    assert [each["depth"] for each in items] == [0, 1, 2, 0]
    assert [each["resolved"] for each in items] == [True, False, False, False]
    anchor = items[0]["anchor"]
    assert (anchor["quote"], anchor["start"], anchor["end"], anchor["orphaned"]) == ("the price", 13, 22, False)
    # Somebody else's comments name their author.
    theirs = await space(api.stranger, "Theirs")
    result = await sent(api.stranger, theirs, raw(archive), name="a.zip")
    items = await listed(api.stranger, result["items"][0]["document"]["id"])
    today = datetime.now(UTC).strftime("%Y-%m-%d")
    assert items[0]["content"] == f"**owner**, {today}\n\nMine" and items[0]["author"]["id"] == api.stranger.id


@pytest.mark.parametrize("file", [b"{", b"[]", b'{"format": "other"}', b"\xff"])
async def test_an_unreadable_file_of_comments_is_noted(api: ApiHarness, file: bytes) -> None:
    home = await space(api.owner, "Broken")
    document = (await api.make(api.owner, home, content="words"))["id"]
    await say(api.owner, document, "Mine")
    archive = await archived(api.owner, home)
    changed = io.BytesIO()
    with zipfile.ZipFile(changed, "w") as written:
        for name in archive.namelist():
            written.writestr(name, file if name.endswith(".comments.json") else archive.read(name))
    [item] = (await sent(api.owner, home, changed.getvalue(), name="a.zip"))["items"]
    assert item["status"] == "created" and "its comments are left out" in item["notes"][0]
    assert await listed(api.owner, item["document"]["id"]) == []


async def test_comments_of_a_word_document_become_threads_and_go_back(api: ApiHarness) -> None:
    document, _ = await discuss(api)
    file = (await export(api.viewer, document, "docx", comments="all")).content
    result = await sent(api.other, api.team, file, name="a.docx")
    [item] = result["items"]
    assert not any("comment" in note for note in item["notes"]), item["notes"]
    items = await listed(api.viewer, item["document"]["id"])
    by_text = {each["content"].partition("\n\n")[2]: each for each in items}
    today = datetime.now(UTC).strftime("%Y-%m-%d")
    price = by_text["Too *high*, [see](https://example.org)"]
    assert price["content"].startswith(f"**commenter**, {today}\n\n")
    assert price["author"]["id"] == api.other.id and price["anchor"]["quote"] == "the price"
    assert by_text["No"]["thread_id"] == price["id"]
    assert by_text["Done"]["resolved"] and by_text["Done"]["anchor"]["quote"] == "two"
    assert by_text["On all"]["anchor"] is None
    assert by_text["> last words\n\nOrphan"]["anchor"] is None
    again = (await export(api.viewer, item["document"]["id"], "docx", comments="all")).content
    assert sorted(ranges(again).values()) == sorted(ranges(file).values())


async def test_a_document_of_json_keeps_its_content(api: ApiHarness) -> None:
    doc: pycrdt.Doc[pycrdt.Map[str]] = pycrdt.Doc()
    doc["data"] = pycrdt.Map({"a": "b"})
    document = (await sent(api.editor, api.team, doc.get_update(), name="a.yjs"))["items"][0]["document"]["id"]
    await say(api.editor, document, "On JSON")
    plain = (await export(api.viewer, document, "md")).text
    assert "a" in plain
    written = (await export(api.viewer, document, "md", comments="true")).text
    assert written.startswith(plain.rstrip("\n")) and "On JSON" in written
    assert [text for _, text in word_comments((await export(api.viewer, document, "docx")).content)] == ["On JSON"]


async def test_an_encrypted_document_brings_its_threads_along(api: ApiHarness) -> None:
    home, other = await space(api.owner, "Keys"), await space(api.owner, "Other keys")
    body = {"title": "Key", "type": "password", "content_encrypted": "c2VjcmV0", "encryption": {"alg": "x"}}
    document = (await api.make(api.owner, home, **body))["id"]
    await say(api.owner, document, "On a key")
    assert len((await export(api.owner, document, "json", comments="true")).json()["comments"]) == 1
    refusal = await api.owner.get(f"/documents/{document}/export", params={"format": "md", "comments": "true"})
    assert refused(refusal) == (422, "unprocessable")
    archive = await archived(api.owner, home)
    assert "Key.comments.json" in archive.namelist()
    [item] = (await sent(api.owner, other, raw(archive), name="a.zip"))["items"]
    assert [each["content"] for each in await listed(api.owner, item["document"]["id"])] == ["On a key"]


async def test_an_archive_of_markdown_finds_the_words_of_a_changed_text(api: ApiHarness) -> None:
    home = await space(api.owner, "Edited")
    document = (await api.make(api.owner, home, content="We agreed on the price."))["id"]
    await say(api.owner, document, "Kept", anchor={"quote": "the price"})
    await say(api.owner, document, "Lost", anchor={"quote": "agreed"})
    archive = await archived(api.owner, home, "md")
    changed = io.BytesIO()
    with zipfile.ZipFile(changed, "w") as written:
        for name in archive.namelist():
            written.writestr(name, b"Yes: the price is fine." if name.endswith(".md") else archive.read(name))
    [item] = (await sent(api.owner, home, changed.getvalue(), name="a.zip"))["items"]
    assert item["notes"] == ["1 thread of comments is on the document: the text lacks the words"]
    items = await listed(api.owner, item["document"]["id"])
    assert [each["content"] for each in items] == ["Kept", "> agreed\n\nLost"]
    assert [each["anchor"] and each["anchor"]["start"] for each in items] == [5, None]

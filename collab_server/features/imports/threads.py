"""Threads of imported files. Pure; for a worker process."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from collab_server.core.anchors.content_units import read_content_units
from collab_server.core.anchors.placing import place_all
from collab_server.core.anchors.wishes import OffsetWish, QuoteWish
from collab_server.core.documents.apply_edit import content_hash
from collab_server.core.markdown.writer import write_markdown
from collab_server.core.yjs import utf16
from collab_server.errors import Malformed, UnprocessableContent
from collab_server.features.comments import markup
from collab_server.features.comments.models import MAX_CONTENT_BYTES
from collab_server.features.content.markup import TooLong
from collab_server.features.exports.discussion.threads import FORMAT, VERSION, write_plain_mentions
from collab_server.features.imports import html_reader
from collab_server.features.imports.foreign import notes

if TYPE_CHECKING:
    from collab_server.features.imports.foreign.word_comments import WordComment

MAX_COMMENTS: Final = 2_000
"""The number of comments that one document takes; more are left out."""
_MAX_NAME: Final = 200
_CUT: Final = " [...]"
_BY_LINE: Final = re.compile(r"\*\*.{1,400}\*\*, \d{4}-\d\d-\d\d\n")
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True, slots=True)
class ImportedComment:
    """`date`: as the file has it, or ''. `author_id`: on the server that wrote the file. `parent`: index in its thread,
    None for the first one.
    """

    author: str
    date: str
    content: str
    author_id: str | None = None
    parent: int | None = None


@dataclass(frozen=True, slots=True)
class ImportedThread:
    """`start`, `end`: UTF-16 units of the content, None where they are not known. `quote`: None for a thread on the
    document.
    """

    comments: tuple[ImportedComment, ...]
    resolved: bool = False
    quote: str | None = None
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Discussion:
    """`content_hash`: of the content that the places of threads count."""

    threads: tuple[ImportedThread, ...]
    content_hash: str

    def moved(self, before: str, after: str) -> "Discussion":
        """Return it for a text whose links were replaced by links of the same length."""
        if self.content_hash == content_hash(before):
            return Discussion(self.threads, content_hash(after))
        return self


def of_word(comments: "Sequence[WordComment]", text: str, ranges: Mapping[int, tuple[int, int]]) -> Discussion:
    """The threads of a Word document. `ranges`: code points of the text, by number."""
    from collab_server.features.imports.foreign import word_comments

    threads: list[ImportedThread] = []
    for found in word_comments.order(comments):
        root = found[0]
        place = ranges.get(root.number)
        start, end = _trim(text, *place) if place else (0, 0)
        entries = [
            ImportedComment(each.author, each.date, _read_page(each.page), parent=0 if number else None)
            for number, each in enumerate(found)
        ]
        is_placed = start < end
        threads.append(
            ImportedThread(
                tuple(entries),
                root.resolved,
                root.quote or None,
                utf16.length(text[:start]) if is_placed else None,
                utf16.length(text[:end]) if is_placed else None,
            )
        )
    return Discussion(tuple(threads), content_hash(text))


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    shown = text[start:end]
    return start + len(shown) - len(shown.lstrip()), end - len(shown) + len(shown.rstrip())


def _read_page(page: str) -> str:
    return write_markdown(html_reader.read(page).document).strip()


def read_file(file: bytes) -> Discussion:
    """Read the threads of a document from an archive. Raises Malformed."""
    try:
        found = json.loads(file)
        if found["format"] != FORMAT or found["version"] != VERSION:
            raise Malformed(f"the comments are not of the format {FORMAT} {VERSION}")
        threads = tuple(_read_thread(each) for each in found["threads"] if each["comments"])
        return Discussion(threads, str(found["content_hash"]))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Malformed("the file of comments cannot be read") from None


def _read_thread(thread: Any) -> ImportedThread:
    places: dict[str, int] = {}
    comments: list[ImportedComment] = []
    for number, each in enumerate(thread["comments"]):
        author_id = each["author"]["id"]
        comments.append(
            ImportedComment(
                str(each["author"]["name"] or ""),
                str(each["created_at"]),
                str(each["content"]),
                str(author_id) if author_id else None,
                places.get(str(each["parent_id"]), 0) if number else None,
            )
        )
        places[str(each["id"])] = number
    anchor = thread["anchor"]
    if anchor is None:
        return ImportedThread(tuple(comments), thread["resolved"] is True)
    start, end = anchor["start"], anchor["end"]
    known = type(start) is int and type(end) is int and 0 <= start < end
    return ImportedThread(
        tuple(comments),
        thread["resolved"] is True,
        str(anchor["quote"]),
        start if known else None,
        end if known else None,
    )


@dataclass(frozen=True, slots=True)
class StoredComment:
    """What is stored of a comment. `parent`: index in its thread."""

    content: str
    html: str
    parent: int | None


@dataclass(frozen=True, slots=True)
class StoredThread:
    """What is stored of a thread. `anchor`: (its bytes, text, start, end), None on the document."""

    comments: tuple[StoredComment, ...]
    resolved: bool
    anchor: tuple[bytes, str, int, int] | None


@dataclass(frozen=True, slots=True)
class Prepared:
    threads: tuple[StoredThread, ...]
    notes: tuple[str, ...]


def prepare(discussion: Discussion, update: bytes, me: str | None) -> Prepared:
    """Put threads on the words of a new document, and render their texts. `me`: the id of the importer's account.

    An imported text mentions nobody. Comments of others begin with the name of their author and the date. Raises
    Malformed.
    """
    kept: list[ImportedThread] = []
    count = 0
    for thread in discussion.threads:
        count += len(thread.comments)
        if count > MAX_COMMENTS:
            break
        kept.append(thread)
    wishes = _find_wishes(kept, update, discussion.content_hash)
    made: list[StoredThread] = []
    lost = cut = 0
    for thread, placed in zip(kept, place_all(update, wishes), strict=True):
        is_lost = placed is None and (thread.quote is not None or thread.start is not None)
        lost += is_lost
        comments: list[StoredComment] = []
        for number, each in enumerate(thread.comments):
            quote = thread.quote if is_lost and not number else None
            text, page = _render(_write(each, quote, me))
            cut += text.endswith(_CUT)
            comments.append(StoredComment(text, page, each.parent))
        anchor = None if placed is None else (placed.anchor, placed.text, placed.start, placed.end)
        made.append(StoredThread(tuple(comments), thread.resolved, anchor))
    left_out = sum(len(each.comments) for each in discussion.threads[len(made) :])
    threads = notes.count(lost, "thread of comments is", "threads of comments are")
    return Prepared(
        tuple(made),
        notes.drop_empty(
            [
                f"{threads} on the document: the text lacks the words" if lost else "",
                f"{notes.count(cut, 'comment')} cut" if cut else "",
                f"{notes.count(left_out, 'comment')} left out: more than {MAX_COMMENTS}" if left_out else "",
            ]
        ),
    )


def _find_wishes(threads: Sequence[ImportedThread], update: bytes, hash_: str) -> list[QuoteWish | OffsetWish | None]:
    try:
        content = read_content_units(update).content
    except UnprocessableContent:
        content = ""
    is_same = content_hash(content) == hash_
    wishes: list[QuoteWish | OffsetWish | None] = []
    for each in threads:
        wish: QuoteWish | OffsetWish | None = None
        if is_same and each.start is not None and each.end is not None:
            wish = OffsetWish(each.start, each.end)
        elif not is_same and each.quote is not None and each.quote.strip():
            wish = QuoteWish(each.quote)
        wishes.append(wish)
    return wishes


def _render(text: str) -> tuple[str, str]:
    """(the text, cut where it is too long; its HTML)"""
    if len(text.encode()) > MAX_CONTENT_BYTES:
        text = text.encode()[: MAX_CONTENT_BYTES - len(_CUT.encode())].decode(errors="ignore") + _CUT
    try:
        return text, markup.render(text, []).html
    except TooLong:
        return _CUT, _CUT


def _write(comment: ImportedComment, quote: str | None, me: str | None) -> str:
    content = write_plain_mentions(comment.content).strip()
    if quote is not None:
        content = "\n".join(f"> {line}" for line in quote.split("\n")) + f"\n\n{content}"
    if (me is None or comment.author_id != me) and not _BY_LINE.match(content):
        name = " ".join(comment.author.split())[:_MAX_NAME] or "Somebody"
        name = re.sub(r"([\\`*_\[\]<>~])", r"\\\1", name)
        day = _read_day(comment.date)
        content = f"**{name}**{f', {day}' if day else ''}\n\n{content}"
    # JSON can have halves of surrogate pairs.
    return utf16.replace_lone_surrogates(content.replace("\0", "")).strip() or "(empty)"


def _read_day(date: str) -> str:
    try:
        return datetime.fromisoformat(date).strftime("%Y-%m-%d")
    except ValueError:
        found = _DAY.match(date)
        return found[0] if found else ""

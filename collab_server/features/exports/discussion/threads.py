"""Threads of a document as files show them. Pure."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from collab_server.core.documents.apply_edit import content_hash
from collab_server.core.markdown import front_matter, places
from collab_server.features.comments.mentions import LINK

FORMAT: Final = "collab_server/comments"
VERSION: Final = 1
FILE: Final = "comments"
"""The kind of the file beside the files of a document in an archive."""
EXTENSION: Final = ".comments.json"


@dataclass(frozen=True, slots=True)
class Entry:
    """One comment of a thread. `author_id`: of an account. `html`: sanitised. `reactions`: (emoji, number, names)."""

    id: str
    parent_id: str | None
    author: str
    author_id: str | None
    at: datetime
    content: str
    html: str
    edited: bool = False
    reactions: tuple[tuple[str, int, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Thread:
    """`start`, `end`: UTF-16 units of the content; None for an orphan, and for one on the document, which has no
    `quote`. `entries`: those that are not deleted, the oldest first.
    """

    id: str
    quote: str | None
    start: int | None
    end: int | None
    resolved: bool
    resolved_by: str | None
    resolved_at: datetime | None
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Discussion:
    """`content`: the text that the places of `threads` count."""

    content: str
    threads: tuple[Thread, ...]

    @property
    def digest(self) -> str:
        """Equal for equal discussions of equal texts."""
        shown = json.dumps([asdict(thread) for thread in self.threads], default=str)
        return hashlib.sha256(f"{len(self.content)} {self.content} {shown}".encode(errors="replace")).hexdigest()[:16]

    def arrange(self) -> "Arranged":
        """Sort the threads by the words that they are on."""
        front, text = front_matter.split_front_matter(self.content)
        offsets = _count_code_points(
            self.content, [offset for each in self.threads for offset in (each.start, each.end) if offset is not None]
        )
        placed: list[Thread] = []
        ranges: list[places.Range] = []
        others: list[Thread] = []
        for each in self.threads:
            if each.start is None or each.end is None or offsets[each.end] <= len(front):
                others.append(each)
                continue
            start = max(0, offsets[each.start] - len(front))
            placed.append(each)
            ranges.append(places.Range(start, offsets[each.end] - len(front)))
        order = sorted(range(len(placed)), key=lambda number: (ranges[number].start, ranges[number].end))
        placed, ranges = [placed[number] for number in order], [ranges[number] for number in order]
        return Arranged(front, places.clear(text), placed, ranges, others)


@dataclass(frozen=True, slots=True)
class Arranged:
    """`front`: the front matter. `text`: the text behind it, without characters that look like marks. `placed`: threads
    on words of it, and `ranges`: their words. `others`: all other threads.
    """

    front: str
    text: str
    placed: list[Thread]
    ranges: list[places.Range]
    others: list[Thread]


def _count_code_points(text: str, offsets: Sequence[int]) -> dict[int, int]:
    """The number of code points before each offset in UTF-16 units."""
    if text.isascii():
        return {offset: min(offset, len(text)) for offset in offsets}
    encoded = text.encode("utf-16-le", "surrogatepass")
    counted: dict[int, int] = {}
    before, points = 0, 0
    for offset in sorted(set(offsets)):
        points += len(encoded[before * 2 : offset * 2].decode("utf-16-le", "ignore"))
        counted[offset] = points
        before = offset
    return counted


def keep_open(threads: Sequence[Thread]) -> tuple[Thread, ...]:
    """The threads that are not resolved."""
    return tuple(each for each in threads if not each.resolved)


def write_plain_mentions(content: str) -> str:
    """A comment's Markdown in which mentions are `@Name`."""
    return LINK.sub(lambda found: f"@{found[1]}", content)


def quote_first(thread: Thread) -> Thread:
    """The thread with the words that it was about at the beginning of its text: for one that is not on words."""
    if thread.quote is None:
        return thread
    first = thread.entries[0]
    quoted = "\n".join(f"> {line}" for line in thread.quote.split("\n"))
    return replace(thread, entries=(replace(first, content=f"{quoted}\n\n{first.content}"), *thread.entries[1:]))


def format_moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d")


def to_json(thread: Thread) -> dict[str, Any]:
    """The thread as JSON types."""
    anchor = None
    if thread.quote is not None:
        anchor = {"quote": thread.quote, "start": thread.start, "end": thread.end, "orphaned": thread.start is None}
    return {
        "id": thread.id,
        "anchor": anchor,
        "resolved": thread.resolved,
        "resolved_by": thread.resolved_by,
        "resolved_at": thread.resolved_at.isoformat() if thread.resolved_at else None,
        "comments": [
            {
                "id": entry.id,
                "parent_id": entry.parent_id,
                "author": {"id": entry.author_id, "name": entry.author},
                "created_at": entry.at.isoformat(),
                "edited": entry.edited,
                "content": entry.content,
                "reactions": [
                    {"emoji": emoji, "count": count, "people": list(people)} for emoji, count, people in entry.reactions
                ],
            }
            for entry in thread.entries
        ],
    }


def write_file(discussion: Discussion) -> bytes:
    """The file of a document's threads in an archive."""
    written = {
        "format": FORMAT,
        "version": VERSION,
        "content_hash": content_hash(discussion.content),
        "threads": [to_json(each) for each in discussion.threads],
    }
    return json.dumps(written, ensure_ascii=False, indent=2).encode() + b"\n"

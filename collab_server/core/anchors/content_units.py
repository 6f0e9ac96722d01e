"""The content of a document, and which character of Yjs each of its UTF-16 units shows.

Positions count UTF-16 units of the content. A unit without a character is a sign that Markdown adds.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import compress
from operator import sub
from typing import Final, Literal, NamedTuple

from collab_server.core.anchors.fragment_units import find_fragment_runs
from collab_server.core.documents.projection import (
    MAX_CONTENT_BYTES,
    Kind,
    find_content_root,
    find_kinds,
    to_storable,
)
from collab_server.core.history.moment import Moment
from collab_server.core.history.plain_text import PlainText, read_plain_text
from collab_server.core.yjs import tree, utf16
from collab_server.core.yjs.delete_set import DeleteSet
from collab_server.core.yjs.inspection import Range, UpdateSummary, inspect
from collab_server.core.yjs.structs import STRING, Branch
from collab_server.errors import UnprocessableContent

JSON_CONTENT: Final = "this document is no text, but JSON of shared types: it has no positions"


class UnitRun(NamedTuple):
    """Consecutive units of the content that show consecutive characters of a client. start: the first unit."""

    start: int
    client: int
    clock: int
    length: int


@dataclass(slots=True)
class ContentUnits:
    """content: as the projection has it. root: its name; None for an empty document. format: text or markdown.

    units: the content, each half of a surrogate pair as a character of its own. runs: by their start.
    """

    content: str
    root: str | None
    format: Literal["text", "markdown"]
    units: str
    runs: list[UnitRun]
    _starts: list[int] = field(init=False, repr=False)
    _by_id: dict[int, tuple[list[int], list[UnitRun]]] | None = field(init=False, repr=False, default=None)

    def __post_init__(self) -> None:
        self._starts = [run.start for run in self.runs]

    def __len__(self) -> int:
        return len(self.units)

    def text(self, start: int, end: int) -> str:
        """The content from unit `start` to `end`. A half of a surrogate pair becomes U+FFFD."""
        return utf16.from_units(self.units[start:end])

    def cuts_pair(self, offset: int) -> bool:
        """Whether the offset is within a surrogate pair."""
        return (
            0 < offset < len(self.units)
            and "\ud800" <= self.units[offset - 1] <= "\udbff"
            and "\udc00" <= self.units[offset] <= "\udfff"
        )

    def runs_between(self, start: int, end: int) -> Iterator[UnitRun]:
        """The runs from unit `start` to `end`, the outer ones cut."""
        index = max(0, bisect_right(self._starts, start) - 1)
        while index < len(self.runs) and self.runs[index].start < end:
            run = self.runs[index]
            first, stop = max(run.start, start), min(run.start + run.length, end)
            if first < stop:
                yield UnitRun(first, run.client, run.clock + first - run.start, stop - first)
            index += 1

    def ids(self, start: int, end: int) -> list[Range]:
        """The characters shown from unit `start` to `end`, in their order. Adjacent ones are one range."""
        found: list[Range] = []
        for _, client, clock, length in self.runs_between(start, end):
            if found and found[-1][0] == client and found[-1][2] == clock:
                clock, length = found[-1][1], clock + length - found[-1][1]
                found.pop()
            found.append((client, clock, clock + length))
        return found

    def places(self, ranges: Iterable[Range]) -> list[UnitRun]:
        """Where characters are shown, by their unit. Those that are not visible are left out."""
        by_id = self._index()
        found: list[UnitRun] = []
        for client, start, end in ranges:
            clocks, runs = by_id.get(client, ([], []))
            index = max(0, bisect_right(clocks, start) - 1)
            while index < len(runs) and clocks[index] < end:
                run = runs[index]
                first, stop = max(run.clock, start), min(run.clock + run.length, end)
                if first < stop:
                    found.append(UnitRun(run.start + first - run.clock, client, first, stop - first))
                index += 1
        found.sort()
        return found

    def find(self, client: int, clock: int) -> int | None:
        """The unit that shows a character, or None."""
        found = self.places([(client, clock, clock + 1)])
        return found[0].start if found else None

    def visible_right(self, offset: int) -> int | None:
        """The nearest unit from `offset` on that shows a character, or None."""
        index = bisect_right(self._starts, offset) - 1
        if index >= 0 and offset < self.runs[index].start + self.runs[index].length:
            return offset
        return self._starts[index + 1] if index + 1 < len(self.runs) else None

    def visible_left(self, offset: int) -> int | None:
        """The nearest unit before `offset` that shows a character, or None."""
        index = bisect_left(self._starts, offset) - 1
        return min(offset, self.runs[index].start + self.runs[index].length) - 1 if index >= 0 else None

    def id_at(self, offset: int) -> tuple[int, int] | None:
        """The character (client, clock) that a unit shows, or None."""
        return next(((run.client, run.clock) for run in self.runs_between(offset, offset + 1)), None)

    def _index(self) -> dict[int, tuple[list[int], list[UnitRun]]]:
        if self._by_id is None:
            self._by_id = {}
            by_client: dict[int, list[UnitRun]] = {}
            for run in self.runs:
                by_client.setdefault(run.client, []).append(run)
            for client, runs in by_client.items():
                runs.sort(key=_clock_of)
                self._by_id[client] = [run.clock for run in runs], runs
        return self._by_id


def _clock_of(run: UnitRun) -> int:
    return run.clock


def read_content_units(
    update: bytes, known: Mapping[int, int] | None = None, limit: int = MAX_CONTENT_BYTES
) -> ContentUnits:
    """Read the content of a validated encoding, without its pending part, with its characters.

    known: a state vector; what it does not know is left out. limit: of the content, in bytes. Raises Malformed, and
    UnprocessableContent for JSON.
    """
    summary = inspect(update)
    if known is None:
        plain = _read_plain(update, summary)
        if plain is not None:
            return _make_units(plain.text, plain.root, "text", _plain_runs(plain), limit)
    hidden = [] if known is None else [(client, known.get(client, 0), end) for client, _, end in summary.structs]
    return read_tree_units(tree.read_tree(update, [each for each in hidden if each[1] < each[2]]), limit)


def read_tree_units(document: tree.Tree, limit: int = MAX_CONTENT_BYTES) -> ContentUnits:
    """The content of a document with its characters. Raises UnprocessableContent for JSON."""
    roots = document.roots
    kinds = find_kinds(roots)
    name = find_content_root(kinds)
    if name is None:
        if kinds:
            raise UnprocessableContent(JSON_CONTENT)
        return ContentUnits("", None, "text", "", [])
    if kinds[name] is Kind.TEXT:
        text, runs = _read_text(roots[name])
        return _make_units(text, name, "text", runs, limit)
    content, found = find_fragment_runs(roots[name])
    return _make_units(content, name, "markdown", [UnitRun(*run) for run in found], limit)


def _read_plain(update: bytes, summary: UpdateSummary) -> PlainText | None:
    return read_plain_text(update, Moment(DeleteSet(summary.structs), DeleteSet(summary.deletes)))


def _plain_runs(plain: PlainText) -> list[UnitRun]:
    shown = plain.shown
    borders = array("I", compress(range(1, len(shown)), map((1).__ne__, map(sub, shown[1:], shown))))
    bases = sorted((base, client) for client, base in plain.bases.items())
    firsts = [base for base, _ in bases]
    runs: list[UnitRun] = []
    start = 0
    for end in (*borders, len(shown)):
        unit = shown[start]
        while start < end:
            index = bisect_right(firsts, unit) - 1
            # The last unit of a client and the first one of the next have consecutive numbers.
            length = end - start
            if index + 1 < len(firsts):
                length = min(length, firsts[index + 1] - unit)
            runs.append(UnitRun(start, bases[index][1], unit - firsts[index], length))
            start, unit = start + length, unit + length
    return runs


def _read_text(branch: Branch) -> tuple[str, list[UnitRun]]:
    texts: list[str] = []
    runs: list[UnitRun] = []
    position = 0
    item = branch.start
    while item is not None:
        if not item.deleted and item.kind == STRING:
            texts.append(item.content)
            runs.append(UnitRun(position, item.client, item.clock, item.length))
            position += item.length
        item = item.right
    return "".join(texts), runs


def _make_units(
    content: str, root: str, format_: Literal["text", "markdown"], runs: list[UnitRun], limit: int
) -> ContentUnits:
    """Leave out what the projection leaves out, and join runs."""
    if "\0" in content:
        runs = list(_without(utf16.to_units(content), runs))
    content = to_storable(content)
    if len(content) * 4 > limit and len(encoded := content.encode()) > limit:
        content = encoded[:limit].decode(errors="ignore")
    units = utf16.to_units(content)
    joined: list[UnitRun] = []
    for run in runs:
        start, client, clock, length = run
        if start + length > len(units):
            length = len(units) - start
            if length <= 0:
                break
            run = UnitRun(start, client, clock, length)
        if joined:
            last = joined[-1]
            if last[1] == client and last[2] + last[3] == clock and last[0] + last[3] == start:
                joined[-1] = UnitRun(last[0], client, last[2], last[3] + length)
                continue
        joined.append(run)
    return ContentUnits(content, root, format_, units, joined)


def _without(units: str, runs: Iterable[UnitRun]) -> Iterator[UnitRun]:
    """The runs of a content without its units U+0000."""
    removed = [index for index, unit in enumerate(units) if unit == "\0"]
    for start, client, clock, length in runs:
        position, stop = start, start + length
        index = bisect_left(removed, start)
        while position < stop:
            end = min(stop, removed[index]) if index < len(removed) else stop
            if position < end:
                yield UnitRun(position - index, client, clock + position - start, end - position)
            position, index = end + 1, index + 1

"""Comments of Word documents: their text, replies and states. Pure; for a worker process.

The body gets the marks of core.markdown.places in its runs; `Comments.complete` makes elements of them.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC
from typing import Any, Final
from xml.sax.saxutils import quoteattr

from docx.opc.constants import RELATIONSHIP_TYPE
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls, qn

from collab_server.core.markdown import places
from collab_server.features.exports import blocks
from collab_server.features.exports.blocks import Block
from collab_server.features.exports.discussion.threads import Thread, quote_first, write_plain_mentions

_W14: Final = "http://schemas.microsoft.com/office/word/2010/wordml"
_W15: Final = "http://schemas.microsoft.com/office/word/2012/wordml"
_COMPATIBILITY: Final = "http://schemas.openxmlformats.org/markup-compatibility/2006"
_EXTENDED: Final = "http://schemas.microsoft.com/office/2011/relationships/commentsExtended"
_EXTENDED_TYPE: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.commentsExtended+xml"
_FIRST_PARAGRAPH: Final = 0x10000000
_MAX_NAME: Final = 255

WriteBlocks = Callable[[Sequence[Block]], str]
"""Writes blocks as XML."""


class Comments:
    """The comments of threads. `placed`: those whose ranges the body has marks of, by their numbers. `others`: those
    at the beginning of the document.
    """

    def __init__(self, placed: Sequence[Thread], others: Sequence[Thread]) -> None:
        self._placed = placed
        self._others = others
        self._ids: dict[str, list[int]] = {}
        number = 0
        for thread in (*placed, *others):
            self._ids[thread.id] = list(range(number, number + len(thread.entries)))
            number += len(thread.entries)

    def __bool__(self) -> bool:
        return bool(self._ids)

    def complete(self, body: str) -> str:
        """Return the XML of a body, whose marks become elements. Threads whose marks are not in it are put at its
        beginning.
        """
        begun: set[int] = set()
        whole: set[int] = set()
        for found in places.MARKS.finditer(body):
            number, end = places.read_mark(found[0])
            if not end:
                begun.add(number)
            elif number in begun:
                whole.add(number)
        body = places.MARKS.sub(lambda found: self._write_mark(found[0], whole), body)
        missing = [thread for number, thread in enumerate(self._placed) if number not in whole]
        self._others = [quote_first(each) for each in (*missing, *self._others)]
        lost = {each.id for each in missing}
        self._placed = [each for each in self._placed if each.id not in lost]
        front = "".join(self._write_start(each) + self._write_end(each) for each in self._others)
        if not front:
            return body
        return _insert_first(body, front)

    def _write_mark(self, mark: str, whole: set[int]) -> str:
        number, end = places.read_mark(mark)
        if number not in whole:
            return ""
        thread = self._placed[number]
        return self._write_end(thread) if end else self._write_start(thread)

    def _write_start(self, thread: Thread) -> str:
        return "".join(f'<w:commentRangeStart w:id="{number}"/>' for number in self._ids[thread.id])

    def _write_end(self, thread: Thread) -> str:
        return "".join(
            f'<w:commentRangeEnd w:id="{number}"/><w:r><w:commentReference w:id="{number}"/></w:r>'
            for number in self._ids[thread.id]
        )

    def add_to(self, document: Any, write: WriteBlocks, links: Mapping[str, str]) -> None:
        """Add the parts with the comments. `links`: relations by address, also those that `write` adds."""
        part = document.part._comments_part
        states: list[str] = []
        for thread in (*self._placed, *self._others):
            for place, (number, entry) in enumerate(zip(self._ids[thread.id], thread.entries, strict=True)):
                content = write_plain_mentions(entry.content)
                name = _clean(entry.author)[:_MAX_NAME]
                element = parse_xml(
                    f'<w:comment {nsdecls("w", "r")} xmlns:w14="{_W14}" w:id="{number}" w:author={quoteattr(name)} '
                    f'w:initials={quoteattr(_initials(name))} w:date="{entry.at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}">'
                    f"{write(blocks.read(places.clear(content))) or '<w:p/>'}</w:comment>"
                )
                last = element.findall(qn("w:p"))[-1]
                last.set(f"{{{_W14}}}paraId", _paragraph_id(number))
                part.element.append(element)
                parent = f' w15:paraIdParent="{_paragraph_id(self._ids[thread.id][0])}"' if place else ""
                states.append(
                    f'<w15:commentEx w15:paraId="{_paragraph_id(number)}"{parent} w15:done="{int(thread.resolved)}"/>'
                )
        # Programs that know no replies skip the ids of paragraphs.
        part.element.set(f"{{{_COMPATIBILITY}}}Ignorable", "w14")
        used = set(re.findall(r'r:id="([^"]+)"', part.blob.decode()))
        for address, relation in links.items():
            if relation in used:
                part.load_rel(RELATIONSHIP_TYPE.HYPERLINK, address, relation, is_external=True)
        extended = f'<w15:commentsEx xmlns:w15="{_W15}">{"".join(states)}</w15:commentsEx>'.encode()
        name = PackURI("/word/commentsExtended.xml")
        document.part.relate_to(Part(name, _EXTENDED_TYPE, extended, document.part.package), _EXTENDED)


def split(text: str) -> Iterator[tuple[str, bool]]:
    """Yield the pieces of a text, and whether each is a mark."""
    at = 0
    for found in places.MARKS.finditer(text):
        if found.start() > at:
            yield text[at : found.start()], False
        yield found[0], True
        at = found.end()
    if at < len(text) or not at:
        yield text[at:], False


def _insert_first(body: str, elements: str) -> str:
    """Put elements into the first paragraph of a body; of an empty body, and of one that begins with a table, into a
    new one.
    """
    found = re.match(r"<w:p>(?:<w:pPr>.*?</w:pPr>)?", body, re.DOTALL)
    if found is None:
        return f"<w:p>{elements}</w:p>{body}"
    return body[: found.end()] + elements + body[found.end() :]


def _paragraph_id(number: int) -> str:
    return f"{_FIRST_PARAGRAPH + number:08X}"


def _initials(name: str) -> str:
    return "".join(word[0] for word in name.split()[:3]).upper()


def _clean(text: str) -> str:
    return re.sub("[\x00-\x1f\x7f\ud800-\udfff\ufffe\uffff]", " ", text).strip()

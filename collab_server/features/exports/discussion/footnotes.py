"""Comments in Markdown: footnotes. Pure; for a worker process.

The Markdown of the document keeps its meaning: a reference goes behind the words, or behind the code, the address or
the link that the words end in. Each one is tried, and the whole text is compared in the end.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

from collab_server.core.markdown import places
from collab_server.core.markdown.parser import new_document_parser
from collab_server.core.markdown.parsing_cost import check_parsing_cost
from collab_server.core.markdown.places import Leaf, Leaves
from collab_server.features.exports.discussion.threads import Discussion, Thread, format_moment, write_plain_mentions

_LABEL: Final = re.compile(r"\[\^([^\]\s]{1,200})\]")
_OWN: Final = re.compile(r"\[\^[^\]\s]{1,200}\]:?")
"""A footnote of the document, which the parser takes for text."""
_TRIES: Final = 12
_SPACE: Final = re.compile(r"[ \n]")
_MAX_ADDRESS: Final = 2_000
_ADDRESS: Final = re.compile(r"(?:(?<!\()\bhttps?://|(?<!\S)www\.|\w@)[^\s<>()\[\]]*\Z", re.IGNORECASE)
"""Renderers make a link of a bare address, up to the next white space."""
_INTERRUPTS: Final = re.compile(r" {0,3}(?:[-+*] +[^\s-]|1[.)] +\S|#{1,6} |`{3}|~{3}|>)")
"""A line that no paragraph goes on with."""
_CLOSERS: Final = ("-->", "?>", "]]>", ">")
_RAW: Final = re.compile(r"\s*<(pre|script|style|textarea)", re.IGNORECASE)
_ON_DOCUMENT: Final = "Comments on the document:"


@dataclass(frozen=True, slots=True)
class _Insertion:
    at: int
    text: str


def write(discussion: Discussion) -> str:
    """Return the Markdown with its comments. Raises TooMuchWork."""
    found = discussion.arrange()
    if not discussion.threads:
        return discussion.content
    check_parsing_cost(found.text)
    labels = _make_labels(found.text, len(discussion.threads))
    threads = [*found.placed, *found.others]
    writer = _Writer(found.text)
    insertions: list[_Insertion] = []
    behind: list[str] = []
    for label, each in zip(labels, found.ranges, strict=False):
        insertion = writer.find(each.end, label) if each.start < each.end else None
        if insertion is None:
            behind.append(label)
        else:
            insertions.append(insertion)
    behind += labels[len(found.placed) :]
    original = discussion.content[len(found.front) :]
    text = _insert(original, insertions)
    if not writer.is_same(places.clear(text), labels):
        text, behind = original, labels
    text = _close(writer.parser, text)
    if behind:
        references = " ".join(f"[^{label}]" for label in behind)
        text = _join(text, f"{_ON_DOCUMENT} {references}")
    known = frozenset(name.lower() for name in [*_LABEL.findall(found.text), *labels])
    notes = "\n\n".join(
        _write_note(label, each, known, quoted=label in behind) for label, each in zip(labels, threads, strict=True)
    )
    return found.front + _join(text, notes) + "\n"


def _make_labels(text: str, count: int) -> list[str]:
    """Labels that the text does not use."""
    used = {name.lower() for name in _LABEL.findall(text)}
    labels: list[str] = []
    number = 0
    while len(labels) < count:
        number += 1
        if f"c{number}" not in used:
            labels.append(f"c{number}")
    return labels


class _Writer:
    def __init__(self, text: str) -> None:
        self.text = text
        # The text's own footnotes are told from its words below.
        self.parser = new_document_parser().disable(["footnote", "footnote_reference"])
        # Other programs read HTML as HTML.
        self.parser.options["html"] = True
        places.add_place_rules(self.parser)
        self._tokens = self.parser.parse(text)
        self._leaves = Leaves(text, self._tokens)
        self._lines = places.find_lines(text)

    def find(self, end: int, label: str) -> _Insertion | None:
        """Where the reference of words that end at `end` goes. None: nowhere."""
        found = self._leaves.find_end(end)
        if found is None:
            return None
        leaf = self._leaves.leaves[found[0]]
        if leaf.is_code:
            return self._behind_code(leaf, label)
        content = leaf.token.content
        wanted = places.leave_line_end(content, found[1])
        spaces = [match.start() for match in _SPACE.finditer(content, wanted)]
        found_edges = places.find_edges(self.parser, content, [wanted, *spaces[:_TRIES]])
        edges = [at for at, in_link in found_edges if at >= wanted and not in_link]
        shape = _shape(leaf.token.children or [])
        own = [each.span() for each in _OWN.finditer(content)]
        for at in dict.fromkeys(places.leave_line_end(content, each) for each in [*edges[:_TRIES], len(content)]):
            following = content[at : at + 1]
            in_address = _ADDRESS.search(content, max(0, at - _MAX_ADDRESS), at) is not None
            if (at > wanted and following.isalnum()) or (in_address and following.strip()):
                continue
            if any(first < at < stop for first, stop in own):
                continue
            space = " " if in_address else ""
            reference = f"{space}[^{label}]"
            children: list[Token] = []
            self.parser.inline.parse(content[:at] + reference + content[at:], self.parser, {}, children)
            if _shape(children, [label]) == shape:
                return _Insertion(leaf.to_source(at), reference)
        return None

    def _behind_code(self, leaf: Leaf, label: str) -> _Insertion:
        """A paragraph behind a block of code, in the same quotes and lists."""
        assert leaf.token.map is not None
        first, stop = leaf.token.map
        at = self._lines[min(stop, len(self._lines) - 1)]
        opening = self._line(first)
        column = opening.find(leaf.token.markup) if leaf.token.markup else leaf.pieces[0][0] - self._lines[first]
        before = re.sub(r"[^>\s]", " ", opening[: max(0, column)])
        if not leaf.token.markup:
            before = re.sub(r"(?: {4}|\t)\Z", "", before)
        text = "" if self.text[:at].endswith(("\n", "\r")) else "\n"
        last = self._line(stop - 1).lstrip(" \t>")
        closed = stop - 1 > first and last.rstrip().startswith(leaf.token.markup) and not last.strip(" \t\r\n`~")
        if leaf.token.markup and not closed:
            text += f"{before}{leaf.token.markup}\n"
        text += f"{before}[^{label}]\n"
        following = self._line(stop)
        rest = following[len(before) :] if following.startswith(before) else following.lstrip()
        if following.strip(" \t>\r\n") and not _INTERRUPTS.match(rest):
            text += f"{before.rstrip()}\n"
        return _Insertion(at, text)

    def _line(self, number: int) -> str:
        return self.text[self._lines[number] : self._lines[number + 1]] if number + 1 < len(self._lines) else ""

    def is_same(self, text: str, labels: Sequence[str]) -> bool:
        """Whether the text with its references has the structure of the text."""
        return _shape(self.parser.parse(text), labels) == _shape(self._tokens)


def _shape(tokens: Iterable[Token], labels: Sequence[str] = ()) -> list[tuple[str, ...]]:
    """What a reader sees of tokens, without references of these labels and paragraphs that have nothing else."""
    reference = re.compile(rf" ?\[\^(?:{'|'.join(map(re.escape, labels))})\]") if labels else None
    shape: list[tuple[str, ...]] = []
    for token in tokens:
        if token.type == "inline":
            inner = _shape(token.children or [], labels)
            if not inner and labels and shape and shape[-1][0] == "paragraph_open":
                shape.pop()
                shape.append(("",))
            else:
                shape += inner
            continue
        if token.type == "paragraph_close" and shape and shape[-1] == ("",):
            shape.pop()
            continue
        if token.type in ("text", "text_special"):
            words = reference.sub("", token.content) if reference else token.content
            if words and shape and shape[-1][0] == "text":
                words = shape.pop()[1] + words
                words = reference.sub("", words) if reference else words
            if words:
                shape.append(("text", words))
            continue
        content = token.content.rstrip("\n") if token.type in ("fence", "code_block") else token.content
        attributes = (f"{name}={value}" for name, value in token.attrs.items())
        shape.append((token.type, token.tag, token.info, content, *attributes))
    return shape


def _insert(text: str, insertions: Iterable[_Insertion]) -> str:
    parts: list[str] = []
    before = 0
    for each in sorted(insertions, key=lambda each: each.at):
        parts += [text[before : each.at], each.text]
        before = each.at
    return "".join([*parts, text[before:]])


def _close(parser: MarkdownIt, text: str) -> str:
    """The text, and if code or HTML is open at its end, what closes it."""
    probe = "\n\nx"
    for closer in ("", *_find_closer(parser, text), *_CLOSERS):
        closed = _join(text, "", closer) if closer else text
        tokens = parser.parse(closed.rstrip("\n") + probe)
        if len(tokens) >= 3 and tokens[-1].type == "paragraph_close" and tokens[-1].level == 0:
            return closed
    return text


def _find_closer(parser: MarkdownIt, text: str) -> list[str]:
    """What closes the code or the element that the text may end in."""
    last = (parser.parse(text) or [Token("", "", 0)])[-1]
    raw = _RAW.match(last.content) if last.type == "html_block" else None
    return [last.markup] if last.type == "fence" else [f"</{raw[1]}>"] if raw else []


def _join(text: str, more: str, closer: str = "") -> str:
    if closer:
        return f"{text}{'' if text.endswith(chr(10)) else chr(10)}{closer}\n"
    text = text.rstrip("\n")
    return f"{text}\n\n{more}" if text else more


def _write_note(label: str, thread: Thread, known: frozenset[str], *, quoted: bool) -> str:
    lines: list[str] = []
    if thread.quote is not None and quoted:
        lines += [f"> {line}" for line in thread.quote.split("\n")] + [""]
    for number, entry in enumerate(thread.entries):
        state = " (resolved)" if thread.resolved and not number else ""
        author = re.sub(r"([\\`*_\[\]<>~|!#])", r"\\\1", " ".join(entry.author.split()))
        content = write_plain_mentions(entry.content).replace("\r\n", "\n").replace("\r", "\n")
        content = _LABEL.sub(lambda each: f"\\{each[0]}" if each[1].lower() in known else each[0], content)
        by = f"**{author}**, {format_moment(entry.at)}{state}:"
        lines += [by, "", *content.strip("\n").split("\n"), ""]
    note = "\n".join(f"    {line}".rstrip() if line.strip() else "" for line in lines).rstrip()
    return f"[^{label}]: {note.lstrip(' ')}"

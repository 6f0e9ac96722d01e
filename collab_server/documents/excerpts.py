"""What the beginning of a Markdown text says: an excerpt without marks for lists and search, and the first heading.

Lists ask for hundreds at a time, from texts that are cut somewhere: one pass with a few patterns, no parser. Where the
two differ (`rendering.py` is exact), a mark too many is shown or left out, never a word of the text.
"""

import html
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from collab_server.crdt import front_matter

MAX_EXCERPT: Final = 200
MAX_TITLE: Final = 200
LOOKED: Final = 8000
"""Characters within which a first heading is looked for."""
_LONG: Final = 1000
"""Characters of a line beyond which nothing is looked for: some patterns take a time that grows with their square."""
_DEEP: Final = 20
"""Quotations and lists within one another that are looked into."""

_CUT_MATTER: Final = re.compile(r"\A---[ \t]*\n(?:(?:\w[\w-]*:|[ \t]|-[ ]).*(?:\n|\Z)|\n)+\Z")
_FENCE: Final = re.compile(r"[ \t]{0,3}(`{3,}|~{3,})")
_UNDERLINE: Final = re.compile(r"[ ]{0,3}(?:=+|-+)[ \t]*\Z")
_RULE: Final = re.compile(r"[ ]{0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})\Z")
_DELIMITERS: Final = re.compile(r"[ ]{0,3}\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*\Z")
_DEFINITION: Final = re.compile(r"[ ]{0,3}\[[^\]]+\]:[ \t]*\S+(?:[ \t]+[\"'(].*)?\Z")
_HEADING: Final = re.compile(r"[ ]{0,3}#{1,6}(?:[ \t]+|\Z)")
_CLOSING: Final = re.compile(r"(?:\A|[ \t]+)#+[ \t]*\Z")
_BLOCK: Final = re.compile(r"[ \t]*(?:>[ \t]?|[-*+][ \t]+(?:\[[ xX]\][ \t]+)?|\d{1,9}[.)][ \t]+)")
_INLINE: Final = re.compile(
    r"""\\(?P<escaped>[!-/:-@\[-`{-~])
    | (?P<ticks>`+)
    | !?\[(?P<label>(?:[^\[\]\\]|\\.|\[[^\[\]]*\])*)\]
        (?:\((?P<target><[^<>]*>|(?:[^\s()\\]|\\.|\([^\s()]*\))*)(?:\s+(?:"[^"]*"|'[^']*'|\([^()]*\)))?\s*\)|\[[^\[\]]*\])
    | !?\[(?P<open>[^\[\]]*)\]\([^\s()]*\Z
    | <(?P<address>[A-Za-z][A-Za-z0-9+.-]{1,31}:[^<>\s]*|[^<>\s@]+@[^<>\s@]+)>
    | <br[ ]*/?>
    | (?P<run>\*+|_+|~+)""",
    re.VERBOSE | re.DOTALL,
)
_TICKS: Final = re.compile(r"`+")
_REMNANT: Final = re.compile(r"(\A…[^\[\]\s]*)\]\([^\s()]*\)")
_MARKED: Final = "\x02"
"""Before what a search has found; see search/snippets.py."""


@lru_cache(maxsize=4096)
def excerpt(beginning: str) -> str:
    """One line of at most MAX_EXCERPT characters. `beginning`: of a text, cut anywhere."""
    said, length = [], 0
    for text, _ in _blocks(_without_matter(beginning)):
        said.append(" ".join(_inline(text).split()))
        length += len(said[-1]) + bool(said[-1])
        if length > MAX_EXCERPT:
            break
    return " ".join(filter(None, said))[:MAX_EXCERPT].rstrip()


def plain(markdown: str) -> str:
    """The text on one line, without the marks of Markdown."""
    return " ".join(" ".join(_inline(text) for text, _ in _blocks(_without_matter(markdown))).split())


def _without_matter(markdown: str) -> str:
    return _CUT_MATTER.sub("", front_matter.split(markdown.replace("\r\n", "\n"))[1])


def plain_part(marked: str) -> str:
    """As plain, of a part of a text, which may begin and end within a link (with `…`). What was found is kept, also in
    addresses, with its marks.
    """
    return plain(_REMNANT.sub(r"\1", marked))


def first_heading(markdown: str) -> str | None:
    """The first heading that says something, as a title: one line of at most MAX_TITLE characters."""
    for text, is_heading in _blocks(_without_matter(markdown[:LOOKED])):
        if is_heading and (title := _title(_inline(text[:_LONG]))):
            return title
    return None


def _title(text: str) -> str:
    """What fields.a_line takes."""
    line = " ".join("".join(character if character.isprintable() else " " for character in text).split())
    return line[:MAX_TITLE].rstrip()


def _blocks(markdown: str) -> Iterator[tuple[str, bool]]:
    """(text of a block without its marks, whether it is a heading)"""
    fence = ""
    paragraph: list[str] = []
    lines = markdown.split("\n")
    for number, line in enumerate(lines):
        if fence:
            if line.strip().startswith(fence) and not line.strip().strip(fence[0]):
                fence = ""
            else:
                yield _verbatim(line), False
            continue
        opened = _FENCE.match(line)
        begins = bool(opened) or not line.strip() or bool(_HEADING.match(line)) or bool(_BLOCK.match(line))
        if paragraph and _UNDERLINE.match(line):
            yield " ".join(paragraph), True
            paragraph = []
            continue
        if begins or _RULE.match(line):
            if paragraph:
                yield " ".join(paragraph), False
                paragraph = []
            if opened:
                fence = opened[1]
                continue
        if _RULE.match(line) or not line.strip() or _DEFINITION.match(line) or _delimits(lines, number):
            continue
        quoted = False
        for _ in range(_DEEP):
            if not (mark := _BLOCK.match(line)) or _RULE.match(line):
                break
            line, quoted = line[mark.end() :], True
        if heading := _HEADING.match(line):
            yield _CLOSING.sub("", line[heading.end() : _LONG]), True
        elif quoted:
            yield line, False
        else:
            paragraph.append(_cells(line) if _in_table(lines, number) else line)
    if paragraph:
        yield " ".join(paragraph), False


def _delimits(lines: list[str], number: int) -> bool:
    """Whether the line separates a table's head from its rows."""
    line = lines[number]
    return "|" in line and "-" in line and len(line) < _LONG and bool(_DELIMITERS.match(line))


def _in_table(lines: list[str], number: int) -> bool:
    line = lines[number].strip()
    if "|" not in line:
        return False
    return line.startswith("|") or (number + 1 < len(lines) and _delimits(lines, number + 1))


def _cells(line: str) -> str:
    return re.sub(r"(?<!\\)\|", " ", line).replace("\\|", "|")


def _verbatim(line: str) -> str:
    """So that _inline gives it as it is."""
    return re.sub(r"([\\`*_~\[\]<>!&])", r"\\\1", line)


def _inline(text: str) -> str:
    """Without marks of emphasis, code, links and pictures, and without escapes."""
    parts: list[str] = []
    runs: list[tuple[int, str, bool]] = []  # (place in parts, marks, whether they may open)
    at = 0
    ticks = [(run.start(), run.end()) for run in _TICKS.finditer(text)]
    while found := _INLINE.search(text, at):
        parts.append(html.unescape(text[at : found.start()]))
        at = found.end()
        if (escaped := found["escaped"]) is not None:
            parts.append(escaped)
        elif found["ticks"] is not None:
            wide = at - found.start()
            closing = next((run for run in ticks if run[0] >= at and run[1] - run[0] == wide), None)
            if closing is None:
                parts.append(found["ticks"])
            else:
                code = text[at : closing[0]]
                parts.append(code[1:-1] if code.strip() and code[0] == code[-1] == " " else code)
                at = closing[1]
        elif found["label"] is not None:
            target = found["target"]
            shown = f" ({target})" if target and _MARKED in target else ""
            parts.append(_inline(found["label"]) + shown)
        elif found["open"] is not None:
            parts.append(_inline(found["open"]))
        elif found["address"] is not None:
            parts.append(found["address"])
        elif found["run"] is not None:
            _mark(found["run"], text[found.start() - 1 : found.start()], text[at : at + 1], parts, runs)
        else:
            parts.append(" ")
    parts.append(html.unescape(text[at:]))
    return "".join(parts)


def _mark(run: str, before: str, after: str, parts: list[str], runs: list[tuple[int, str, bool]]) -> None:
    """Puts a run of `*`, `_` or `~` into the parts, or takes it out together with the one that it closes."""
    parts.append(run)
    opens = bool(after) and not after.isspace()
    closes = bool(before) and not before.isspace()
    if run[0] == "_":
        opens, closes = opens and not before.isalnum(), closes and not after.isalnum()
    if closes:
        while runs and run:
            other = next((n for n in range(len(runs) - 1, -1, -1) if runs[n][1][0] == run[0]), None)
            if other is None or (run[0] == "~" and runs[other][1] != run):
                break
            place, marks, _ = runs[other]
            common = min(len(marks), len(run))
            marks, run = marks[common:], run[common:]
            parts[place], parts[-1] = marks, run
            del runs[other + bool(marks) :]
            if marks:
                runs[other] = (place, marks, True)
    if opens and run:
        runs.append((len(parts) - 1, run, True))

"""Extracts excerpts and titles from the beginning of Markdown texts, for lists and search.

Lists need hundreds of excerpts from truncated texts. Therefore a few patterns in one pass replace the parser. In cases
of doubt, a syntax character may be shown or hidden wrongly, but never a word.
"""

import html
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from collab_server.core.markdown import front_matter

MAX_EXCERPT: Final = 200
MAX_TITLE: Final = 200
MAX_HEADING_POSITION: Final = 8000
"""Number of characters searched for a first heading."""
_MAX_LINE: Final = 1000
"""Length limit for patterns within a line, because some have quadratic cost."""
_MAX_NESTING: Final = 20
"""Nesting limit of quotations and lists."""

_CUT_MATTER: Final = re.compile(r"\A---[ \t]*\n(?:(?:\w[\w-]*:|[ \t]|-[ ]).*(?:\n|\Z)|\n)+\Z")
_FENCE: Final = re.compile(r"[ \t]{0,3}(`{3,}|~{3,})")
_UNDERLINE: Final = re.compile(r"[ ]{0,3}(?:=+|-+)[ \t]*\Z")
_RULE: Final = re.compile(r"[ ]{0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})\Z")
_DELIMITERS: Final = re.compile(r"[ ]{0,3}\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*\Z")
_DEFINITION: Final = re.compile(r"[ ]{0,3}\[(?!\^)[^\]]+\]:[ \t]*\S+(?:[ \t]+[\"'(].*)?\Z")
_HEADING: Final = re.compile(r"[ ]{0,3}#{1,6}(?:[ \t]+|\Z)")
_CALLOUT: Final = re.compile(r"\[!(?:note|tip|important|warning|caution)\][ \t]*\Z", re.IGNORECASE)
_TOGGLE: Final = re.compile(r"</?(?:details(?: open)?|summary)>", re.IGNORECASE)
_CLOSING: Final = re.compile(r"(?:\A|[ \t]+)#+[ \t]*\Z")
_BLOCK: Final = re.compile(r"[ \t]*(?:>[ \t]?|[-*+][ \t]+(?:\[[ xX]\][ \t]+)?|\d{1,9}[.)][ \t]+)")
_INLINE: Final = re.compile(
    r"""\\(?P<escaped>[!-/:-@\[-`{-~])
    | (?P<footnote>\[\^[\w.+-]{1,40}\]:?)
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
"""Prefix of search hits; see features/search/snippets.py."""


@lru_cache(maxsize=4096)
def excerpt(beginning: str) -> str:
    """An excerpt of at most MAX_EXCERPT characters on one line. `beginning`: of a text, truncated anywhere."""
    lines, length = [], 0
    for text, _ in _blocks(_without_matter(beginning)):
        lines.append(" ".join(_inline(text).split()))
        length += len(lines[-1]) + bool(lines[-1])
        if length > MAX_EXCERPT:
            break
    return " ".join(filter(None, lines))[:MAX_EXCERPT].rstrip()


def plain_text(markdown: str) -> str:
    """The text on one line, without Markdown syntax."""
    return " ".join(" ".join(_inline(text) for text, _ in _blocks(_without_matter(markdown))).split())


def _without_matter(markdown: str) -> str:
    return _CUT_MATTER.sub("", front_matter.split_front_matter(markdown.replace("\r\n", "\n"))[1])


def plain_section(marked: str) -> str:
    """Plain text of a section of Markdown; it may begin and end within a link (with `…`). Search hits keep their
    prefix, also in addresses.
    """
    return plain_text(_REMNANT.sub(r"\1", marked))


def first_heading(markdown: str) -> str | None:
    """The first non-empty heading as a title: one line of at most MAX_TITLE characters."""
    for text, is_heading in _blocks(_without_matter(markdown[:MAX_HEADING_POSITION])):
        if is_heading and (title := _title(_inline(text[:_MAX_LINE]))):
            return title
    return None


def _title(text: str) -> str:
    """A valid title for fields.a_line."""
    line = " ".join("".join(character if character.isprintable() else " " for character in text).split())
    return line[:MAX_TITLE].rstrip()


def _blocks(markdown: str) -> Iterator[tuple[str, bool]]:
    """The blocks as (text without block syntax, whether it is a heading)."""
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
        for _ in range(_MAX_NESTING):
            if not (mark := _BLOCK.match(line)) or _RULE.match(line):
                break
            line, quoted = line[mark.end() :], True
        if heading := _HEADING.match(line):
            yield _CLOSING.sub("", line[heading.end() : _MAX_LINE]), True
        elif quoted:
            if not _CALLOUT.match(line):
                yield line, False
        elif line.startswith("<") and _TOGGLE.match(line):
            yield _TOGGLE.sub(" ", line), False
        elif line.strip() == "$$":
            continue
        else:
            paragraph.append(_cells(line) if _in_table(lines, number) else line)
    if paragraph:
        yield " ".join(paragraph), False


def _delimits(lines: list[str], number: int) -> bool:
    """Whether the line separates a table's header from its rows."""
    line = lines[number]
    return "|" in line and "-" in line and len(line) < _MAX_LINE and bool(_DELIMITERS.match(line))


def _in_table(lines: list[str], number: int) -> bool:
    line = lines[number].strip()
    if "|" not in line:
        return False
    return line.startswith("|") or (number + 1 < len(lines) and _delimits(lines, number + 1))


def _cells(line: str) -> str:
    return re.sub(r"(?<!\\)\|", " ", line).replace("\\|", "|")


def _verbatim(line: str) -> str:
    """Escape a line, so that `_inline` returns it unchanged."""
    return re.sub(r"([\\`*_~\[\]<>!&])", r"\\\1", line)


def _inline(text: str) -> str:
    """Remove syntax of emphasis, code, links and images, and escapes."""
    parts: list[str] = []
    runs: list[tuple[int, str, bool]] = []  # (place in parts, marks, whether they may open)
    position = 0
    ticks = [(run.start(), run.end()) for run in _TICKS.finditer(text)]
    while match := _INLINE.search(text, position):
        parts.append(html.unescape(text[position : match.start()]))
        position = match.end()
        if (escaped := match["escaped"]) is not None:
            parts.append(escaped)
        elif match["footnote"] is not None:
            continue
        elif match["ticks"] is not None:
            wide = position - match.start()
            closing = next((run for run in ticks if run[0] >= position and run[1] - run[0] == wide), None)
            if closing is None:
                parts.append(match["ticks"])
            else:
                code = text[position : closing[0]]
                parts.append(code[1:-1] if code.strip() and code[0] == code[-1] == " " else code)
                position = closing[1]
        elif match["label"] is not None:
            target = match["target"]
            address = f" ({target})" if target and _MARKED in target else ""
            parts.append(_inline(match["label"]) + address)
        elif match["open"] is not None:
            parts.append(_inline(match["open"]))
        elif match["address"] is not None:
            parts.append(match["address"])
        elif match["run"] is not None:
            _mark(match["run"], text[match.start() - 1 : match.start()], text[position : position + 1], parts, runs)
        else:
            parts.append(" ")
    parts.append(html.unescape(text[position:]))
    return "".join(parts)


def _mark(run: str, before: str, after: str, parts: list[str], runs: list[tuple[int, str, bool]]) -> None:
    """Add a run of `*`, `_` or `~` to the parts, or remove it with its opening run."""
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

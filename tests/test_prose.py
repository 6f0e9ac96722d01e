"""Docstrings are plain English: ARCHITECTURE.md, section on names and prose."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator

from tests.require import ROOT

PACKAGE = ROOT / "collab_server"

MAX_RELATIVE_PRONOUNS = 2.5
"""Occurrences of who, what, which and that in 100 words."""

_PREPOSITIONS = {
    "about",
    "above",
    "after",
    "against",
    "among",
    "as",
    "at",
    "before",
    "behind",
    "below",
    "beside",
    "between",
    "beyond",
    "by",
    "for",
    "from",
    "in",
    "into",
    "of",
    "on",
    "over",
    "per",
    "since",
    "through",
    "to",
    "under",
    "until",
    "up",
    "via",
    "with",
    "within",
    "without",
}
_CODE = re.compile(r"``?[^`]*``?")
_WORD = re.compile(r"[A-Za-z][A-Za-z']*")
_RELATIVE = re.compile(r"(?:who|what|which|that)\Z", re.IGNORECASE)


def docstrings() -> Iterator[tuple[str, int, str]]:
    """(file, line, text) of docstrings of modules, classes and functions, and of those after assignments."""
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Expr)
                and isinstance(node.value, ast.Constant)
                and isinstance(node.value.value, str)
            ):
                yield name, node.lineno, node.value.value


def test_docstrings_do_not_begin_with_a_preposition() -> None:
    wrong = []
    for name, line, text in docstrings():
        first = _WORD.match(text)
        if first is not None and first[0].lower() in _PREPOSITIONS:
            wrong.append(f"{name}:{line}: {text.splitlines()[0]}")
    assert not wrong, "\n".join(wrong)


def test_docstrings_have_few_relative_clauses() -> None:
    words, pronouns = 0, 0
    places: dict[str, list[int]] = defaultdict(list)
    for name, line, text in docstrings():
        found = _WORD.findall(_CODE.sub("", text))
        words += len(found)
        count = sum(1 for word in found if _RELATIVE.match(word))
        pronouns += count
        places[name] += [line] * count
    worst = sorted(places.items(), key=lambda item: -len(item[1]))[:10]
    assert pronouns * 100 <= MAX_RELATIVE_PRONOUNS * words, f"{pronouns} in {words} words: {worst}"

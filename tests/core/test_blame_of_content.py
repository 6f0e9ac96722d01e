"""Blame of Markdown and JSON: the runs rejoin to the content, and each letter is credited to whoever typed it."""

import json
import re
from random import Random
from typing import Any

import pycrdt
import pytest

from collab_server.core.history.blame_content import blame
from collab_server.core.history.segment import HistoryAuthor, HistoryRow, build_row
from collab_server.core.prosemirror.nodes import Mark, Node
from collab_server.core.prosemirror_edits.edit import insert_nodes
from collab_server.core.yjs import tree, updates
from collab_server.core.yjs.composer import Composer
from collab_server.core.yjs.structs import Branch
from tests.core.fragments import ROOT, element, p
from tests.core.test_history import Authors, inserted_by

LETTERS = {"cyrillic": 0x430, "georgian": 0x10D0}
"""The letter a of each author. Nothing that Markdown is written with has these letters."""


def in_letters(node: Node, author: str) -> Node:
    """The node with the ASCII letters of its texts as letters of an author, spaces, and a word before them.

    Without words, what is a sign of Markdown and what a person typed could not be told apart.
    """
    first = LETTERS[author]
    text = "word" + re.sub("[^A-Za-z ]", "", node.text) if node.text else ""
    text = re.sub("[A-Za-z]", lambda match: chr(first + ord(match[0].lower()) - 97), text)
    return Node(node.type, node.attributes, [in_letters(child, author) for child in node.content], text, node.marks)


def written(blocks: list[tuple[str, Node]]) -> tuple[bytes, list[HistoryRow]]:
    """A document of blocks, each by an author in a row of its own."""
    document = updates.EMPTY_UPDATE
    rows: list[HistoryRow] = []
    for author, node in reversed(blocks):
        read = tree.read_tree(document)
        client = list(LETTERS).index(author) + 1
        composer = Composer(client, read.clocks.get(client, 0))
        insert_nodes(composer, ROOT, read.roots.get(ROOT) or Branch(None), [in_letters(node, author)])
        update = composer.update()
        rows.append(build_row(len(rows) + 1, 0, HistoryAuthor("user", author), update))
        document = updates.merge([document, update])
    return document, rows


def link(text: str, href: str) -> Node:
    return Node("text", text=text, marks=[Mark("link", {"href": href, "title": ""})])


@pytest.mark.parametrize(
    "blocks",
    [
        [("cyrillic", p("one ")), ("georgian", p("one two"))],
        [("cyrillic", p(" ")), ("georgian", p("one two three"))],
        [("cyrillic", element("codeBlock", "x\n", language="c")), ("georgian", p("a\nb"))],
        [("cyrillic", p(link("one", "#"))), ("georgian", p("# - #"))],
        [("cyrillic", p("\\ *one* ")), ("georgian", element("bulletList", element("listItem", p("[ ] two "))))],
    ],
)
def test_each_letter_of_markdown_is_credited_to_whoever_typed_it(blocks: list[tuple[str, Node]]) -> None:
    update, rows = written(blocks)
    projected, runs = blame(update, inserted_by(rows))
    assert "".join(run.text for run in runs) == projected.content
    for run in runs:
        for sign in run.text:
            for author, first in LETTERS.items():
                if first <= ord(sign) < first + 26:
                    assert run.credit is not None, (sign, run, runs)
                    assert run.credit.author.id == author, (sign, run, runs)


class JsonPeers(Authors):
    """Peers who edit maps and arrays alone. Each value that they write is a text that nobody else writes."""

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self.writers: list[int] = []

    def text(self, doc: pycrdt.Doc[Any]) -> None:
        self.map(doc)

    def xml(self, doc: pycrdt.Doc[Any]) -> None:
        self.array(doc)

    def map(self, doc: pycrdt.Doc[Any]) -> None:
        self.writers.append(doc.client_id)
        super().map(doc)

    def array(self, doc: pycrdt.Doc[Any]) -> None:
        self.writers.append(doc.client_id)
        super().array(doc)

    def value(self, depth: int) -> Any:
        mark = f"#{len(self.writers)}#"
        value = super().value(depth)
        if isinstance(value, pycrdt.Text):
            return pycrdt.Text(mark)
        return (
            value if isinstance(value, pycrdt.Map | pycrdt.Array) else self.random.choice([mark, [mark], {"o": mark}])
        )


@pytest.mark.parametrize("seed", range(40))
def test_each_value_of_json_is_credited_to_whoever_wrote_it(seed: int) -> None:
    peers = JsonPeers(Random(seed))
    peers.edit(60)
    rows = [
        build_row(number, 0, HistoryAuthor("user", str(author)), update)
        for number, (author, update) in enumerate(zip(peers.authors, peers.log, strict=True), start=1)
    ]
    projected, runs = blame(updates.merge(peers.log), inserted_by(rows))
    assert "".join(run.text for run in runs) == projected.content
    assert json.loads(projected.content)
    credits = [run.credit and run.credit.author.id for run in runs for _ in run.text]
    found = list(re.finditer(r"#(\d+)#", projected.content))
    assert found
    for mark in found:
        assert set(credits[mark.start() : mark.end()]) == {str(peers.writers[int(mark[1]) - 1])}, mark

"""What of a document becomes its content."""

import gzip
import json
import math
from typing import Any

import pycrdt
import pytest

from collab_server.core.documents.compaction import compact
from collab_server.core.documents.projection import MAX_CONTENT_BYTES, Projection, count_words, project
from collab_server.core.yjs.lib0 import write_var_string, write_var_uint
from tests.core.strategies import anything, encode_update, string
from tests.require import TRACES, needs

Doc = pycrdt.Doc[Any]


def paragraph(text: str) -> pycrdt.XmlElement:
    return pycrdt.XmlElement("paragraph", {}, [pycrdt.XmlText(text)])


def document(**values: Any) -> Doc:
    doc = Doc()
    for name, value in values.items():
        doc[name] = value
    return doc


def projection(**values: Any) -> Projection:
    return project(document(**values).get_update())


def content(**values: Any) -> tuple[str, str | None, str]:
    shown = projection(**values)
    return shown.format, shown.root, shown.content


def test_the_text_named_content_is_the_content_beside_other_roots() -> None:
    assert content(
        content=pycrdt.Text("the text"),
        default=pycrdt.XmlFragment([paragraph("a paragraph")]),
        config=pycrdt.Map({"a": 1}),
        other=pycrdt.Text("other"),
    ) == ("text", "content", "the text")


@pytest.mark.parametrize("name", ["default", "prosemirror"])
def test_a_fragment_of_an_editor_comes_before_a_text_beside_it(name: str) -> None:
    fragment = pycrdt.XmlFragment([paragraph("body")])
    assert content(title=pycrdt.Text("title"), **{name: fragment}) == ("markdown", name, "body")


@pytest.mark.parametrize("name", ["monaco", "quill", "codemirror"])
def test_the_only_text_is_the_content_under_any_name(name: str) -> None:
    assert content(**{name: pycrdt.Text("text")}) == ("text", name, "text")
    assert content(**{name: pycrdt.Text("text"), "config": pycrdt.Map({"a": 1})}) == ("text", name, "text")


def test_the_only_fragment_is_the_content_under_any_name() -> None:
    fragment = pycrdt.XmlFragment([paragraph("body")])
    assert content(**{"document-store": fragment}) == ("markdown", "document-store", "body")


def test_a_map_or_an_array_alone_is_its_json() -> None:
    assert content(nodes=pycrdt.Map({"b": 2, "a": [1, None, "x"]})) == (
        "json",
        "nodes",
        '{"a": [1, null, "x"], "b": 2}',
    )
    assert content(items=pycrdt.Array([1, 2.5, True])) == ("json", "items", "[1, 2.5, true]")


def test_several_roots_are_one_object_by_their_names() -> None:
    assert content(
        second=pycrdt.Text("two"),
        first=pycrdt.Text("one"),
        list=pycrdt.Array([pycrdt.Map({"k": pycrdt.Text("inner")})]),
        page=pycrdt.XmlFragment([paragraph("body")]),
    ) == ("json", None, '{"first": "one", "list": [{"k": "inner"}], "page": "body", "second": "two"}')


def test_roots_that_show_nothing_do_not_count() -> None:
    doc = document(content=pycrdt.Text("gone"), cleared=pycrdt.Text("gone"), notes=pycrdt.Text("kept"))
    doc["content"].clear()
    doc["cleared"].clear()
    assert project(doc.get_update()) == Projection("kept", 1, root="notes")
    doc["notes"].clear()
    assert project(doc.get_update()) == Projection("", 0)


def test_of_a_text_its_strings_are_taken_without_embeds_and_formats() -> None:
    doc = document(quill=pycrdt.Text("Hello world\n"))
    doc["quill"].format(0, 5, {"bold": True})
    doc["quill"].insert_embed(5, {"image": "a.png"})
    assert project(doc.get_update()).content == "Hello world\n"
    picture = document(quill=pycrdt.Text(), config=pycrdt.Map({}))
    picture["quill"].insert_embed(0, {"image": "a.png"})
    assert project(picture.get_update()) == Projection("", 0, root="quill")


def test_values_are_written_as_javascript_would() -> None:
    undefined, not_a_number, big = b"\x7f", b"\x7b\x7f\xf8" + bytes(6), b"\x7a" + (2**40).to_bytes(8, "big")
    inner = b"\x76\x02" + write_var_string("u") + undefined + write_var_string("n") + b"\x7e"
    struct = anything(b"\x7d\x41", b"\x7b\x40\x08" + bytes(6), undefined, not_a_number, big, b"\x74\x02\x00\xff", inner)
    update = encode_update([(1, 0, [struct])])
    assert project(update).content == '[-1, 3, null, null, 1099511627776, "AP8=", {"n": null}]'
    assert not math.isnan(json.loads(project(update).content)[1])


def test_a_subdocument_is_its_id() -> None:
    assert content(pages=pycrdt.Map({"one": pycrdt.Doc(guid="g-1")}))[2] == '{"one": {"guid": "g-1"}}'


def test_an_array_that_also_holds_text_is_read() -> None:
    # pycrdt never returns from reading such an array.
    nested = b"\x07\x01\x01a\x00"
    update = b"\x01\x03\x01\x00" + nested + b"\x08\x00\x01\x00\x01\x7d\x05" + b"\x84\x01\x01\x02xy" + b"\x00"
    assert project(update).content == '[[5, "x", "y"]]'


def test_characters_that_postgresql_refuses_are_left_out() -> None:
    update = encode_update([(1, 0, [string("a\0b")])])
    assert project(update).content == "ab"
    embed = b"\x28\x01\x01m\x01k\x01\x77" + write_var_string("x\0y")
    assert project(b"\x01\x01\x01\x00" + embed + b"\x00").content == '{"k": "x\\u0000y"}'


def test_content_is_cut_off_at_ten_mebibytes_between_two_characters() -> None:
    text = "é" * (MAX_CONTENT_BYTES // 2) + "é"
    shown = projection(content=pycrdt.Text("x" + text))
    assert shown.truncated
    assert shown.content == "x" + "é" * (MAX_CONTENT_BYTES // 2 - 1)
    exact = projection(content=pycrdt.Text(text[1:]))
    assert (exact.truncated, exact.content) == (False, text[1:])


@pytest.mark.parametrize("reference", [0, 1])
def test_content_nested_ten_thousand_deep_is_projected(reference: int) -> None:
    key = b"\x01k" if reference == 1 else b""
    info = bytes((0x27 if reference == 1 else 0x07,))
    structs = [info + b"\x01\x01r" + key + bytes((reference,))]
    structs += [info + b"\x00\x01" + write_var_uint(clock) + key + bytes((reference,)) for clock in range(9_999)]
    update = b"\x01" + write_var_uint(10_000) + b"\x01\x00" + b"".join(structs) + b"\x00"
    folded = compact(None, [update])
    assert folded.projection.truncated
    assert json.loads(folded.projection.content)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("one two\nthree", 3),
        ("don't well-known naïve", 3),
        ("** - # |", 0),
        ("数据库 and カナ", 6),
        ("snake_case 3.14", 4),
        ("한국어 слова", 2),
    ],
)
def test_words_are_counted(text: str, count: int) -> None:
    assert count_words(text) == count


def test_markdown_signs_and_addresses_are_no_words() -> None:
    doc = document(default=pycrdt.XmlFragment([paragraph("see the site")]))
    next(iter(doc["default"].children)).children[0].format(8, 12, {"link": {"href": "https://e.org/a/b"}})
    shown = project(doc.get_update())
    assert (shown.content, shown.words) == ("see the [site](https://e.org/a/b)", 3)


def test_an_empty_document_has_no_content() -> None:
    assert project(b"\0\0") == Projection("", 0)


def test_a_recorded_session_ends_with_its_text() -> None:
    needs("traces")
    with gzip.open(TRACES / "automerge-paper.json.gz") as file:
        trace = json.load(file)
    doc = Doc(client_id=1)
    text = doc.get("content", type=pycrdt.Text)
    log: list[bytes] = []
    subscription = doc.observe(lambda event: log.append(event.update))
    transactions = trace["txns"]
    for first in range(0, len(transactions), 40):
        with doc.transaction():
            for transaction in transactions[first : first + 40]:
                for position, removed, inserted in transaction["patches"]:
                    if removed:
                        del text[position : position + removed]
                    if inserted:
                        text.insert(position, inserted)
    doc.unobserve(subscription)
    folded = compact(None, log)
    assert len(log) > 6000
    assert (folded.projection.content, folded.pending) == (trace["endContent"], False)
    half = compact(None, log[::2])
    assert half.pending
    assert compact(half.snapshot, log[1::2]).projection.content == trace["endContent"]

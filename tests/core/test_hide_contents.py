"""Contents that pycrdt would change are marked when they come in, and leave as they came."""

import struct

import pycrdt
import pytest

from collab_server.core.documents import compaction, loading
from collab_server.core.documents.offline_text import OfflineText
from collab_server.core.documents.projection import project_document
from collab_server.core.yjs import inspection, updates
from collab_server.core.yjs.content_marks import HIDDEN
from collab_server.core.yjs.contents import MARK
from collab_server.core.yjs.hide_contents import hide_contents
from collab_server.core.yjs.lib0 import write_var_bytes, write_var_string
from collab_server.errors import Malformed
from tests.core.strategies import (
    Struct,
    anything,
    binary,
    embed,
    encode_update,
    formatting,
    item,
    legacy_json,
    shared_type,
    string,
)

OTHER = encode_update([(9, 0, [string("another")])], [])
MINUS_FIVE = b"\x7a" + struct.pack(">q", -5)
MINUS_ZERO = b"\x7d\x40"


def one(*structs: Struct) -> bytes:
    return encode_update([(7, 0, list(structs))], [])


def subdocument_with(options: bytes) -> Struct:
    return Struct(item(9, write_var_string("guid") + options), 1)


CHANGED = {
    "bigint": anything(MINUS_FIVE),
    "large bigint": anything(b"\x7aABCDEFGH"),
    "minus zero": anything(MINUS_ZERO),
    "minus zero as a double": anything(b"\x7b\x80" + bytes(7)),
    "minus zero as a float": anything(b"\x7c\x80\0\0\0"),
    "bigint in an object in an array": anything(b"\x75\x01\x76\x01\x01a" + MINUS_FIVE),
    "half a character in a format": formatting("link", '"\\ud83d"'),
    "half a character in an embed": embed('{"title":"a\\ud83d"}'),
    "half a character in a key": embed('{"\\udc00":1}'),
    "2**63 in a format": formatting("size", "9223372036854776000"),
    "10**19 in an embed": embed('{"a":10000000000000000000}'),
    "legacy JSON": legacy_json("1", "undefined", '"\\ud83d"', '{"b":1,"a":-2}'),
    "hook": shared_type(5, "hook"),
    "subdocument": subdocument_with(b"\x76\0"),
    "subdocument with options": subdocument_with(b"\x76\x01\x04meta\x76\x01\x01a" + MINUS_ZERO),
    "mask in a value": anything(b"\x77" + write_var_bytes(b"a" + HIDDEN)),
    "mask in a buffer": anything(b"\x74" + write_var_bytes(HIDDEN + b"J1")),
    "mask as a name": shared_type(3, HIDDEN.decode() + "5x"),
    "mask as an embed": embed(f'"{HIDDEN.decode()}1"'),
    "mask as a format": formatting(HIDDEN.decode(), f'"{HIDDEN.decode()}1"'),
}


@pytest.mark.parametrize("name", CHANGED)
def test_values_changed_by_pycrdt_are_kept(name: str) -> None:
    sent = one(string("before"), CHANGED[name], string("after"))
    summary = updates.validate(sent)
    assert summary.marked and MARK in summary.marked
    assert updates.validate(summary.marked).marked is None
    assert inspection.inspect(summary.marked) == inspection.inspect(sent)

    merged = updates.merge([summary.marked, OTHER])
    assert updates.diff(merged, updates.state_vector(OTHER)) == summary.marked
    folded = compaction.merge_log(merged, [])
    assert not folded.pending
    assert updates.diff(folded.snapshot, updates.state_vector(OTHER)) == summary.marked
    assert HIDDEN in CHANGED[name].encoded or HIDDEN not in merged + folded.snapshot


@pytest.mark.parametrize(
    "plain",
    [
        anything(b"\x77" + write_var_bytes(b"zebra }@")),
        anything(b"\x7d\x01"),
        embed('{"a":1234567890123456789}'),
        formatting("link", '"a\\u0000"'),
        binary(b"\x80" * 7 + b"\0" + HIDDEN),
        string("}@ z \\ud83d 9223372036854776000"),
        shared_type(3, "p"),
    ],
)
def test_values_kept_by_pycrdt_are_not_marked(plain: Struct) -> None:
    assert updates.validate(one(plain)).marked is None


def test_compaction_removes_deleted_content_from_documents_with_hidden_values() -> None:
    values = [anything(b"\x77" + write_var_bytes(b"z" * 1000), MINUS_ZERO) for _ in range(20)]
    written = updates.validate(one(*values, anything(MINUS_FIVE))).marked
    assert written is not None
    folded = compaction.merge_log(written, [encode_update([], [(7, [(0, 40)])])])
    assert len(folded.snapshot) < 1000
    assert MINUS_FIVE in folded.snapshot


def test_marked_values_of_one_client_are_cut_where_others_wrote_between_them() -> None:
    """pycrdt joins and cuts runs; the parts keep their ids, and JSON stays JSON."""
    run = Struct(item(8, b"\x02" + MINUS_ZERO + MINUS_FIVE), 2)
    legacy = Struct(b"\x82\x07\x01\x02\x011\x012", 2)
    summary = updates.validate(one(run, legacy))
    assert summary.marked is not None
    folded = compaction.merge_log(summary.marked, [OTHER])
    assert inspection.inspect(folded.snapshot).structs == ((9, 0, 7), (7, 0, 4))
    rest = updates.diff(folded.snapshot, updates.encode_state_vector({7: 1, 9: 7}))
    assert MINUS_FIVE in rest and MINUS_ZERO not in rest and b"\x011\x012" in rest


def test_markers_of_clients_are_checked_as_their_content() -> None:
    def marked(text: bytes) -> Struct:
        return Struct(item(5, bytes((len(text) | 128,)) + b"\x80\x80\x80\x80\x80\x80\x00" + text), 1)

    assert updates.validate(one(marked(b'{"a":1}'))).marked is None
    for text in (b"{", b"NaN", b"[" * 120 + b"]" * 120, b"\xff"):
        with pytest.raises(Malformed):
            updates.validate(one(marked(text)))
    for number in (b"\x81\x80\x00", b"\x81\x80\x80\x80\x80\x80\x80\x80\x00", b"\x81\x80\x80\x80\x80\x80\x80\x01"):
        with pytest.raises(Malformed):
            updates.validate(one(Struct(item(5, number + b"1"), 1)))
    with pytest.raises(Malformed):
        updates.validate(one(Struct(item(8, b"\x81\x80\x80\xff\x80\x80\x80\x00" + b"\x7e"), 1)))


def test_a_mark_is_read_by_other_libraries_as_the_number_it_is() -> None:
    summary = updates.validate(one(anything(MINUS_FIVE), anything(b"\x7d\x07")))
    doc = pycrdt.Doc[pycrdt.Array[object]]()
    doc.apply_update(summary.marked or b"")
    assert sorted(map(float, doc.get("content", type=pycrdt.Array))) == [-5, 7]


def test_such_documents_are_read_and_edited_here_too() -> None:
    marked = updates.validate(one(string("text"), CHANGED["half a character in a format"])).marked
    assert marked is not None and hide_contents(marked) != marked
    assert project_document(loading.load(marked)).content == "text"
    text = OfflineText(3, marked)
    text.append("!")
    assert text.content == "text!"
    values = updates.validate(one(CHANGED["legacy JSON"], CHANGED["bigint"])).marked
    assert values is not None
    said = project_document(loading.load(values)).content
    assert "-5" in said and "~" not in said

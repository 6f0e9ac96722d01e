"""Encoded updates to test with: an encoder of our own, real edits by pycrdt, and a few updates that Yjs wrote."""

from collections.abc import Sequence
from dataclasses import dataclass

import pycrdt
from hypothesis import strategies as st

from collab_server.core.yjs.inspection import Range
from collab_server.core.yjs.lib0 import write_var_bytes, write_var_string, write_var_uint
from collab_server.core.yjs.updates import decode_state_vector

CLIENT_IDS = (0, 1, 127, 128, 3456789012, 2**40 + 7, 2**53 - 1)

TEXT = st.text(min_size=1, max_size=12)


@dataclass(frozen=True)
class Encoded:
    """An update and what it must be found to contain."""

    update: bytes
    structs: tuple[Range, ...]
    deletes: tuple[Range, ...]


@dataclass(frozen=True)
class Struct:
    """`encoded` from the info byte on, `length` in clocks; Skip is told apart by its info byte."""

    encoded: bytes
    length: int


def utf16_length(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def item(kind: int, content: bytes, *, key: str | None = None, root: str = "content") -> bytes:
    """An item without origins: the first in a root type, or under a key of it."""
    info = kind | (0x20 if key is not None else 0)
    return bytes((info, 1)) + write_var_string(root) + (write_var_string(key) if key is not None else b"") + content


def string(text: str) -> Struct:
    return Struct(item(4, write_var_string(text)), utf16_length(text))


def deleted(length: int) -> Struct:
    return Struct(item(1, write_var_uint(length)), length)


def gc(length: int) -> Struct:
    return Struct(b"\x00" + write_var_uint(length), length)


def skip(length: int) -> Struct:
    return Struct(b"\x0a" + write_var_uint(length), length)


def binary(content: bytes) -> Struct:
    return Struct(item(3, write_var_bytes(content)), 1)


def embed(json_text: str) -> Struct:
    return Struct(item(5, write_var_string(json_text)), 1)


def formatting(key: str, json_text: str) -> Struct:
    return Struct(item(6, write_var_string(key) + write_var_string(json_text)), 1)


def shared_type(type_ref: int, name: str | None = None) -> Struct:
    return Struct(item(7, bytes((type_ref,)) + (write_var_string(name) if name is not None else b""), key="k"), 1)


def anything(*encoded_values: bytes) -> Struct:
    return Struct(item(8, write_var_uint(len(encoded_values)) + b"".join(encoded_values)), len(encoded_values))


def subdocument(guid: str) -> Struct:
    return Struct(item(9, write_var_string(guid) + b"\x76\x00", key="sub"), 1)


def legacy_json(*json_texts: str) -> Struct:
    return Struct(
        item(2, write_var_uint(len(json_texts)) + b"".join(map(write_var_string, json_texts))), len(json_texts)
    )


def encode_update(
    sections: Sequence[tuple[int, int, Sequence[Struct]]], deletes: Sequence[tuple[int, Sequence[tuple[int, int]]]] = ()
) -> bytes:
    """sections: (client, first clock, structs); deletes: (client, [(clock, length)])."""
    parts = [write_var_uint(len(sections))]
    for client, clock, structs in sections:
        parts += [write_var_uint(len(structs)), write_var_uint(client), write_var_uint(clock)]
        parts += [struct.encoded for struct in structs]
    parts.append(write_var_uint(len(deletes)))
    for client, ranges in deletes:
        parts += [write_var_uint(client), write_var_uint(len(ranges))]
        parts += [write_var_uint(clock) + write_var_uint(length) for clock, length in ranges]
    return b"".join(parts)


def _lib0_any() -> st.SearchStrategy[bytes]:
    scalars = st.one_of(
        st.sampled_from(
            [b"\x7f", b"\x7e", b"\x79", b"\x78", b"\x7d\x05", b"\x7d\xbf\x7f", b"\x7d\xff\xff\xff\xff\x0f"]
        ),
        st.binary(min_size=8, max_size=8).map(lambda content: b"\x7a" + content),
        st.floats(width=32, allow_nan=False).map(lambda _: b"\x7c\x3f\x00\x00\x00"),
        st.just(b"\x7b\x3f\xb9\x99\x99\x99\x99\x99\x9a"),
        TEXT.map(lambda text: b"\x77" + write_var_string(text)),
        st.binary(max_size=200).map(lambda content: b"\x74" + write_var_bytes(content)),
    )
    return st.recursive(
        scalars,
        lambda inner: st.one_of(
            st.lists(inner, max_size=4).map(lambda values: b"\x75" + write_var_uint(len(values)) + b"".join(values)),
            st.dictionaries(TEXT, inner, max_size=4).map(
                lambda entries: (
                    b"\x76"
                    + write_var_uint(len(entries))
                    + b"".join(write_var_string(key) + value for key, value in entries.items())
                )
            ),
        ),
        max_leaves=10,
    )


LIB0_ANY = _lib0_any()

STRUCT = st.one_of(
    TEXT.map(string),
    st.integers(1, 300).map(deleted),
    st.integers(1, 300).map(gc),
    st.integers(1, 300).map(skip),
    st.binary(max_size=200).map(binary),
    st.sampled_from(['{"a":[1,"é"]}', "null", '"x"', "0.5"]).map(embed),
    st.tuples(TEXT, st.sampled_from(["true", "null", '{"href":"#"}'])).map(lambda pair: formatting(*pair)),
    st.sampled_from([shared_type(ref) for ref in (0, 1, 2, 4, 6)] + [shared_type(3, "paragraph")]),
    st.lists(LIB0_ANY, min_size=1, max_size=4).map(lambda values: anything(*values)),
    TEXT.map(subdocument),
)


@st.composite
def encoded_updates(draw: st.DrawFn) -> Encoded:
    """Any valid update, with every kind of content, and the ranges it holds."""
    sections = []
    structs: list[Range] = []
    for client in draw(st.lists(st.sampled_from(CLIENT_IDS), unique=True, max_size=3)):
        first = draw(st.one_of(st.just(0), st.integers(0, 2**31 - 5000)))
        section = draw(st.lists(STRUCT, min_size=1, max_size=6))
        sections.append((client, first, section))
        clock = first
        for struct in section:
            end = clock + struct.length
            if struct.encoded[0] == 10:
                pass
            elif structs and structs[-1][0] == client and structs[-1][2] == clock:
                structs[-1] = (client, structs[-1][1], end)
            else:
                structs.append((client, clock, end))
            clock = end
    deletes = []
    for client in draw(st.lists(st.sampled_from(CLIENT_IDS), unique=True, max_size=3)):
        ranges = draw(st.lists(st.tuples(st.integers(0, 2**30), st.integers(1, 500)), min_size=1, max_size=4))
        deletes.append((client, ranges))
    return Encoded(
        encode_update(sections, deletes),
        tuple(structs),
        tuple((client, clock, clock + length) for client, ranges in deletes for clock, length in ranges),
    )


@dataclass(frozen=True)
class History:
    """What some people typed into the text `content`: each update as it was made, and the text they end with."""

    updates: tuple[bytes, ...]
    text: str


@st.composite
def histories(draw: st.DrawFn, alphabet: str = "abc é日") -> History:
    """Up to three people type and delete, and hear of one another now and then.

    Without characters outside the BMP, unless the alphabet has them: pycrdt cuts inside surrogate pairs wrongly.
    """
    clients = draw(st.lists(st.sampled_from(CLIENT_IDS[1:]), unique=True, min_size=1, max_size=3))
    docs: list[pycrdt.Doc[pycrdt.Text]] = [pycrdt.Doc(client_id=client) for client in clients]
    texts = [doc.get("content", type=pycrdt.Text) for doc in docs]
    updates: list[bytes] = []
    for _ in range(draw(st.integers(1, 14))):
        index = draw(st.integers(0, len(docs) - 1))
        doc, text = docs[index], texts[index]
        before = doc.get_state()
        length = len(str(text))
        action = draw(st.sampled_from(["insert", "insert", "delete", "hear"]))
        if action == "insert":
            position = draw(st.integers(0, length))
            text.insert(byte_index(text, position), draw(st.text(alphabet, min_size=1, max_size=5)))
        elif action == "delete" and length:
            start = draw(st.integers(0, length - 1))
            stop = draw(st.integers(start + 1, length))
            del text[byte_index(text, start) : byte_index(text, stop)]
        elif action == "hear":
            for update in draw(st.lists(st.sampled_from(updates), max_size=3)) if updates else []:
                doc.apply_update(update)
            continue
        else:
            continue
        updates.append(doc.get_update(before))
    return History(tuple(updates), text_of(*updates))


def byte_index(text: pycrdt.Text, position: int) -> int:
    """pycrdt counts text positions in UTF-8 bytes."""
    return len(str(text)[:position].encode())


def text_of(*updates: bytes) -> str:
    """The text `content` of a new document after `updates`, in an order in which none must wait for a later one.

    (pycrdt 0.14 forgets some of what waits when what it waits for comes in several updates.)
    """
    return document_of(*updates)[0]


def document_of(*updates: bytes) -> tuple[str, dict[int, int]]:
    """Text and state vector of a new document after `updates`, ordered as for text_of."""
    doc: pycrdt.Doc[pycrdt.Text] = pycrdt.Doc()
    for update in updates:
        doc.apply_update(update)
    return str(doc.get("content", type=pycrdt.Text)), decode_state_vector(doc.get_state())


# Written by Yjs 13.6: name, update, the ranges of its structs without Skip, its deletes.
YJS_UPDATES: tuple[tuple[str, str, tuple[Range, ...], tuple[Range, ...]], ...] = (
    ("empty", "0000", (), ()),
    ("ascii text", "01010100040101740568656c6c6f00", ((1, 0, 5),), ()),
    ("astral text", "010194d4a9f00c00040101740b61f09f9880c3a9e697a56200", ((3456789012, 0, 6),), ()),
    ("53-bit client", "0101ffffffffffffff0f0004010174017800", ((2**53 - 1, 0, 1),), ()),
    ("collected text", "01030500040101740161810500038405030265660105010103", ((5, 0, 6),), ((5, 1, 4),)),
    ("deleted text", "01030500040101740161840500036263648405030265660105010103", ((5, 0, 6),), ((5, 1, 4),)),
    ("collected type", "010306000101016101880600017d01000301060200010203", ((6, 0, 5),), ((6, 0, 1), (6, 2, 5))),
    (
        "formats and an embed",
        "010607000601017401620474727565860700046c696e6b0d7b2268726566223a22c3a9227d84070104626f6c64860705"
        "0162046e756c6c860706046c696e6b046e756c6c8507070d7b22696d616765223a2278227d00",
        ((7, 0, 9),),
        (),
    ),
    (
        "values",
        "01010800080101610b797e7d017d417c4f0000007c3f0000007b7e37e43c8800759c770173787601016b75027d0176"
        "01017a7702c3a9750000",
        ((8, 0, 11),),
        (),
    ),
    (
        "types in a map",
        "01070a002701016d0161012701016d01620204000a0101712701016d01630604000a0301772701016d08d0bad0bbd1"
        "8ed187002701016d01660400",
        ((10, 0, 7),),
        (),
    ),
    (
        "XML",
        "01040b0007010178030970617261677261706807000b000604000b0102686928000b000269640177013100",
        ((11, 0, 5),),
        (),
    ),
    (
        "subdocument",
        "01010c002901016d016403672d317602086175746f4c6f616478046d657461760101617d0100",
        ((12, 0, 1),),
        (),
    ),
    (
        "merged with gaps",
        "01060d000401017401610a02840d020164840d0301650a02840d06016800",
        ((13, 0, 1), (13, 3, 5), (13, 7, 8)),
        (),
    ),
    ("tail without its start", "01010d07840d06016800", ((13, 7, 8),), ()),
    (
        "two clients",
        "0202c80100010101740384c80102036d2061016400010101740602c80101000364010006",
        ((200, 0, 6), (100, 0, 6)),
        ((200, 0, 3), (100, 0, 6)),
    ),
)

"""Documents read without a Doc must be what Yjs, or pycrdt where that can be asked, shows."""

import base64
import json
import zlib
from random import Random
from typing import Any

import pycrdt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collab_server.core.documents import loading
from collab_server.core.documents.projection import JsonValues, array_values, read_text
from collab_server.core.yjs import tree, updates
from collab_server.core.yjs.lib0 import write_var_uint
from collab_server.core.yjs.structs import Branch
from collab_server.errors import Malformed
from tests.core.strategies import CLIENT_IDS, History, encode_update, gc, histories, string
from tests.seeds import count_examples


class Peers:
    """Some people who edit text, map, array and fragment of one document at random, and hear of one another."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.log: list[bytes] = []
        clients = random.sample(CLIENT_IDS[1:], random.randint(1, 4))
        self.docs = [pycrdt.Doc[Any](client_id=client) for client in clients]
        self.heard = [0] * len(self.docs)

    def edit(self, times: int) -> None:
        for _ in range(times):
            index = self.random.randrange(len(self.docs))
            doc = self.docs[index]
            while self.heard[index] < len(self.log) and self.random.random() < 0.8:
                doc.apply_update(self.log[self.heard[index]])
                self.heard[index] += 1
            before = doc.get_state()
            [self.text, self.map, self.array, self.xml][self.random.randrange(4)](doc)
            self.log.append(doc.get_update(before))

    def text(self, doc: pycrdt.Doc[Any]) -> None:
        text = doc.get("content", type=pycrdt.Text)
        boundaries = self.boundaries(str(text))
        start = self.random.choice(boundaries)
        if self.random.random() < 0.6:
            text.insert(start, self.random.choice(["a", "bcd", "é", "漢字", "😀", " x"]))
        else:
            del text[start : self.random.choice([stop for stop in boundaries if stop >= start])]

    def boundaries(self, text: str) -> list[int]:
        """Where characters begin, in the UTF-8 bytes by which pycrdt counts."""
        return [len(text[:index].encode()) for index in range(len(text) + 1)]

    def map(self, doc: pycrdt.Doc[Any]) -> None:
        self.into_map(doc.get("map", type=pycrdt.Map), 0)

    def into_map(self, value: pycrdt.Map[Any], depth: int) -> None:
        key = self.random.choice("abc")
        inner = value.get(key)
        if isinstance(inner, pycrdt.Map):
            self.into_map(inner, depth + 1)
        elif inner is not None and self.random.random() < 0.3:
            del value[key]
        else:
            value[key] = self.value(depth)

    def value(self, depth: int) -> Any:
        plain = [1, 2.5, "text", None, True, [1, {"k": None}], {"o": [0]}]
        if depth < 3 and self.random.random() < 0.5:
            kind = self.random.randrange(3)
            return pycrdt.Map({}) if kind == 0 else pycrdt.Array([]) if kind == 1 else pycrdt.Text("t")
        return self.random.choice(plain)

    def array(self, doc: pycrdt.Doc[Any]) -> None:
        array = doc.get("array", type=pycrdt.Array)
        length = len(array)
        if length and self.random.random() < 0.3:
            del array[self.random.randrange(length)]
        else:
            array.insert(self.random.randint(0, length), self.value(0))

    def xml(self, doc: pycrdt.Doc[Any]) -> None:
        node: Any = doc.get("default", type=pycrdt.XmlFragment)
        while len(node.children) and self.random.random() < 0.7:
            child = self.random.choice(list(node.children))
            if isinstance(child, pycrdt.XmlText):
                child.insert(0, "x")
                return
            node = child
        if len(node.children) and self.random.random() < 0.2:
            del node.children[self.random.randrange(len(node.children))]
        else:
            child = pycrdt.XmlElement("p") if self.random.random() < 0.5 else pycrdt.XmlText("t")
            node.children.insert(self.random.randint(0, len(node.children)), child)


def xml_of(branch: Branch) -> str:
    parts = []
    for value, _ in tree.text_delta(branch):
        if isinstance(value, str):
            parts.append(value)
        else:
            inner = xml_of(value)
            parts.append(f"<{value.name}>{inner}</{value.name}>" if value.name else inner)
    return "".join(parts)


def plain(value: Any) -> Any:
    return JsonValues().value(value, 0)


@pytest.mark.parametrize("seed", range(150))
def test_a_tree_shows_what_pycrdt_shows(seed: int) -> None:
    peers = Peers(Random(seed))
    peers.edit(60)
    update = updates.merge(peers.log)
    doc = pycrdt.Doc[Any]()
    doc.apply_update(update)
    for encoded in (update, doc.get_update()):
        document = tree.read_tree(encoded)
        roots = document.roots
        assert not document.pending
        assert document.clocks == updates.decode_state_vector(doc.get_state())
        assert read_text(roots.get("content", Branch(None))) == str(doc.get("content", type=pycrdt.Text))
        shown = {key: plain(value) for key, value in tree.visible_entries(roots.get("map", Branch(None))).items()}
        assert shown == json.loads(str(doc.get("map", type=pycrdt.Map)))
        values = [plain(value) for value in array_values(roots.get("array", Branch(None)))]
        assert values == json.loads(str(doc.get("array", type=pycrdt.Array)))
        assert xml_of(roots.get("default", Branch(None))) == str(doc.get("default", type=pycrdt.XmlFragment))


def test_structs_after_a_gap_are_left_out() -> None:
    first = [string("ab")]
    update = updates.merge(
        [
            encode_update([(1, 0, first)]),
            b"\x01\x01\x01\x09\xc4\x01\x00\x01\x01\x01x\x00",
            b"\x01\x01\x01\x0a\x84\x01\x09\x01y\x00",
        ]
    )
    document = tree.read_tree(update)
    assert (read_text(document.roots["content"]), document.clocks, document.pending) == ("ab", {1: 2}, True)


@settings(max_examples=count_examples(200), deadline=None)
@given(histories(), st.randoms(use_true_random=False))
def test_structs_after_a_missing_struct_are_left_out(history: History, random: Random) -> None:
    some = random.sample(history.updates, random.randint(0, len(history.updates)))
    merged = updates.merge(some)
    document = tree.read_tree(merged)
    doc = pycrdt.Doc[pycrdt.Text]()
    doc.apply_update(merged)
    known = updates.decode_state_vector(doc.get_state())
    assert document.clocks == {client: clock for client, clock in known.items() if clock}
    assert document.pending == loading.is_pending(merged, doc.get_state())


# Written by Yjs 13.6 with characters cut in two: what pycrdt cannot read as Yjs does. (update, root "content")
CUT: tuple[tuple[str, str], ...] = (
    (
        "eNpjYvz9//9/fgZ2RubEoiJGThcGFkb25Py8ktS8EpYP82c0sDCyFpZm5uSwZaTm5OQrqDNA1DMmM6ozMucmFjAmMUAZyUBD2FNS"
        "0xJLc0qYmTIM2124mZlyMo+4MLgwMiUld0A1ljExlpcy1jOW1jMAALTUJrI=",
        "�bc�",
    ),
    (
        "eNpjFFZmUGdkzk0sYE35MH9GAxMLgzIDawmIycLInpyfV5KaV8JWAeJXsjOyp6SmJZbmlLABVXEwVrgqc/JVKyUqWUUb6uSV5uTE"
        "1rIzMicWFTEzFrAyshaWZubkoMm3KPOwgMw6osylzMmWkZqTk69wRJlVmY2Ry0WZES4grCzCmAhxFmMSw1FlUWU23mqlzNzE9FQl"
        "K6UKpdoOZW7mMkbGbCBOKWWsZaxxUGBgqNnPwMDQrswBcp0SYwVUfzIjozKjIjMA5n88ZA==",
        "x�\n�y",
    ),
    (
        "eNotjk1qAkEUhLt6en4UFMwi7t1IIIvIgyxyATe5gbjoTI+jOOkW0z1pkcFsAjmCOy8T8DoewZ6YRcFXUK9e4Y5Yikhut2yM6F1u"
        "8BZ8qoqFdJVNBCMOL5DmRttC28RfTsev3ZR4hM0PscjXHO6AT4dDDayDlEODMzHqsJRR1lb04AOycPJw+yFF+Tx5qkX3Y2lcpV6N"
        "VLtMOmtuVOjcqJUuG/Ay9/+7ch6aBrFtB5ypQ118U7+/H8nRy2zyqF1VzZtfiikRbaKl4R+BYs4z9PhA3OMKaeo9Ow==",
        "x�😀😀�y",
    ),
    (
        "eNpNjzEKwjAYhfPStFUpeIcuegZHb1JtxWKsWhoQi5BBvIJugpMO3sBN8Rw66OzsYE0bpQ6Bny9fXt5Pq68sy+rEhu0HPU/wxKA8"
        "XEoYjIfRwEndfhz03JYr3PmiUMGem7VcFrOWWCQ4vxSAfnFnxH2WxCLQHtMg984SVKXT057BnIiQc3g6uKKYI0EqMLw4Rtq23tfb"
        "jhALdncUJUGUlLELCShd9aRldLmDxYgEw1RpZu20yQvnpwFj6I3RxbeE9Thu74dVs8CmnysQmJv62vl7+etKyQzqa4IP5/12DA==",
        "éß😀😀漢字é��",
    ),
    (
        "eNplksFuEzEQhv3b3vU2pW0QeQC0F4rEpbfSIyriwhugHtzskkT17JZ0nWwVNuWyKo/AjRuiT8GhReQx4A14AsBOuxsClkYae8Yz"
        "3z+22Pn0e7l2mIJK0tfamkJwM3oEQfo0SH5+/PBO4PR2C+3cAKqfZ0WaFVuzeER6kMYHcRlXh00lIf2lmqL1+E0Tl40T8Our3dvC"
        "x3j7hTH2glQoWRPfQLmgTQrFVJ0VY190Apw4SywqnF82eRytGznAQ4rCYWpM/rBukdZRusTuBPVZBKHHY8zfE/h89iz89f3HZ8YW"
        "BOKirJ7PV2NxZKQ8UuCQ2swl94TDXmBqcfGNJAXskpTgwz2J4I0dGQP9+K9xysHT/f2JjNKsnyejbFAh0rbIX+Y6OeeDftk5G+bW"
        "JMt9Tdvr6DV1t2exjg9e7T3JrDFH1Z2SY6dcMdrylA9Qbvbcg3plXLIeCwrfeE1KT6LcZasRnmCKiae/B9UeM/8VvlKX7v/TdJUC"
        "L3RBG9QRFSxfGndvpCtR1v/dEz0uuXKzhQjRfggGjggd/AEGGeat",
        "�é�",
    ),
    (
        "eNplUs9O2zAc9s924haNf+MFUC4b0g7rBSGOHHoxb4A4mCa0EV5SQlyKSloOiPIGcENCmoADb4DEgWrjMbbDdt4DICBxsEu1SE4+"
        "259/n7/vFzp99aKfWTT8bhCB9k87sfsutRig+xnIN9F2/H8X50fQr3NKt2Lp0zRRwcmT5pcLkZKSgrOrQindViBlvMgQxwS3aqcc"
        "kd6a+/zr9zVCB926qU6pDKOdDz2vlQTb3qqnvGxk9ubGpEL5h5l+nDysZe2hecsCUbXGGDA/2BZKprkzuwpdc9uph4tCohiftFkQ"
        "iI3jyEMa/ae+4P69u/xze/bILXGaKMicw3uEkH6NjJRjgAvi0bBnDJgl+2wvTQr1DgY1gH0FgwxYma0DrBFHaRClMz1PeKsbtS+F"
        "481swtTTW68YEJEkaKl00aDNla/LHVoRKo3XY+EfTO21YiV9jStB1Ij9MGpmgJuN7rGugfHDzVAjktuuclTRFaE/lisamjcWim/5"
        "b8AWKJwVA3cAREaovfS7aIecYIp41Ul1PznjFQihdmJycCDUzcR5aSgNUXgF8sc9FQ==",
        "�a�漢字ß😀��",
    ),
)


@pytest.mark.parametrize(("update", "text"), CUT)
def test_characters_cut_in_two_are_read_as_yjs_reads_them(update: str, text: str) -> None:
    encoded = zlib.decompress(base64.b64decode(update))
    assert read_text(tree.read_tree(encoded).roots["content"]) == text


def test_an_item_in_collected_content_is_collected() -> None:
    inside = b"\x84\x01\x01\x01z"
    update = encode_update([(2, 0, [string("never seen")]), (1, 0, [gc(3)])])
    merged = updates.merge([update, b"\x01\x01\x03\x00" + inside + b"\x00"])
    document = tree.read_tree(merged)
    assert (read_text(document.roots["content"]), document.clocks) == ("never seen", {1: 3, 2: 10, 3: 1})


def test_updates_that_wait_for_one_another_wait_for_ever() -> None:
    first = b"\x84\x02\x00\x01a"
    second = b"\x84\x01\x00\x01b"
    document = tree.read_tree(b"\x02\x01\x01\x00" + first + b"\x01\x02\x00" + second + b"\x00")
    assert (document.roots, document.pending) == ({}, True)


def test_a_thousand_clients_at_one_place_are_ordered_by_their_ids() -> None:
    clients = list(range(1, 1001))
    update = encode_update([(client, 0, [string(chr(0x4E00 + client))]) for client in reversed(clients)])
    text = read_text(tree.read_tree(update).roots["content"])
    assert text == "".join(chr(0x4E00 + client) for client in clients)


def test_a_value_written_over_and_over_costs_time_in_proportion() -> None:
    first = b"\x28\x01\x01m\x01k\x01\x7d\x00"
    rest = b"".join(b"\x88\x01" + write_var_uint(clock) + b"\x01\x7d" + bytes((clock % 60,)) for clock in range(29_999))
    update = b"\x01" + write_var_uint(30_000) + b"\x01\x00" + first + rest + b"\x00"
    assert tree.visible_entries(tree.read_tree(update).roots["m"]) == {"k": 29_998 % 60}


def test_too_many_clients_at_one_place_stay_as_they_come() -> None:
    update = encode_update([(client, 0, [string("x")]) for client in range(20_000, 0, -1)])
    assert read_text(tree.read_tree(update).roots["content"]) == "x" * 20_000


@pytest.mark.parametrize(
    "update", [b"", b"\x01", b"\x01\x01\x01\x00\x04\x01\x01a\x05ab\x00", b"\x01\x01\x01\x00\x1f\x00"]
)
def test_invalid_bytes_are_malformed(update: bytes) -> None:
    with pytest.raises(Malformed):
        tree.read_tree(update)

import re
from contextlib import suppress
from itertools import pairwise

import pycrdt
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from collab_server.core.yjs import updates
from collab_server.core.yjs.delete_set import DeleteSet
from collab_server.core.yjs.inspection import MAX_CLOCK, Range, UpdateSummary, inspect
from collab_server.core.yjs.lib0 import write_var_string, write_var_uint
from collab_server.core.yjs.updates import (
    EMPTY_UPDATE,
    decode_state_vector,
    diff,
    encode_state_vector,
    merge,
    state_vector,
    validate,
)
from collab_server.errors import Malformed
from tests.core.strategies import (
    CLIENT_IDS,
    YJS_UPDATES,
    Encoded,
    History,
    Struct,
    anything,
    deleted,
    document_of,
    embed,
    encode_update,
    encoded_updates,
    formatting,
    gc,
    histories,
    item,
    shared_type,
    skip,
    string,
    text_of,
)
from tests.seeds import count_examples

RANGES = st.lists(
    st.tuples(st.sampled_from((1, 2)), st.integers(0, 40), st.integers(0, 12)).map(lambda t: (t[0], t[1], t[1] + t[2])),
    max_size=30,
)


def joined(ranges: tuple[Range, ...] | list[Range]) -> list[Range]:
    return DeleteSet(ranges).ranges()


@pytest.mark.parametrize(("name", "update", "structs", "deletes"), YJS_UPDATES, ids=[case[0] for case in YJS_UPDATES])
def test_updates_of_yjs_are_decoded_as_yjs_decodes_them(
    name: str, update: str, structs: tuple[Range, ...], deletes: tuple[Range, ...]
) -> None:
    summary = validate(bytes.fromhex(update))
    assert (summary.structs, summary.deletes) == (structs, deletes), name
    assert inspect(summary.marked or bytes.fromhex(update)) == UpdateSummary(structs, deletes), name


@pytest.mark.parametrize("update", [case[1] for case in YJS_UPDATES], ids=[case[0] for case in YJS_UPDATES])
def test_updates_written_by_yjs_are_malformed_when_cut_off_anywhere_or_continued(update: str) -> None:
    whole = bytes.fromhex(update)
    for end in range(len(whole)):
        with pytest.raises(Malformed):
            inspect(whole[:end])
    with pytest.raises(Malformed, match="after an update"):
        inspect(whole + b"\x00")


@given(encoded_updates())
def test_every_kind_of_content_is_measured_and_pycrdt_agrees(encoded: Encoded) -> None:
    summary = validate(encoded.update)
    assert (summary.structs, summary.deletes) == (encoded.structs, encoded.deletes)
    assert inspect(summary.marked or encoded.update) == UpdateSummary(encoded.structs, encoded.deletes)
    as_pycrdt_reads_it = inspect(diff(encoded.update, encode_state_vector({})))
    assert joined(as_pycrdt_reads_it.structs) == joined(encoded.structs)
    assert joined(as_pycrdt_reads_it.deletes) == joined(encoded.deletes)


@given(encoded_updates(), st.data())
def test_any_update_cut_off_anywhere_is_malformed(encoded: Encoded, data: st.DataObject) -> None:
    with pytest.raises(Malformed):
        inspect(encoded.update[: data.draw(st.integers(0, len(encoded.update) - 1))])


@given(st.binary(max_size=60))
@example(b"")
def test_validating_is_total(update: bytes) -> None:
    with suppress(Malformed):
        validate(update)


def one(*structs: Struct, client: int = 7, clock: int = 0) -> bytes:
    return encode_update([(client, clock, structs)])


@pytest.mark.parametrize(
    "update",
    [
        bytes.fromhex("ffffff7f0000"),
        bytes.fromhex("01ffffff7f070000000100"),
        bytes.fromhex("00ffffff7f0000"),
        bytes.fromhex("000107ffffff7f0001"),
        one(Struct(item(8, b"\xff\xff\xff\x7f\x7e"), 1)),
        one(anything(b"\x75\xff\xff\xff\x7f\x7e")),
        one(anything(b"\x75\x01" * 100_000 + b"\x7e")),
        one(Struct(item(4, b"\xff\xff\xff\x7fa"), 1)),
    ],
    ids=["clients", "structs", "delete clients", "delete ranges", "values", "array", "nested array", "string"],
)
def test_updates_that_would_make_pycrdt_allocate_or_overflow_its_stack_are_malformed(update: bytes) -> None:
    with pytest.raises(Malformed):
        validate(update)


@pytest.mark.parametrize(
    ("update", "reason"),
    [
        (one(string("")), "length 0"),
        (one(deleted(0)), "length 0"),
        (one(gc(0)), "length 0"),
        (one(anything()), "length 0"),
        (encode_update([], [(7, [(3, 0)])]), "length 0"),
        (encode_update([(7, 0, [string("a")]), (7, 1, [string("b")])]), "twice"),
        (encode_update([], [(7, [(0, 1)]), (7, [(5, 1)])]), "twice"),
        (one(Struct(b"\x84\x07\x00\x01a", 1)), "itself"),
        (one(string("ab"), Struct(b"\xc4\x07\x01\x07\x02\x01a", 1)), "itself"),
        (one(Struct(b"\x04\x00\x07\x05\x01a", 1)), "itself"),
    ],
    ids=[
        "empty string", "nothing deleted", "nothing collected", "no values", "empty deleted range", "client twice",
        "delete client twice", "own origin", "own right origin", "own parent",
    ],
)  # fmt: skip
def test_updates_on_which_yjs_throws_or_disagrees_with_pycrdt_are_malformed(update: bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        inspect(update)


@pytest.mark.parametrize(
    "struct",
    [
        b"\x80\x01", b"\x20\x01", b"\x8a\x01\x01\x01", b"\x0b\x01\x01t\x00", b"\x1f\x01\x01t\x00",
        b"\x04\x02\x01t\x01a", shared_type(7).encoded, shared_type(9).encoded, shared_type(15).encoded,
        item(9, write_var_string("guid") + b"\x7e"), item(4, b"\x01\xff"), item(3, b"\x05a"),
    ],
    ids=[
        "GC with an origin", "GC with a key", "Skip with an origin", "move", "kind 31", "parent info 2", "weak link",
        "type 9", "type 15", "subdocument options null", "not UTF-8", "short binary",
    ],
)  # fmt: skip
def test_structs_that_yjs_does_not_know_are_malformed(struct: bytes) -> None:
    with pytest.raises(Malformed):
        inspect(one(Struct(struct, 1)))


@pytest.mark.parametrize(
    "json_text",
    ["", "undefined", "NaN", "{", "[" * 200 + "]" * 200, '{"\\ud800": NaN}', "[" * 200 + '"\\ud800"' + "]" * 200],
)
def test_embeds_and_formats_whose_json_cannot_be_read_are_malformed(json_text: str) -> None:
    for struct in (embed(json_text), formatting("bold", json_text)):
        with pytest.raises(Malformed):
            validate(one(struct))


def test_clocks_go_up_to_the_limit_that_pycrdt_can_count() -> None:
    assert inspect(one(gc(5), clock=MAX_CLOCK - 5)).structs == ((7, MAX_CLOCK - 5, MAX_CLOCK),)
    for update in (
        one(gc(6), clock=MAX_CLOCK - 5),
        one(skip(2**40), gc(1)),
        encode_update([], [(7, [(MAX_CLOCK, 1)])]),
        one(Struct(b"\x84\x08" + write_var_uint(MAX_CLOCK + 1) + b"\x01a", 1)),
    ):
        with pytest.raises(Malformed):
            inspect(update)
    with pytest.raises(Malformed):
        decode_state_vector(encode_state_vector({7: MAX_CLOCK + 1}))


def test_client_ids_go_up_to_53_bits() -> None:
    assert validate(one(string("a"), client=2**53 - 1)).structs == ((2**53 - 1, 0, 1),)
    update = one(string("a"), client=5)
    assert update[2] == 5
    with pytest.raises(Malformed):
        validate(update[:2] + b"\xff" * 7 + b"\x10" + update[3:])


def test_lengths_of_strings_count_utf16_units() -> None:
    assert inspect(one(string("aé日😀"), string("b"))).structs == ((7, 0, 6),)


def test_skip_leaves_a_gap_in_the_ranges() -> None:
    assert inspect(one(string("a"), skip(3), string("b"), gc(2))).structs == ((7, 0, 1), (7, 4, 7))
    assert inspect(one(skip(3))).structs == ()


def test_merging_nothing_gives_the_empty_update_and_one_update_stays_itself() -> None:
    update = one(string("a"))
    assert merge([]) == EMPTY_UPDATE
    assert merge([EMPTY_UPDATE, EMPTY_UPDATE]) == EMPTY_UPDATE
    assert merge([EMPTY_UPDATE, update]) is update
    assert validate(EMPTY_UPDATE) == UpdateSummary((), ())


@given(histories(), st.randoms(use_true_random=False))
def test_merging_is_the_same_as_applying_in_any_order(history: History, random: object) -> None:
    shuffled = list(history.updates)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    merged = merge(shuffled)
    assert text_of(merged) == history.text
    assert document_of(merged) == document_of(*history.updates)
    assert joined(inspect(merged).structs) == joined([r for update in shuffled for r in inspect(update).structs])
    assert joined(inspect(merged).deletes) == joined([r for update in shuffled for r in inspect(update).deletes])


@given(histories(), st.data())
def test_merging_a_part_keeps_pending_structs(history: History, data: st.DataObject) -> None:
    chosen = data.draw(st.lists(st.booleans(), min_size=len(history.updates), max_size=len(history.updates)))
    now = [update for update, is_now in zip(history.updates, chosen, strict=True) if is_now]
    later = [update for update, is_now in zip(history.updates, chosen, strict=True) if not is_now]
    merged = merge(now)
    assert joined(inspect(merged).structs) == joined([r for update in now for r in inspect(update).structs])
    assert text_of(merge([merged, *later])) == history.text


@given(histories("ab😀🜚"), st.randoms(use_true_random=False))
def test_merging_whole_updates_keeps_characters_of_two_units(history: History, random: object) -> None:
    shuffled = list(history.updates)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert text_of(merge(shuffled)) == history.text


@given(histories(), st.data())
def test_a_difference_brings_a_peer_up_to_date_and_holds_nothing_it_has(history: History, data: st.DataObject) -> None:
    everything = merge(history.updates)
    known = history.updates[: data.draw(st.integers(0, len(history.updates)))]
    peer_state = state_vector(merge(known))
    missing = diff(everything, peer_state)
    assert text_of(*known, missing) == history.text
    clocks = decode_state_vector(peer_state)
    assert all(start >= clocks.get(client, 0) for client, start, _ in inspect(missing).structs)
    assert joined(inspect(missing).deletes) == joined(inspect(everything).deletes)


@given(encoded_updates(), st.dictionaries(st.sampled_from(CLIENT_IDS), st.integers(0, 40)))
def test_a_difference_holds_exactly_the_clocks_from_the_state_vector_on(
    encoded: Encoded, clocks: dict[int, int]
) -> None:
    assume(not re.search(rb"[\xf0-\xf4][\x80-\xbf]{3}", encoded.update))
    missing = inspect(diff(encoded.update, encode_state_vector(clocks)))
    assert joined(missing.structs) == joined(
        [(client, max(start, clocks.get(client, 0)), end) for client, start, end in encoded.structs]
    )
    assert joined(missing.deletes) == joined(encoded.deletes)


def test_a_difference_from_inside_a_gap_starts_after_it() -> None:
    update = one(string("abc"), skip(4), string("xyz"))
    for clock in (3, 5, 7):
        assert inspect(diff(update, encode_state_vector({7: clock}))).structs == ((7, 7, 10),)
    assert state_vector(update) == encode_state_vector({7: 3})
    assert state_vector(one(string("abc"), clock=3)) == encode_state_vector({})


@pytest.mark.parametrize("clock", range(6))
def test_a_state_vector_from_inside_a_surrogate_pair_does_no_harm_to_others(clock: int) -> None:
    update = encode_update([(9, 0, [string("other")]), (7, 0, [string("a😀b😀")])])
    missing = diff(update, encode_state_vector({7: clock}))
    doc: pycrdt.Doc[pycrdt.Text] = pycrdt.Doc()
    doc.apply_update(missing)
    assert "other" in str(doc.get("content", type=pycrdt.Text))


def test_merging_never_leaves_empty_strings_where_surrogate_pairs_were_cut() -> None:
    cuts = [one(string("😀😀😀"))] + [one(string("x" * length)) for length in range(1, 7)]
    for first in cuts:
        for second in cuts:
            inspect(merge([first, second, first]))


def test_merging_thousands_of_updates_is_done_in_groups() -> None:
    keys = [one(string("a"))] + [one(Struct(b"\x84\x07" + write_var_uint(clock - 1) + b"\x01b", 1), clock=clock)
                                 for clock in range(1, 20_000)]  # fmt: skip
    merged = merge(keys)
    assert inspect(merged).structs == ((7, 0, 20_000),)
    assert text_of(merged) == "a" + "b" * 19_999


def test_53_bit_clients_stay_apart_when_merged() -> None:
    big, small = 2**53 - 1, 2**40 + 7
    merged = merge([one(string("a"), client=big), one(string("b"), client=small), one(string("c"), client=7)])
    assert joined(inspect(merged).structs) == [(7, 0, 1), (small, 0, 1), (big, 0, 1)]
    assert decode_state_vector(state_vector(merged)) == {big: 1, small: 1, 7: 1}
    assert inspect(diff(merged, encode_state_vector({big: 1, 7: 1}))).structs == ((small, 0, 1),)


@given(st.dictionaries(st.sampled_from(CLIENT_IDS), st.integers(0, MAX_CLOCK)))
def test_state_vectors_are_read_back(clocks: dict[int, int]) -> None:
    encoded = encode_state_vector(clocks)
    assert decode_state_vector(encoded) == clocks
    assert encode_state_vector(dict(reversed(clocks.items()))) == encoded
    for end in range(len(encoded)):
        with pytest.raises(Malformed):
            decode_state_vector(encoded[:end])
    with pytest.raises(Malformed):
        decode_state_vector(encoded + b"\x00")


@given(st.binary(max_size=40))
def test_decoding_a_state_vector_is_total(encoded: bytes) -> None:
    with suppress(Malformed):
        decode_state_vector(encoded)


def test_state_vectors_that_declare_too_much_or_a_client_twice_are_malformed() -> None:
    for encoded in ("80808080020101", "0207010702", "ffffffffffffff0f", ""):
        with pytest.raises(Malformed):
            decode_state_vector(bytes.fromhex(encoded))
        with pytest.raises(Malformed):
            diff(EMPTY_UPDATE, bytes.fromhex(encoded))


def test_a_panic_in_pycrdt_is_malformed_and_an_interrupt_is_not() -> None:
    def fail_with(error: BaseException) -> None:
        raise error

    panic = type("PanicException", (BaseException,), {})("index out of bounds")
    with pytest.raises(Malformed, match="panicked"):
        updates.ask_pycrdt(fail_with, panic)
    with pytest.raises(KeyboardInterrupt):
        updates.ask_pycrdt(fail_with, KeyboardInterrupt())


def test_updates_refused_by_pycrdt_are_malformed() -> None:
    with pytest.raises(Malformed):
        merge([b"\x01", b"\x02"])
    with pytest.raises(Malformed):
        state_vector(b"")


@given(RANGES, RANGES)
@settings(max_examples=count_examples(300))
def test_a_delete_set_is_a_set_of_clocks(first: list[Range], second: list[Range]) -> None:
    deletes = DeleteSet(first)
    deletes.add(second)
    clocks = {(client, clock) for client, start, end in first + second for clock in range(start, end)}
    ranges = deletes.ranges()
    assert {(client, clock) for client, start, end in ranges for clock in range(start, end)} == clocks
    assert all(start < end for _, start, end in ranges)
    assert all(a[0] < b[0] or a[2] < b[1] for a, b in pairwise(ranges)), "sorted, disjoint and not adjacent"
    for client in (1, 2, 3):
        for start in range(0, 42, 3):
            for end in (start, start + 1, start + 7):
                expected = all((client, clock) in clocks for clock in range(start, end))
                assert deletes.covers([(client, start, end)]) == expected


@given(st.permutations(range(200)), st.integers(0, 200))
def test_many_deletes_at_once_are_the_same_as_one_by_one(order: list[int], cut: int) -> None:
    ranges = [(7, 3 * number, 3 * number + 2) for number in order]
    at_once, one_by_one = DeleteSet(ranges[:cut]), DeleteSet()
    at_once.add(ranges[cut:])
    for entry in ranges:
        one_by_one.add([entry])
    assert at_once.ranges() == one_by_one.ranges() == sorted(ranges)


@given(encoded_updates())
def test_the_delete_set_of_an_update_covers_its_deletes_and_no_more(encoded: Encoded) -> None:
    deletes = DeleteSet.from_update(encoded.update)
    assert deletes.ranges() == joined(encoded.deletes)
    assert deletes.covers(encoded.deletes)
    assert deletes.covers([])
    assert not deletes.covers([*encoded.deletes, (99, 0, 1)])

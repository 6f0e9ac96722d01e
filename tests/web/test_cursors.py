"""Cursors: what is encoded is read, and nothing else is."""

import base64
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collab_server.errors import Malformed
from collab_server.web import cursors

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=60)
OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
TIMES = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC) | OFFSETS)
PART = st.one_of(
    st.tuples(st.just(datetime), TIMES),
    st.tuples(st.just(UUID), st.uuids()),
    st.tuples(st.just(str), TEXT),
    st.tuples(st.just(int), st.integers(-(2**63), 2**63 - 1)),
    st.tuples(st.just(float), st.floats(allow_nan=False, allow_infinity=False)),
    st.tuples(st.just(bool), st.booleans()),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)
KINDS = st.lists(st.sampled_from([datetime, UUID, str, int, float, bool]), max_size=4)


def as_cursor(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@given(st.lists(PART, max_size=5))
def test_a_position_is_read_as_it_was(parts: list[tuple[type, Any]]) -> None:
    cursor = cursors.encode(*(value for _, value in parts))
    assert cursors.decode(cursor, *(kind for kind, _ in parts)) == tuple(value for _, value in parts)
    assert set(cursor) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@given(st.text(max_size=80), KINDS)
def test_text_from_anywhere_is_malformed_or_a_position(cursor: str, kinds: list[type]) -> None:
    check(cursor, kinds)


@given(JSON, KINDS)
def test_json_from_anywhere_is_malformed_or_a_position(value: object, kinds: list[type]) -> None:
    check(as_cursor(value), kinds)


@given(st.lists(JSON, min_size=1, max_size=3), st.data())
def test_a_list_of_the_right_length_is_malformed_or_a_position(values: list[object], data: st.DataObject) -> None:
    kinds = data.draw(
        st.lists(KINDS.filter(bool).map(lambda some: some[0]), min_size=len(values), max_size=len(values))
    )
    check(as_cursor(values), kinds)


def check(cursor: str, kinds: list[type]) -> None:
    """Whatever is accepted is of the kinds asked for, and PostgreSQL can be given it."""
    try:
        position = cursors.decode(cursor, *kinds)
    except Malformed:
        return
    assert [type(part) for part in position] == kinds
    for part in position:
        if isinstance(part, str):
            assert "\x00" not in part
            part.encode()
        elif isinstance(part, datetime):
            assert part.tzinfo is not None
        elif isinstance(part, int):
            assert -(2**63) <= part < 2**63


@pytest.mark.parametrize(
    ("parts", "kinds"),
    [
        (["a"], []),
        (["a"], [str, str]),
        ([1], [float]),
        ([True], [int]),
        ([1], [bool]),
        (["not a date"], [datetime]),
        ([7], [datetime]),
        (["0001-01-01T00:00:00+14:00"], [datetime]),
        (["{12345678-1234-5678-1234}"], [UUID]),
        ([7], [UUID]),
        (["a\x00b"], [str]),
        (["\ud800"], [str]),
        ([2**63], [int]),
        ([None], [str]),
        ({"0": "a"}, [str]),
        ("a", [str]),
    ],
)
def test_another_list_s_cursor_is_refused(parts: object, kinds: list[type]) -> None:
    with pytest.raises(Malformed):
        cursors.decode(as_cursor(parts), *kinds)


@pytest.mark.parametrize("cursor", ["", "%", "a", "AAAA=AAAA", "A" * 5000, "ÿ", as_cursor(["x" * 4000]), "W1tb" * 1000])
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(Malformed):
        cursors.decode(cursor, str)


def test_a_time_without_a_zone_is_utc() -> None:
    assert cursors.decode(as_cursor(["2026-01-02T03:04:05"]), datetime) == (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),)


def test_a_page_has_a_cursor_only_if_there_are_more_rows() -> None:
    assert cursors.cut_page([1, 2], 2, lambda row: (row,)) == ([1, 2], None)
    page, more = cursors.cut_page([1, 2, 3], 2, lambda row: (row,))
    assert page == [1, 2]
    assert cursors.read_position(more, int) == (2,)


def test_a_cursor_of_another_list_is_refused() -> None:
    _, more = cursors.cut_page([1, 2], 1, lambda row: (row,), of="users")
    assert cursors.read_position(more, int, of="users") == (1,)
    with pytest.raises(Malformed):
        cursors.read_position(more, int, of="audit")
    assert cursors.read_position(None, int) is None

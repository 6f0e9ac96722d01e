"""The stored form of anchors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collab_server.core.anchors.anchor import MAX_BYTES, Anchor, decode_anchor
from collab_server.core.anchors.locating import locate
from collab_server.core.yjs import utf16
from collab_server.errors import Malformed


@given(st.binary(max_size=60))
def test_garbage_is_no_anchor(encoded: bytes) -> None:
    try:
        anchor = decode_anchor(b"\1" + encoded)
    except Malformed:
        assert locate(b"\0\0", [b"\1" + encoded])[0].orphaned
    else:
        assert decode_anchor(anchor.encode()) == anchor


ids = st.tuples(st.integers(0, 2**53 - 1), st.integers(0, 1000), st.integers(1, 50))


@given(
    st.lists(ids, max_size=8, unique_by=lambda each: each[0]),
    st.text(),
    st.dictionaries(st.integers(0, 99), st.integers(0, 9)),
)
def test_an_anchor_is_decoded_as_it_was_encoded(
    ranges: list[tuple[int, int, int]], quote: str, known: dict[int, int]
) -> None:
    quote = utf16.replace_lone_surrogates(quote)
    made = Anchor(
        "content", tuple((client, start, start + length) for client, start, length in ranges), quote, "a", "", known
    )
    encoded = made.encode()
    assert decode_anchor(encoded) == made
    for end in range(len(encoded)):
        with pytest.raises(Malformed):
            decode_anchor(encoded[:end])


def test_an_anchor_of_another_version_or_size_is_refused() -> None:
    for encoded in (b"", b"\2", b"\1" + bytes(MAX_BYTES)):
        with pytest.raises(Malformed):
            decode_anchor(encoded)

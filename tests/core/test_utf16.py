"""Lengths and positions in UTF-16 code units."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collab_server.core.yjs import utf16

TEXTS = st.text(st.sampled_from("aé€🙂😀\n"), max_size=20)


@given(TEXTS)
def test_a_length_counts_characters_outside_the_bmp_twice(text: str) -> None:
    length = len(text) + sum(character > "\uffff" for character in text)
    assert utf16.length(text) == utf16.length_of_utf8(text.encode()) == length


@given(TEXTS, st.integers(0, 45))
def test_an_offset_is_converted_exactly_or_refused(text: str, offset: int) -> None:
    starts = [utf16.length(text[:index]) for index in range(len(text) + 1)]
    if offset in starts:
        assert utf16.to_code_points(text, offset) == utf16.count_characters(text, offset) == starts.index(offset)
        assert utf16.split(text, offset) == (text[: starts.index(offset)], text[starts.index(offset) :])
    elif offset > starts[-1]:
        with pytest.raises(IndexError):
            utf16.to_code_points(text, offset)
        assert utf16.count_characters(text, offset) == len(text)
    else:
        with pytest.raises(UnicodeDecodeError):
            utf16.to_code_points(text, offset)
        before, after = utf16.split(text, offset)
        assert before.endswith("\ufffd") and after.startswith("\ufffd")
        assert utf16.count_characters(text, offset) == len(before) - 1


def test_lone_surrogates_are_replaced_one_by_one() -> None:
    assert utf16.replace_lone_surrogates("a\ud83db\ude42🙂") == "a\ufffdb\ufffd🙂"

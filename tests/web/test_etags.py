"""Conditional requests: which headers name a version, and which are refused."""

import re

import pytest
from fastapi import Request
from hypothesis import given
from hypothesis import strategies as st

from collab_server.errors import Malformed
from collab_server.web.etags import changed_meanwhile, expected_version, not_modified, row_etag


def request(**headers: str) -> Request:
    return Request(
        {
            "type": "http",
            "method": "GET",
            "path": "/",
            "query_string": b"",
            "headers": [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()],
        }
    )


@given(st.integers(0, 10**18 - 1), st.sampled_from(["{}", "W/{}", " {} "]))
def test_the_tag_of_a_version_is_read_back(version: int, form: str) -> None:
    tag = form.format(row_etag(version))
    assert expected_version(request(if_match=tag)) == version
    answer = not_modified(request(if_none_match=tag), row_etag(version))
    assert answer is not None
    assert (answer.status_code, answer.headers["etag"]) == (304, row_etag(version))


@given(st.text(st.characters(max_codepoint=255), max_size=20))
def test_any_other_header_is_refused_or_means_no_condition(text: str) -> None:
    try:
        version = expected_version(request(if_match=text))
    except Malformed:
        return
    assert (version is None) == (text.strip() in ("", "*"))
    if version is not None:
        assert re.fullmatch(r'(W/)?"r[0-9]+"', text.strip())


@pytest.mark.parametrize(
    "tag",
    [
        "r7",
        '"7"',
        '"r"',
        '"r-7"',
        '"r7',
        '"r7","r8"',
        'w/"r7"',
        '"r' + "9" * 19 + '"',
        '"r\u0667"'.encode().decode("latin-1"),
    ],
)
def test_what_is_no_tag_of_a_row(tag: str) -> None:
    with pytest.raises(Malformed):
        expected_version(request(if_match=tag))


@pytest.mark.parametrize("headers", [{}, {"if_match": ""}, {"if_match": "*"}, {"if_match": " * "}])
def test_without_a_version_there_is_no_condition(headers: dict[str, str]) -> None:
    assert expected_version(request(**headers)) is None


@pytest.mark.parametrize(
    ("tags", "same"),
    [
        ('"r7"', True),
        ('"r6", "r7"', True),
        ('"r6",W/"r7"', True),
        ("*", True),
        ('"r70"', False),
        ("r7", False),
        ("", False),
        ('"r6", *', False),
    ],
)
def test_a_list_of_tags_holds_the_present_one_or_not(tags: str, same: bool) -> None:
    assert (not_modified(request(if_none_match=tags), '"r7"') is not None) is same


def test_without_if_none_match_the_answer_is_sent() -> None:
    assert not_modified(request(), '"r7"') is None


def test_a_version_that_has_passed_says_which_is_the_present_one() -> None:
    error = changed_meanwhile(8)
    assert (error.status, error.code) == (412, "precondition_failed")
    assert '"r8"' in error.detail

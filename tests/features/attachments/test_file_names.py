"""File names: what a hostile or odd name becomes, and the header that gives it to a browser."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from werkzeug.http import parse_options_header

from collab_server.features.attachments.files.file_names import MAX_BYTES, clean_file_name, content_disposition

NAMES = st.text() | st.text(alphabet="a.é\u0301 /\\\u202e\u200d\ud800\n\"%;'ﬁconCON1", max_size=600)


@pytest.mark.parametrize(
    ("given_name", "cleaned"),
    [
        ("plan.txt", "plan.txt"),
        ("", "file"),
        ("   ", "file"),
        (".", "file"),
        ("..", "file"),
        ("\u200d", "file"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\ann\\plan.txt", "plan.txt"),
        ("folder/", "folder"),
        ("a/..", "a"),
        (".gitignore", ".gitignore"),
        ("..hidden", "..hidden"),
        ("report.pdf. . ", "report.pdf"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("a\u2066b\u2069\u200e\ufeff.txt", "ab.txt"),
        ("a\x00b\x1bc\x7f.txt", "abc.txt"),
        ("two\r\nlines\t.txt", "two lines .txt"),
        ("e\u0301te\u0301.txt", "été.txt"),
        ("\ud800a", "a"),
        ("family 👨\u200d👩\u200d👧.png", "family 👨\u200d👩\u200d👧.png"),
        ("CON", "_CON"),
        ("con.txt", "_con.txt"),
        ("nul .tar.gz", "_nul .tar.gz"),
        ("COM¹.log", "_COM¹.log"),
        ("lpt9", "_lpt9"),
        ("console.log", "console.log"),
        ("com10", "com10"),
    ],
)
def test_a_name_is_cleaned(given_name: str, cleaned: str) -> None:
    assert clean_file_name(given_name) == cleaned


def test_a_long_name_keeps_its_extension() -> None:
    cleaned = clean_file_name("é" * 300 + ".docx")
    assert cleaned == "é" * 125 + ".docx"
    assert len(cleaned.encode()) == MAX_BYTES


def test_a_name_at_the_limit_is_kept() -> None:
    name = "a" * (MAX_BYTES - 4) + ".txt"
    assert clean_file_name(name) == name


def test_a_long_extension_is_cut() -> None:
    assert clean_file_name("a." + "b" * 300) == "a." + "b" * (MAX_BYTES - 2)


@given(NAMES)
@example("a" * 254 + " b")
@example("." * 300)
@example(" ." * 300 + "x")
def test_a_cleaned_name_is_safe_and_stays_as_it_is(name: str) -> None:
    cleaned = clean_file_name(name)
    assert clean_file_name(cleaned) == cleaned
    assert 0 < len(cleaned.encode()) <= MAX_BYTES
    assert not set("/\\") & set(cleaned)
    assert cleaned.strip(" .")
    assert unicodedata.is_normalized("NFC", cleaned)
    assert not [each for each in cleaned if unicodedata.category(each) in ("Cc", "Cs", "Zl", "Zp")]
    assert not [each for each in cleaned if unicodedata.bidirectional(each) in ("LRO", "RLO", "LRE", "RLE", "PDF")]


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("plan.txt", 'attachment; filename="plan.txt"'),
        ("two words.txt", 'attachment; filename="two words.txt"'),
        ("été.txt", "attachment; filename=\"ete.txt\"; filename*=UTF-8''%C3%A9t%C3%A9.txt"),
        ('a"b%20.txt', "attachment; filename=\"a_b_20.txt\"; filename*=UTF-8''a%22b%2520.txt"),
        ("日本.txt", "attachment; filename=\"__.txt\"; filename*=UTF-8''%E6%97%A5%E6%9C%AC.txt"),
        ("x\r\nset-cookie: a=b", 'attachment; filename="x set-cookie: a=b"'),
    ],
)
def test_the_header_has_a_plain_name_and_the_exact_one(name: str, header: str) -> None:
    assert content_disposition(name, inline=False) == header


def test_the_header_says_inline() -> None:
    assert content_disposition("a.png", inline=True) == 'inline; filename="a.png"'


@given(NAMES, st.booleans())
def test_a_parser_reads_the_exact_name_from_the_header(name: str, inline: bool) -> None:
    header = content_disposition(name, inline=inline)
    assert header.isascii()
    assert header.isprintable()
    kind, options = parse_options_header(header)
    assert kind == ("inline" if inline else "attachment")
    assert options == {"filename": clean_file_name(name)}

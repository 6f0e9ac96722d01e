"""Fields of bodies: what is accepted, PostgreSQL stores and gives back unchanged."""

import json
import unicodedata
from typing import Annotated, Any

import asyncpg
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import AfterValidator, TypeAdapter, ValidationError

from collab_server.web.fields import MAX_JSON_BYTES, MAX_JSON_DEPTH, Color, Email, JsonObject, a_line, storable
from tests import databases

LINE: TypeAdapter[str] = TypeAdapter(Annotated[str, AfterValidator(a_line)])
PROSE: TypeAdapter[str] = TypeAdapter(Annotated[str, AfterValidator(storable)])
EMAIL: TypeAdapter[str] = TypeAdapter(Email)
COLOR: TypeAdapter[str] = TypeAdapter(Color)
OBJECT: TypeAdapter[dict[str, Any]] = TypeAdapter(JsonObject)
ANY_TEXT = st.text(st.characters(), max_size=40)


def accepted(kind: TypeAdapter[Any], value: object) -> Any:
    """What it is read as; None where it is refused."""
    try:
        return kind.validate_python(value)
    except ValidationError:
        return None


@given(ANY_TEXT)
def test_a_line_is_one_trimmed_visible_line(text: str) -> None:
    read = accepted(LINE, text)
    if read is None:
        return
    assert read == read.strip() != ""
    assert len(read.splitlines()) == 1
    assert not any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in read)
    assert any(unicodedata.category(character)[0] in "LMNPS" for character in read)
    assert accepted(LINE, read) == read, "reading it again changes nothing"


@pytest.mark.parametrize(
    "text",
    ["", " ", "\t", "\u00a0", "\u200b", "\u2028", "\u202e", "\ufeff", "a\nb", "a\tb", "a\x7fb", "a\u2029b", "a\x00"],
)
def test_what_is_no_line(text: str) -> None:
    assert accepted(LINE, text) is None


@pytest.mark.parametrize("text", ["Ann\u202egnp.exe", "\u202dx", "a\u2066b\u2069"])
def test_a_line_cannot_turn_the_text_around_it(text: str) -> None:
    assert accepted(LINE, text) is None


@pytest.mark.parametrize("text", ["Ann", " Ann ", "a", "日本語", "👩\u200d💻", "العربية", "nai\u0308ve", "x\u00ady"])
def test_what_is_a_line(text: str) -> None:
    assert accepted(LINE, text) == unicodedata.normalize("NFC", text.strip())


@given(ANY_TEXT)
def test_prose_is_taken_as_it_is_or_refused(text: str) -> None:
    read = accepted(PROSE, text)
    if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
        assert read is None
    else:
        assert read == text


@given(st.one_of(ANY_TEXT, st.emails(), ANY_TEXT.map(lambda text: f"{text}@example.com")))
def test_an_address_has_one_at_and_no_spaces(text: str) -> None:
    read = accepted(EMAIL, text)
    if read is not None:
        local, _, host = read.rpartition("@")
        assert local and host and "@" not in local
        assert not any(character.isspace() for character in read)
        assert 3 <= len(read) <= 320


@pytest.mark.parametrize(
    "text", ["a@b", "ann@example.com", "a.b+c@x.y.z", "ann@localhost", "ü@exämple.de", " a@b ", "a@b\n"]
)
def test_what_is_an_address(text: str) -> None:
    assert accepted(EMAIL, text) == text.strip()


@pytest.mark.parametrize(
    "text", ["", "a", "@", "a@", "@b", "a@b@c", "a b@c", "a@b c", "a@.b", "a@b.", "a@b..c", "a@" + "b" * 320]
)
def test_what_is_no_address(text: str) -> None:
    assert accepted(EMAIL, text) is None


@given(st.one_of(ANY_TEXT, st.from_regex(r"#[0-9A-Fa-f]{6}\n?", fullmatch=True)))
def test_a_color_is_six_hexadecimal_digits(text: str) -> None:
    read = accepted(COLOR, text)
    assert (read is not None) == (len(text) == 7 and text[0] == "#" and set(text[1:]) <= set("0123456789abcdefABCDEF"))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=10,
)


@given(st.dictionaries(ANY_TEXT, JSON, max_size=4))
@example({"a": float("nan")})
@example({"a": float("inf")})
@example({"\ud800": 1})
@example({"a": ["\udfff"]})
@example({"a": "\x00"})
@example({"a": "\\u0000"})
def test_an_object_is_taken_as_it_is_or_refused(value: dict[str, Any]) -> None:
    read = accepted(OBJECT, value)
    if read is not None:
        assert read == value
        encoded = json.dumps(read, ensure_ascii=False, allow_nan=False).encode()
        assert len(encoded) <= MAX_JSON_BYTES


@pytest.mark.parametrize("text", ["\\u0000", "\\\\u0000", "C:\\\\u0000"])
def test_a_text_that_looks_like_an_escaped_nul_is_none(text: str) -> None:
    assert accepted(OBJECT, {text: text}) == {text: text}
    assert accepted(OBJECT, {"a": f"{text}\x00"}) is None


def nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(depth - 1):
        value = {"a": value}
    return value


def test_how_deep_and_how_large_an_object_may_be() -> None:
    assert accepted(OBJECT, nested(MAX_JSON_DEPTH)) is not None
    assert accepted(OBJECT, nested(MAX_JSON_DEPTH + 1)) is None
    assert accepted(OBJECT, nested(900)) is None
    fits = MAX_JSON_BYTES - len('{"a": ""}')
    assert accepted(OBJECT, {"a": "x" * fits}) is not None
    assert accepted(OBJECT, {"a": "x" * (fits + 1)}) is None
    assert accepted(OBJECT, {"a": "é" * (fits // 2 + 1)}) is None, "bytes are counted, not characters"


async def test_postgresql_stores_what_is_accepted() -> None:
    """Samples on the border, and a text that only looks like an escaped NUL."""
    texts = ["\x01", "\x7f", "\\u0000", "\\x00", "\ufffe\uffff", "\U0010ffff", "🙂" * 10, "'\"--;", "\u2028"]
    conn = await asyncpg.connect(databases.admin_dsn("18"))
    try:
        for text in texts:
            if (prose := accepted(PROSE, text)) is not None:
                assert await conn.fetchval("SELECT $1::text", prose) == text
            if (value := accepted(OBJECT, {text: [text]})) is not None:
                stored = await conn.fetchval("SELECT $1::jsonb", json.dumps(value))
                assert json.loads(stored) == {text: [text]}
    finally:
        await conn.close()

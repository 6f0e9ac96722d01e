"""The base of all models, and types of fields in request bodies.

What PostgreSQL cannot store (NUL, lone surrogates) is refused here.

A field of one line: `Annotated[str, Field(max_length=100), AfterValidator(a_line), at_most(100)]`; of prose: `storable`
instead.
"""

import json
import re
import unicodedata
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

MAX_JSON_BYTES = 65_536
MAX_JSON_DEPTH = 32
# Overrides of the writing direction are among them: a name could dress up the text around it.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
_ESCAPED_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(?:\.[^@\s.]+)*")


class Model(BaseModel):
    """The base of request bodies and answers. Pydantic makes their validators at the first use: that takes a second
    for all of them.
    """

    model_config = ConfigDict(defer_build=True)


def storable(text: str) -> str:
    """Text of any lines, as it is."""
    if "\x00" in text:
        raise ValueError("must not contain NUL characters")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("must be valid Unicode") from None
    return text


def a_line(text: str) -> str:
    """One line, trimmed, with a visible character in it, its letters composed (NFC): "é" is one, however it is typed.

    That can make it longer (some letters have no composed form): `at_most` again where PostgreSQL has a limit.
    """
    text = unicodedata.normalize("NFC", storable(text).strip())
    if _CONTROL.search(text):
        raise ValueError("one line, without control characters")
    if all(unicodedata.category(character)[0] in "CZ" for character in text):
        raise ValueError("needs a visible character")
    return text


def at_most(characters: int) -> AfterValidator:
    """A validator to use after `a_line`."""

    def checked(text: str) -> str:
        if len(text) > characters:
            raise ValueError(f"at most {characters} characters, composed (Unicode NFC)")
        return text

    return AfterValidator(checked)


def _email(text: str) -> str:
    text = a_line(text)
    if not _EMAIL.fullmatch(text):
        raise ValueError("not an e-mail address")
    return text


def _depth(value: Any) -> int:
    deepest, level = 0, [value]
    while level:
        deepest += 1
        level = [
            child
            for one in level
            if isinstance(one, dict | list)
            for child in (one.values() if isinstance(one, dict) else one)
        ]
    return deepest


def _json_object(value: dict[str, Any]) -> dict[str, Any]:
    if _depth(value) > MAX_JSON_DEPTH:
        raise ValueError(f"nested deeper than {MAX_JSON_DEPTH}")
    try:
        encoded = json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except ValueError:
        raise ValueError("numbers must be finite, and text valid Unicode") from None
    if _ESCAPED_NUL.search(encoded):
        raise ValueError("must not contain NUL characters")
    if len(encoded) > MAX_JSON_BYTES:
        raise ValueError(f"more than {MAX_JSON_BYTES} bytes as JSON")
    return value


Email = Annotated[str, Field(min_length=3, max_length=320), AfterValidator(_email)]
Color = Annotated[str, Field(pattern=r"^#[0-9A-Fa-f]{6}$")]
JsonObject = Annotated[dict[str, Any], AfterValidator(_json_object)]

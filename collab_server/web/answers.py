"""JSON answers that are made without a model: pages of many rows, written as bytes in one go.

A route that gives one names its model as `response_model`, for OpenAPI; tests hold the answers against it.
"""

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response

_FORM = orjson.OPT_UTC_Z


def encode(content: Any) -> bytes:
    """Times in UTC with a Z and ids as strings, as the models write them."""
    return orjson.dumps(content, _text, _FORM)


def _text(value: object) -> str:
    """asyncpg's UUIDs are a class of their own."""
    return str(value)


def written(json_text: str | None, absent: Any) -> Any:
    """JSON as PostgreSQL wrote it, to stand in an answer as it is."""
    return absent if json_text is None else orjson.Fragment(json_text)


def answer(content: Any, headers: Mapping[str, str] | None = None) -> Response:
    return Response(encode(content), headers=headers, media_type="application/json")

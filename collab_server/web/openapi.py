"""The OpenAPI description, completed: problems instead of FastAPI's own validation errors, examples for bodies and
answers, the codes of all errors, and how to sign in.
"""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from collab_server import errors
from collab_server.web.problems import OTHER_CODES, Problem

_JSON = "application/json"
_PROBLEM = "application/problem+json"
_SECURITY = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API token (POST /auth/tokens), or a connect token for its one document.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "collab_session",
        "description": "The cookie of POST /auth/login. What changes something also needs the header X-CSRF-Token.",
    },
}
_SAMPLES: dict[str, Any] = {"integer": 1, "number": 1.0, "boolean": True, "string": "text", "null": None}
_FORMATS = {
    "uuid": "0b6ff3a5-6f7d-4a39-9c3e-1f3b1f6f2f10",
    "date-time": "2026-01-31T09:30:00Z",
    "email": "ann@example.org",
    "date": "2026-01-31",
}


def _header(description: str, example: int) -> dict[str, Any]:
    return {"description": description, "schema": {"type": "integer"}, "example": example}


_RATE_HEADERS = {
    "RateLimit-Limit": _header("Requests that may come at once.", 200),
    "RateLimit-Remaining": _header("Requests that may come now.", 199),
    "RateLimit-Reset": _header("Seconds until RateLimit-Limit requests may come again.", 1),
}
"""Absent where COLLAB_RATE_REQUESTS is 0."""


def install(api: FastAPI) -> None:
    """Have /openapi.json answer the completed description."""

    def describe() -> dict[str, Any]:
        if api.openapi_schema is None:
            api.openapi_schema = completed(
                get_openapi(
                    title=api.title,
                    version=api.version,
                    description=api.description,
                    routes=api.routes,
                    servers=[{"url": "/api/v1"}],
                )
            )
        return api.openapi_schema

    api.openapi = describe  # type: ignore[method-assign]


def error_codes() -> list[dict[str, Any]]:
    """Every code a problem (or a WebSocket's close) may have: code, status, close_code (None: HTTP only), title."""
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.CollabError)]
    rows = [
        {"code": kind.code, "status": kind.status, "close_code": kind.close_code, "title": kind.title}
        for kind in kinds
        if kind is not errors.CollabError
    ]
    rows += [
        {"code": code, "status": status, "close_code": None, "title": t} for code, (status, t) in OTHER_CODES.items()
    ]
    return sorted(rows, key=lambda row: (row["status"], row["code"]))


def completed(description: dict[str, Any]) -> dict[str, Any]:
    """The description that FastAPI makes, with what it lacks."""
    components = description.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    codes = error_codes()
    schemas["Problem"] = Problem.model_json_schema()
    schemas["Problem"]["properties"]["code"]["examples"] = [row["code"] for row in codes]
    components["securitySchemes"] = _SECURITY
    description["security"] = [{"token": []}, {"session": []}, {}]
    description["x-error-codes"] = codes
    for operations in description["paths"].values():
        for operation in operations.values():
            _complete(operation, schemas)
    return description


def _complete(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    responses = operation["responses"]
    if "HTTPValidationError" in str(responses.get("422", "")):
        responses["422"] = {"description": "`invalid`: The request is not valid"}
    common: tuple[type[errors.CollabError], ...] = (errors.Unavailable, errors.TooMany, errors.UnknownHost)
    if "requestBody" in operation:
        common += (errors.TooLarge,)
    if "requestBody" in operation or "parameters" in operation:
        common += (errors.Malformed,)
    for error in common:
        responses.setdefault(str(error.status), {"description": f"`{error.code}`: {error.title}"})
    for status, response in responses.items():
        if status >= "400":
            title = response["description"].partition(": ")[2] or response["description"]
            code = response["description"].partition(":")[0].strip("`") if "`" in response["description"] else "error"
            example = {"type": "about:blank", "title": title, "status": int(status), "detail": title, "code": code}
            schema = {"$ref": "#/components/schemas/Problem"}
            response["content"] = {_PROBLEM: {"schema": schema, "example": example}}
        if status in ("429", "503"):
            response["headers"] = {"Retry-After": _header("Seconds after which the same request may succeed.", 1)}
        if status != "421":
            response.setdefault("headers", {}).update(_RATE_HEADERS)
    bodies = [*responses.values(), operation["requestBody"]] if "requestBody" in operation else responses.values()
    for body in bodies:
        media = body.get("content", {}).get(_JSON)
        if media is not None and "example" not in media and "examples" not in media and media.get("schema"):
            media["example"] = example_of(media["schema"], schemas)


def example_of(schema: dict[str, Any], schemas: dict[str, Any]) -> Any:
    """A value that the schema allows: its own example where it has one."""
    if "$ref" in schema:
        return example_of(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    for key in ("examples", "enum"):
        if schema.get(key):
            return schema[key][0]
    for key in ("example", "default", "const"):
        if key in schema:
            return schema[key]
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            return example_of(schema[key][0], schemas)
    if schema.get("type") == "array":
        return [example_of(schema["items"], schemas)] if schema.get("items") else []
    if "properties" in schema:
        return {name: example_of(value, schemas) for name, value in schema["properties"].items()}
    if schema.get("type") == "object":
        return {}
    return _FORMATS.get(schema.get("format", "")) or _SAMPLES.get(schema.get("type", "string"), "text")

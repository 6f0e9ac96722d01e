"""The OpenAPI description tells all that a client needs: every operation with examples and every refusal."""

import inspect
import json
import re
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from collab_server import app, errors
from tests.server import Server

ASKS_FOR_ACCESS = "POST /documents/{document_id}/access-requests"
"""It does not tell whether there is such a document."""


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with Server(tmp_path_factory.mktemp("openapi")) as running:
        yield running


@pytest.fixture(scope="module")
async def api(server: Server) -> dict[str, Any]:
    async with httpx.AsyncClient(timeout=60) as client:
        found: dict[str, Any] = (await client.get(f"{server.api}/openapi.json")).json()
        return found


def operations(api: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in api["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_every_operation_says_what_it_does_and_where_it_belongs(api: dict[str, Any]) -> None:
    found = list(operations(api))
    assert len(found) > 70
    for name, operation in found:
        assert operation["summary"], name
        assert operation["description"], name
        assert len(operation["tags"]) == 1, name
    names = [operation["operationId"] for _, operation in found]
    assert len(names) == len(set(names))


def test_every_body_and_answer_has_an_example(api: dict[str, Any]) -> None:
    for name, operation in operations(api):
        bodies = {**operation["responses"], "body": operation.get("requestBody", {})}
        for place, body in bodies.items():
            for kind, media in body.get("content", {}).items():
                if kind in ("application/json", "application/problem+json") and media.get("schema"):
                    assert media["example"] is not None, f"{name} {place}"


def test_every_refusal_is_a_problem(api: dict[str, Any]) -> None:
    assert "HTTPValidationError" not in json.dumps(api)
    for name, operation in operations(api):
        assert {"421", "429", "503"} <= operation["responses"].keys(), name
        assert {"Retry-After", "RateLimit-Limit"} <= operation["responses"]["429"]["headers"].keys(), name
        takes_input = operation.get("parameters") or operation.get("requestBody")
        assert "422" in operation["responses"] or not takes_input, name
        if "{" in name and "/token/" not in name and name != ASKS_FOR_ACCESS:
            assert {"401", "404"} <= operation["responses"].keys(), name
        for status, answer in operation["responses"].items():
            if status >= "400":
                [(kind, media)] = answer["content"].items()
                assert (kind, media["schema"]["$ref"]) == ("application/problem+json", "#/components/schemas/Problem")
                assert set(media["example"]) == {"type", "title", "status", "detail", "code"}, name


def test_every_code_is_listed_with_its_status_and_close(api: dict[str, Any]) -> None:
    listed = {row["code"]: (row["status"], row["close_code"]) for row in api["x-error-codes"]}
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.CollabError)]
    for kind in kinds:
        if kind is not errors.CollabError:
            assert listed[kind.code] == (kind.status, kind.close_code)
    assert listed["invalid"] == (422, None)
    told = {
        media["example"]["code"]
        for _, operation in operations(api)
        for status, answer in operation["responses"].items()
        if status >= "400"
        for media in answer["content"].values()
    }
    assert told <= listed.keys()


async def test_what_the_server_says_of_bad_input_is_what_is_documented(server: Server) -> None:
    async with httpx.AsyncClient(base_url=server.api) as client:
        for answer in (
            await client.get("/documents/not-a-uuid"),
            await client.get("/workspaces?limit=0"),
            await client.post("/auth/login", content=b"{", headers={"content-type": "application/json"}),
        ):
            assert answer.status_code == 422
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["code"] == "invalid"


async def test_the_page_shows_it_without_another_host(server: Server) -> None:
    async with httpx.AsyncClient() as client:
        page = await client.get(f"{server.api}/docs")
        assert page.status_code == 200
        assert page.headers["content-type"].startswith("text/html")
        assert "unsafe" not in page.headers["content-security-policy"]
        assert not re.search(r"""(src|href)=["']?(https?:)?//""", page.text)
        for path in re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text):
            assert (await client.get(server.http + path)).status_code == 200, path


def test_no_route_and_nothing_that_it_depends_on_runs_in_a_thread() -> None:
    def calls(dependant: Dependant) -> Iterator[Callable[..., Any]]:
        if dependant.call is not None:
            yield dependant.call
        for each in dependant.dependencies:
            yield from calls(each)

    for slice_api in app._SLICES:
        for route in slice_api.router.routes:
            assert isinstance(route, APIRoute)
            for call in calls(route.dependant):
                assert inspect.iscoroutinefunction(call) or inspect.isasyncgenfunction(call), call

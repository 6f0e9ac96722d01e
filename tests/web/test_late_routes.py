"""Routes are analysed late; until then they are found, and afterwards they are FastAPI's own."""

import asyncio
import subprocess
import sys
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from collab_server import app
from collab_server.web.fields import Model
from collab_server.web.routes import LateRoute, described_later, late_steps, router, take
from tests.require import ROOT


class Given(Model):
    number: int


def build_api() -> tuple[FastAPI, list[LateRoute]]:
    routes = router()

    @routes.post("/things/{thing}", openapi_extra=described_later(lambda: {"x-described": True}))
    async def make(thing: int, given: Given, more: int = 1) -> dict[str, int]:
        return {"sum": thing + given.number + more}

    @routes.get("/things")
    async def find() -> list[int]:
        return [1]

    api = FastAPI()
    api.router.routes.extend(routes.routes)
    late = [route for route in routes.routes if isinstance(route, LateRoute)]
    assert len(late) == 2
    return api, late


def is_analysed(route: LateRoute) -> bool:
    return "dependant" in vars(route)


async def test_the_first_request_of_a_route_analyses_this_one_only() -> None:
    api, (make, find) = build_api()
    assert not is_analysed(make) and not is_analysed(find)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://test") as client:
        answer = await client.post("/things/1?more=3", json={"number": 2})
        assert (answer.status_code, answer.json()) == (200, {"sum": 6})
        assert is_analysed(make) and not is_analysed(find)
        assert (await client.post("/things/one", json={"number": 2})).status_code == 422
        assert (await client.post("/things/1", json={"number": "x"})).status_code == 422
        assert (await client.put("/things/1")).status_code == 405
        assert (await client.get("/other")).status_code == 404
    assert not is_analysed(find)


@pytest.mark.filterwarnings("ignore::pydantic.warnings.UnsupportedFieldAttributeWarning")
async def test_the_description_is_that_of_routes_analysed_at_once() -> None:
    api, _ = build_api()
    described = api.openapi()["paths"]["/things/{thing}"]["post"]
    assert described.pop("x-described") is True
    at_once = FastAPI()

    @at_once.post("/things/{thing}")
    async def make(thing: int, given: Given, more: int = 1) -> dict[str, int]:
        return {}

    assert described == at_once.openapi()["paths"]["/things/{thing}"]["post"]


async def test_all_routes_are_analysed_between_other_tasks() -> None:
    _, late = build_api()
    preparing = asyncio.create_task(take(late_steps(late)))
    await asyncio.sleep(0)
    assert not is_analysed(late[1])
    await preparing
    assert all(map(is_analysed, late))
    assert Given.__pydantic_complete__


def test_a_late_route_holds_what_finding_it_needs_as_fastapi_has_it() -> None:
    """FastAPI may change how it finds a route: then these attributes differ, or matching analyses a route."""

    async def endpoint() -> None: ...

    early = APIRoute("/a/{b:path}/c", endpoint, methods=["get", "PUT"])
    late = LateRoute("/a/{b:path}/c", endpoint, methods=["get", "PUT"])
    for name in ("path", "endpoint", "methods", "path_regex", "path_format", "param_convertors"):
        assert vars(late)[name] == vars(early)[name]
    scope: dict[str, Any] = {"type": "http", "method": "GET", "path": "/a/x/y/c"}
    found, of_late = late.matches(scope)
    assert (found, of_late["path_params"]) == (early.matches(scope)[0], {"b": "x/y"})
    assert not is_analysed(late)
    assert vars(early).keys() <= {name for name in dir(early) if hasattr(late, name)}


def test_an_unknown_attribute_of_an_analysed_route_is_an_error() -> None:
    _, (make, _) = build_api()
    with pytest.raises(AttributeError):
        make.nothing  # noqa: B018


def test_every_router_of_the_application_makes_late_routes() -> None:
    routes = [route for slice_api in app._SLICES for route in slice_api.router.routes]
    assert len(routes) > 150
    assert all(isinstance(route, LateRoute) for route in routes)


def test_the_application_imports_no_library_that_most_servers_or_only_workers_need() -> None:
    libraries = ("PIL", "docx", "httpx", "lxml", "mammoth", "pygments", "pypdf", "redis", "typst", "yaml")
    code = f"import sys, collab_server.app; print(*[name for name in {libraries} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []

"""What an address answers at which there is nothing: a page to people, a problem to programs."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.server import Server

BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with Server(tmp_path_factory.mktemp("missing")) as running:
        yield running


@pytest.mark.parametrize("path", ["/zzz", "/w/team/nothing", "/static/nothing.js", "/nothing/at/all"])
async def test_nothing_is_a_page_for_browsers_and_a_problem_for_programs(server: Server, path: str) -> None:
    async with httpx.AsyncClient(base_url=server.http) as client:
        page = await client.get(path, headers=BROWSER)
        assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
        assert "There is no page here" in page.text and "content-security-policy" in page.headers
        for accept in ("*/*", "application/json"):
            told = await client.get(path, headers={"accept": accept})
            assert (told.status_code, told.headers["content-type"]) == (404, "application/problem+json")
            assert told.json()["code"] == "not_found" and told.headers["vary"] == "accept"


async def test_the_api_and_a_wrong_method_are_answered_by_problems_to_browsers_too(server: Server) -> None:
    async with httpx.AsyncClient(base_url=server.http, headers=BROWSER) as client:
        for path in ("/api/v1/zzz", "/api/zzz"):
            assert (await client.get(path)).json()["code"] == "not_found"
        told = await client.post("/signin")
        assert (told.status_code, told.json()["code"]) == (405, "method_not_allowed")
        assert "GET" in told.headers["allow"]

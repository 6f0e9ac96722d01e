"""Signed addresses at a content delivery network: it keeps what it may, and nothing that needs a right."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.features.api_harness import ApiHarness, open_api
from tests.features.attachments.attaching import attach, picture, processed

CDN = "https://cdn.example"


class PullNetwork:
    """What it fetched from the server, by path and query, as far as a shared cache may keep it (RFC 9111)."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self.kept: dict[str, httpx.Response] = {}
        self.fetched = 0

    async def get(self, url: str, **headers: str) -> httpx.Response:
        assert url.startswith(f"{CDN}/"), url
        place = url.removeprefix(CDN)
        if place not in self.kept:
            self.fetched += 1
            async with httpx.AsyncClient() as client:
                answer = await client.get(self._origin + place, headers=headers)
            if answer.status_code != 200 or not is_shared(answer):
                return answer
            self.kept[place] = answer
        return self.kept[place]


def is_shared(answer: httpx.Response) -> bool:
    return re.fullmatch(r"public, max-age=[1-9]\d*", answer.headers.get("cache-control", "")) is not None


@pytest.fixture(scope="module")
async def delivering(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiHarness]:
    async with open_api(tmp_path_factory.mktemp("cdn"), cdn_url=f"{CDN}/") as running:
        yield running


async def test_the_network_serves_what_it_fetched(delivering: ApiHarness) -> None:
    network = PullNetwork(delivering.server.http)
    made = await delivering.make()
    octets = picture()
    one = await processed(delivering.editor, await attach(delivering.editor, made["id"], octets, "a.png"))
    assert one["cdn_url"] == CDN + one["signed_url"]
    for _ in range(2):
        assert (await network.get(one["cdn_url"])).content == octets
    assert network.fetched == 1
    small = one["cdn_url"].replace("/content?", "/thumbnail?") + "&width=160"
    answers = [await network.get(small) for _ in range(2)]
    assert network.fetched == 2 and {answer.headers["content-type"] for answer in answers} == {"image/webp"}
    for answer in network.kept.values():
        assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
        assert int(answer.headers["cache-control"].rpartition("=")[2]) <= 900
        assert "set-cookie" not in answer.headers
    unchanged = await PullNetwork(delivering.server.http).get(
        one["cdn_url"], **{"if-none-match": f'"{one["checksum_sha256"]}"'}
    )
    assert unchanged.status_code == 304 and is_shared(unchanged), "it ends with the signature, too"


async def test_the_network_keeps_nothing_that_needs_a_right(delivering: ApiHarness) -> None:
    made = await delivering.make()
    one = await attach(delivering.editor, made["id"], b"secret")
    network = PullNetwork(delivering.server.http)
    wrong = one["cdn_url"][:-3] + "xyz"
    for url in (wrong, CDN + one["url"], f"{CDN}/api/v1/attachments/{one['id']}"):
        assert (await network.get(url)).status_code in (401, 404), url
        known = await network.get(url, authorization=f"Bearer {delivering.editor.token}")
        assert known.status_code == 200 and not is_shared(known), url
    assert network.kept == {}
    await delivering.editor.delete(f"/attachments/{one['id']}")
    assert (await network.get(one["cdn_url"])).status_code == 404


async def test_without_a_network_there_are_no_addresses_there(api: ApiHarness) -> None:
    made = await api.make()
    one = await attach(api.editor, made["id"], b"text")
    assert one["cdn_url"] is None
    signed = await api.guest.get(one["signed_url"].removeprefix("/api/v1"))
    assert signed.headers["cache-control"].startswith("private, max-age=")

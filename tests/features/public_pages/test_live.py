"""Event streams of live pages."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import httpx
import pytest

from collab_server.adapters.postgres import Database
from collab_server.errors import TooMany
from collab_server.features.changes.reader import FeedReader
from collab_server.features.public_pages import live
from tests.features.api_harness import ApiHarness
from tests.features.public_pages.publishing import change, publish, set_page, write
from tests.waiting import until


class Listener:
    """The names of the events of a stream, and whether it has ended."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.data: list[str] = []
        self.ended = False

    async def read(self, answer: httpx.Response) -> None:
        async for line in answer.aiter_lines():
            if line.startswith("event: "):
                self.events.append(line.removeprefix("event: "))
            elif line.startswith("data: "):
                self.data.append(line.removeprefix("data: "))
        self.ended = True

    async def next(self, count: int, name: str) -> None:
        await until(lambda: self.events.count(name) >= count, f"{count} events {name}, not {self.events}")


@asynccontextmanager
async def listening(anybody: httpx.AsyncClient, slug: str) -> AsyncIterator[Listener]:
    listener = Listener()
    async with anybody.stream("GET", f"/p/{slug}/events") as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        reading = asyncio.create_task(listener.read(answer))
        try:
            yield listener
        finally:
            reading.cancel()


async def test_readers_of_a_live_page_learn_that_it_has_changed_and_no_more(
    site: ApiHarness, anybody: httpx.AsyncClient
) -> None:
    made, other = await publish(site, content="one"), await publish(site, content="one")
    page = await set_page(site.editor, made["id"], live=True)
    text = (await anybody.get(page["url"])).text
    assert f'data-events="/p/{page["slug"]}/events"' in text and 'src="/static/live.js"' in text
    async with listening(anybody, page["slug"]) as listener:
        # The first is of the beginning, and of all that happened before.
        await listener.next(1, "changed")
        await write(site.editor, other["id"], "two")
        seen = len(listener.events)
        await write(site.editor, made["id"], "two")
        await listener.next(seen + 1, "changed")
        assert set(listener.data) == {"{}"}
        assert "two" in (await anybody.get(page["url"])).text


@pytest.mark.parametrize("how", ["not public", "not live", "deleted"])
async def test_a_stream_ends_when_its_page_is_not_live_any_more(
    site: ApiHarness, anybody: httpx.AsyncClient, how: str
) -> None:
    made = await publish(site, content="one")
    slug = (await set_page(site.editor, made["id"], live=True))["slug"]
    async with listening(anybody, slug) as listener:
        await listener.next(1, "changed")
        if how == "deleted":
            assert (await site.editor.delete(f"/documents/{made['id']}")).status_code == 204
        elif how == "not live":
            await set_page(site.editor, made["id"], live=False)
        else:
            await change(site.editor, made["id"], is_public=False)
        await listener.next(1, "end")
        await until(lambda: listener.ended, "the end of the stream")
        assert listener.events[-2:] == ["end", "close"]


async def test_a_page_that_is_not_live_has_no_stream_and_no_script(
    site: ApiHarness, anybody: httpx.AsyncClient
) -> None:
    made = await publish(site, content="one")
    assert (await anybody.get(f"/p/{made['page']['slug']}/events")).status_code == 404
    assert (await anybody.get("/p/nothing/events")).status_code == 404
    assert "<script" not in (await anybody.get(f"/p/{made['page']['slug']}")).text


async def test_the_number_of_streams_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MAX_STREAMS", 3)
    monkeypatch.setattr(live, "MAX_STREAMS_OF_ONE", 2)
    db = Database("postgresql://nowhere")
    streams = live.PageStreams(FeedReader(db), db)
    first = [await streams.open_stream(uuid4(), "192.0.2.1") for _ in range(2)]
    with pytest.raises(TooMany, match="from your network"):
        await streams.open_stream(uuid4(), "192.0.2.1")
    await streams.open_stream(uuid4(), "192.0.2.2")
    with pytest.raises(TooMany, match="3 live pages"):
        await streams.open_stream(uuid4(), "192.0.2.3")
    assert first[0]._on_end is not None
    first[0]._on_end(None)
    assert len(streams) == 2
    await streams.open_stream(uuid4(), "192.0.2.1")
    streams.stop()
    with pytest.raises(TooMany):
        await streams.open_stream(uuid4(), "192.0.2.4")

"""A page that reads `GET /sync/stream`."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from tests.waiting import until

Event = dict[str, Any]


class Page:
    """`named`: all events as (name, JSON); `ids`: the ids that a browser would send when it reconnects."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self.named: list[tuple[str, Event]] = []
        self.ids: list[str] = []
        self.has_ended = False
        self._reading = asyncio.create_task(self._read())

    @property
    def changes(self) -> list[tuple[str, str, str]]:
        """(operation, entity type, entity id) of the `change` events."""
        return [
            (event["operation"], event["entity_type"], event["entity_id"])
            for name, event in self.named
            if name == "change"
        ]

    @property
    def busy(self) -> list[str]:
        """The documents of the `presence` events."""
        return [event["document_id"] for name, event in self.named if name == "presence"]

    async def _read(self) -> None:
        name = ""
        async for line in self.answer.aiter_lines():
            key, _, value = line.partition(": ")
            if key == "id":
                self.ids.append(value)
            elif key == "event":
                name = value
            elif key == "data":
                self.named.append((name, json.loads(value)))
        self.has_ended = True

    async def receives(self, *changes: tuple[str, str, str]) -> None:
        await until(lambda: set(changes) <= set(self.changes), f"{changes} in {self.named}")

    async def wait_for(self, name: str) -> Event:
        await until(lambda: any(each == name for each, _ in self.named), f"{name} in {self.named}")
        return next(event for each, event in self.named if each == name)

    async def close(self) -> None:
        self._reading.cancel()
        await self.answer.aclose()


@asynccontextmanager
async def page(client: httpx.AsyncClient, **headers: str) -> AsyncIterator[Page]:
    """A page with an open stream; ready when the server has told where the stream begins."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    request = client.build_request("GET", "/sync/stream", headers=sent)
    answer = await client.send(request, stream=True)
    assert answer.status_code == 200, await answer.aread()
    assert answer.headers["content-type"].startswith("text/event-stream")
    reader = Page(answer)
    try:
        await until(lambda: bool(reader.ids), "the id of the beginning")
        yield reader
    finally:
        await reader.close()

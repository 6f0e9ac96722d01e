"""A client of the event stream, written from its description alone: a Yjs peer that reads events and speaks by POST."""

import asyncio
import base64
import json
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
from pycrdt import Doc, Text

from tests.peers import Decoder, awareness_payload, read_awareness, var_bytes
from tests.waiting import until


class Listener:
    """`client`: sends its GET, and its POSTs unless they are to go elsewhere."""

    def __init__(self, client: httpx.AsyncClient, document_id: str, answer: httpx.Response) -> None:
        self.client = client
        self.path = f"/documents/{document_id}/events"
        self.answer = answer
        self.doc: Doc[Any] = Doc()
        self.text: Text = self.doc.get("content", type=Text)
        self.named: list[tuple[str, Any]] = []
        self.ids: list[str] = []
        self.comments = 0
        self.denied: list[str] = []
        self.presence: dict[int, str] = {}
        self.received: list[bytes] = []
        self.asked: bytes | None = None
        self.synced = False
        self.ended = False
        self.reading: asyncio.Task[None] | None = None

    @property
    def stream(self) -> str:
        found: str = dict(self.named)["open"]["stream"]
        return found

    @property
    def close_code(self) -> int | None:
        code: int | None = dict(self.named).get("close", {}).get("code")
        return code

    def start(self) -> None:
        self.reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        event: dict[str, str] = {}
        try:
            async for line in self.answer.aiter_lines():
                if line == "":
                    self._take(event)
                    event = {}
                elif line.startswith(":"):
                    self.comments += 1
                else:
                    name, _, value = line.partition(": ")
                    event[name] = value
        except httpx.TransportError:
            pass
        self.ended = True

    def _take(self, event: dict[str, str]) -> None:
        if "id" in event:
            self.ids.append(event["id"])
        if "data" not in event:
            return
        if "event" in event:
            self.named.append((event["event"], json.loads(event["data"])))
            return
        decoder = Decoder(base64.b64decode(event["data"]))
        kind = decoder.uint()
        if kind == 0:
            step, payload = decoder.uint(), decoder.bytes()
            if step == 0:
                self.asked = payload
            else:
                self.received.append(payload)
                self.doc.apply_update(payload)
                self.synced = self.synced or step == 1
        elif kind == 1:
            for client, _, state in read_awareness(decoder.bytes()):
                self.presence[client] = state
        elif kind == 2:
            decoder.uint()
            self.denied.append(decoder.string())

    async def say(self, *frames: bytes, to: httpx.AsyncClient | None = None) -> httpx.Response:
        body = b"".join(var_bytes(frame) for frame in frames)
        return await (to or self.client).post(f"{self.path}/{self.stream}", content=body)

    def typed(self, text: str) -> bytes:
        """The frame of an edit."""
        before = self.doc.get_state()
        self.text.insert(len(self.text), text)
        return b"\x00\x02" + var_bytes(self.doc.get_update(before))

    async def say_everything(self) -> httpx.Response:
        """Sends all content as the answer to a SyncStep1."""
        return await self.say(b"\x00\x01" + var_bytes(self.doc.get_update()))

    async def type(self, text: str, to: httpx.AsyncClient | None = None) -> httpx.Response:
        return await self.say(self.typed(text), to=to)

    async def announce(self, client: int, clock: int, state: str, to: httpx.AsyncClient | None = None) -> None:
        answer = await self.say(b"\x01" + var_bytes(awareness_payload([(client, clock, state)])), to=to)
        assert answer.status_code == 200, answer.text

    async def sees(self, text: str, within: float = 30) -> None:
        await until(lambda: text in str(self.text), f"{text!r} in {str(self.text)[:200]!r}", within)

    async def leave(self) -> None:
        if self.reading is not None:
            self.reading.cancel()
        await self.answer.aclose()


@asynccontextmanager
async def listening(
    client: httpx.AsyncClient,
    document_id: str,
    headers: Sequence[tuple[str, str]] = (),
    *,
    slow: bool = False,
    query: Mapping[str, str] | None = None,
) -> AsyncIterator[Listener]:
    """A stream that is open and synchronised. `slow`: it is not read before the test says so (`start`)."""
    request = client.build_request(
        "GET",
        f"/documents/{document_id}/events",
        params=query,
        headers=list(headers),
        timeout=httpx.Timeout(30, read=None),
    )
    answer = await client.send(request, stream=True)
    if answer.status_code != 200:
        await answer.aread()
    assert answer.status_code == 200, answer.text
    listener = Listener(client, document_id, answer)
    try:
        if not slow:
            listener.start()
            await until(lambda: listener.synced, "the first sync")
        yield listener
    finally:
        await listener.leave()


def unlikely() -> str:
    return f"<{os.urandom(4).hex()}>"

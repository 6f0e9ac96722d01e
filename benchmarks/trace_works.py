"""Recorded sessions of people, typed again through a server as fast as it passes them on."""

import asyncio
import time

from pycrdt import Doc, Text

from benchmarks.processes import Cpu
from benchmarks.report import Figures
from benchmarks.traces import MARKS_OF, session
from benchmarks.wire import (
    MARK,
    Client,
    Clock,
    LoadError,
    Target,
    close_all,
    open_all,
    payloads,
    percentile,
    room_name,
    update_message,
)

AHEAD = 10
"""So many marks a person may have sent that the other has not seen."""
LATE_SECONDS = 20.0


class Typist(Client):
    """One of the two people of a session, or who watches the one. `seen`: how many marks of the other came."""

    def __init__(self, target: Target, room: str, person: int, clock: Clock) -> None:
        super().__init__(target, room)
        self.sent = self.seen = 0
        self.news = asyncio.Event()
        self._others = range((1 - person) * MARKS_OF, (2 - person) * MARKS_OF)
        self._clock = clock
        self._rest = b""

    def received(self, chunk: bytes) -> None:
        buffer = self._rest + chunk
        self._rest = buffer[-8:]
        if b"$m" not in buffer:
            return
        now = time.perf_counter()
        # Some servers send an author his own edits back.
        for number in map(int, MARK.findall(buffer)):
            if number in self._others and number - self._others.start >= self.seen:
                self.seen = number - self._others.start + 1
                self._clock.latencies.append(now - self._clock.sent[number])
        self._clock.last = now
        self.news.set()

    async def until_seen(self, marks: int) -> None:
        """Raises LoadError."""
        while self.seen < marks:
            self.news.clear()
            if self.closed:
                raise LoadError("the server closed the socket")
            try:
                await asyncio.wait_for(self.news.wait(), LATE_SECONDS)
            except TimeoutError:
                raise LoadError(f"{self.seen} of {marks} marks after {LATE_SECONDS:.0f} s") from None


class Joiner(Client):
    """Reads the document as it is."""

    def __init__(self, target: Target, room: str) -> None:
        super().__init__(target, room)
        self.doc: Doc[Text] = Doc()
        self.text = self.doc.get("content", type=Text)
        self.bytes = 0
        self._buffer = bytearray()

    def received(self, chunk: bytes) -> None:
        self._buffer += chunk
        for payload in payloads(self._buffer):
            message = payload.removeprefix(self.prefix)
            # Step 2 of the protocol and updates alike: 0, 1 or 2, then the length and the update.
            if message[:1] == b"\x00" and message[1:2] in (b"\x01", b"\x02"):
                start = next(place for place in range(2, len(message)) if message[place] < 128) + 1
                self.bytes += len(message) - start
                if message[start:] not in (b"", b"\x00\x00"):
                    self.doc.apply_update(message[start:])


async def replay(target: Target, name: str, *, most: int | None = None, batch: int = 1) -> Figures:
    """Nobody sends a keystroke before he has seen what its author had seen; see traces.session."""
    found = session(name, most, batch)
    clock = Clock()
    room = room_name("trace")
    typists = [Typist(target, room, person, clock) for person in (0, 1)]
    await open_all(target, typists)
    await asyncio.sleep(0.5)
    cpu = Cpu(target.pid)
    start = time.perf_counter()
    for number, step in enumerate(found.steps):
        author, other = typists[step.person], typists[1 - step.person]
        await author.until_seen(step.after)
        if step.mark is not None:
            await other.until_seen(author.sent - AHEAD)
            author.sent += 1
            clock.sent[step.mark] = time.perf_counter()
        author.transport.write(author.framed(update_message(step.update)))
        if number % 16 == 0:
            await asyncio.sleep(0)
    for author, other in (typists, typists[::-1]):
        await other.until_seen(author.sent)
    took, own, everything = time.perf_counter() - start, cpu.server(), cpu.all()
    joiner = Joiner(target, room)
    await open_all(target, [joiner])
    deadline = time.perf_counter() + LATE_SECONDS
    while str(joiner.text) != found.content and time.perf_counter() < deadline:
        await asyncio.sleep(0.05)
    figures = {
        "edits": float(found.edits),
        "updates": float(len(found.steps)),
        "updates/s": len(found.steps) / took,
        "CPU us/update": own / len(found.steps) * 1e6,
        "CPU us/update, with database": everything / len(found.steps) * 1e6,
        "p50 ms": percentile(clock.latencies, 0.5),
        "p99 ms": percentile(clock.latencies, 0.99),
        "KB to a joiner": joiner.bytes / 1024,
        "same text": float(str(joiner.text) == found.content),
    }
    close_all([*typists, joiner])
    return figures

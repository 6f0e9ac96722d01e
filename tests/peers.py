"""Yjs peers in memory: small clients of both protocols over raw sockets.

Written from the protocol pages alone, sharing no code with the server, so that a fault of the server's own encoding
cannot hide in its tests.
"""

import json
import os
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, Protocol, Self
from urllib.parse import quote

from pycrdt import Doc, Text, TransactionEvent

from tests.raw_socket import WITHIN, Socket

Family = Literal["yws", "hocus"]


class Endpoints(Protocol):
    """Where a server is reached: what the peers need of tests.server.Server."""

    @property
    def ws(self) -> str: ...
    @property
    def hocuspocus(self) -> str: ...


def var_uint(number: int) -> bytes:
    encoded = bytearray()
    while number > 127:
        encoded.append(128 | (number & 127))
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def var_bytes(content: bytes) -> bytes:
    return var_uint(len(content)) + content


def var_string(text: str) -> bytes:
    return var_bytes(text.encode())


class Decoder:
    """Reads lib0 values from the front of a frame."""

    def __init__(self, frame: bytes) -> None:
        self.frame, self.position = frame, 0

    def uint(self) -> int:
        number = shift = 0
        while True:
            byte = self.frame[self.position]
            self.position += 1
            number |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return number

    def bytes(self) -> bytes:
        length = self.uint()
        content = self.frame[self.position : self.position + length]
        assert len(content) == length, f"a frame of the server is cut off: {self.frame[:100]!r}"
        self.position += length
        return content

    def string(self) -> str:
        return self.bytes().decode()


def awareness_payload(entries: Iterable[tuple[int, int, str]]) -> bytes:
    """The payload of an awareness message: (client id, clock, JSON state) each."""
    encoded = [var_uint(client) + var_uint(clock) + var_string(state) for client, clock, state in entries]
    return var_uint(len(encoded)) + b"".join(encoded)


def read_awareness(payload: bytes) -> list[tuple[int, int, str]]:
    decoder = Decoder(payload)
    return [(decoder.uint(), decoder.uint(), decoder.string()) for _ in range(decoder.uint())]


MARK = re.compile(rb"<[0-9a-z]+\.[0-9]+>")


def marks_in(content: bytes) -> frozenset[bytes]:
    """The marks `<author.number>` in text or in an encoded update (a mark is always inserted by one operation)."""
    return frozenset(MARK.findall(content))


class Peer:
    """A client of one document that keeps a Doc and knows which of its marks the server has acknowledged.

    `share`: the token of a link. `root`: the Text it types into. A mark is acknowledged when a message that carried it
    is, on that message's socket.
    """

    def __init__(
        self,
        server: Endpoints,
        family: Family,
        name: str,
        *,
        token: str | None = None,
        share: str | None = None,
        author: str = "",
        root: str = "content",
        version: str | None = "4.8.0",
        headers: Sequence[tuple[str, str]] = (),
        events: bool = False,
    ) -> None:
        self.server, self.family, self.name, self.version = server, family, name, version
        self.share = share
        self.token = f"share:{share}" if share and family == "hocus" else token
        self.headers = headers
        self.author = author or f"p{os.urandom(4).hex()}"
        self.doc: Doc[Any] = Doc()
        self.text: Text = self.doc.get(root, type=Text)
        self.socket: Socket | None = None
        self.synced = False
        self.typed: set[bytes] = set()
        self.acknowledged: set[bytes] = set()
        self.denied: list[str] = []
        self.scope: str | None = None
        self.status: list[int] = []
        self.closes: list[str] = []
        self.stateless: list[str] = []
        self.asks_for_events = events
        self.events: list[dict[str, Any]] = []
        self.generation: int | None = None
        self.presence: dict[int, tuple[int, str]] = {}
        self.unread: list[bytes] = []
        self._on_the_way: list[frozenset[bytes]] = []
        self._acks = 0
        self._refused = 0
        self._applying = False
        # edits before the answer to the server's SyncStep1 travel in that answer
        self._offered = False
        self._prefix = var_string(name) if family == "hocus" else b""
        self._subscription = self.doc.observe(self._on_transaction)

    # ---- the socket's life

    @property
    def url(self) -> str:
        events = "events=1" if self.asks_for_events else ""
        if self.family == "hocus":
            return f"{self.server.hocuspocus}?{events}" if events else self.server.hocuspocus
        token = f"&token={quote(self.token)}" if self.token else ""
        token += f"&share={quote(self.share)}" if self.share else ""
        return f"{self.server.ws}/{quote(self.name)}?acks=1{token}&{events}".rstrip("&")

    async def connect(self) -> None:
        """Dial and start the sync; see `until(synced)`. Raises Refused or OSError."""
        socket = await Socket.dial(self.url, self.headers)
        self.socket = socket
        self.synced, self.scope, self._offered = False, None, False
        self._on_the_way, self._acks, self._refused = [], 0, 0
        socket.on_message = self._receive
        if self.family == "hocus":
            version = b"" if self.version is None else var_string(self.version)
            self.send(b"\x02\x00" + var_string(self.token or "") + version)
        self.send(b"\x00\x00" + var_bytes(self.doc.get_state()))

    @property
    def connected(self) -> bool:
        return self.socket is not None and self.socket.ended is None

    async def sync(self, within: float = WITHIN) -> Self:
        """Connect, and wait for the server's SyncStep2."""
        await self.connect()
        await self.until(lambda: self.synced, "synced", within)
        return self

    async def saved(self, within: float = WITHIN) -> None:
        """Wait until every content message of this socket is acknowledged."""
        await self.until(lambda: not self._on_the_way, "everything acknowledged", within)

    async def refused(self) -> None:
        """Wait until the server has ended the socket or closed the document."""
        await self.until(lambda: self.closes or not self.connected, "a refusal")

    async def sees(self, *marks: bytes, within: float = WITHIN) -> None:
        await self.until(lambda: self.marks.issuperset(marks), f"the marks {marks!r}", within)

    async def close(self) -> None:
        if self.socket is not None:
            await self.socket.close()

    async def abort(self) -> None:
        if self.socket is not None:
            await self.socket.abort()

    async def until(self, holds: Callable[[], object], what: str = "", within: float = WITHIN) -> None:
        assert self.socket is not None
        await self.socket.until(holds, f"{what} of {self!r}", within)

    def __repr__(self) -> str:
        return (
            f"<Peer {self.author} {self.family} {self.name} synced={self.synced} denied={self.denied} "
            f"closes={self.closes} status={self.status[-8:]} on the way={len(self._on_the_way)} "
            f"ended={self.socket and self.socket.ended}>"
        )

    # ---- what it does

    def send(self, message: bytes) -> None:
        """One message (for Hocuspocus without the address)."""
        assert self.socket is not None
        self.socket.send(self._prefix + message)

    def send_content(self, update: bytes, kind: int = 2) -> None:
        """A SyncStep2 (1) or Update (2), whose acknowledgement is expected."""
        self._on_the_way.append(marks_in(update))
        self.send(b"\x00" + bytes([kind]) + var_bytes(update))

    def announce(self, *entries: tuple[int, int, str]) -> None:
        """An awareness message."""
        self.send(b"\x01" + var_bytes(awareness_payload(entries)))

    def insert(self, text: str, index: int | None = None) -> None:
        """Type; offline, too."""
        self.text.insert(len(self.text) if index is None else index, text)

    def type_mark(self) -> bytes:
        """Append the next mark of this author; it."""
        mark = f"<{self.author}.{len(self.typed)}>"
        self.typed.add(mark.encode())
        self.insert(mark)
        return mark.encode()

    @property
    def unacknowledged(self) -> int:
        """Content messages of this socket that wait for their acknowledgement."""
        return len(self._on_the_way)

    @property
    def content(self) -> str:
        return str(self.text)

    @property
    def marks(self) -> frozenset[bytes]:
        return marks_in(self.content.encode())

    # ---- what it hears

    def _on_transaction(self, event: TransactionEvent) -> None:
        if not self._applying and self._offered and self.connected and event.update != b"\0\0":
            self.send_content(event.update)

    def _apply(self, update: bytes) -> None:
        self._applying = True
        try:
            self.doc.apply_update(update)
        finally:
            self._applying = False

    def _receive(self, frame: bytes) -> None:
        if self.family == "hocus" and len(frame) == 1:
            if frame == b"\x09" and self.socket is not None:
                self.socket.send(b"\x0a")
            return
        decoder = Decoder(frame)
        if self.family == "hocus" and decoder.string() != self.name:
            self.unread.append(frame)
            return
        kind = decoder.uint()
        if kind == 0:
            self._receive_sync(decoder.uint(), decoder.bytes())
        elif kind == 1:
            for client, clock, state in read_awareness(decoder.bytes()):
                self._hear_of(client, clock, state)
        elif kind == 2:
            self._receive_auth(decoder)
        elif kind == 8 and self.family == "yws":
            self._committed(decoder.uint())
        elif kind == 8:
            self._status(decoder.uint())
        elif kind == 7 and self.family == "hocus":
            self.closes.append(decoder.string())
        elif kind == 5 and self.family == "hocus":
            text = decoder.string()
            if not (self.asks_for_events and self._receive_event(text)):
                self.stateless.append(text)
        elif kind == 9 and self.family == "yws":
            self._receive_event(decoder.string())
        else:
            self.unread.append(frame)

    def _receive_event(self, text: str) -> bool:
        """True for the event that tells the generation of the copy."""
        event = json.loads(text)
        if event["type"] == "generation":
            self.generation = event["generation"]
            return True
        self.events.append(event)
        return False

    def _hear_of(self, client: int, clock: int, state: str) -> None:
        self.presence[client] = (clock, state)

    def _receive_sync(self, kind: int, payload: bytes) -> None:
        if kind == 0:
            self.send_content(self.doc.get_update(payload), kind=1)
            self._offered = True
            if self.family == "hocus":
                # Stock clients count edits, not this answer: what was refused is acknowledged with it.
                self._on_the_way += [frozenset()] * (self._refused - 1)
                self._refused = 0
            return
        self._apply(payload)
        if kind == 1:
            self.synced = True

    def _receive_auth(self, decoder: Decoder) -> None:
        kind = decoder.uint()
        if kind == 2 and self.family == "hocus":
            self.scope = decoder.string()
        elif kind == (1 if self.family == "hocus" else 0):
            self.denied.append(decoder.string())
        else:
            self.unread.append(decoder.frame)

    def _committed(self, count: int) -> None:
        for _ in range(count - self._acks):
            self.acknowledged |= self._on_the_way.pop(0)
        self._acks = count

    def _status(self, saved: int) -> None:
        self.status.append(saved)
        carried = self._on_the_way.pop(0)
        if saved == 1:
            self.acknowledged |= carried
        else:
            self._refused += 1

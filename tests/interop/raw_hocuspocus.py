"""A Hocuspocus socket whose frames a test writes one by one, in any order."""

from collections.abc import Callable
from typing import Self

from tests.peers import Decoder, Endpoints, awareness_payload, read_awareness, var_bytes, var_string
from tests.raw_socket import WITHIN, Socket

Heard = tuple[object, ...]
"""What a frame says: ("Authenticated", scope), ("PermissionDenied", reason), ("TokenRequest",), ("Step1", clocks),
("Step2", update), ("Update", update), ("Awareness", entries), ("Stateless", payload), ("Close", reason) or
("SyncStatus", 0 or 1)."""

SYNC = ("Step1", "Step2", "Update")
AUTH = ("TokenRequest", "PermissionDenied", "Authenticated")


def read(frame: bytes) -> tuple[str, Heard]:
    """(address, what it says) of a server's frame; fails on bytes that are left over."""
    decoder = Decoder(frame)
    address, kind = decoder.string(), decoder.uint()
    heard: Heard
    if kind == 0:
        heard = (SYNC[decoder.uint()], decoder.bytes())
    elif kind == 1:
        heard = ("Awareness", read_awareness(decoder.bytes()))
    elif kind == 2:
        number = decoder.uint()
        heard = (AUTH[number], *([decoder.string()] if number else []))
    elif kind == 5:
        heard = ("Stateless", decoder.string())
    elif kind == 7:
        heard = ("Close", decoder.string())
    elif kind == 8:
        heard = ("SyncStatus", decoder.uint())
    else:
        raise AssertionError(f"a server never sends type {kind}: {frame!r}")
    assert decoder.position == len(frame), f"bytes left over in {frame!r}"
    return address, heard


class RawHocuspocus:
    """What was heard, by address and in order, is in `heard`."""

    def __init__(self, socket: Socket) -> None:
        self.socket = socket
        self.heard: dict[str, list[Heard]] = {}
        self.pings = 0
        socket.on_message = self._receive

    @classmethod
    async def dial(cls, server: Endpoints) -> Self:
        return cls(await Socket.dial(server.hocuspocus))

    def _receive(self, frame: bytes) -> None:
        if frame == b"\x09":
            self.pings += 1
            return
        address, heard = read(frame)
        self.heard.setdefault(address, []).append(heard)

    # ---- sending

    def send(self, address: str, body: bytes) -> None:
        self.socket.send(var_string(address) + body)

    def token(self, address: str, token: str = "", version: str | None = "4.8.0") -> None:
        self.send(address, b"\x02\x00" + var_string(token) + (b"" if version is None else var_string(version)))

    def step1(self, address: str, state_vector: bytes = b"\0") -> None:
        self.send(address, b"\x00\x00" + var_bytes(state_vector))

    def step2(self, address: str, update: bytes) -> None:
        self.send(address, b"\x00\x01" + var_bytes(update))

    def update(self, address: str, update: bytes) -> None:
        self.send(address, b"\x00\x02" + var_bytes(update))

    def awareness(self, address: str, *entries: tuple[int, int, str]) -> None:
        self.send(address, b"\x01" + var_bytes(awareness_payload(entries)))

    def stateless(self, address: str, payload: str) -> None:
        self.send(address, b"\x05" + var_string(payload))

    def broadcast_stateless(self, address: str, payload: str) -> None:
        self.send(address, b"\x06" + var_string(payload))

    def close_document(self, address: str) -> None:
        self.send(address, b"\x07")

    # ---- hearing

    def all(self, address: str, *kinds: str) -> list[Heard]:
        """What was heard of these kinds (of every kind where none is named)."""
        return [heard for heard in self.heard.get(address, []) if not kinds or heard[0] in kinds]

    def statuses(self, address: str) -> list[object]:
        return [heard[1] for heard in self.all(address, "SyncStatus")]

    async def until(self, holds: Callable[[], object], what: str, within: float = WITHIN) -> None:
        await self.socket.until(holds, f"{what}; heard {str(self.heard)[:3000]}", within)

    async def hears(self, address: str, *expected: object, count: int = 1, within: float = WITHIN) -> None:
        """Wait until something that begins with `expected` was heard `count` times."""
        length = len(expected)

        def holds() -> bool:
            return sum(heard[:length] == expected for heard in self.heard.get(address, [])) >= count

        await self.socket.until(
            lambda: holds() or self.socket.ended, f"{expected} times {count} from {address!r}", within
        )
        assert holds(), f"{expected} times {count} not heard, the socket ended; heard {str(self.heard)[:3000]}"

    async def log_in(self, address: str, token: str = "", version: str | None = "4.8.0") -> str:
        """Token and verdict; the scope."""
        before = len(self.all(address, "Authenticated"))
        self.token(address, token, version)
        await self.hears(address, "Authenticated", count=before + 1)
        return str(self.all(address, "Authenticated")[-1][1])

    async def answered(self, address: str) -> None:
        """A Step1 and its answers: everything sent before for this address has been dealt with (commits aside)."""
        before = len(self.all(address, "Step2"))
        self.step1(address)
        await self.hears(address, "Step2", count=before + 1)

    async def close(self) -> None:
        await self.socket.abort()

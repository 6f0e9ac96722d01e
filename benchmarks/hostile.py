"""`python -m benchmarks.hostile`: what one hostile socket costs an honest person, as a Markdown table.

A person types 20 times a second and waits for the commit of each edit. A process of its own attacks by one anonymous or
guest socket at a time, as fast as the server reads. In the last row nobody attacks: another transaction holds a lock
that an edit of another document waits for. Times include the commit. Processes are not pinned.
"""

import argparse
import asyncio
import contextlib
import multiprocessing
import os
import select
import socket
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import uvloop

from benchmarks.processes import resident_mb
from benchmarks.report import Found, single_rows
from benchmarks.wire import masked, percentile, var_bytes, var_uint
from tests.peers import Peer, awareness_payload
from tests.server import Server

NAME = "attacked"


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True) -> bytes:
    return bytes(((0x80 if fin else 0) | opcode, 0x80 | len(payload))) + b"\0\0\0\0" + payload


def state_vector(clients: int) -> bytes:
    return var_uint(clients) + b"".join(var_uint(2**31 + client) + b"\x05" for client in range(clients))


def removals(count: int) -> bytes:
    return masked(b"\x01" + var_bytes(awareness_payload([(client + 10**6, 1, "null") for client in range(count)])))


def attacks() -> dict[str, tuple[str, bytes, bytes]]:
    """(path, what is sent once, what is sent again and again) by name."""
    document = f"/ws/{NAME}"
    return {
        "nothing": ("", b"", b""),
        "pings, not signed in": ("/hocuspocus", b"", frame(9) * 1000),
        "fragments of a byte, not signed in": ("/hocuspocus", frame(2, fin=False), frame(0, b"x", fin=False) * 1000),
        "empty updates": (document, b"", masked(b"\x00\x02\x02\x00\x00") * 500),
        "presence asked for": (document, b"", masked(b"\x03") * 500),
        "32,000 presence removals a message": (document, b"", removals(32_000)),
        "4,000 presence removals a message": (document, b"", removals(4_000)),
        "state vectors of 60,000 clients": (document, b"", masked(b"\x00\x00" + var_bytes(state_vector(60_000)))),
        "state vectors of 2,000 clients": (document, b"", masked(b"\x00\x00" + var_bytes(state_vector(2_000)))),
    }


def attack(port: int, path: str, first: bytes, again: bytes, seconds: float) -> None:
    """Send on one socket after another; what comes is read and thrown away."""
    end = time.monotonic() + seconds
    request = (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(request)
            connection.recv(65536)
            connection.sendall(first)
            connection.settimeout(0)
            rest = b""
            while time.monotonic() < end:
                # No spinning: the attacker is another machine, and takes no processor from the server.
                select.select([connection], [connection], [], 0.1)
                with contextlib.suppress(BlockingIOError):
                    while data := connection.recv(1 << 20):
                        if b"\x88" in data[:200] and b"too_many" in data:
                            raise OSError
                with contextlib.suppress(BlockingIOError):
                    rest = rest or again
                    rest = rest[connection.send(rest) :]
        time.sleep(0.05)


@contextlib.asynccontextmanager
async def locked_head(server: Server) -> AsyncIterator[None]:
    """Another document with an edit that cannot be stored, as a foreign transaction has locked the head of its log."""
    other = await Peer(server, "yws", f"{NAME}-too").sync()
    other.type_mark()
    await other.saved(60)
    conn = await asyncpg.connect(server.owner_dsn)
    try:
        async with conn.transaction():
            found = await conn.fetch(
                "SELECT FROM document_heads"
                " WHERE document_id IN (SELECT id FROM documents WHERE title = $1) FOR UPDATE",
                f"{NAME}-too",
            )
            assert len(found) == 1
            other.type_mark()
            yield
    finally:
        await conn.close()
        await other.close()


async def measure(server: Server, seconds: float, kind: tuple[str, bytes, bytes]) -> dict[str, float]:
    person = await Peer(server, "yws", NAME).sync()
    attacker = multiprocessing.get_context("spawn").Process(target=attack, args=(server.port, *kind, seconds))
    if kind[0]:
        attacker.start()
        await asyncio.sleep(1)
    before = resident_mb(server.process.pid)
    delays = []
    end = time.monotonic() + seconds - 1.5
    while time.monotonic() < end:
        started = time.monotonic()
        person.type_mark()
        await person.saved(60)
        delays.append(time.monotonic() - started)
        await asyncio.sleep(0.05)
    if kind[0]:
        await asyncio.to_thread(attacker.join)
    await person.close()
    return {
        "p50 ms": percentile(delays, 0.5),
        "p99 ms": percentile(delays, 0.99),
        "worst ms": max(delays) * 1e3,
        "RSS MB": resident_mb(server.process.pid) - before,
    }


async def run(seconds: float, locked_seconds: float, only: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with Server(Path(folder)) as server:
            found = Found()
            # The first edits pay for what a process loads when it is first needed.
            await measure(server, 3, attacks()["nothing"])
            for name, kind in attacks().items():
                if only not in name:
                    continue
                found.add(name, await measure(server, seconds, kind))
            if not locked_seconds:
                print("\n".join(single_rows("attack", found)))
                return
            async with locked_head(server):
                name = f"the head of another document locked for {locked_seconds:.0f} s"
                found.add(name, await measure(server, locked_seconds, attacks()["nothing"]))
            print("\n".join(single_rows("attack", found)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=8.0, help="of each attack")
    parser.add_argument("--locked-seconds", type=float, default=60.0, help="of the lock; 0: no lock")
    parser.add_argument("--only", default="", help="attacks with this in their name")
    os.environ.setdefault("COLLAB_LOG_LEVEL", "warning")
    given = parser.parse_args()
    uvloop.run(run(given.seconds, given.locked_seconds, given.only))


if __name__ == "__main__":
    main()

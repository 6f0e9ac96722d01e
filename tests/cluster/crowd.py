"""People who type, delete, move their cursors, lose their connection and come back, each after its own dice."""

import asyncio
import random
import re
from collections.abc import Sequence

from tests.peers import Family, Peer
from tests.raw_socket import Refused
from tests.server import Server
from tests.waiting import until

NOISE = re.compile(r"[^<>0-9a-z.]+")
"""What is typed between marks, and may be deleted; beyond ASCII, so that characters have more than one length."""
NOISES = ("~", "é ", "🙂", "~~ 🙂~", "𝒜é")


class Typist(Peer):
    """A client that hears of presence by the rules of y-protocols, as stock clients do. `gone`: it will not come back.

    `in_doubt`: its rights are being changed, so which of its messages an acknowledgement means cannot be told; no mark
    counts as acknowledged then.
    """

    def __init__(self, nodes: Sequence[Server], chance: random.Random, family: Family, name: str, token: str) -> None:
        super().__init__(
            chance.choice(nodes), family, name, token=token, author=f"a{chance.randrange(2**40)}", version="4.8.0"
        )
        self.nodes = nodes
        self.chance = chance
        self.client = chance.randrange(1, 2**31)
        self.clock = 1
        self.in_doubt = False
        self.replaced = False
        self._clocks: dict[int, int] = {}
        self._coming = asyncio.Lock()

    # ---- what it does

    async def run(self, done: asyncio.Event, leaves: float | None) -> None:
        """Be in the document until `done`, or until it leaves for good after so many seconds."""
        loop = asyncio.get_running_loop()
        end = None if leaves is None else loop.time() + leaves
        while not done.is_set():
            if self.replaced or (end is not None and loop.time() > end):
                await self.leave()
                return
            if self.here:
                self.act()
            else:
                await self.come()
            # Slower in the end, so that a schedule with long faults is not a long document.
            await asyncio.sleep(self.chance.uniform(0.01, 0.06) * (1 + len(self.typed) // 40))

    @property
    def here(self) -> bool:
        return self.connected and self.synced and not self.closes

    async def come(self) -> bool:
        """Try once to connect to one of the nodes."""
        async with self._coming:
            await self.abort()
            self.server = self.chance.choice(self.nodes)
            self.closes.clear()
            self.denied.clear()
            self.presence.clear()
            try:
                await self.connect()
            except (Refused, OSError):
                return False
            await self.until(lambda: self.synced or self.closes or self.denied or not self.connected, "an answer", 40)
            if self.here:
                self.announce((self.client, self.clock, self.state))
            return self.here

    async def stay(self, within: float) -> None:
        """Be connected, whatever it takes."""
        await until(self._there, f"{self!r} to be connected", within)

    async def _there(self) -> bool:
        return self.here or await self.come()

    async def leave(self) -> None:
        """Close the page, or lose the line for good."""
        self.replaced = True
        if self.here and self.chance.random() < 0.5:
            self.announce((self.client, self.clock + 1, "null"))
        await self.abort()

    def act(self) -> None:
        kind = self.chance.random()
        if kind < 0.5:
            self._type(self._mark())
        elif kind < 0.7:
            self._type(self.chance.choice(NOISES))
        elif kind < 0.8 and (found := [(m.start(), m.end()) for m in NOISE.finditer(self.content)]):
            start, end = self.chance.choice(found)
            first = self._offset(start)
            del self.text[first : self._offset(end)]
        else:
            self.renew()

    def renew(self) -> None:
        """Say again that it is here; stock clients do so every 15 s."""
        self.clock += 1
        if self.here:
            self.announce((self.client, self.clock, self.state))

    @property
    def state(self) -> str:
        return f'{{"at":{self.clock}}}'

    def _mark(self) -> str:
        mark = f"<{self.author}.{len(self.typed)}>"
        self.typed.add(mark.encode())
        return mark

    def _type(self, text: str) -> None:
        """Anywhere but inside a mark."""
        places = [0, *(match.end() for match in re.finditer(r"<[0-9a-z]+\.[0-9]+>|[^<]", self.content))]
        self.insert(text, self._offset(self.chance.choice(places)))

    def _offset(self, characters: int) -> int:
        """pycrdt counts bytes."""
        return len(self.content[:characters].encode())

    # ---- what it hears

    def doubt(self) -> None:
        self.in_doubt = True
        self._on_the_way = [frozenset() for _ in self._on_the_way]

    async def begin_anew(self) -> None:
        """Its rights are what they were: from the next connection on, acknowledgements count."""
        async with self._coming:
            await self.abort()
            self.in_doubt = False

    def send_content(self, update: bytes, kind: int = 2) -> None:
        super().send_content(update, kind)
        if self.in_doubt:
            self._on_the_way[-1] = frozenset()

    def _hear_of(self, client: int, clock: int, state: str) -> None:
        known = self._clocks.get(client, 0)
        removed = clock == known and state == "null" and client in self.presence
        if client == self.client or (clock <= known and not removed):
            return
        self._clocks[client] = clock
        if state == "null":
            self.presence.pop(client, None)
        else:
            self.presence[client] = (clock, state)

    @property
    def others(self) -> frozenset[int]:
        return frozenset(self.presence)

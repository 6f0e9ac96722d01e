"""Faults of a cluster: what breaks, when, for how long, and how it is mended. A seed decides all of it."""

import asyncio
import random
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from tests.cluster.crowd import Typist
from tests.cluster.wired import Node, Wired
from tests.people import Person
from tests.realtime.team import Team


@dataclass(frozen=True, slots=True)
class Scene:
    """Where the faults of a schedule happen. `ed`: the person whose rights change."""

    seed: int
    cluster: Wired
    team: Team
    ed: Person
    people: Sequence[Typist]
    changing: asyncio.Lock

    def chance(self, what: str) -> random.Random:
        """Dice of their own for each purpose, so that none depends on when the others are thrown."""
        return random.Random(f"{self.seed} {what}")


@asynccontextmanager
async def bus_lossy(scene: Scene, node: Node) -> AsyncIterator[None]:
    node.to_redis.chance = scene.chance(f"bus {node.number}")
    yield
    node.to_redis.chance = None


@asynccontextmanager
async def bus_blinks(scene: Scene, node: Node) -> AsyncIterator[None]:
    node.to_redis.cut()
    yield
    node.to_redis.cut()


@asynccontextmanager
async def bus_torn(scene: Scene, node: Node) -> AsyncIterator[None]:
    node.to_redis.tear()
    yield
    node.to_redis.mend()


@asynccontextmanager
async def bus_held(scene: Scene, node: Node) -> AsyncIterator[None]:
    node.to_redis.hold()
    yield
    node.to_redis.let_go()


@asynccontextmanager
async def redis_killed(scene: Scene, node: Node) -> AsyncIterator[None]:
    async with scene.cluster.redis_unharmed:
        scene.cluster.redis.kill()
        yield
        await scene.cluster.redis.start()


@asynccontextmanager
async def redis_paused(scene: Scene, node: Node) -> AsyncIterator[None]:
    async with scene.cluster.redis_unharmed:
        scene.cluster.redis.signal(signal.SIGSTOP)
        yield
        scene.cluster.redis.signal(signal.SIGCONT)


@asynccontextmanager
async def database_blinks(scene: Scene, node: Node) -> AsyncIterator[None]:
    node.to_postgres.cut()
    yield
    node.to_postgres.cut()


@asynccontextmanager
async def database_torn(scene: Scene, node: Node) -> AsyncIterator[None]:
    async with node.unharmed:
        node.to_postgres.tear()
        yield
        node.to_postgres.mend()


@asynccontextmanager
async def database_held(scene: Scene, node: Node) -> AsyncIterator[None]:
    async with node.unharmed:
        node.to_postgres.hold()
        yield
        node.to_postgres.let_go()


@asynccontextmanager
async def node_killed(scene: Scene, node: Node) -> AsyncIterator[None]:
    async with node.unharmed:
        # Some do not come back: nobody tells the other nodes that they have left.
        chance = scene.chance(f"who leaves node {node.number}")
        for typist in scene.people:
            if chance.random() < 0.4 and typist.server is node and typist.here:
                typist.replaced = True
        await node.kill()
        yield
        await node.start()


@asynccontextmanager
async def node_paused(scene: Scene, node: Node) -> AsyncIterator[None]:
    async with node.unharmed:
        node.process.send_signal(signal.SIGSTOP)
        yield
        node.process.send_signal(signal.SIGCONT)


@asynccontextmanager
async def editor_demoted(scene: Scene, node: Node) -> AsyncIterator[None]:
    async with _rights_in_flux(scene):
        await scene.team.set_member(scene.ed, "role = 'viewer'")
        yield
        await scene.team.set_member(scene.ed, "role = 'editor'")


@asynccontextmanager
async def editor_removed(scene: Scene, node: Node) -> AsyncIterator[None]:
    async with _rights_in_flux(scene):
        await scene.team.remove(scene.ed)
        yield
        await scene.team.join(scene.ed, "editor")


@asynccontextmanager
async def _rights_in_flux(scene: Scene) -> AsyncIterator[None]:
    async with scene.changing:
        own = [typist for typist in scene.people if typist.token == scene.ed.token]
        for typist in own:
            typist.doubt()
        yield
        await asyncio.gather(*(typist.begin_anew() for typist in own))


@asynccontextmanager
async def document_deleted(scene: Scene, node: Node) -> AsyncIterator[None]:
    async with scene.changing:
        await scene.team.set_document("deleted_at = now()")
        yield
        await scene.team.set_document("deleted_at = NULL")


Harm = Callable[[Scene, Node], AbstractAsyncContextManager[None]]
HARMS: tuple[Harm, ...] = (
    bus_lossy,
    bus_blinks,
    bus_torn,
    bus_held,
    redis_killed,
    redis_paused,
    database_blinks,
    database_torn,
    database_held,
    node_killed,
    node_paused,
    editor_demoted,
    editor_removed,
    document_deleted,
)


@dataclass(frozen=True, slots=True)
class Fault:
    """`at`: seconds from the schedule's start; `node`: an index, where the fault is a node's."""

    harm: Harm
    at: float
    seconds: float
    node: int

    def __str__(self) -> str:
        return f"{self.harm.__name__}({self.node}) at {self.at:.1f} s for {self.seconds:.1f} s"

    async def happen(self, scene: Scene) -> None:
        await asyncio.sleep(self.at)
        async with self.harm(scene, scene.cluster.nodes[self.node]):
            await asyncio.sleep(self.seconds)


def drawn(chance: random.Random, nodes: Sequence[int]) -> list[Fault]:
    """The faults of a schedule: two to four, of different kinds; in every second one the bus is lossy all the time."""
    faults = []
    for harm in chance.sample(HARMS[1:], chance.randint(2, 4)):
        # Presence of a node that is paused for long is given up by the others, and comes back.
        long = harm is node_paused and chance.random() < 0.2
        seconds = chance.uniform(12, 20) if long else chance.uniform(0.2, 2.5)
        faults.append(Fault(harm, chance.uniform(0.1, 2.0), seconds, chance.choice(nodes)))
    if chance.random() < 0.5:
        last = max(fault.at + fault.seconds for fault in faults)
        faults += [Fault(bus_lossy, 0.0, last, node) for node in nodes]
    return faults
